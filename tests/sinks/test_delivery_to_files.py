"""The kernel's delivery and the file sink together: each record once, whatever dies."""

import random
import signal
import subprocess
import sys

import pytest

from odibi_core.runlog import (
    RECORD_COLUMNS,
    Delivery,
    Journal,
    SinkTarget,
    close_dead_runs,
    deliver_pending,
    read_journal,
)
from odibi_sinks import FileLogSink

RUN = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from odibi_core.runlog import Delivery, Journal, SinkTarget
from odibi_sinks import FileLogSink

state_dir, run_id, *paths = sys.argv[1:]
state_dir = Path(state_dir)
journal = Journal.create(state_dir, run_id=run_id, project="P", env="q", engine="", layers=[], plugins={})
sinks = [SinkTarget(name="file", sink=FileLogSink(path), key=path) for path in paths]
delivery = Delivery(journal, sinks, state_dir, batch_size=20)
number = 0
while True:
    number += 1
    for status in ("RUNNING", "SUCCESS"):
        seq = journal.append(
            transformation_id=f"t{number}", status=status, layer="L", start_time=datetime.now(UTC), error_message='"\\n' * 40
        )
        delivery.notify()
    os.write(1, b"%d\\n" % seq)
"""


def test_kill_at_random_moments_leaves_every_record_in_both_sinks_exactly_once(tmp_path, read_log):
    state_dir, paths = tmp_path / ".odibi", [tmp_path / "runs.csv", tmp_path / "runs.jsonl"]
    targets = [SinkTarget(name="file", sink=FileLogSink(path), key=str(path)) for path in paths]
    moments = random.Random(20261121)
    for number in range(4):
        run_id = f"r{number}"
        with subprocess.Popen(
            [sys.executable, "-c", RUN, state_dir, run_id, *paths], stdout=subprocess.PIPE
        ) as process:
            for _ in range(moments.randint(1, 120)):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            process.stdout.read()
        assert close_dead_runs(state_dir) == (run_id,)
        assert [report.error for report in deliver_pending(state_dir, targets, batch_size=20)] == [None, None]
        journal = [
            (r["run_id"], r["seq"], r["status"]) for r in read_journal(state_dir / "runs" / f"{run_id}.jsonl").records
        ]
        for path in paths:
            found = [(r["run_id"], int(r["seq"]), r["status"]) for r in read_log(path) if r["run_id"] == run_id]
            assert found == journal


@pytest.fixture
def run_with(tmp_path):
    """Makes a run of two transformations that is delivered to a sink."""
    from datetime import UTC, datetime

    def run(run_id, sink):
        state_dir = tmp_path / ".odibi"
        journal = Journal.create(state_dir, run_id=run_id, project="P", env="q", engine="", layers=[], plugins={})
        delivery = Delivery(journal, [SinkTarget(name="file", sink=sink, key="file")], state_dir, batch_size=3)
        for number in (1, 2):
            for status in ("RUNNING", "SUCCESS"):
                journal.append(transformation_id=f"t{number}", status=status, layer="L", start_time=datetime.now(UTC))
                delivery.notify()
        (report,) = delivery.finish()
        journal.close("SUCCESS", duration_seconds=0.1)
        return report

    return run


def test_one_file_per_run_holds_all_of_the_last_run(log_path, read_log, run_with):
    """A-35: with several batches in the run."""
    for run_id in ("r1", "r2"):
        report = run_with(run_id, FileLogSink(log_path, append=False))
        assert (report.records, report.error, report.path) == (4, None, str(log_path))
    assert [(row["run_id"], int(row["seq"])) for row in read_log(log_path)] == [("r2", seq) for seq in (1, 2, 3, 4)]


def test_a_file_that_cannot_be_written_is_reported_and_caught_up(log_path, read_log, run_with, tmp_path, monkeypatch):
    monkeypatch.setattr("odibi_core.runlog.delivery._PAUSES", (0.001,))
    log_path.parent.parent.mkdir()
    log_path.parent.write_text("in the way")
    sink = FileLogSink(log_path)
    report = run_with("r1", sink)
    assert report.records == 0
    assert f"The file log sink cannot write {log_path}: File exists ({log_path.parent})" in report.error
    log_path.parent.unlink()
    (late,) = deliver_pending(tmp_path / ".odibi", [SinkTarget(name="file", sink=sink, key="file")])
    assert (late.records, late.error) == (4, None)
    assert len(read_log(log_path)) == 4


def test_a_users_class_with_nothing_but_write_is_a_sink(run_with):
    """A-34: a user's own class needs no base class."""

    class Mine:
        def __init__(self):
            self.records = []

        def write(self, records):
            self.records.extend(records)

    sink = Mine()
    assert run_with("r1", sink).error is None
    assert [tuple(record) for record in sink.records] == [RECORD_COLUMNS] * 4
