"""Processes that are killed while they deliver: what the next start makes of it."""

import json
import subprocess
import sys

import pytest

from odibi_core.errors import RunLogError
from odibi_core.runlog import Delivery, SinkTarget, close_dead_runs, deliver_pending
from odibi_core.runlog.cursor import load_cursor
from odibi_core.runlog.layout import delivery_folder

# The sink that the killed process and the test share: a file with one line per record. `half` of a batch is on the disk
# when the process dies, or all of it, or none.
SINKS = r"""
import json, os
from pathlib import Path

class PlainSink:
    def __init__(self, path, dies_in_batch=0, after=0.5):
        self.path, self.dies_in_batch, self.after = Path(path), dies_in_batch, after

    def write(self, records):
        self.dies_in_batch -= 1
        dying = self.dies_in_batch == 0
        with open(self.path, "a") as file:
            for record in records[: int(len(records) * self.after)] if dying else records:
                file.write(json.dumps([record["run_id"], record["seq"], record["status"]]) + "\n")
        if dying:
            os._exit(9)

class RememberingSink(PlainSink):
    def last_seq(self, run_id):
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return max((seq for run, seq, _ in map(json.loads, lines) if run == run_id), default=0)
"""

DYING_RUN = (
    SINKS
    + """
import sys
from datetime import UTC, datetime
from odibi_core.runlog import Delivery, Journal, SinkTarget

state_dir, path, kind, dies_in_batch, after, records = sys.argv[1:]
sink = globals()[kind](path, int(dies_in_batch), float(after))
state_dir = Path(state_dir)
journal = Journal.create(state_dir, run_id="r1", project="P", env="q", engine="", layers=[], plugins={})
delivery = Delivery(journal, [SinkTarget(name="s", sink=sink, key="s")], state_dir, batch_size=10)
for number in range(int(records)):
    journal.append(transformation_id=f"t{number}", status="RUNNING", layer="L", start_time=datetime.now(UTC))
    delivery.notify()
delivery.finish()
journal.close("SUCCESS", duration_seconds=0.0)
"""
)


@pytest.fixture
def sinks():
    """The classes of `SINKS`."""
    namespace = {}
    exec(SINKS, namespace)
    return namespace


@pytest.fixture
def stored(tmp_path):
    """What the shared sink has: the numbers of run r1's records."""

    def read():
        return [json.loads(line)[1] for line in (tmp_path / "sink").read_text().splitlines()]

    return read


@pytest.mark.parametrize("after", [0, 0.5, 1], ids=["before", "in the midst", "after"])
@pytest.mark.parametrize("dies_in_batch", [1, 3], ids=["first batch", "third batch"])
def test_a_batch_cut_off_by_a_kill_is_neither_lost_nor_repeated(
    state_dir, tmp_path, run_script, sinks, stored, dies_in_batch, after
):
    """The sink can say what it has, so it gets exactly the rest."""
    path = tmp_path / "sink"
    done = run_script(DYING_RUN, state_dir, path, "RememberingSink", dies_in_batch, after, 35, check=False)
    assert done.returncode == 9, done.stderr
    before = stored()
    assert len(before) == (dies_in_batch - 1) * 10 + 10 * after

    assert close_dead_runs(state_dir) == ("r1",)
    target = SinkTarget(name="s", sink=sinks["RememberingSink"](path), key="s")
    (report,) = deliver_pending(state_dir, [target], batch_size=10)
    assert report.error is None
    total = report.records + len(before)
    assert stored() == list(range(1, total + 1))
    assert deliver_pending(state_dir, [target]) == ()


def test_a_sink_with_only_write_gets_a_cut_off_batch_again(state_dir, tmp_path, run_script, sinks, stored):
    path = tmp_path / "sink"
    run_script(DYING_RUN, state_dir, path, "PlainSink", 2, 0.5, 35, check=False)
    assert stored() == list(range(1, 16))
    close_dead_runs(state_dir)
    deliver_pending(state_dir, [SinkTarget(name="s", sink=sinks["PlainSink"](path), key="s")], batch_size=10)
    assert stored()[15:] == list(range(11, stored()[-1] + 1))
    assert stored()[-1] >= 35


def test_records_that_recovery_adds_reach_the_sink_too(state_dir, tmp_path, run_script, sinks):
    path = tmp_path / "sink"
    run_script(DYING_RUN, state_dir, path, "RememberingSink", 1, 0, 3, check=False)
    close_dead_runs(state_dir)
    deliver_pending(state_dir, [SinkTarget(name="s", sink=sinks["RememberingSink"](path), key="s")])
    statuses = [json.loads(line)[2] for line in path.read_text().splitlines()]
    assert statuses == ["RUNNING"] * 3 + ["ABORTED"] * 3


@pytest.fixture
def half_delivered(state_dir, tmp_path, run_script):
    """A killed and closed run of 15 records; its sink took 10 and the cursor says 10."""
    run_script(DYING_RUN, state_dir, tmp_path / "sink", "RememberingSink", 2, 0, 15, check=False)
    close_dead_runs(state_dir)
    return delivery_folder(state_dir, "s") / "r1.json"


@pytest.mark.parametrize("content", [b"", b"\0" * 30, b"{}", b"[1]"], ids=["empty", "zeros", "no keys", "no object"])
def test_a_cursor_that_a_power_failure_destroyed_makes_the_sink_be_asked(
    state_dir, tmp_path, sinks, stored, half_delivered, content
):
    half_delivered.write_bytes(content)
    deliver_pending(state_dir, [SinkTarget(name="s", sink=sinks["RememberingSink"](tmp_path / "sink"), key="s")])
    assert stored() == list(range(1, stored()[-1] + 1))


def test_an_older_cursor_brought_back_by_a_power_failure_repeats_nothing(
    state_dir, tmp_path, sinks, stored, half_delivered
):
    cursor = json.loads(half_delivered.read_bytes())
    assert cursor["seq"] == 10
    offset = (state_dir / "runs" / "r1.jsonl").read_bytes().index(b"\n") + 1
    half_delivered.write_text(json.dumps({"seq": 0, "offset": offset, "intent": None}))
    deliver_pending(state_dir, [SinkTarget(name="s", sink=sinks["RememberingSink"](tmp_path / "sink"), key="s")])
    assert stored() == list(range(1, stored()[-1] + 1))


def test_what_a_sink_acknowledged_is_not_sent_again_after_somebody_emptied_it(
    state_dir, tmp_path, sinks, stored, half_delivered
):
    (tmp_path / "sink").unlink()
    deliver_pending(state_dir, [SinkTarget(name="s", sink=sinks["RememberingSink"](tmp_path / "sink"), key="s")])
    assert stored()[0] == 11


def test_a_run_that_still_goes_on_is_not_delivered_by_others(state_dir, start_run, add, sinks, tmp_path):
    journal = start_run("r1")
    target = SinkTarget(name="s", sink=sinks["PlainSink"](tmp_path / "sink"), key="s")
    delivery = Delivery(journal, [target], state_dir)
    add(journal)
    assert deliver_pending(state_dir, [target]) == ()
    assert delivery.finish()[0].records == 1


def test_a_sink_that_was_added_later_gets_no_earlier_runs(state_dir, sinks, tmp_path, half_delivered):
    later = SinkTarget(name="new", sink=sinks["PlainSink"](tmp_path / "new"), key="new")
    assert deliver_pending(state_dir, [later]) == ()


def test_a_journal_that_was_deleted_is_reported_once(state_dir, sinks, tmp_path, half_delivered):
    (state_dir / "runs" / "r1.jsonl").unlink()
    target = SinkTarget(name="s", sink=sinks["PlainSink"](tmp_path / "sink"), key="s")
    (report,) = deliver_pending(state_dir, [target])
    assert "the journal of run r1 is gone" in report.error
    assert deliver_pending(state_dir, [target]) == ()


def test_a_sink_that_is_still_down_keeps_its_cursor_and_is_asked_only_once(state_dir, killed_run, start_run, add):
    class DownSink:
        calls = 0

        def write(self, records):
            self.calls += 1
            raise RunLogError("cannot connect")

    sink = DownSink()
    target = SinkTarget(name="sql", sink=sink, key="sql")
    for run_id in ("r1", "r2", "r3"):
        journal = start_run(run_id)
        Delivery(journal, [target], state_dir)
        add(journal)
        journal.close("SUCCESS", duration_seconds=0.0)
    (report,) = deliver_pending(state_dir, [target])
    assert sink.calls == 1
    assert "'sql' lacks records of earlier runs: run r1: RunLogError: cannot connect" in report.error
    assert load_cursor(delivery_folder(state_dir, "sql"), "r3").seq == 0


def test_folders_of_sinks_are_safe_and_do_not_meet(state_dir):
    keys = ["file:/var/log/a.csv", "file:/var/log/a_csv", "..", "", "\ud800", "x" * 500, "CON"]
    folders = [delivery_folder(state_dir, key) for key in keys]
    assert len(set(folders)) == len(keys)
    assert {folder.parent for folder in folders} == {state_dir / "delivery"}
    assert all(len(folder.name) < 60 and folder.name[0] != "." for folder in folders)


def test_a_run_that_forgets_to_finish_does_not_hang(state_dir):
    code = """
import sys, pathlib
from datetime import UTC, datetime
from odibi_core.runlog import Delivery, Journal, SinkTarget
class Sink:
    def write(self, records): print(len(records))
state = pathlib.Path(sys.argv[1])
journal = Journal.create(state, run_id="r1", project="P", env="q", engine="", layers=[], plugins={})
delivery = Delivery(journal, [SinkTarget(name="s", sink=Sink(), key="s")], state, batch_size=2)
for _ in range(5):
    journal.append(transformation_id="t", status="RUNNING", layer="L", start_time=datetime.now(UTC))
    delivery.notify()
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, state_dir], capture_output=True, timeout=30, check=True
    )
    assert set(done.stdout.split()) == {b"2"}
