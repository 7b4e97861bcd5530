"""Closing the journals of killed runs, and leaving those of living ones alone."""

import os
import socket
import subprocess
import sys

import pytest

from odibi_core.errors import RunLogError
from odibi_core.runlog import close_dead_runs, read_journal
from odibi_core.runlog.liveness import is_abandoned, process_mark, process_runs


def test_a_killed_run_is_closed_as_aborted(state_dir, killed_run):
    journal = killed_run("r1", "t1:RUNNING", "t1:SUCCESS", "t2:RUNNING", "t3:RUNNING", "t3:RETRY")
    assert close_dead_runs(state_dir) == ("r1",)
    reading = read_journal(journal)
    added = [(record["seq"], record["transformation_id"], record["status"]) for record in reading.records[5:]]
    assert added == [(6, "t2", "ABORTED"), (7, "t3", "ABORTED")]
    assert reading.end["status"] == "ABORTED"
    assert reading.end["records"] == 7
    assert reading.end["closed_by"]["pid"] == os.getpid()


def test_an_aborted_record_says_what_is_known_and_makes_nothing_up(state_dir, killed_run):
    journal = killed_run("r1", "t1:RUNNING")
    close_dead_runs(state_dir)
    reading = read_journal(journal)
    running, aborted = reading.records
    assert (aborted["end_time"], aborted["duration_seconds"]) == (None, None)
    assert aborted["start_time"] == running["start_time"]
    assert f"process {reading.header['pid']} on {socket.gethostname()}" in aborted["error_message"]
    assert aborted["plugin_versions"] == running["plugin_versions"]


def test_closing_again_finds_nothing_to_do(state_dir, killed_run):
    journal = killed_run("r1", "t1:RUNNING")
    close_dead_runs(state_dir)
    content = journal.read_bytes()
    assert close_dead_runs(state_dir) == ()
    assert journal.read_bytes() == content


def test_a_torn_last_line_is_cut_off_first(state_dir, killed_run):
    journal = killed_run("r1", "t1:RUNNING")
    with journal.open("ab") as file:
        file.write(b'{"type":"record","seq":2,"transf')
    close_dead_runs(state_dir)
    assert [record["status"] for record in read_journal(journal).records] == ["RUNNING", "ABORTED"]


def test_a_recovery_that_was_itself_cut_off_is_completed(state_dir, killed_run):
    journal = killed_run("r1", "t1:RUNNING", "t2:RUNNING")
    close_dead_runs(state_dir)
    complete = read_journal(journal)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:4]) + lines[4][:50])
    journal.with_suffix(".open").touch()
    assert close_dead_runs(state_dir) == ("r1",)
    again = read_journal(journal)
    assert [r["transformation_id"] for r in again.records] == [r["transformation_id"] for r in complete.records]
    assert again.end["records"] == 4


def test_a_living_run_is_left_alone(state_dir, start_run, add, run_script):
    journal = start_run("alive")
    add(journal)
    content = journal.path.read_bytes()
    code = "import sys, pathlib; from odibi_core.runlog import close_dead_runs; print(close_dead_runs(pathlib.Path(sys.argv[1])))"
    assert run_script(code, state_dir).stdout == "()\n"
    assert close_dead_runs(state_dir) == ()
    assert journal.path.read_bytes() == content
    assert add(journal) == 2


def test_a_run_closed_in_order_leaves_nothing_to_look_at(state_dir, start_run):
    journal = start_run("r1")
    marker = journal.path.with_suffix(".open")
    assert marker.exists()
    journal.close("SUCCESS", duration_seconds=0.0)
    assert not marker.exists()
    assert close_dead_runs(state_dir) == ()


RACER = """
import sys, pathlib
from odibi_core.runlog import close_dead_runs
sys.stdin.read()
print(len(close_dead_runs(pathlib.Path(sys.argv[1]))))
"""


def test_of_several_processes_at_once_exactly_one_closes_each_run(state_dir, killed_run):
    journals = [killed_run(f"r{number}", "t1:RUNNING") for number in range(5)]
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, state_dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for racer in racers:
        racer.stdin.close()
    counts = []
    for racer in racers:
        counts.append(int(racer.stdout.read()))
        racer.stdout.close()
        assert racer.wait(30) == 0
    # Whoever finds a run locked by another one leaves it to that one.
    assert sum(counts) == 5
    for journal in journals:
        assert [record["status"] for record in read_journal(journal).records] == ["RUNNING", "ABORTED"]


def test_a_status_query_is_not_taken_for_a_living_run(state_dir, killed_run, monkeypatch):
    """A query holds the lock for some microseconds; then the second look finds it free."""
    fcntl = pytest.importorskip("fcntl")
    with killed_run("r1", "t1:RUNNING").open("rb") as query:
        fcntl.flock(query.fileno(), fcntl.LOCK_SH)
        monkeypatch.setattr("odibi_core.runlog.recovery.sleep", lambda _: fcntl.flock(query.fileno(), fcntl.LOCK_UN))
        assert close_dead_runs(state_dir) == ("r1",)


def test_a_damaged_journal_does_not_keep_the_others_open(state_dir, killed_run):
    damaged = killed_run("r1", "t1:RUNNING")
    good = killed_run("r2", "t1:RUNNING")
    content = damaged.read_bytes()
    damaged.write_bytes(b"garbage\n" + content)
    with pytest.raises(RunLogError, match="damaged"):
        close_dead_runs(state_dir)
    assert read_journal(good).end["status"] == "ABORTED"
    assert damaged.read_bytes() == b"garbage\n" + content


def test_a_run_that_is_just_beginning_is_left_alone(state_dir, killed_run):
    killed_run("r1")
    beginning = state_dir / "runs" / "r2.jsonl"
    beginning.touch()
    beginning.with_suffix(".open").touch()
    (state_dir / "runs" / "r3.open").touch()
    assert close_dead_runs(state_dir) == ("r1",)
    assert beginning.read_bytes() == b""


def test_without_locks_a_living_process_is_known_by_its_start_time(state_dir, start_run, no_locks):
    journal = start_run("alive")
    header = read_journal(journal.path).header
    assert header["lock"] == "unsupported"
    assert close_dead_runs(state_dir) == ()
    assert is_abandoned(journal.path, header) is False
    # The same process id, used again by another process.
    assert is_abandoned(journal.path, {**header, "process_start": "another boot/1"}) is True


def test_without_locks_a_dead_process_is_closed_and_one_elsewhere_is_not(state_dir, killed_run, no_locks):
    killed_run("r1", "t1:RUNNING")
    elsewhere = killed_run("r2", "t1:RUNNING")
    here = f'"host":"{socket.gethostname()}"'.encode()
    elsewhere.write_bytes(elsewhere.read_bytes().replace(here, b'"host":"another"', 1))
    assert close_dead_runs(state_dir) == ("r1",)


def test_this_process_is_alive_an_ended_one_is_not_and_elsewhere_nobody_knows():
    mark = process_mark()
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert process_runs(mark) is True
    assert process_runs({**mark, "pid": process.pid, "process_start": None}) is False
    assert process_runs({**mark, "host": "another"}) is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux shows zombies this way")
def test_a_process_that_has_ended_and_was_not_waited_for_is_not_alive():
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as process:
        process.stdout.read()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert process_runs({**process_mark(), "pid": process.pid, "process_start": None}) is False
