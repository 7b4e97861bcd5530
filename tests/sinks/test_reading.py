"""What a sink holds can be read back: the same records, whatever it is."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.plugin import RECORD_COLUMNS, ReadableLogSink, RunLogError
from odibi_sinks import FileLogSink, SQLTableLogSink

DAY = timedelta(days=1)


@pytest.fixture(params=["runs.csv", "runs.jsonl", "runs.db"])
def sink(request, tmp_path):
    """A sink that can be read back, once for each kind that needs no server."""
    path = tmp_path / request.param
    if path.suffix == ".db":
        sink = SQLTableLogSink(f"sqlite:///{path}")
        yield sink
        sink.close()
    else:
        yield FileLogSink(path)


def test_records_come_back_with_their_values_and_types(sink, record):
    records = [
        record(1, error_message='a "quoted",\nline é😀', end_time=None),
        record(2, rows_read=0, duration_seconds=0.0),
    ]
    sink.write(records)
    assert isinstance(sink, ReadableLogSink)
    assert list(sink.read_records()) == records
    assert [tuple(found) for found in sink.read_records()] == [RECORD_COLUMNS] * 2


def test_what_a_record_lacks_is_none(sink):
    sink.write([{"transformation_id": "t1", "unknown": 1}])
    assert list(sink.read_records()) == [{**dict.fromkeys(RECORD_COLUMNS), "transformation_id": "t1"}]


def test_the_records_of_a_run_come_in_their_order(sink, record):
    for seqs in ((1, 2), (3,)):
        for run_id in ("r2", "r1"):
            sink.write([record(seq, run_id=run_id) for seq in seqs])
    found = [(record["run_id"], record["seq"]) for record in sink.read_records()]
    assert len(found) == 6
    for run_id in ("r1", "r2"):
        assert [seq for run, seq in found if run == run_id] == [1, 2, 3]


@pytest.mark.parametrize("asked", ["Flights", " FLIGHTS ", "flights"])
def test_a_project_is_asked_for_in_any_case(sink, record, asked):
    sink.write([record(1), record(2, project="fLIGHTS "), record(3, project="Other"), {"run_id": "r9", "seq": 1}])
    assert sorted(found["seq"] for found in sink.read_records(project=asked)) == [1, 2]


def test_names_are_the_same_whatever_their_case_in_any_language(sink, record):
    sink.write([record(1, project="Straße"), record(2, project="ΣΊΣΥΦΟΣ")])
    assert [found["seq"] for found in sink.read_records(project="STRASSE")] == [1]
    assert [found["seq"] for found in sink.read_records(project="σίσυφος")] == [2]


def test_recent_runs_are_there_as_a_whole(sink, record):
    """A sink may give more than was asked for, and never less."""
    now = datetime(2026, 11, 21, tzinfo=UTC)
    sink.write([record(1, run_id="old", start_time=now - 9 * DAY), record(1, run_id="new", start_time=now - 2 * DAY)])
    sink.write([record(2, run_id="new", start_time=now)])
    found = {(record["run_id"], record["seq"]) for record in sink.read_records(since=now - DAY)}
    assert found >= {("new", 1), ("new", 2)}
    if isinstance(sink, SQLTableLogSink):
        assert found == {("new", 1), ("new", 2)}


def test_a_table_leaves_old_runs_in_the_database(tmp_path, record):
    sink = SQLTableLogSink(f"sqlite:///{tmp_path / 'runs.db'}")
    moment = datetime(2026, 11, 21, 23, 59, 59, 999999, tzinfo=UTC)
    sink.write([record(1, run_id="r1", start_time=moment), record(1, run_id="r2", start_time=moment + DAY)])
    sink.write([{"transformation_id": "without a run", "start_time": moment}])
    ids = [found["run_id"] for found in sink.read_records(since=moment + timedelta(microseconds=1))]
    sink.close()
    assert ids == [None, "r2"]


def test_a_file_without_a_record_is_no_answer(log_path, record):
    """The sink itself has just made it: its path may be mistyped, and then "no failures" would be a guess."""
    for _ in range(2):
        with pytest.raises(RunLogError, match=r"no record in .*runs\.\w+\. Either nothing was delivered"):
            list(FileLogSink(log_path).read_records())
    FileLogSink(log_path).write([record(1)])
    assert list(FileLogSink(log_path).read_records(project="another")) == []


def test_what_is_not_there_is_an_error_and_not_an_empty_log(tmp_path, log_path):
    sink = FileLogSink(log_path)
    log_path.unlink()
    with pytest.raises(RunLogError, match=r"cannot read .*runs\.\w+: No such file"):
        list(sink.read_records())
    table = SQLTableLogSink(f"sqlite:///{tmp_path / 'runs.db'}")
    with pytest.raises(RunLogError, match=r"There is no table 'TransformationRunLog'.*check the URL"):
        list(table.read_records())
    table.close()


def test_a_torn_row_is_not_read(log_path, record):
    sink = FileLogSink(log_path)
    sink.write([record(1), record(2, error_message='a "b"\nc')])
    log_path.write_bytes(log_path.read_bytes()[:-90])
    assert [found["seq"] for found in sink.read_records()] == [1]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("runs.csv", b",SUCCESS,1.25,", b",SUCCESS,often,"),
        ("runs.jsonl", b'"seq":1,', b'"seq":1'),
        ("runs.jsonl", b"1.25", b'"x"'),
    ],
    ids=["no number", "no JSON", "no number in JSON"],
)
def test_a_damaged_file_is_an_error_that_names_the_row(tmp_path, record, name, old, new):
    sink = FileLogSink(tmp_path / name)
    sink.write([record(1), record(2)])
    sink.path.write_bytes(sink.path.read_bytes().replace(old, new, 1))
    with pytest.raises(RunLogError, match=r"runs\.\w+ is damaged: (row|line) 1 is no record"):
        list(sink.read_records())


def test_another_file_is_refused(log_path):
    log_path.parent.mkdir(parents=True)
    log_path.write_text("something else\nentirely\n")
    with pytest.raises(RunLogError, match=r"not a run log|no run log"):
        list(FileLogSink(log_path).read_records())


@given(messages=st.lists(st.text(alphabet=st.sampled_from('a",\n; é😀'), min_size=1), min_size=1, max_size=4))
def test_a_file_gives_back_any_message_that_its_format_can_hold(record, messages):
    with tempfile.TemporaryDirectory() as folder:
        for name in ("runs.csv", "runs.jsonl"):
            sink = FileLogSink(Path(folder) / name)
            records = [record(seq, error_message=text, plugin_versions=text) for seq, text in enumerate(messages, 1)]
            sink.write(records)
            assert list(sink.read_records()) == records


def test_records_can_be_written_to_a_file_while_others_are_read(log_path, record):
    sink = FileLogSink(log_path)
    sink.write([record(1), record(2)])
    found = sink.read_records()
    assert next(found)["seq"] == 1
    sink.write([record(3)])
    assert next(found)["seq"] == 2
