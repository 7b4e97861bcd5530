"""Two runs of one project and environment at once are refused; a dead holder's lease is taken over."""

from __future__ import annotations

import io
import json
import signal

import pytest

from odibi_core import HookManager, run_project
from odibi_core.errors import LeaseLostError, RunFailed, RunInProgressError
from odibi_core.running import plan_project

STEPS = """
    import sys
    from pathlib import Path
    from rows_engine import Rows

    def good(df):
        return Rows(df)

    def bad(df):
        raise ValueError("boom")

    def wait(df):
        print("waiting", flush=True)
        sys.stdin.readline()
        return Rows(df)

    def lose_lease(df=None):
        for path in Path(__file__).parent.glob(".odibi/leases/*.json"):
            path.unlink()
        return df

    def legacy(constants):
        Path(constants["path"]).touch()
"""
FILES = {"steps.py": STEPS, "landing/in.json": '[{"n": 1}]'}


def row(id_, function, inputs=("landing/in.json",), outputs=None, **more):
    outputs = [f"silver.{id_}"] if outputs is None else outputs
    return {"transformation_id": id_, "function": function, "inputs": list(inputs), "outputs": outputs, **more}


@pytest.fixture
def waiting(make_project, start_run, wait_for_line):
    """A project, and a run of it in another process that waits in its only transformation."""

    def start(**arguments):
        root = make_project([row("t", "wait")], files=FILES)
        process = start_run(root, **arguments)
        wait_for_line(process, "waiting")
        return root, process

    return start


def test_second_run_is_refused_and_leaves_no_trace(waiting, manager, end_of, journals):
    root, process = waiting()

    with pytest.raises(RunInProgressError) as refused:
        run_project(root, manager=manager)

    (running,) = journals(root)
    assert refused.value.run_id == running.header["run_id"]
    assert f"process {process.pid} on" in str(refused.value)
    assert end_of(process, "\n") == {"status": "SUCCESS"}
    assert len(journals(root)) == 1


def test_second_run_from_a_callback_of_the_first_is_refused(make_project, manager):
    root = make_project([row("t", "good")], files=FILES)
    hooks, refused = HookManager(), []

    @hooks.on("transform_start")
    def run_again(payload):
        with pytest.raises(RunInProgressError):
            run_project(root, manager=manager)
        refused.append(payload["run_id"])

    result = run_project(root, manager=manager, hooks=hooks)

    assert refused == [result.run_id]


def test_environments_run_at_once(waiting, manager, start_run, wait_for_line, end_of):
    root, process = waiting()

    other = start_run(root, env="prod")
    wait_for_line(other, "waiting")

    assert end_of(other, "\n") == end_of(process, "\n") == {"status": "SUCCESS"}


def test_planning_needs_no_lease_and_takes_none(waiting, make_project, manager, end_of):
    root, process = waiting()

    assert run_project(root, manager=manager, dry_run=True).status == "PLANNED"
    assert len(plan_project(root, manager=manager)) == 1

    assert end_of(process, "\n") == {"status": "SUCCESS"}


def test_tokens_grow_from_run_to_run_and_are_in_the_journal(make_project, manager, journals):
    root = make_project([row("t", "good")], files=FILES)

    for _ in range(3):
        run_project(root, manager=manager)

    assert [journal.header["lease_token"] for journal in journals(root)] == [1, 2, 3]


def test_failed_run_gives_its_lease_back(make_project, manager):
    root = make_project([row("t", "bad")], files=FILES)

    for _ in range(2):
        with pytest.raises(RunFailed):
            run_project(root, manager=manager)


def test_run_that_could_not_begin_gives_its_lease_back(make_project, rows_engine, manager, monkeypatch):
    root = make_project([row("t", "good")], files=FILES)

    def broken(config):
        raise OSError("no such cluster")

    with monkeypatch.context() as patched:
        patched.setattr(rows_engine.RowsEngine, "__init__", lambda self, config: broken(config))
        with pytest.raises(OSError, match="no such cluster"):
            run_project(root, manager=manager)

    assert run_project(root, manager=manager).status == "SUCCESS"


def test_killed_run_is_closed_and_its_lease_taken_over_at_once(waiting, manager, monkeypatch, journals):
    root, process = waiting()
    process.kill()
    process.wait(30)
    monkeypatch.setattr("sys.stdin", io.StringIO())

    assert run_project(root, manager=manager).status == "SUCCESS"

    killed, after = journals(root)
    assert killed.end["status"] == "ABORTED"
    assert (killed.header["lease_token"], after.header["lease_token"]) == (1, 2)


def test_paused_run_whose_lease_was_taken_over_saves_nothing_when_it_wakes_up(
    waiting, preludes, manager, no_locks, monkeypatch, end_of, journals
):
    """On a filesystem without locks, from another container, a paused process looks like a dead one."""
    root, process = waiting(prelude=preludes.another_container)
    process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    (root / "landing/in.json").write_text('[{"n": "new"}]')
    assert run_project(root, manager=manager).status == "SUCCESS"
    before = journals(root)

    process.send_signal(signal.SIGCONT)
    said = end_of(process, "\n")

    assert said["raised"] == "LeaseLostError"
    assert f"run {before[1].header['run_id']} (token 2)" in said["message"]
    assert json.loads((root / "data/silver/t.json").read_text()) == [{"n": "new"}]
    assert journals(root) == before
    assert before[0].end["status"] == "ABORTED"
    assert run_project(root, manager=manager).status == "SUCCESS"


def test_run_that_loses_its_lease_starts_nothing_more(make_project, manager, journals):
    touched = "touched"
    root = make_project(
        [
            row("loses", "lose_lease", outputs=[]),
            row("managed", "good", step=2),
            row("legacy", "legacy", inputs=(), outputs=["silver.x"], step=3, constants={"path": touched}),
        ],
        files=FILES,
    )
    make_project(
        [
            row("loses", "lose_lease", inputs=(), outputs=[]),
            row("managed", "good", step=2),
            row("v2", "legacy", outputs=["silver.x"], step=2, constants={"path": str(root / touched)}),
        ],
        files=FILES,
    )

    with pytest.raises(LeaseLostError, match="cannot be read"):
        run_project(root, manager=manager)

    (journal,) = journals(root)
    statuses = {record["transformation_id"]: record["status"] for record in journal.records}
    assert statuses.pop("loses") == "SUCCESS"
    assert set(statuses.values()) == {"ABORTED"}
    assert journal.end["status"] == "ABORTED"
    assert "has lost its lease" in journal.end["error"]
    assert not (root / "data").exists()
    assert not (root / touched).exists()


def test_lease_lost_at_the_very_end_is_no_success(make_project, manager, journals):
    root = make_project([row("t", "lose_lease", inputs=(), outputs=[])], files=FILES)

    with pytest.raises(LeaseLostError):
        run_project(root, manager=manager, raise_on_failure=False)

    assert journals(root)[0].end["status"] == "ABORTED"
