"""make_plan: what is decided and why, and every bad input with its message."""

from __future__ import annotations

import importlib
import sys

import pytest

from odibi_core import plan_project
from odibi_core.errors import EngineNotFoundError, SelectionError, ValidationFailed
from odibi_core.loading import import_project_module, project_imports

STEPS = """
    def good(df):
        return df

    def two(left, right):
        return left

    def v2(inputs, outputs, env):
        pass
"""
FILES = {"steps.py": STEPS}


def row(id_, inputs, outputs, *, function="good", **more):
    return {"transformation_id": id_, "function": function, "inputs": inputs, "outputs": outputs, **more}


def by_id(plan):
    return {one.transformation_id: one for one in plan}


def problems_of(root, manager, **more):
    with pytest.raises(ValidationFailed) as caught:
        plan_project(root, manager=manager, **more)
    return caught.value.problems


def test_plan_orders_by_layer_step_and_row_and_says_why(make_project, manager):
    root = make_project(
        [
            row("report", ["silver.b"], ["gold.c"], layer="Gold"),
            row("late", ["in.json"], ["silver.b"], step=2, depends_on=["early"]),
            row("early", ["in.json"], ["silver.a"]),
        ],
        files=FILES,
    )

    plan = plan_project(root, manager=manager)

    assert [one.transformation_id for one in plan] == ["early", "late", "report"]
    told = plan.to_dict()["transformations"]
    assert told[1]["depends_on"] == {"early": "depends_on"}
    assert told[2]["depends_on"] == {"late": "reads silver.b"}
    assert told[0]["engine_why"] == "default_engine of the manifest"
    assert told[0]["function_why"] == "attribute of steps"


def test_code_that_was_edited_after_its_import_is_named(make_project, manager):
    root = make_project([row("t", ["in.json"], ["silver.a"])], files=FILES | {"unused.py": ""})
    (root / "in.json").write_text("[]")
    assert plan_project(root, manager=manager).warnings == ()

    (root / "unused.py").write_text("edited = True")
    (root / "steps.py").write_text("def good(df):\n    return 'edited'\n")

    (warning,) = plan_project(root, manager=manager).warnings
    assert warning.startswith("steps.py was edited or removed after this process imported it")

    with project_imports(root):
        importlib.reload(sys.modules["steps"])
    assert plan_project(root, manager=manager).warnings == ()


def test_code_that_this_process_no_longer_has_is_not_named(make_project, manager):
    root = make_project([row("t", ["in.json"], ["silver.a"])], files=FILES | {"old.py": ""})
    (root / "in.json").write_text("[]")
    import_project_module("old", root)
    del sys.modules["old"]
    (root / "old.py").unlink()

    assert plan_project(root, manager=manager).warnings == ()


def test_a_misspelt_constant_is_named(make_project, manager):
    steps = "def good(df, *, smallest=1):\n    return df\n"
    root = make_project(
        [row("t", ["in.json"], ["silver.a"], constants={"smalest": 3, "owner": "ops"})], files={"steps.py": steps}
    )
    (root / "in.json").write_text("[]")

    (warning,) = plan_project(root, manager=manager).warnings
    assert warning == "t: constant 'smalest' is not a parameter of good. Did you mean 'smallest'?"


def test_table_means_a_file_of_the_warehouse(make_project, manager):
    root = make_project([row("t", ["bronze.x"], ["silver.y"])], files=FILES)

    planned = plan_project(root, manager=manager).transformations[0]

    assert planned.inputs[0].dataset.location == str(root / "data/bronze/x.json")
    assert planned.outputs[0].dataset.location == str(root / "data/silver/y.json")


def test_delta_table_is_a_folder(make_project, manager):
    root = make_project(
        [row("t", ["bronze.x"], ["silver.y"], function="v2")],
        manifest={"warehouse": {"path": "lake", "format": "delta"}},
        files=FILES,
    )

    planned = plan_project(root, manager=manager).transformations[0]

    assert planned.outputs[0].dataset.location == str(root / "lake/silver/y")


CATALOG_NAMES = {
    "one part": ("orders", None, "orders"),
    "two parts": ("silver.orders", None, "silver.orders"),
    "three parts": ("main.silver.orders", None, "main.silver.orders"),
    "one part in a catalog": ("orders", "main", "main.orders"),
    "two parts in a catalog": ("silver.orders", "main", "main.silver.orders"),
    "another catalog": ("dev.silver.orders", "main", "dev.silver.orders"),
}


@pytest.mark.parametrize(("name", "catalog", "location"), CATALOG_NAMES.values(), ids=CATALOG_NAMES)
def test_table_of_a_catalog_is_its_name(make_project, manager, name, catalog, location):
    """A-40: three-part names."""
    written = name if catalog else {"table": name, "format": "catalog"}
    manifest = {"warehouse": {"catalog": catalog}} if catalog else {}
    root = make_project([row("t", [written], ["landing/y.json"], function="v2")], manifest=manifest, files=FILES)

    dataset = plan_project(root, manager=manager).transformations[0].inputs[0].dataset

    assert (dataset.kind, dataset.format, dataset.location) == ("table", "catalog", location)


def test_table_of_a_catalog_is_one_dataset_whichever_way_it_is_named(make_project, manager):
    root = make_project(
        [
            row("second", ["main.silver.a"], ["silver.b"], function="v2"),
            row("first", ["bronze.x"], ["silver.a"], function="v2"),
        ],
        manifest={"warehouse": {"catalog": "main"}},
        files=FILES,
    )

    told = plan_project(root, manager=manager).to_dict()["transformations"]
    assert {one["transformation_id"]: one["depends_on"] for one in told} == {
        "first": {},
        "second": {"first": "reads main.silver.a"},
    }


def test_table_with_a_format_is_in_the_folder_though_the_project_has_a_catalog(make_project, manager):
    root = make_project(
        [row("t", [{"table": "bronze.x", "format": "json"}], ["silver.y"], function="v2")],
        manifest={"warehouse": {"catalog": "main"}},
        files=FILES,
    )

    dataset = plan_project(root, manager=manager).transformations[0].inputs[0].dataset

    assert dataset.location == str(root / "data/bronze/x.json")


BAD_CATALOGS = {
    "four parts": (["a.b.c.d"], {"catalog": "main"}, "table name 'a.b.c.d' has 4 parts; in a catalog it is"),
    "connection": (
        [{"table": "a", "format": "catalog", "connection": "erp"}],
        {"path": "data"},
        "table 'a' is in a catalog, which its engine knows; leave out 'connection'.",
    ),
    "folder and catalog": (["a"], {"catalog": "main", "path": "lake"}, "in a folder (path, format) or in a catalog"),
    "empty": (["a"], {"catalog": ""}, "warehouse.catalog"),
}


@pytest.mark.parametrize(("inputs", "warehouse", "message"), BAD_CATALOGS.values(), ids=BAD_CATALOGS)
def test_bad_catalog_says_what_is_wrong(make_project, manager, inputs, warehouse, message):
    rows = [row("t", inputs, ["landing/y.json"])]
    root = make_project(rows, manifest={"warehouse": warehouse}, files=FILES)

    assert message in "\n".join(map(str, problems_of(root, manager)))


ENGINES = {
    "row over argument": ("rows", "rows2", None, None, "rows"),
    "row over layer": ("rows", None, "rows2", None, "rows"),
    "row over manifest": ("rows", None, None, "rows2", "rows"),
    "argument over layer": (None, "rows", "rows2", None, "rows"),
    "argument over manifest": (None, "rows", None, "rows2", "rows"),
    "layer over manifest": (None, None, "rows", "rows2", "rows"),
    "manifest": (None, None, None, "rows2", "rows2"),
}


@pytest.mark.parametrize(("in_row", "argument", "in_layer", "in_manifest", "expected"), ENGINES.values(), ids=ENGINES)
def test_engine_precedence(make_project, manager, in_row, argument, in_layer, in_manifest, expected):
    layer = {"name": "Silver", "description": "", **({"default_engine": in_layer} if in_layer else {})}
    root = make_project(
        [row("t", ["in.json"], ["silver.x"], constants={"engine": in_row} if in_row else {})],
        manifest={"default_engine": in_manifest or "rows2", "layers": {"Silver": layer}},
        files=FILES,
    )

    assert plan_project(root, manager=manager, engine=argument).transformations[0].engine == expected


def test_only_installed_engine_is_taken_when_nobody_says(make_project, rows_engine, monkeypatch):
    from odibi_core.loading import PluginManager, PluginSettings
    from odibi_core.plugin import EngineSpec, hookimpl

    @hookimpl
    def odibi_register_engines():
        yield EngineSpec(name="rows", factory="rows_engine:RowsEngine")

    monkeypatch.setattr(rows_engine, "odibi_register_engines", odibi_register_engines)
    monkeypatch.setattr(rows_engine, "ENGINES", ("rows",))
    manager = PluginManager(PluginSettings(discover=False))
    manager.register(rows_engine, name="rows-engine")
    root = make_project([row("t", ["in.json"], ["silver.x"])], manifest={"default_engine": None}, files=FILES)

    plan = plan_project(root, manager=manager.freeze())

    assert (plan.engine, plan.engine_why) == ("rows", "the only installed engine")


def test_several_engines_and_nobody_says_means_spark_as_in_v2(make_project, manager):
    root = make_project([row("t", ["in.json"], ["silver.x"])], manifest={"default_engine": None}, files=FILES)

    with pytest.raises(EngineNotFoundError, match=r"'spark'.*rows, rows2.*odibi-engine-spark"):
        plan_project(root, manager=manager)


def test_without_any_engine_the_message_says_what_to_install(make_project):
    from odibi_core.loading import PluginManager, PluginSettings

    root = make_project([row("t", ["in.json"], ["silver.x"])], files=FILES)
    manager = PluginManager(PluginSettings(discover=False)).freeze()

    with pytest.raises(EngineNotFoundError, match=r"pip install odibi-engine-pandas"):
        plan_project(root, manager=manager)


def test_target_layers_match_without_regard_to_case(make_project, manager):
    root = make_project(
        [row("a", ["in.json"], ["silver.a"]), row("b", ["silver.a"], ["gold.b"], layer="Gold")], files=FILES
    )

    plan = plan_project(root, manager=manager, target_layers=["GOLD"])

    assert [one.transformation_id for one in plan] == ["b"]
    assert plan.transformations[0].dependencies == ()


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        pytest.param(
            {"target_layers": ["Silvr"]}, "Layer 'Silvr' .* Bronze, Silver, Gold. Did you mean 'Silver'", id="layer"
        ),
        pytest.param({"env": "qta"}, "Environment 'qta' .* qat, prod. Did you mean 'qat'", id="environment"),
        pytest.param({"selected": ["tt"]}, "No transformation 'tt' .* There are: t", id="id"),
    ],
)
def test_unknown_choice_lists_what_there_is(make_project, manager, request_, message):
    root = make_project([row("t", ["in.json"], ["silver.x"])], files=FILES)

    with pytest.raises(SelectionError, match=message):
        plan_project(root, manager=manager, **request_)


BAD = {
    "unknown engine in a row": (
        [row("t", ["in.json"], ["silver.x"], constants={"engine": "rosw"})],
        "Engine 'rosw' not found. Installed: rows, rows2. Did you mean 'rows'?",
    ),
    "function that does not exist": (
        [row("t", ["in.json"], ["silver.x"], function="godo")],
        "'godo'",
    ),
    "module that does not exist": (
        [row("t", ["in.json"], ["silver.x"], module="stesp")],
        "stesp",
    ),
    "too few inputs": ([row("t", ["in.json"], ["silver.x"], function="two")], "right"),
    "too many inputs": ([row("t", ["in.json", "other.json"], ["silver.x"])], "steps"),
    "two writers": (
        [row("a", ["in.json"], ["silver.x"]), row("b", ["in.json"], ["silver.x"])],
        "transformation 'b': writes 'silver.x', which 'a' writes too",
    ),
    "table and path of the same file": (
        [row("a", ["in.json"], ["silver.x"]), row("b", ["in.json"], ["data/silver/x.json"])],
        "which 'a' writes too",
    ),
    "names that differ by case": (
        [row("a", ["in.json"], ["silver.X"]), row("b", ["silver.x"], ["silver.y"])],
        "also written with other capitals",
    ),
    "cycle": (
        [
            row("a", ["silver.c"], ["silver.a"]),
            row("b", ["silver.a"], ["silver.b"]),
            row("c", ["silver.b"], ["silver.c"]),
        ],
        "is part of a cycle: a -> b -> c -> a",
    ),
    "self-dependency": ([row("a", ["silver.a"], ["silver.a"])], "is part of a cycle: a -> a"),
    "earlier layer reads from a later one": (
        [row("a", ["gold.x"], ["silver.a"]), row("b", ["in.json"], ["gold.x"], layer="Gold")],
        "transformation 'a': reads 'gold.x' of 'b', which belongs to the later layer Gold",
    ),
    "earlier step reads from a later one": (
        [row("a", ["silver.b"], ["silver.a"], step=1), row("b", ["in.json"], ["silver.b"], step=2)],
        "which belongs to the later step 2; this is step 1",
    ),
    "depends_on of nobody": (
        [row("a", ["in.json"], ["silver.a"]), row("b", ["in.json"], ["silver.b"], depends_on=["aa"])],
        "depends_on names 'aa', which does not exist. Did you mean 'a'?",
    ),
    "depends_on of a disabled row": (
        [row("a", ["in.json"], ["silver.a"], enabled=False), row("b", ["in.json"], ["silver.b"], depends_on=["a"])],
        "which is disabled",
    ),
    "output outside the project": (
        [row("a", ["in.json"], ["../out.json"])],
        "'../out.json' would leave the project's folder",
    ),
    "absolute output": ([row("a", ["in.json"], ["/etc/out.json"])], "would leave the project's folder"),
    "output in the run log": ([row("a", ["in.json"], [".odibi/out.json"])], "where the run log lives"),
    "table name with dots only": ([row("a", ["in.json"], ["silver..x"])], "table name 'silver..x'"),
    "table name with a blank part": ([row("a", ["in.json"], ["silver. "])], "table name 'silver. '"),
    "unknown key of an output": (
        [row("a", ["in.json"], [{"table": "silver.x", "mdoe": "append"}])],
        "unknown key 'mdoe' in output 'silver.x'. Did you mean 'mode'?",
    ),
    "unknown mode": (
        [row("a", ["in.json"], [{"table": "silver.x", "mode": "apend"}])],
        "mode 'apend'; known are overwrite, append, error, ignore, merge. Did you mean 'append'?",
    ),
    "mode that the saver lacks": (
        [row("a", ["in.json"], [{"table": "silver.x", "mode": "merge"}])],
        "the saver for json on rows knows append, error, overwrite",
    ),
    "partitions that the saver lacks": (
        [row("a", ["in.json"], [{"table": "silver.x", "partitionBy": ["y"]}])],
        "'partition_by', which the saver for json on rows does not support",
    ),
    "format without a reader": ([row("a", ["in.parquet"], ["silver.x"])], "parquet"),
    "file of no known format": ([row("a", ["folder/in"], ["silver.x"])], "cannot tell the format of input 'folder/in'"),
    "table and path at once": (
        [row("a", [{"table": "x.y", "path": "in.json"}], ["silver.x"])],
        "names table and path; it needs exactly one",
    ),
    "unknown connection": (
        [row("a", [{"path": "in.json", "connection": "lake"}], ["silver.x"])],
        "'lake'",
    ),
    "query without sql": ([row("a", [{"type": "query"}], ["silver.x"])], "is a query without 'sql'"),
}


@pytest.mark.parametrize(("rows", "message"), BAD.values(), ids=BAD)
def test_bad_row_is_a_problem_with_file_and_line(make_project, manager, rows, message):
    root = make_project(rows, files=FILES)

    problems = problems_of(root, manager)

    found = [problem for problem in problems if message in str(problem)]
    assert found, [str(problem) for problem in problems]
    assert found[0].file.endswith("transformations.json")
    assert found[0].line >= 1


def test_all_problems_are_reported_at_once(make_project, manager):
    root = make_project(
        [
            row("a", ["in.json"], ["../a.json"]),
            row("b", ["in.json"], ["silver.b"], function="nobody"),
            row("c", ["in.json"], ["silver.c"], constants={"engine": "duck"}),
        ],
        files=FILES,
    )

    told = "\n".join(str(problem) for problem in problems_of(root, manager))

    assert all(f"'{id_}'" in told for id_ in "abc")


def test_module_of_the_manifest_that_cannot_be_imported_is_a_problem(make_project, manager):
    root = make_project(
        [row("a", ["in.json"], ["silver.a"])],
        manifest={"transformation_modules": ["broken"]},
        files={**FILES, "broken.py": "raise RuntimeError('at import')"},
    )

    (problem,) = problems_of(root, manager)

    assert (
        "module 'broken' (transformation_modules of the manifest) cannot be imported: RuntimeError: at import"
        in problem.message
    )


def test_connection_of_its_own_may_lie_outside_the_project(make_project, manager, tmp_path):
    root = make_project(
        [row("a", ["in.json"], [{"path": "out.json", "connection": "elsewhere"}])],
        manifest={"connections": {"elsewhere": {"type": "local", "path": str(tmp_path / "elsewhere")}}},
        files=FILES,
    )

    planned = plan_project(root, manager=manager).transformations[0]

    assert planned.outputs[0].dataset.location == str(tmp_path / "elsewhere/out.json")


def test_planning_has_no_side_effect_on_disk_and_starts_no_engine(make_project, manager):
    root = make_project([row("a", ["in.json"], ["silver.a"])], files=FILES)
    before = sorted(root.rglob("*"))

    plan_project(root, manager=manager)

    assert [path for path in sorted(root.rglob("*")) if "__pycache__" not in str(path)] == before
