"""What the kernel promises about running one transformation: arguments, frames, retries, and rows that are wrong."""

from __future__ import annotations

import json

import pytest

from odibi_core import plan_project, run_project
from odibi_core.errors import ValidationFailed

STORE = {"config_store": {"type": "table"}, "environments": ["qat"]}

STEPS = """
    from rows_engine import Rows

    def good(df, constants=None):
        return Rows(df)

    def named(inputs, constants, outputs, env):
        assert (inputs, constants, outputs, env) == ([], {}, [], "qat")

    def everything(**kwargs):
        assert kwargs == {"inputs": [], "constants": {}, "outputs": [], "env": "qat", "spark": "session"}

    def defaults(spark=None, env="", **kwargs):
        assert (spark, env, sorted(kwargs)) == ("session", "qat", ["constants", "inputs", "outputs"])

    def as_dictionary(df, constants=None):
        return Rows([*df, constants])

    def as_keywords(df, **constants):
        return Rows([*df, constants])
"""
FILES = {"steps.py": STEPS, "landing/in.json": '[{"n": 1}]'}


def cells(id_, **more):
    """Return a row as a table has it, with JSON as text."""
    return {
        "transformation_id": id_,
        "layer": "Silver",
        "module": "steps",
        "function": "good",
        "inputs": '["landing/in.json"]',
        "outputs": f'["silver.{id_}"]',
        **more,
    }


def by_id(result):
    return {one.transformation_id: (one.status, one.error) for one in result.transformations}


def own_row(id_, function, **more):
    return {"transformation_id": id_, "function": function, **more}


@pytest.mark.parametrize("function", ["named", "everything", "defaults"])
def test_a57_v2_function_gets_its_arguments_also_if_they_are_empty(make_project, manager, function):
    """A-57, D-18, U-12: v2 left out what was empty."""
    root = make_project([own_row("t", function)], files=FILES)

    run_project(root, manager=manager, auth_provider=lambda **_: {"spark": "session"})


@pytest.mark.parametrize("engine", ["rows", "rows2"])
@pytest.mark.parametrize("function", ["as_dictionary", "as_keywords"])
def test_a58_kernel_reads_the_inputs_and_saves_what_is_returned(make_project, manager, function, engine):
    """A-58, D-19: on any engine; v2 passed no frame and threw away what came back."""
    constants = {"scale": 2, "unit": "kWh"}
    row = own_row("t", function, inputs=["landing/in.json"], outputs=["silver.t"], constants=constants)
    root = make_project([row], files=FILES)

    result = run_project(root, engine=engine, manager=manager)

    saved = json.loads((root / "data/silver/t.json").read_text(encoding="utf-8"))
    assert saved == [{"n": 1}, constants]
    assert [(one.rows_read, one.rows_written) for one in result.transformations] == [(1, 2)]


def test_a58_functions_of_tutorial_01_run_on_pandas_as_they_are_written(make_project):
    """A-58: frames come from CSV and go to tables, in one layer by step."""
    pandas = pytest.importorskip("pandas")
    functions = """
        import pandas as pd

        def clean_sales(df, constants=None):
            df = df.drop_duplicates()
            return df[df["amount"] >= constants["min_amount"]]

        def add_total(df, **constants):
            return df.assign(total=df["amount"] * (1 + constants["tax"]))

        def by_region(df):
            return df.groupby("region", as_index=False)["total"].sum()
    """
    root = make_project(
        [
            own_row(
                "clean",
                "clean_sales",
                inputs=["landing/sales.csv"],
                outputs=[{"table": "silver.clean"}],
                constants={"min_amount": 10},
            ),
            own_row(
                "total",
                "add_total",
                inputs=["silver.clean"],
                outputs=["silver.total"],
                constants={"tax": 0.5},
                step=2,
            ),
            own_row("region", "by_region", inputs=["silver.total"], outputs=["gold.region"], layer="Gold"),
        ],
        manifest={"default_engine": "pandas", "warehouse": {"format": "parquet"}},
        files={"steps.py": functions, "landing/sales.csv": "region,amount\nN,10\nN,10\nS,20\nS,30\nS,5\n"},
    )

    result = run_project(root, "qat")

    assert [(one.rows_read, one.rows_written) for one in result.transformations] == [(5, 3), (3, 3), (3, 2)]
    frame = pandas.read_parquet(root / "data/gold/region.parquet")
    assert frame.to_dict("records") == [{"region": "N", "total": 15.0}, {"region": "S", "total": 75.0}]


def test_a62_config_store_that_cannot_be_read_stops_the_run(make_project, manager_with_rows):
    """A-62, D-22: v2 took another table and said that this one was not there."""

    class Broken:
        def __iter__(self):
            raise PermissionError("login failed for user 'etl'")

    manager = manager_with_rows(ingestion=Broken())
    root = make_project(manifest=STORE, files=FILES)

    with pytest.raises(ValidationFailed, match="ingestion rows of 'qat' cannot be read: PermissionError: login failed"):
        run_project(root, manager=manager)

    assert not (root / ".odibi").exists()


@pytest.mark.parametrize("name", ["O'Brien", "x' OR '1'='1", 'say "hi"; DROP TABLE runs --'])
def test_a63_project_may_have_quotes_in_its_name_and_they_match_nothing_else(make_project, manager_with_rows, name):
    """A-63, D-31: rows, run log and index; the row of another project is not run."""
    from odibi_core.runlog import RunIndex

    manager = manager_with_rows(cells("mine", project=name), cells("other", project="Other"))
    root = make_project(manifest=STORE, files=FILES, name=name)

    result = run_project(root, manager=manager)

    assert by_id(result) == {"mine": ("SUCCESS", None)}
    index = RunIndex(root / ".odibi")
    assert [run.run_id for run in index.runs(project=name)] == [result.run_id]
    assert [list(index.runs(project=other)) for other in ("Other", "' OR '1'='1")] == [[], []]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        pytest.param(
            {"inputs": "[1"}, "'inputs' is not valid JSON: expecting ',' delimiter at character 3.", id="JSON"
        ),
        pytest.param({"constants": "[1]"}, "'constants' must be a mapping, but is a list.", id="type"),
    ],
)
def test_a61_bad_json_of_a_stored_row_fails_that_row_and_what_reads_from_it(
    make_project, manager_with_rows, bad, message
):
    """A-61; D-23: v2 ran the row as if the cell were empty."""
    manager = manager_with_rows(cells("bad", **bad), cells("follows", inputs='["silver.bad"]'), cells("good"))
    root = make_project(manifest=STORE, files=FILES)

    result = run_project(root, manager=manager, raise_on_failure=False)

    assert by_id(result) == {
        "bad": ("FAILED", f"ConfigError: The row cannot be used: {message} (config_store 'table')"),
        "follows": ("SKIPPED", "skipped: 'bad' failed"),
        "good": ("SUCCESS", None),
    }
    assert [(error["transformation_id"], result.transformations[0].attempts) for error in result.errors] == [("bad", 1)]
    assert not (root / "data/silver/bad.json").exists()


def test_a61_plan_warns_of_a_stored_row_that_will_fail(make_project, manager_with_rows):
    """A-61."""
    manager = manager_with_rows(cells("bad", inputs="["), cells("good"))

    plan = plan_project(make_project(manifest=STORE, files=FILES), manager=manager)

    assert plan.warnings == (
        "bad will fail: The row cannot be used: 'inputs' is not valid JSON: expecting value at character 2.",
    )


def test_a61_disabled_row_with_bad_json_is_nobodys_trouble(make_project, manager_with_rows):
    """A-61."""
    manager = manager_with_rows(cells("bad", inputs="[", enabled=0), cells("good"))

    result = run_project(make_project(manifest=STORE, files=FILES), manager=manager)

    assert by_id(result) == {"good": ("SUCCESS", None)}


def test_a61_bad_json_in_a_file_is_told_before_anything_runs(make_project, manager):
    """A-61: what is wrong with a file is all told at once, with its lines."""
    root = make_project(files=FILES)
    rows = [cells("bad", inputs="[1"), cells("worse", constants="[1]"), cells("good")]
    (root / "config/transformations.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")

    with pytest.raises(ValidationFailed) as caught:
        run_project(root, manager=manager)

    assert [problem.line for problem in caught.value.problems] == [7, 17]
    assert not (root / "data").exists()
