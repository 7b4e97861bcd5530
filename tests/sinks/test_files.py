"""The file log sink: what it writes, and what it refuses."""

import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.plugin import RECORD_COLUMNS, RememberingLogSink, RunLogError
from odibi_sinks import FileLogSink


def test_a_new_file_has_its_folders_and_a_header_at_once(tmp_path):
    """A-34: the constructor creates parents and header."""
    path = tmp_path / "a" / "b" / "runs.csv"
    FileLogSink(path)
    assert path.read_bytes().decode() == ",".join(RECORD_COLUMNS) + "\r\n"


def test_records_come_back_column_by_column(log_path, read_log, record):
    FileLogSink(log_path).write([record(1), record(2)])
    first, second = read_log(log_path)
    assert tuple(first) == RECORD_COLUMNS
    assert (first["transformation_id"], second["transformation_id"]) == ("t1", "t2")
    assert first["start_time"] == "2026-11-21T21:30:00.000005+00:00"
    assert [str(first[name]) for name in ("duration_seconds", "seq", "rows_read")] == ["1.25", "1", "10"]
    assert first["asset"] in ("", None)


def test_v2s_positional_arguments_work(log_path, read_log, record):
    FileLogSink(str(log_path), True).write([record()])
    assert len(read_log(log_path)) == 1


def test_instances_append_to_what_is_there(log_path, read_log, record):
    """A-34: appends across instances."""
    for seq in (1, 2, 3):
        FileLogSink(log_path).write([record(seq)])
    assert [str(row["seq"]) for row in read_log(log_path)] == ["1", "2", "3"]


def test_unknown_keys_are_ignored_and_missing_ones_are_empty(log_path, read_log):
    """A-34: v2's records, with ten keys and perhaps others, are taken."""
    FileLogSink(log_path).write([{"transformation_id": "t1", "status": "SUCCESS", "surprise": object()}])
    (row,) = read_log(log_path)
    assert tuple(row) == RECORD_COLUMNS
    assert (row["transformation_id"], row["status"]) == ("t1", "SUCCESS")
    assert {row[name] for name in RECORD_COLUMNS if name not in ("transformation_id", "status")} in ({""}, {None})


def test_writing_nothing_changes_nothing(log_path, record):
    """A-34: `write([])` is a no-op."""
    sink = FileLogSink(log_path)
    sink.write([record()])
    content = log_path.read_bytes()
    sink.write([])
    assert log_path.read_bytes() == content


def test_every_batch_ends_with_a_line_end(log_path, record):
    sink = FileLogSink(log_path)
    for seq in range(1, 4):
        sink.write([record(seq)])
        assert log_path.read_bytes().endswith(b"\n")


def test_values_that_json_lacks_do_not_stop_a_batch(tmp_path, read_log, record):
    sink = FileLogSink(tmp_path / "runs.jsonl")
    sink.write([record(duration_seconds=float("nan"), plant=Path("a"), end_time=datetime(2026, 1, 1))])  # noqa: DTZ001
    (row,) = read_log(tmp_path / "runs.jsonl")
    assert (row["duration_seconds"], row["plant"], row["end_time"]) == (None, "a", "2026-01-01T00:00:00.000000")


any_text = st.text(st.characters(exclude_categories=()), max_size=120)


@given(messages=st.lists(st.tuples(any_text, any_text), min_size=1, max_size=5))
def test_json_lines_give_back_hostile_text_exactly(read_log, record, messages):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.jsonl"
        sink = FileLogSink(path)
        sink.write([record(n, transformation_id=a, error_message=b) for n, (a, b) in enumerate(messages, 1)])
        assert [(row["transformation_id"], row["error_message"]) for row in read_log(path)] == messages
        assert sink.last_seq("r1") == len(messages)
        assert path.read_bytes().count(b"\n") == len(messages)


def as_csv_has_it(text):
    text = re.sub("\r\n?", "\n", text).replace("\0", "\\x00")
    return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)


@given(messages=st.lists(st.tuples(any_text, any_text), min_size=1, max_size=5))
def test_csv_gives_back_hostile_text_as_documented(read_log, record, messages):
    """Line ends become LF, NULs and lone surrogates are spelled out, everything else is as it was."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.csv"
        sink = FileLogSink(path)
        for number, (plant, message) in enumerate(messages, 1):
            sink.write([record(number, plant=plant, error_message=message)])
        found = [(row["plant"], row["error_message"]) for row in read_log(path)]
        assert found == [(as_csv_has_it(plant), as_csv_has_it(message)) for plant, message in messages]
        assert sink.last_seq("r1") == len(messages)


def test_ten_megabytes_of_quotes_and_line_breaks_are_stored_whole(log_path, read_log, record):
    message = ('"\n,é😀' + 100 * "x") * 100_000
    sink = FileLogSink(log_path)
    sink.write([record(1, error_message=message), record(2)])
    assert [row["error_message"] or "" for row in read_log(log_path)] == [message, ""]
    assert sink.last_seq("r1") == 2


def test_the_sink_remembers_what_it_has_of_each_run(log_path, record):
    sink = FileLogSink(log_path)
    assert isinstance(sink, RememberingLogSink)
    sink.write([record(1, run_id="r1"), record(2, run_id="r1"), record(1, run_id="r2")])
    sink.write([record(7, run_id="r10", error_message="r1\nr2,99")])
    again = FileLogSink(log_path)
    assert {run: again.last_seq(run) for run in ("r1", "r2", "r10", "r3", "")} == {
        "r1": 2,
        "r2": 1,
        "r10": 7,
        "r3": 0,
        "": 0,
    }


def test_a_file_that_is_not_there_has_nothing_of_a_run(log_path):
    sink = FileLogSink(log_path)
    log_path.unlink()
    assert sink.last_seq("r1") == 0


@pytest.mark.parametrize(
    "first_line",
    [
        "transformation_id,project,plant,asset,start_time,end_time,status,duration_seconds,error_message,env",
        "a;b",
        '"x',
    ],
    ids=["v2's header", "another table", "open quote"],
)
def test_a_csv_with_other_columns_is_never_written_to(tmp_path, record, first_line):
    path = tmp_path / "runs.csv"
    path.write_text(f"{first_line}\nt0,P\n")
    content = path.read_bytes()
    for append in (True, False):
        with pytest.raises(RunLogError, match=r"not a run log of this version.*Move that file away") as caught:
            FileLogSink(path, append=append).write([record()])
        assert str(path) in str(caught.value)
        assert first_line[:20].replace('"', "") in str(caught.value)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", ["hello", '[{"a": 1}]\n', '{"a": 1}'])
def test_a_json_file_that_is_no_run_log_is_never_written_to(tmp_path, record, content):
    path = tmp_path / "runs.jsonl"
    path.write_text(content)
    for append in (True, False):
        with pytest.raises(RunLogError, match="is not a run log"):
            FileLogSink(path, append=append).write([record()])
    assert path.read_text() == content


def test_a_csv_that_a_spreadsheet_has_saved_is_appended_to(tmp_path, read_log, record):
    path = tmp_path / "runs.csv"
    FileLogSink(path).write([record(1, error_message="two\nlines")])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\r\n", b"\n"))
    sink = FileLogSink(path)
    sink.write([record(2)])
    assert [row["seq"] for row in read_log(path)] == ["1", "2"]
    assert sink.last_seq("r1") == 2


def test_a_path_that_cannot_be_written_is_named_by_write_and_does_not_stop_construction(tmp_path, record):
    (tmp_path / "file").write_text("in the way")
    sink = FileLogSink(tmp_path / "file" / "runs.csv")
    with pytest.raises(RunLogError, match=r"cannot write .*runs\.csv: File exists \(.*file\)\. Check the path"):
        sink.write([record()])
    assert sink.last_seq("r1") == 0
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    with pytest.raises(RunLogError, match="cannot write"):
        FileLogSink(folder).write([record()])
    with pytest.raises(RunLogError, match="cannot read"):
        FileLogSink(folder).last_seq("r1")


def test_a_file_that_was_moved_away_is_begun_again(log_path, read_log, record):
    sink = FileLogSink(log_path)
    sink.write([record(1)])
    log_path.rename(log_path.with_name("old"))
    sink.write([record(2)])
    assert [str(row["seq"]) for row in read_log(log_path)] == ["2"]


class TestOneFilePerRun:
    """`append=False`."""

    def test_the_file_ends_with_all_of_the_runs_rows(self, log_path, read_log, record):
        """A-35: not only with those of the last write, as in v2."""
        sink = FileLogSink(log_path, append=False)
        for seq in (1, 2, 3):
            sink.write([record(seq)])
        assert [str(row["seq"]) for row in read_log(log_path)] == ["1", "2", "3"]

    def test_the_next_run_begins_a_new_file_with_its_first_write(self, log_path, read_log, record):
        FileLogSink(log_path, append=False).write([record(1, run_id="r1")])
        sink = FileLogSink(log_path, append=False)
        assert len(read_log(log_path)) == 1
        sink.write([record(1, run_id="r2")])
        sink.write([record(2, run_id="r2")])
        assert [(row["run_id"], str(row["seq"])) for row in read_log(log_path)] == [("r2", "1"), ("r2", "2")]

    def test_another_process_goes_on_with_the_file_of_its_run(self, log_path, read_log, record):
        FileLogSink(log_path, append=False).write([record(1)])
        FileLogSink(log_path, append=False).write([record(2)])
        assert len(read_log(log_path)) == 2

    def test_late_records_of_an_older_run_do_not_push_out_the_newer_one(self, log_path, read_log, record):
        sink = FileLogSink(log_path, append=False)
        sink.write([record(1, run_id="r2")])
        sink.write([record(9, run_id="r1")])
        assert [row["run_id"] for row in read_log(log_path)] == ["r2"]

    def test_a_batch_of_several_runs_leaves_the_newest(self, log_path, read_log, record):
        sink = FileLogSink(log_path, append=False)
        sink.write([record(1, run_id="r1"), record(1, run_id="r2"), record(2, run_id="r2")])
        assert [row["run_id"] for row in read_log(log_path)] == ["r2", "r2"]

    def test_records_without_a_run_are_of_one_run_per_sink(self, log_path, read_log):
        for _ in range(2):
            sink = FileLogSink(log_path, append=False)
            sink.write([{"transformation_id": "t1"}])
            sink.write([{"transformation_id": "t2"}])
        assert [row["transformation_id"] for row in read_log(log_path)] == ["t1", "t2"]

    def test_a_run_id_that_csv_has_to_quote_keeps_its_rows(self, log_path, read_log, record):
        sink = FileLogSink(log_path, append=False)
        sink.write([record(1, run_id='a,"b"\n')])
        sink.write([record(2, run_id='a,"b"\n')])
        assert len(read_log(log_path)) == 2


def test_times_of_any_zone_are_written_with_it(log_path, read_log, record):
    FileLogSink(log_path).write([record(start_time=datetime(2026, 1, 2, tzinfo=UTC))])
    assert read_log(log_path)[0]["start_time"] == "2026-01-02T00:00:00.000000+00:00"
