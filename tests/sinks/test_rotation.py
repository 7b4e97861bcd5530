"""A log in several files: the one that is written to is put away when it is full, and all of them are the log."""

import random
import signal
import subprocess
import sys
from collections import Counter

import pytest
from pydantic import ValidationError

from odibi_core.plugin import ConfigError, RunLogError
from odibi_sinks import FileLogSink
from odibi_sinks.options import FileSinkOptions

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot rename a file that is open")


def files_of(path):
    """Every file of a log by its name, oldest first."""
    return [*sorted(path.parent.glob(f"{path.stem}.??????{path.suffix}")), *([path] if path.exists() else [])]


def test_a_full_file_gets_the_next_number_and_a_new_one_is_begun(log_path, read_log, record):
    sink = FileLogSink(log_path, max_bytes=1_500)
    for seq in range(1, 31):
        sink.write([record(seq)])
    files = files_of(log_path)
    assert len(files) > 3
    assert [path.name for path in files[:2]] == [f"runs.{number}{log_path.suffix}" for number in ("000001", "000002")]
    assert all(path.stat().st_size <= 1_500 for path in files)
    assert [int(row["seq"]) for path in files for row in read_log(path)] == list(range(1, 31))


def test_a_file_that_is_not_full_stays(log_path, read_log, record):
    for seq in range(1, 6):
        FileLogSink(log_path, max_bytes=1_000_000).write([record(seq)])
    assert files_of(log_path) == [log_path]


def test_a_batch_is_never_divided(log_path, read_log, record):
    sink = FileLogSink(log_path, max_bytes=100)
    for first in (1, 11):
        sink.write([record(seq) for seq in range(first, first + 10)])
    assert [[int(row["seq"]) for row in read_log(path)] for path in files_of(log_path)] == [
        list(range(1, 11)),
        list(range(11, 21)),
    ]


def test_only_so_many_older_files_are_kept_and_no_number_comes_again(log_path, read_log, record):
    sink = FileLogSink(log_path, max_bytes=100, keep=2)
    for seq in range(1, 7):
        sink.write([record(seq)])
    assert [path.name for path in files_of(log_path)] == [
        f"runs.000004{log_path.suffix}",
        f"runs.000005{log_path.suffix}",
        log_path.name,
    ]
    assert [record["seq"] for record in sink.read_records()] == [4, 5, 6]


def test_all_files_together_are_read_and_asked(log_path, record):
    sink = FileLogSink(log_path, max_bytes=100)
    records = [record(seq, run_id=run_id) for run_id in ("r1", "r2", "r3") for seq in (1, 2)]
    for one in records:
        sink.write([one])
    for again in (sink, FileLogSink(log_path)):
        assert list(again.read_records()) == records
        assert [again.last_seq(run_id) for run_id in ("r1", "r2", "r3", "r4")] == [2, 2, 2, 0]


def test_files_with_other_names_are_none_of_the_log(log_path, record):
    sink = FileLogSink(log_path, max_bytes=100)
    for seq in (1, 2):
        sink.write([record(seq)])
    for name in ("runs.1", "runs.000001.old", "other.000001", "runs.000001x", "runs_000001"):
        log_path.with_name(f"{name}{log_path.suffix}").write_text("something else\n")
    assert [record["seq"] for record in sink.read_records()] == [1, 2]


def test_a_writer_that_was_killed_before_it_began_the_next_file_loses_nothing(log_path, record):
    sink = FileLogSink(log_path, max_bytes=100)
    sink.write([record(1)])
    log_path.rename(log_path.with_name(f"runs.000001{log_path.suffix}"))
    assert sink.last_seq("r1") == 1
    assert [record["seq"] for record in sink.read_records()] == [1]
    sink.write([record(2)])
    assert [record["seq"] for record in sink.read_records()] == [1, 2]


def test_a_torn_row_is_cut_off_before_its_file_is_put_away(log_path, read_log, record):
    sink = FileLogSink(log_path, max_bytes=700)
    sink.write([record(1), record(2)])
    log_path.write_bytes(log_path.read_bytes()[:-20])
    sink.write([record(2), record(3), record(4)])
    first, second = files_of(log_path)
    assert [[int(row["seq"]) for row in read_log(path)] for path in (first, second)] == [[1], [2, 3, 4]]
    assert first.read_bytes().endswith(b"\n")


def test_reading_goes_on_where_a_file_is_put_away_meanwhile(log_path, record):
    """However reading and writing fall together, each record that was there at the start comes once."""
    for pause in range(7):
        sink = FileLogSink(log_path, max_bytes=100)
        for seq in (1, 2, 3):
            sink.write([record(seq)])
        reading, found = sink.read_records(), []
        for place, one in enumerate(reading):
            found.append(one["seq"])
            if place == pause % 3:
                for seq in range(4, 4 + pause // 3):
                    sink.write([record(seq)])
        assert found[:3] == [1, 2, 3]
        assert found == list(range(1, len(found) + 1))
        for path in files_of(log_path):
            path.unlink()


def test_a_log_that_is_not_there_is_still_an_error(log_path):
    sink = FileLogSink(log_path, max_bytes=100)
    log_path.unlink()
    with pytest.raises(RunLogError, match="cannot read"):
        list(sink.read_records())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_bytes": 0}, "max_bytes is 0"),
        ({"max_bytes": 5, "keep": 0}, "keep is 0"),
        ({"keep": 3}, "only if max_bytes says when a file is full"),
        ({"max_bytes": 5, "append": False}, "one file per run with append=False"),
    ],
    ids=["no size", "nothing kept", "keep alone", "append=False"],
)
def test_options_that_do_not_go_together_are_refused(tmp_path, options, words):
    with pytest.raises(ConfigError, match=words):
        FileLogSink(tmp_path / "runs.csv", **options)
    with pytest.raises(ValidationError, match=words):
        FileSinkOptions.model_validate({"path": "runs.csv", **options})


def test_a_manifest_says_the_size_as_people_do():
    assert FileSinkOptions.model_validate({"path": "runs.csv", "max_bytes": "20 MB"}).max_bytes == 20_000_000


def test_windows_is_told_that_it_cannot(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(ConfigError, match="leave max_bytes out there"):
        FileLogSink(tmp_path / "runs.csv", max_bytes=100)


WRITER = """
import sys
from odibi_sinks import FileLogSink
path, run_id, batches = sys.argv[1], sys.argv[2], int(sys.argv[3])
sys.stdin.read()
sink = FileLogSink(path, max_bytes=9_000)
seq = sink.last_seq(run_id)
for number in range(batches):
    rows = []
    for _ in range(5):
        seq += 1
        rows.append({"transformation_id": f"t{seq}", "run_id": run_id, "seq": seq, "error_message": 'a "b"\\n,' * 20})
    sink.write(rows)
"""


def start_writer(path, run_id, batches):
    command = [sys.executable, "-c", WRITER, path, run_id, str(batches)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)


def test_four_processes_fill_files_without_losing_or_repeating_a_record(log_path, read_log):
    writers = [start_writer(log_path, f"r{number}", 40) for number in range(4)]
    for writer in writers:
        writer.stdin.close()
    for writer in writers:
        errors = writer.stderr.read().decode()
        writer.stderr.close()
        assert writer.wait(60) == 0, errors
    files = files_of(log_path)
    assert len(files) > 10
    assert all(path.stat().st_size <= 9_000 for path in files)
    rows = [(row["run_id"], int(row["seq"])) for path in files for row in read_log(path)]
    for run_id in ("r0", "r1", "r2", "r3"):
        assert [seq for run, seq in rows if run == run_id] == list(range(1, 201))
    assert len(rows) == 800


def test_killed_writers_leave_each_record_once_in_whole_files(log_path, read_log):
    moments = random.Random(22)
    for _ in range(4):
        with start_writer(log_path, "r1", 100_000) as writer:
            writer.stdin.close()
            begin = len(files_of(log_path))
            while len(files_of(log_path)) < begin + moments.randint(1, 6):
                assert writer.poll() is None
            writer.send_signal(signal.SIGKILL)
            writer.stderr.read()
    last = FileLogSink(log_path).last_seq("r1")
    FileLogSink(log_path).write([{"transformation_id": "t", "run_id": "r1", "seq": last + 1}])
    seqs = Counter(int(row["seq"]) for path in files_of(log_path) for row in read_log(path))
    assert seqs == Counter(range(1, last + 2))
