"""What the kernel promises about engines: their names, where they are chosen, and what happens without one."""

from __future__ import annotations

import json
import subprocess
import sys
import types

import pytest

from odibi_core import Engine, HookManager, plan_project, run_project
from odibi_core.errors import EngineNotFoundError, PluginLoadError, ValidationFailed
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import EngineSpec, ReaderSpec, SaverSpec, hookimpl

STEPS = """
    from rows_engine import Rows

    def told(df, context):
        return Rows([{"engine": context.engine.value, "is_rows": context.engine == "rows"}])
"""
FILES = {"steps.py": STEPS, "landing/in.json": "[]"}


def row(id_, *, layer="Silver", **constants):
    return {
        "transformation_id": id_,
        "layer": layer,
        "function": "told",
        "inputs": ["landing/in.json"],
        "outputs": [f"silver.{id_}"],
        "constants": constants,
    }


def told(root, id_):
    return json.loads((root / f"data/silver/{id_}.json").read_text(encoding="utf-8"))


@pytest.fixture
def manager_with(rows_engine):
    """The engine ``rows`` and others, which are `rows` by another name; with what they require."""

    def make(*others, requires=()):
        @hookimpl
        def odibi_register_engines():
            for name in others:
                yield EngineSpec(name=name, factory="rows_engine:RowsEngine", requires=requires)

        @hookimpl
        def odibi_register_readers():
            for name in others:
                yield ReaderSpec(engine=name, format="json", factory="rows_engine:JsonReader")

        @hookimpl
        def odibi_register_savers():
            for name in others:
                yield SaverSpec(engine=name, format="json", factory="rows_engine:JsonSaver", modes=("overwrite",))

        plugin = types.ModuleType("others")
        plugin.odibi_register_engines = odibi_register_engines
        plugin.odibi_register_readers = odibi_register_readers
        plugin.odibi_register_savers = odibi_register_savers
        manager = PluginManager(PluginSettings(discover=False))
        manager.register(rows_engine, name="rows-engine")
        manager.register(plugin, name="others")
        return manager.freeze()

    return make


def test_a03_new_project_runs_on_pandas_where_there_is_no_pyspark(tmp_path):
    """A-03: in a process that can import neither pyspark nor delta."""
    code = (
        "import sys\n"
        "sys.modules['pyspark'] = sys.modules['delta'] = None\n"
        "from odibi_core import initialize_project, run_project\n"
        "initialize_project('Fresh', 'analytics')\n"
        "print(run_project('Fresh', 'qat', engine='pandas').status)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.stdout, done.returncode) == ("SUCCESS\n", 0), done.stderr


@pytest.mark.parametrize(
    "spelling", [" Rows2", "ROWS2", Engine("rows2"), types.SimpleNamespace(value="rows2")], ids=repr
)
def test_a04_engine_may_be_spelled_in_any_case_or_be_an_engine(make_project, manager, spelling):
    """A-04: also the member of v2's enum, which is known by its value."""
    root = make_project([row("t")], files=FILES)

    run_project(root, engine=spelling, manager=manager)

    assert told(root, "t") == [{"engine": "rows2", "is_rows": False}]


@pytest.mark.parametrize(
    ("asked_for", "manifest", "constants", "error"),
    [
        pytest.param({"engine": "rowss"}, {}, {}, EngineNotFoundError, id="argument"),
        pytest.param({}, {"default_engine": "rowss"}, {}, EngineNotFoundError, id="manifest"),
        pytest.param({}, {}, {"engine": "rowss"}, ValidationFailed, id="row"),
        pytest.param(
            {}, {"layers": {"Silver": {"default_engine": "rowss"}}}, {}, ValidationFailed, id="layer of the manifest"
        ),
    ],
)
def test_a04_unknown_engine_is_refused_with_what_is_installed(
    make_project, manager, asked_for, manifest, constants, error
):
    """A-04, D-20: v2 ran on pandas whatever was misspelt."""
    root = make_project([row("t", **constants)], manifest=manifest, files=FILES)

    with pytest.raises(error) as caught:
        run_project(root, manager=manager, **asked_for)

    assert "Engine 'rowss' not found. Installed: rows, rows2. Did you mean 'rows" in str(caught.value)
    assert not (root / ".odibi").exists()


def test_a05_one_row_runs_on_its_own_engine_beside_others_of_its_layer(make_project, manager):
    """A-05, U-10, U-11."""
    root = make_project([row("a"), row("b", engine="rows2"), row("c")], files=FILES)

    result = run_project(root, manager=manager)

    assert [one.engine for one in result.transformations] == ["rows", "rows2", "rows"]
    assert [told(root, id_)[0]["engine"] for id_ in "abc"] == ["rows", "rows2", "rows"]


WHO_SAYS = ("row", "argument", "layer", "manifest", "fallback")


@pytest.mark.parametrize(
    ("higher", "lower"),
    [(high, low) for place, high in enumerate(WHO_SAYS) for low in WHO_SAYS[place + 1 :]],
    ids=lambda who: who,
)
def test_a06_precedence_of_every_pair(make_project, manager_with, higher, lower):
    """A-06: row, argument, layer, manifest, and spark where nobody says anything."""
    says = {higher: "rows", lower: "rows2"}
    layers = {"Silver": {"default_engine": says["layer"]}} if "layer" in says else {}
    root = make_project(
        [row("t", **({"engine": says["row"]} if "row" in says else {}))],
        manifest={"default_engine": says.get("manifest"), "layers": layers},
        files=FILES,
    )

    plan = plan_project(root, engine=says.get("argument"), manager=manager_with("spark"))

    assert plan.transformations[0].engine == "rows"


def test_a06_nobody_says_anything_and_there_are_several(make_project, manager_with):
    """A-06."""
    root = make_project([row("t")], manifest={"default_engine": None}, files=FILES)

    plan = plan_project(root, manager=manager_with("spark"))

    assert (plan.transformations[0].engine, plan.engine_why) == ("spark", "nothing else was said")


def test_a06_spark_need_not_be_installed_where_rows_and_layers_say_all(make_project, manager):
    """A-06."""
    root = make_project(
        [row("a", engine="rows2"), row("b", layer="Gold")],
        manifest={"default_engine": None, "layers": {"Gold": {"default_engine": "rows"}}},
        files=FILES,
    )

    result = run_project(root, manager=manager)

    assert [one.engine for one in result.transformations] == ["rows2", "rows"]
    assert result.engine == "rows2"


def test_a07_engine_of_a_layer_is_for_that_layer_only(make_project, manager):
    """A-07."""
    root = make_project(
        [row("s"), row("g", layer="Gold")], manifest={"layers": {"Gold": {"default_engine": "rows2"}}}, files=FILES
    )

    plan = plan_project(root, manager=manager)

    assert [(one.layer, one.engine, one.engine_why) for one in plan] == [
        ("Silver", "rows", "default_engine of the manifest"),
        ("Gold", "rows2", "default_engine of layer Gold"),
    ]


def test_a08_spark_without_its_plugin_stops_the_run_before_any_layer(make_project, manager):
    """A-08."""
    root = make_project([row("t")], files=FILES)
    hooks, seen = HookManager(), []
    hooks.register("orchestrator_run_start", seen.append)

    with pytest.raises(EngineNotFoundError) as caught:
        run_project(root, engine="spark", hooks=hooks, manager=manager)

    assert "Engine 'spark' not found. Installed: rows, rows2." in str(caught.value)
    assert "pip install odibi-engine-spark" in str(caught.value)
    assert seen == []
    assert not (root / "data").exists()


def test_a08_spark_plugin_without_pyspark_stops_the_run_before_any_layer(make_project, manager_with):
    """A-08: also if only a row of the last layer needs it."""
    root = make_project([row("t"), row("last", layer="Gold", engine="spark")], files=FILES)

    with pytest.raises(PluginLoadError, match=r"(?s)'spark'.*no-such-spark>=4.*pip install"):
        run_project(root, manager=manager_with("spark", requires=("no-such-spark>=4",)))

    assert not (root / "data").exists()
