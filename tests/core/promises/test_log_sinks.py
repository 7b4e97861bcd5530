"""What the kernel promises about the run log and the sinks that it is delivered to."""

from __future__ import annotations

import csv
from collections import Counter

from odibi_core import run_project
from odibi_core.plugin import RECORD_COLUMNS
from odibi_core.runlog import read_journal

STEPS = """
    from pathlib import Path

    def nothing():
        pass

    def counted(constants):
        path = Path(constants["calls"])
        path.write_text(path.read_text() + "x" if path.exists() else "x")
"""
FILES = {"steps.py": STEPS}


class Kept:
    """A sink as users write them: nothing but `write`."""

    def __init__(self):
        self.batches = []

    def write(self, records):
        self.batches.append([dict(record) for record in records])

    @property
    def records(self):
        return [record for batch in self.batches for record in batch]


class Down:
    def write(self, records):
        raise ConnectionError("no route to Server=db;Pwd=hunter2")


def rows(count, function="nothing", **constants):
    return [
        {"transformation_id": f"t{number}", "function": function, "constants": constants} for number in range(count)
    ]


def test_a34_class_of_the_user_with_nothing_but_write_gets_every_record(make_project, manager):
    """A-34, U-22, U-23: RUNNING and then SUCCESS, with v2's ten columns."""
    sink = Kept()

    result = run_project(make_project(rows(1), files=FILES), manager=manager, log_sink=sink)

    assert [record["status"] for record in sink.records] == ["RUNNING", "SUCCESS"]
    assert {record["run_id"] for record in sink.records} == {result.run_id}
    assert all(tuple(record) == RECORD_COLUMNS for record in sink.records)
    v2 = "transformation_id project plant asset start_time end_time status duration_seconds error_message env"
    assert set(v2.split()) <= set(RECORD_COLUMNS)


def test_a36_800_transformations_on_16_workers_are_800_starts_and_800_ends(make_project, manager, tmp_path):
    """A-36: in the journal, in a CSV file, and in a user's sink."""
    from odibi_sinks import FileLogSink

    sink, path = Kept(), tmp_path / "logs/runs.csv"

    root = make_project(rows(800), files=FILES)
    result = run_project(root, manager=manager, max_workers=16, log_sink=[sink, FileLogSink(path)])

    journal = read_journal(root / f".odibi/runs/{result.run_id}.jsonl").records
    with path.open(encoding="utf-8", newline="") as file:
        in_file = list(csv.DictReader(file))
    for records in (journal, sink.records, in_file):
        assert Counter(record["status"] for record in records) == {"RUNNING": 800, "SUCCESS": 800}
        assert len({(record["transformation_id"], record["status"]) for record in records}) == 1600
        assert sorted(int(record["seq"]) for record in records) == list(range(1, 1601))


def test_a37_records_come_in_batches(make_project, manager):
    """A-37, D-25: v2 wrote twice for each transformation."""
    sink = Kept()

    run_project(make_project(rows(700), files=FILES), manager=manager, log_sink=sink)

    assert len(sink.records) == 1400
    assert len(sink.batches) <= 4


def test_a38_sink_that_is_down_neither_fails_nor_repeats_anything_and_is_told_once(
    make_project, manager, tmp_path, caplog
):
    """A-38, D-15: and the other sinks get everything."""
    calls, sink = tmp_path / "calls", Kept()
    root = make_project(rows(1, "counted", calls=str(calls)), files=FILES)

    result = run_project(root, manager=manager, log_sink=[Down(), sink])

    assert (result.status, calls.read_text()) == ("SUCCESS", "x")
    assert [(one.sink, "ConnectionError" in one.error) for one in result.sink_errors] == [("Down", True)]
    assert "hunter2" not in str(result.to_dict()) + caplog.text
    assert [record["status"] for record in sink.records] == ["RUNNING", "SUCCESS"]
    assert len([line for line in caplog.messages if "log sink failed" in line]) == 1


def test_a41_without_any_sink_the_run_log_is_in_the_projects_folder(make_project, manager):
    """A-41, D-50: v2 kept nothing on the pandas engine."""
    root = make_project(rows(3), files=FILES)

    result = run_project(root, manager=manager)

    reading = read_journal(root / f".odibi/runs/{result.run_id}.jsonl")
    assert Counter(record["status"] for record in reading.records) == {"RUNNING": 3, "SUCCESS": 3}
    assert reading.end["status"] == "SUCCESS"
