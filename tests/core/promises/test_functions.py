"""What the kernel promises about functions: where they are found, when they are imported, what looking one up takes."""

from __future__ import annotations

import json
import sys
import threading
import types

import pytest

from odibi_core import REGISTRY, HookManager, plan_project, run_project
from odibi_core.events import Dispatcher
from odibi_core.functions import FunctionRegistry
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import FunctionsSpec, LayerStart, hookimpl

SOURCE = {"landing/in.json": '[{"n": 1}]'}
VARIANTS = """
    from odibi_core import odibi_function
    from rows_engine import Rows

    @odibi_function("rows", name="clean")
    def for_rows(df):
        return Rows(["rows"])

    @odibi_function("rows2", name="clean")
    def for_rows2(df):
        return Rows(["rows2"])

    @odibi_function("rows2")
    def both(df):
        return Rows(["rows2"])

    @odibi_function("any")
    def both(df):
        return Rows(["any"])
"""


@pytest.fixture(autouse=True)
def registry():
    """The process-wide registry, empty, and afterwards what it was."""
    before = REGISTRY._table
    REGISTRY.clear()
    yield REGISTRY
    REGISTRY._table = before


def row(id_, module, function, **constants):
    return {
        "transformation_id": id_,
        "module": module,
        "function": function,
        "inputs": ["landing/in.json"],
        "outputs": [f"silver.{id_}"],
        "constants": constants,
    }


def told(root, id_):
    return json.loads((root / f"data/silver/{id_}.json").read_text(encoding="utf-8"))


def test_a16_registered_function_of_another_module_is_never_run(make_project, manager):
    """A-16, D-16: v2 ran whatever was registered under the name."""
    other = "from odibi_core import odibi_function\n\n@odibi_function('rows')\ndef clean(df):\n    raise SystemExit\n"
    mine = "from rows_engine import Rows\n\ndef clean(df):\n    return Rows(['mine'])\n"
    root = make_project(
        [row("t", "mine", "clean")],
        manifest={"transformation_modules": ["other"]},
        files={"other.py": other, "mine.py": mine, **SOURCE},
    )

    run_project(root, manager=manager)

    assert told(root, "t") == ["mine"]


@pytest.mark.parametrize(
    ("function", "engine", "expected"),
    [
        ("clean", "rows", "rows"),
        ("clean", "rows2", "rows2"),
        ("both", "rows", "any"),
        ("both", "rows2", "rows2"),
        ("for_rows2", "rows2", "rows2"),
    ],
)
def test_a17_first_run_takes_the_variant_of_the_rows_engine_at_the_first_attempt(
    make_project, manager, function, engine, expected
):
    """A-17, D-17: for a name that is defined twice, and for an alias."""
    root = make_project([row("t", "steps", function, engine=engine)], files={"steps.py": VARIANTS, **SOURCE})

    result = run_project(root, manager=manager)

    assert told(root, "t") == [expected]
    assert result.transformations[0].attempts == 1


def test_a21_modules_of_the_manifest_and_of_plugins_are_imported_before_the_plan(
    make_project, rows_engine, registry, tmp_path, monkeypatch
):
    """A-21, D-29: also modules that no row names."""
    (tmp_path / "acme_functions.py").write_text(
        "from odibi_core import odibi_function\n\n@odibi_function('any')\ndef scale(df):\n    return df\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    @hookimpl
    def odibi_register_functions():
        yield FunctionsSpec(name="acme_functions")

    plugin = types.ModuleType("acme")
    plugin.odibi_register_functions = odibi_register_functions
    manager = PluginManager(PluginSettings(discover=False))
    manager.register(rows_engine, name="rows-engine")
    manager.register(plugin, name="acme")
    root = make_project(manifest={"transformation_modules": ["steps"]}, files={"steps.py": VARIANTS})
    assert registry.get_all() == []

    plan_project(root, manager=manager.freeze())

    assert registry.get_all() == [
        ("both", "any"),
        ("both", "rows2"),
        ("clean", "rows"),
        ("clean", "rows2"),
        ("scale", "any"),
    ]
    sys.modules.pop("acme_functions")


def test_a22_64_threads_register_resolve_list_and_emit_at_once_and_lose_nothing():
    """A-22, A-31."""
    registry, hooks = FunctionRegistry.isolated(), HookManager()
    start, heard, missed = threading.Barrier(64, timeout=60), [[] for _ in range(64)], []
    hooks.declare("tick", "thread")

    def work(number):
        start.wait()
        for count in range(20):
            name = f"f{number}_{count}"
            registry.register(name, "any", lambda: None, module=f"m{number % 7}")
            hooks.register("tick", heard[number].append, {"thread": number})
            hooks.emit("tick", {"thread": number, "count": count})
            if registry.resolve(f"m{number % 7}", name, "rows") is None or (name, "any") not in registry.get_all():
                missed.append(name)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert missed == []
    assert len(registry.get_all()) == 64 * 20
    assert len(hooks.list_hooks()["tick"]) == 64 * 20
    # In its round n a thread has n callbacks, so each of its events is heard n times, and by nobody else.
    assert [[event["count"] for event in those] for those in heard] == [
        [count for count in range(20) for _ in range(count + 1)]
    ] * 64


def calls_of(work):
    """Return how many functions, of Python and of C, a piece of work calls."""
    count = 0

    def note(_frame, event, _argument):
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_a23_looking_a_function_up_and_an_event_without_listeners_take_a_handful_of_calls():
    """A-23: however many are registered; the seconds are in benchmarks/dispatch.py."""
    registry, dispatcher = FunctionRegistry.isolated(), Dispatcher(hooks=HookManager())
    for number in range(2_000):
        registry.register(f"f{number}", "any", sorted, module=f"m{number % 20}")

    def emit():
        if dispatcher.listens("layer_start"):
            dispatcher.dispatch(LayerStart(run_id="r", project="P", env="qat", engine="rows", layer="Silver"))

    assert calls_of(lambda: registry.resolve("m7", "f7", "rows")) < 12
    assert calls_of(emit) < 6
