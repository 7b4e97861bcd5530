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
