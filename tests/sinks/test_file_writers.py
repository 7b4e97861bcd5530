"""Several writers of one file, writers that are killed, and a disk that is full."""

import os
import random
import signal
import subprocess
import sys
import threading

import pytest

from odibi_core.plugin import RunLogError
from odibi_sinks import FileLogSink

WRITER = """
import sys
from odibi_sinks import FileLogSink
path, run_id, batches = sys.argv[1], sys.argv[2], int(sys.argv[3])
sys.stdin.read()
sink, seq = FileLogSink(path), 0
for number in range(batches):
    rows = []
    for _ in range(5):
        seq += 1
        rows.append({"transformation_id": f"t{seq}", "run_id": run_id, "seq": seq, "error_message": 'a "b"\\n,' * 50})
    sink.write(rows)
"""


def test_four_processes_append_to_one_file_without_a_torn_row(log_path, read_log):
    """A-36: also by several processes at once; batches stay together, and there is one header."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, log_path, f"r{n}", "40"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for n in range(4)
    ]
    for writer in writers:
        writer.stdin.close()
    for writer in writers:
        errors = writer.stderr.read().decode()
        writer.stderr.close()
        assert writer.wait(60) == 0, errors
    rows = [(row["run_id"], int(row["seq"])) for row in read_log(log_path)]
    assert len(rows) == 4 * 200
    for run_id in ("r0", "r1", "r2", "r3"):
        assert [seq for run, seq in rows if run == run_id] == list(range(1, 201))
    assert all(len({run for run, _ in rows[place : place + 5]}) == 1 for place in range(0, 800, 5))


@pytest.mark.parametrize("shared", [True, False], ids=["one sink", "a sink each"])
def test_eight_threads_append_to_one_file_without_a_torn_row(log_path, read_log, record, shared):
    sink = FileLogSink(log_path)

    def work(thread):
        mine = sink if shared else FileLogSink(log_path)
        for seq in range(1, 26):
            mine.write([record(seq, run_id=f"r{thread}", error_message="x\n" * 40)])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = read_log(log_path)
    assert len(rows) == 200
    for number in range(8):
        assert [int(row["seq"]) for row in rows if row["run_id"] == f"r{number}"] == list(range(1, 26))


def test_a_torn_row_of_a_killed_writer_is_cut_off_wherever_it_was_torn(log_path, read_log, record):
    """The last row is torn at every second byte, so also inside its quotes, line breaks and characters."""
    sink = FileLogSink(log_path)
    sink.write([record(1, error_message='x "\r\n"\n,')])
    whole = log_path.read_bytes()
    sink.write([record(2, error_message='a "quoted"\nline\r\nand, "')])
    content = log_path.read_bytes()
    for length in (*range(len(whole), len(content), 2), len(content) - 1):
        log_path.write_bytes(content[:length])
        is_whole = log_path.suffix == ".jsonl" and length == len(content) - 1  # only its line end is missing
        assert sink.last_seq("r1") == (2 if is_whole else 1)
        sink.write([record(3)])
        assert [str(row["seq"]) for row in read_log(log_path)] == (["1", "2", "3"] if is_whole else ["1", "3"])


def test_a_header_that_was_torn_is_written_again(tmp_path, read_log, record):
    path = tmp_path / "runs.csv"
    FileLogSink(path)
    header = path.read_bytes()
    for length in range(0, len(header), 7):
        path.write_bytes(header[:length])
        FileLogSink(path).write([record(1)])
        assert [row["seq"] for row in read_log(path)] == ["1"]


def test_a_killed_writer_leaves_whole_rows_only(log_path, read_log, record):
    """Kill at random moments; the next writer finds, or makes, a file of whole rows without a hole."""
    moments = random.Random(4)
    for number in range(2):
        run_id = f"r{number}"
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, log_path, run_id, "100000"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        ) as writer:
            writer.stdin.close()
            begin = log_path.stat().st_size if log_path.exists() else 0
            target = begin + moments.randint(1, 100_000)
            while not log_path.exists() or log_path.stat().st_size < target:
                assert writer.poll() is None
            writer.send_signal(signal.SIGKILL)
        sink = FileLogSink(log_path)
        last = sink.last_seq(run_id)
        sink.write([record(last + 1, run_id=run_id)])
        seqs = [int(row["seq"]) for row in read_log(log_path) if row["run_id"] == run_id]
        assert seqs == list(range(1, last + 2))


FULL_DISK = """
import os, resource, sys
from odibi_sinks import FileLogSink
path = sys.argv[1]
row = {"transformation_id": "t", "run_id": "r1", "seq": 1, "error_message": "x" * 5000}
sink = FileLogSink(path)
sink.write([row])
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (os.stat(path).st_size + 1000, hard))
try:
    # The first of them would fit.
    sink.write([{**row, "seq": 2, "error_message": "x"}, {**row, "seq": 3}])
except OSError as error:
    print(type(error).__name__, error)
print(sink.last_seq("r1"))
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
sink.write([{**row, "seq": 2}])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of files")
def test_a_full_disk_takes_none_of_a_batch_and_names_the_file(log_path, read_log):
    done = subprocess.run([sys.executable, "-c", FULL_DISK, log_path], capture_output=True, text=True, check=True)
    error, last = done.stdout.splitlines()
    assert error.startswith("RunLogError The file log sink cannot write")
    assert str(log_path) in error
    assert last == "1"
    assert [int(row["seq"]) for row in read_log(log_path)] == [1, 2]


def test_a_writer_that_hangs_with_the_lock_is_not_waited_for_forever(log_path, record, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    from odibi_sinks import locking

    sink = FileLogSink(log_path)
    monkeypatch.setitem(locking.locked.__kwdefaults__ or locking.locked.__wrapped__.__kwdefaults__, "seconds", 0.01)
    with log_path.open("ab") as other:
        fcntl.flock(other.fileno(), fcntl.LOCK_EX)
        with pytest.raises(RunLogError, match="another process has kept it locked"):
            sink.write([record()])
    sink.write([record()])
    assert sink.last_seq("r1") == 1


def test_a_filesystem_without_locks_is_written_to_all_the_same(log_path, read_log, record, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_):
        raise OSError(37, os.strerror(37))

    monkeypatch.setattr(fcntl, "flock", refuse)
    FileLogSink(log_path).write([record()])
    assert len(read_log(log_path)) == 1


def test_a_file_that_is_moved_while_a_writer_waits_does_not_get_its_rows(log_path, read_log, record, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    sink = FileLogSink(log_path)
    old = log_path.with_name(f"old{log_path.suffix}")
    with log_path.open("ab") as other:
        fcntl.flock(other.fileno(), fcntl.LOCK_EX)

        def move_and_let_go(_):
            log_path.rename(old)
            fcntl.flock(other.fileno(), fcntl.LOCK_UN)

        monkeypatch.setattr("odibi_sinks.locking.time.sleep", move_and_let_go)
        sink.write([record(1)])
    assert (len(read_log(old)), len(read_log(log_path))) == (0, 1)
