"""`retry_failed`: exactly what failed in the last run, from a notebook."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from odibi_core import run_project
from odibi_core.errors import ConfigError, RunFailed, RunLogError, SelectionError
from odibi_core.runlog import Journal, layout, new_run_id
from odibi_core.running import retry_failed

STEPS = """
    from pathlib import Path

    from rows_engine import Rows

    def good(df):
        return Rows(df)

    def sometimes(df):
        if not Path(__file__).with_name("repaired").exists():
            raise ValueError("boom")
        return {"first": Rows(df), "second": Rows(df)}
"""
APPENDS = [{"table": f"silver.{name}", "mode": "append"} for name in ("first", "second")]


def row(id_, function, inputs=("landing/in.json",), outputs=None):
    outputs = [f"silver.{id_}"] if outputs is None else outputs
    return {"transformation_id": id_, "function": function, "inputs": list(inputs), "outputs": outputs}


@pytest.fixture
def root(make_project):
    rows = [row("fails", "sometimes", outputs=APPENDS), row("waits", "good", ["silver.first"]), row("works", "good")]
    return make_project(rows, files={"steps.py": STEPS, "landing/in.json": '[{"n": 1}]'})


def test_only_what_failed_runs(root, manager, journals):
    failed = run_project(root, manager=manager, raise_on_failure=False)
    (root / "repaired").touch()

    result = retry_failed(root, manager=manager)

    assert {one.transformation_id: one.status for one in result.transformations} == {"fails": "SUCCESS"}
    assert result.transformations[0].reason == f"runs: failed in run {failed.run_id}"
    assert journals(root)[1].header["resumes"] == failed.run_id


def test_what_was_appended_before_the_failure_is_not_appended_again(root, manager, rows_engine, monkeypatch):
    (root / "repaired").touch()
    save = rows_engine.JsonSaver.save

    def full(self, frame, dataset):
        if dataset.name == "silver.second":
            raise OSError("no space left")
        return save(self, frame, dataset)

    with monkeypatch.context() as patched:
        patched.setattr(rows_engine.JsonSaver, "save", full)
        run_project(root, manager=manager, raise_on_failure=False)

    retry_failed(root, manager=manager)

    for name in ("first", "second"):
        assert json.loads((root / f"data/silver/{name}.json").read_text()) == [{"n": 1}]


def test_failing_again_raises_with_the_result_unless_told_otherwise(root, manager):
    run_project(root, manager=manager, raise_on_failure=False)

    with pytest.raises(RunFailed, match="fails: ValueError: boom") as caught:
        retry_failed(root, manager=manager)

    assert caught.value.result.count("FAILED") == 1
    assert retry_failed(root, manager=manager, raise_on_failure=False).status == "FAILED"


def test_without_a_failure_there_is_no_run(root, manager, journals):
    (root / "repaired").touch()
    last = run_project(root, manager=manager)

    result = retry_failed(root, manager=manager)

    assert (result.status, result.run_id, len(result.transformations)) == ("SUCCESS", "", 0)
    assert result.warnings == (
        f"Nothing to retry: nothing failed in the last run of Shop in qat, {last.run_id} (SUCCESS).",
    )
    assert len(journals(root)) == 1


def test_run_log_that_cannot_be_read_is_not_taken_for_one_without_failures(root, manager):
    run_project(root, manager=manager, raise_on_failure=False)
    for path in root.glob(".odibi/runs/*.jsonl"):
        path.write_text("damaged\nand more\n")

    with pytest.raises(RunLogError, match="damaged at byte 0"):
        retry_failed(root, manager=manager)


def test_what_was_put_right_is_not_run_again_after_a_clock_was_set_back(root, manager, monkeypatch):
    """The run that failed while the clock was fast must not be taken for the newest: it would be appended again."""

    class FastClock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(hours=1)

    with monkeypatch.context() as clock:
        clock.setattr(layout, "datetime", FastClock)
        run_project(root, manager=manager, raise_on_failure=False)
    (root / "repaired").touch()
    repaired = retry_failed(root, manager=manager)

    again = retry_failed(root, manager=manager)

    assert repaired.status == "SUCCESS"
    assert again.transformations == ()
    assert repaired.run_id in again.warnings[0]
    assert json.loads((root / "data/silver/first.json").read_text()) == [{"n": 1}]


def test_run_that_still_goes_on_is_waited_for(root, manager):
    living = Journal.create(
        root / ".odibi", run_id=new_run_id(), project="Shop", env="qat", engine="rows", layers=[], plugins={}
    )

    with pytest.raises(ConfigError, match="is still going on"):
        retry_failed(root, manager=manager)
    living.close("ABORTED", duration_seconds=0.0)


def test_unknown_environment_is_an_error(root, manager):
    with pytest.raises(SelectionError, match="Environment 'prd' is not one of project 'Shop'"):
        retry_failed(root, "prd", manager=manager)
