"""What functions of a project log while a command runs: readable, with their run, and without secrets."""

from __future__ import annotations

import json

import pytest

STEPS = """
    import logging

    from rows_engine import Rows

    def talks(df):
        logging.getLogger("steps").info("not shown")
        logging.getLogger("steps").warning("lost %s", "postgresql://etl:s3cret@db/dw")
        assert logging.root.handlers == []
        return Rows(df)
"""


@pytest.fixture
def talking(make_project):
    row = {"transformation_id": "t1", "function": "talks", "inputs": ["in.json"], "outputs": ["silver.t1"]}
    return make_project([row], files={"steps.py": STEPS, "in.json": '[{"n": 1}]'})


def test_lines_of_functions_name_their_run_and_show_no_secret(call, talking):
    answer = call("run", "--json", cwd=talking)

    run_id = answer.json["run_id"]
    assert answer.code == 0
    assert answer.stderr == (f"lost postgresql://etl:***@db/dw run_id={run_id} project=Shop transformation_id=t1\n")


def test_lines_of_functions_are_json_where_that_is_asked_for(call, talking):
    answer = call("run", "--json", cwd=talking, ODIBI_LOG_FORMAT="json")

    (line,) = [json.loads(line) for line in answer.stderr.splitlines()]
    line.pop("timestamp")
    assert line == {
        "level": "warning",
        "logger": "steps",
        "event": "lost postgresql://etl:***@db/dw",
        "run_id": answer.json["run_id"],
        "project": "Shop",
        "transformation_id": "t1",
    }


def test_verbose_puts_level_and_logger_before_them(call, talking):
    answer = call("run", "-v", cwd=talking)

    lines = answer.stderr.splitlines()
    assert any(line.startswith("WARNING steps: lost postgresql://etl:***@db/dw run_id=2") for line in lines)
    assert any(line.startswith("INFO odibi.running: run started run_id=2") for line in lines)
