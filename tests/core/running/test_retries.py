"""Retries, timeouts and fail_fast, with a function that fails as often as it is told."""

from __future__ import annotations

import json
import threading

import pytest

from odibi_core import HookManager, run_project
from odibi_core.errors import ConfigError, ValidationFailed
from odibi_core.runlog import read_journal

STEPS = """
    import json
    import threading
    from pathlib import Path

    from odibi_core import TransientError
    from rows_engine import Rows

    release = threading.Event()

    def count_up(path):
        calls = json.loads(Path(path).read_text()) if Path(path).exists() else 0
        Path(path).write_text(json.dumps(calls + 1))
        return calls + 1

    def flaky(df, *, calls, fails, error="TransientError"):
        if count_up(calls) <= fails:
            kinds = {"TransientError": TransientError, "ConnectionError": ConnectionError, "ValueError": ValueError,
                     "KeyError": KeyError, "TimeoutError": TimeoutError, "OSError": OSError}
            raise kinds[error]("not yet")
        return Rows(df)

    def legacy(constants):
        if count_up(constants["calls"]) <= constants["fails"]:
            raise TransientError("not yet")

    def stuck(df, *, calls):
        count_up(calls)
        release.wait(30)
        return Rows(df)
"""
QUICK = {"delay": 0, "jitter": 0}


@pytest.fixture
def run(make_project, manager, tmp_path):
    """Run one transformation and return its result, its records and how often its function was called."""

    def run(
        function="flaky", *, fails=0, retry=None, timeout=None, manifest=None, outputs=None, hooks=None, **constants
    ):
        calls = tmp_path / "calls.json"
        given = {"calls": str(calls), **constants}
        if function != "stuck":
            given["fails"] = fails
        given["retry"] = {**QUICK, **(retry or {})}
        if timeout:
            given["timeout"] = timeout
        row = {
            "transformation_id": "t",
            "function": function,
            "inputs": ["landing/in.json"],
            "outputs": ["silver.x"] if outputs is None else outputs,
            "constants": given,
        }
        root = make_project(
            [row], manifest=manifest, functions={"steps.py": STEPS}, files={"landing/in.json": '[{"n": 1}]'}
        )
        result = run_project(root, manager=manager, raise_on_failure=False, hooks=hooks)
        journal = root / ".odibi" / "runs" / f"{result.run_id}.jsonl"
        records = [(one["status"], one["attempt"]) for one in read_journal(journal).records]
        return result, records, json.loads(calls.read_text()), root

    return run


@pytest.mark.parametrize("error", ["TransientError", "ConnectionError", "TimeoutError"])
def test_transient_error_is_tried_again_and_each_attempt_is_a_record(run, error):
    """A-59, A-60."""
    result, records, calls, _ = run(fails=2, error=error)

    assert result.status == "SUCCESS"
    assert result.transformations[0].attempts == calls == 3
    assert records == [("RUNNING", 1), ("RETRY", 1), ("RUNNING", 2), ("RETRY", 2), ("RUNNING", 3), ("SUCCESS", 3)]


@pytest.mark.parametrize("error", ["ValueError", "KeyError", "OSError"])
def test_other_errors_fail_at_once(run, error):
    """A-59."""
    result, records, calls, _ = run(fails=1, error=error)

    assert result.status == "FAILED"
    assert calls == 1
    assert records == [("RUNNING", 1), ("FAILED", 1)]


def test_attempts_run_out(run):
    """A-59."""
    result, records, calls, _ = run(fails=9, retry={"attempts": 2})

    assert result.transformations[0].error.startswith("TransientError: not yet (steps.py:")
    assert calls == result.transformations[0].attempts == 2
    assert records[-1] == ("FAILED", 2)


def test_errors_may_be_declared_transient_by_name(run):
    """A-59."""
    result, *_ = run(fails=1, error="OSError", retry={"errors": ["OSError"]})

    assert result.status == "SUCCESS"


def test_row_overrides_layer_overrides_manifest_key_by_key(make_project, manager):
    """A-59."""
    row = {"transformation_id": "t", "function": "legacy", "constants": {"retry": {"delay": 7}}}
    root = make_project(
        [row],
        manifest={"retry": {"attempts": 9, "delay": 1, "backoff": 3}, "layers": {"Silver": {"retry": {"attempts": 4}}}},
        functions={"steps.py": STEPS},
    )
    from odibi_core import plan_project

    rules = plan_project(root, manager=manager).transformations[0].rules

    assert (rules.attempts, rules.delay, rules.backoff) == (4, 7, 3)


@pytest.mark.parametrize(
    ("retry", "message"),
    [
        ({"atempts": 2}, "atempts"),
        ({"attempts": 0}, "attempts"),
        ({"delay": -1}, "delay"),
    ],
)
def test_senseless_retry_of_a_row_is_a_problem_of_the_plan(run, retry, message):
    with pytest.raises(ValidationFailed, match=message):
        run(retry=retry)


def test_unknown_class_of_errors_is_said_before_anything_runs(run, tmp_path):
    with pytest.raises(ConfigError, match=r"retry.errors names 'OSErorr', which cannot be found"):
        run(retry={"errors": ["OSErorr"]})

    assert not (tmp_path / "calls.json").exists()


def test_v2_function_is_tried_again_as_a_whole(run):
    result, _, calls, _ = run("legacy", fails=1, outputs=[])

    assert (result.status, calls) == ("SUCCESS", 2)


def test_retry_event_says_attempt_pause_and_error(run):
    """A-27."""
    hooks, seen = HookManager(), []
    hooks.register("transform_retry", seen.append, {"layer": "silver"})
    errors = []
    hooks.register("on_error", errors.append)

    run(fails=1, hooks=hooks)

    assert [(one["attempt"], one["max_retries"], one["error"][:23]) for one in seen] == [
        (1, 2, "TransientError: not yet")
    ]
    assert [one["stage"] for one in errors] == ["transform"]


def test_hook_that_raises_after_success_does_not_run_it_again(run):
    """A-30, A-60."""
    hooks = HookManager()

    @hooks.on("transform_success")
    def down(payload):
        raise ConnectionError("observer cannot reach its server")

    result, _, calls, _ = run(hooks=hooks)

    assert (result.status, calls, len(result.accidents)) == ("SUCCESS", 1, 1)


def test_save_that_failed_is_tried_again_without_calling_the_function_again(run, rows_engine, monkeypatch):
    """A-60: with two appends, the first saved and the second cut off, nothing is appended twice."""
    save, failures = rows_engine.JsonSaver.save, [ConnectionError("cut off")]

    def flaky_save(self, frame, dataset):
        if dataset.name == "silver.second" and failures:
            raise failures.pop()
        return save(self, frame, dataset)

    monkeypatch.setattr(rows_engine.JsonSaver, "save", flaky_save)
    outputs = [{"table": f"silver.{name}", "mode": "append"} for name in ("first", "second")]
    steps = (
        STEPS
        + "\n    def split(df, *, calls, fails):\n        count_up(calls)\n        return {'first': Rows(df), 'second': Rows(df)}\n"
    )
    monkeypatch.setitem(globals(), "STEPS", steps)

    result, records, calls, root = run("split", outputs=outputs)

    assert result.status == "SUCCESS"
    assert calls == 1
    assert records[-1] == ("SUCCESS", 2)
    assert result.transformations[0].rows_written == 2
    for name in ("first", "second"):
        assert json.loads((root / f"data/silver/{name}.json").read_text()) == [{"n": 1}]


def test_timeout_fails_the_transformation_and_keeps_it_from_saving(run):
    result, records, calls, root = run("stuck", timeout=0.05)

    import sys

    sys.modules["steps"].release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("transformation 't'"):
            thread.join(20)

    assert "took longer than its timeout of 0.05 s" in result.transformations[0].error
    assert records == [("RUNNING", 1), ("FAILED", 1)]
    assert calls == 1
    assert not (root / "data").exists()


def test_timeout_that_is_not_reached_changes_nothing(run):
    result, *_ = run(timeout=60)

    assert result.status == "SUCCESS"


def test_fail_fast_starts_nothing_more(make_project, manager):
    rows = [
        {"transformation_id": name, "function": function, "inputs": ["landing/in.json"], "outputs": [], "step": step}
        for name, function, step in [("a", "bad", 1), ("b", "fine", 1)]
    ]
    functions = {"steps.py": "def bad(df):\n    raise ValueError('x')\n\ndef fine(df):\n    return None\n"}
    root = make_project(rows, functions=functions, files={"landing/in.json": "[]"})

    result = run_project(root, manager=manager, raise_on_failure=False, fail_fast=True, max_workers=1)

    assert [one.status for one in result.transformations] == ["FAILED", "SKIPPED"]
    assert result.transformations[1].error == "skipped: fail_fast, and 'a' failed"
