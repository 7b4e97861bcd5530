"""Errors of megabytes, with control characters in them: whole in the run log and in JSON, readable on a screen."""

from __future__ import annotations

import pytest

from odibi_core import run_project
from odibi_core.errors import RunFailed

MESSAGE = "\x1b[31mrow 7\x1b[0m: a\0b\x1b[2J \U0001f600\n" + "x é " * 1_000_000 + "the end"
STEPS = """
    def fails():
        raise ValueError("\\x1b[31mrow 7\\x1b[0m: a\\0b\\x1b[2J \\U0001f600\\n" + "x é " * 1_000_000 + "the end")
"""


@pytest.fixture
def failing(make_project):
    return make_project([{"transformation_id": "t1", "function": "fails"}], files={"steps.py": STEPS})


@pytest.mark.parametrize("question", ["run", "retry", "failed", "runs show"])
def test_a_screen_gets_the_beginning_and_nothing_that_moves_its_cursor(odibi, failing, question):
    if question != "run":
        run_project(failing, raise_on_failure=False)

    answer = odibi(*question.split(), cwd=failing)

    assert r"ValueError: row 7: a\x00b\x1b[2J" in answer.stdout
    assert "more characters)" in answer.stdout
    assert len(answer.stdout) + len(answer.stderr) < 20_000
    assert "\x1b" not in answer.stdout + answer.stderr
    assert "\0" not in answer.stdout + answer.stderr


def test_json_and_the_run_log_have_all_of_it(odibi, failing):
    result = odibi("run", "--json", cwd=failing).json

    (failed,) = odibi("failed", "--json", cwd=failing).json
    (shown,) = odibi("runs", "show", "--json", cwd=failing).json["transformations"]

    error = f"ValueError: {MESSAGE} (steps.py:3)"
    assert result["transformations"][0]["error"] == failed["error_message"] == shown["error"] == error


def test_the_error_that_is_raised_and_the_result_as_text_are_short(failing):
    with pytest.raises(RunFailed) as caught:
        run_project(failing)

    result = caught.value.result
    for text in (str(caught.value), str(result), result._repr_html_()):
        assert "row 7" in text
        assert len(text) < 10_000
    assert MESSAGE in result.transformations[0].error
