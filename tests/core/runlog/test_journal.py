"""Writing a journal."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odibi_core.errors import RunLogError
from odibi_core.runlog import Journal, close_dead_runs, journal_path, new_run_id, read_journal


def test_header_says_what_a_reader_needs_to_know(start_run):
    journal = start_run("r1", plugins={"odibi-sinks": "0.1.0"}, plan=[{"transformation_id": "t1", "path": Path("a")}])
    header = read_journal(journal.path).header
    assert header["schema"] == 1
    assert (header["run_id"], header["project"], header["env"], header["engine"]) == ("r1", "Flights", "qat", "pandas")
    assert header["layers"] == ["Bronze", "Silver"]
    assert header["plugins"] == {"odibi-sinks": "0.1.0"}
    assert header["plan"] == [{"transformation_id": "t1", "path": "a"}]
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", header["kernel_version"])
    assert header["host"]
    assert header["pid"] > 0
    assert datetime.fromisoformat(header["started"]).tzinfo is not None


def test_records_are_numbered_and_readable_while_the_run_goes_on(start_run, add):
    """A-37: RUNNING records are there as soon as they are written."""
    journal = start_run("r1")
    assert [add(journal), add(journal, status="SUCCESS"), journal.last_seq] == [1, 2, 2]
    reading = read_journal(journal.path)
    assert [(record["seq"], record["status"]) for record in reading.records] == [(1, "RUNNING"), (2, "SUCCESS")]
    assert all(record["run_id"] == "r1" for record in reading.records)
    assert reading.end is None


def test_plugin_versions_name_the_kernel_and_every_plugin(start_run, add):
    journal = start_run(plugins={"odibi-sinks": "0.2.0", "acme": "7"})
    add(journal)
    versions = read_journal(journal.path).records[0]["plugin_versions"]
    assert re.fullmatch(r"acme 7; odibi-core \S+; odibi-sinks 0\.2\.0", versions)


def test_close_writes_the_end_once_and_lets_nothing_follow(start_run, add):
    journal = start_run()
    add(journal)
    journal.close("FAILED", error="t1 failed", duration_seconds=1.5)
    journal.close("SUCCESS", duration_seconds=9.0)
    reading = read_journal(journal.path)
    assert (reading.end["status"], reading.end["error"], reading.end["duration_seconds"]) == (
        "FAILED",
        "t1 failed",
        1.5,
    )
    assert reading.end["records"] == 1
    with pytest.raises(RunLogError, match="closed"):
        add(journal)
    with pytest.raises(RunLogError, match="closed"):
        journal.barrier()
    assert read_journal(journal.path) == reading


def test_the_disk_is_waited_for_at_the_start_at_barriers_and_at_the_end_only(start_run, add, monkeypatch):
    waits = []
    fsync = os.fsync
    monkeypatch.setattr("os.fsync", lambda descriptor: (waits.append(descriptor), fsync(descriptor)))
    journal = start_run()
    at_start = len(waits)
    add(journal)
    add(journal, status="SUCCESS")
    while_running = len(waits)
    journal.barrier()
    at_barrier = len(waits)
    journal.close("SUCCESS", duration_seconds=0.0)
    # At the start for the file and for its name in the folder.
    assert (at_start, while_running, at_barrier, len(waits)) == (2, 2, 3, 4)


def test_a_run_cannot_end_as_running(start_run):
    with pytest.raises(ValueError, match="ABORTED, FAILED, SUCCESS"):
        start_run().close("RUNNING", duration_seconds=0.0)


def test_an_unknown_status_is_refused_and_takes_no_number(start_run, add):
    journal = start_run()
    with pytest.raises(ValueError, match="'DONE' is no status"):
        add(journal, status="DONE")
    assert add(journal) == 1


def test_an_unknown_column_is_refused(start_run, add):
    with pytest.raises(TypeError, match="row_count"):
        add(start_run(), row_count=1)


def test_state_folder_is_kept_out_of_version_control(start_run, state_dir):
    start_run()
    assert (state_dir / ".gitignore").read_text() == "*\n"


def test_run_ids_sort_by_time_and_never_meet():
    ids = [new_run_id() for _ in range(200)]
    assert len(set(ids)) == 200
    assert [run_id[:22] for run_id in ids] == sorted(run_id[:22] for run_id in ids)


@pytest.mark.parametrize("newest", ["21991231T235959.999999-1a2b3c4d", "20261121T213000.123456-1a2b3c4d"])
def test_a_run_has_a_greater_id_than_all_before_it_whatever_the_clock_says(start_run, state_dir, newest):
    for run_id in (newest, "zz-somebodys", "99999999T999999.000000-1a2b3c4d"):
        start_run(run_id=run_id).close("SUCCESS", duration_seconds=0.1)

    ids = []
    for _ in range(3):
        ids.append(new_run_id(state_dir))
        start_run(run_id=ids[-1]).close("SUCCESS", duration_seconds=0.1)

    assert [newest, *ids] == sorted({newest, *ids})


def test_the_first_run_of_a_project_has_an_id_too(state_dir):
    assert len(new_run_id(state_dir)) == len(new_run_id())
    assert not state_dir.exists()


@pytest.mark.parametrize("run_id", ["../../x", "", ".hidden", "a/b", "a\0", "O'Brien", "x" * 200])
def test_a_run_id_that_could_leave_the_folder_is_refused(start_run, state_dir, run_id):
    with pytest.raises(ValueError, match="Run id"):
        Journal.create(state_dir, run_id=run_id, project="P", env="e", engine="", layers=[], plugins={})
    assert not state_dir.exists()


def test_two_runs_cannot_share_an_id(start_run):
    first = start_run("r1")
    content = first.path.read_bytes()
    with pytest.raises(RunLogError, match="has a journal already"):
        start_run("r1")
    assert first.path.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / ".odibi").write_text("a file in the way")
    with pytest.raises(RunLogError, match=r"folder .*\.odibi"):
        Journal.create(tmp_path / ".odibi", run_id="r1", project="P", env="e", engine="", layers=[], plugins={})


def test_ten_megabytes_with_nuls_line_breaks_and_emoji_are_stored_whole(start_run, add):
    message = ("line\r\n\0\u2028😀\ud800\x85" * 1_200_000)[: 10 * 2**20]
    journal = start_run()
    add(journal, status="FAILED", error_message=message)
    add(journal, "t2")
    assert [record["error_message"] for record in read_journal(journal.path).records] == [message, None]


any_text = st.text(st.characters(exclude_categories=()), max_size=200)


@settings(max_examples=60, deadline=None)
@given(project=any_text, values=st.lists(st.tuples(any_text, any_text, any_text), min_size=1, max_size=4))
def test_hostile_text_comes_back_as_it_was(project, values):
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal.create(
            Path(folder), run_id="r1", project=project, env="q", engine="", layers=[], plugins={project: "1"}
        )
        for transformation_id, plant, error in values:
            journal.append(
                transformation_id=transformation_id,
                status="FAILED",
                layer=plant,
                plant=plant,
                error_message=error,
                start_time=datetime.now(UTC),
            )
        journal.close("FAILED", error=project, duration_seconds=0.0)
        reading = read_journal(journal.path)
        raw = journal.path.read_bytes()
    found = [(record["transformation_id"], record["plant"], record["error_message"]) for record in reading.records]
    assert found == values
    assert {record["project"] for record in reading.records} == {project}
    assert reading.end["error"] == project
    assert raw.isascii()
    assert raw.count(b"\n") == len(values) + 2


def test_sixteen_threads_lose_and_tear_nothing(start_run, add):
    """A-36: 16 threads x 50 transformations are exactly 800 starts and 800 ends, without a torn line."""
    journal = start_run()
    seqs = []

    def work(thread):
        for number in range(50):
            seqs.append(add(journal, f"{thread}-{number}", "RUNNING", error_message="x" * 500))
            seqs.append(add(journal, f"{thread}-{number}", "SUCCESS"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = read_journal(journal.path).records
    assert sorted(seqs) == [record["seq"] for record in records] == list(range(1, 1601))
    assert sum(record["status"] == "RUNNING" for record in records) == 800
    assert len({record["transformation_id"] for record in records if record["status"] == "SUCCESS"}) == 800


ENDLESS_RUN = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from odibi_core.runlog import Journal

journal = Journal.create(Path(sys.argv[1]), run_id=sys.argv[2], project="P", env="q", engine="", layers=[], plugins={})
number = 0
while True:
    number += 1
    size = 300_000 if number % 7 == 0 else 10  # large ones, so that a kill can hit the midst of a write
    seq = journal.append(
        transformation_id=f"t{number % 5}", status="RUNNING", layer="L", start_time=datetime.now(UTC),
        error_message="x" * size,
    )
    os.write(1, b"%d\\n" % seq)
"""


def test_kill_at_any_moment_loses_no_record_that_was_acknowledged(state_dir):
    """A-37: a crash leaves every record that `append` returned from, and the next start closes the run."""
    moments = random.Random(20261121)
    for number in range(10):
        run_id = f"r{number}"
        with subprocess.Popen(
            [sys.executable, "-c", ENDLESS_RUN, state_dir, run_id], stdout=subprocess.PIPE
        ) as process:
            for _ in range(moments.randint(1, 150)):
                acknowledged = int(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
            acknowledged = max([acknowledged, *map(int, process.stdout.read().split(b"\n")[:-1])])
        before = read_journal(journal_path(state_dir, run_id))
        assert len(before.records) >= acknowledged
        assert close_dead_runs(state_dir) == (run_id,)
        after = read_journal(journal_path(state_dir, run_id))
        assert after.records[: len(before.records)] == before.records
        assert [record["seq"] for record in after.records] == list(range(1, len(after.records) + 1))
        assert after.end["status"] == "ABORTED"
        assert {record["status"] for record in after.records[len(before.records) :]} == {"ABORTED"}


INTERRUPTED_RUN = """
import random, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from odibi_core.runlog import Journal

journal = Journal.create(Path(sys.argv[1]), run_id="r1", project="P", env="q", engine="", layers=[], plugins={})
moments = random.Random(7)
signal.signal(signal.SIGALRM, signal.default_int_handler)
interrupts = 0
while interrupts < 300:
    try:
        signal.setitimer(signal.ITIMER_REAL, moments.uniform(20e-6, 400e-6))
        while True:
            journal.append(transformation_id="t", status="RUNNING", layer="L", start_time=datetime.now(UTC))
    except KeyboardInterrupt:
        interrupts += 1
journal.close("ABORTED", duration_seconds=0.0)
print(journal.last_seq)
"""


def test_ctrl_c_in_the_midst_of_appending_leaves_no_hole_and_no_double_number(state_dir, run_script):
    last_seq = int(run_script(INTERRUPTED_RUN, state_dir).stdout)
    reading = read_journal(journal_path(state_dir, "r1"))
    assert [record["seq"] for record in reading.records] == list(range(1, last_seq + 1))
    assert reading.end["records"] == last_seq


FULL_DISK = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from odibi_core.runlog import Journal

journal = Journal.create(Path(sys.argv[1]), run_id="r1", project="P", env="q", engine="", layers=[], plugins={})

def append(size):
    return journal.append(
        transformation_id="t", status="FAILED", layer="L", start_time=datetime.now(UTC), error_message="x" * size
    )

append(10)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size + 1000, hard))
try:
    append(5000)  # the system takes 1000 bytes of it and refuses the rest
except OSError as error:
    print(type(error).__name__, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
print(append(20))
journal.close("FAILED", duration_seconds=0.0)
"""


def test_a_full_disk_names_the_file_and_leaves_no_torn_line(state_dir, run_script):
    error, next_seq = run_script(FULL_DISK, state_dir).stdout.splitlines()
    assert error.startswith("RunLogError Cannot write the journal")
    assert str(journal_path(state_dir, "r1")) in error
    assert "1 record(s)" in error
    assert next_seq == "2"
    reading = read_journal(journal_path(state_dir, "r1"))
    assert [len(record["error_message"]) for record in reading.records] == [10, 20]
    assert reading.end["status"] == "FAILED"


FORKED_WORKER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from odibi_core.errors import RunLogError
from odibi_core.runlog import Journal, close_dead_runs

state_dir = Path(sys.argv[1])
journal = Journal.create(state_dir, run_id="r1", project="P", env="q", engine="", layers=[], plugins={})
parent = os.getpid()
if os.fork():
    os._exit(9)  # the run dies, its worker lives on
try:
    journal.append(transformation_id="t", status="RUNNING", layer="L", start_time=datetime.now(UTC))
except RunLogError as error:
    print(error)
while os.getppid() == parent:
    pass
print(close_dead_runs(state_dir))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_forked_worker_does_not_make_a_dead_run_look_alive(state_dir):
    with subprocess.Popen([sys.executable, "-c", FORKED_WORKER, state_dir], stdout=subprocess.PIPE) as process:
        output = process.stdout.read().decode()
    assert "belongs to another process" in output
    assert "('r1',)" in output


def test_a_journal_line_is_one_json_object_with_its_type_first(start_run, add):
    journal = start_run()
    add(journal)
    journal.close("SUCCESS", duration_seconds=0.0)
    lines = journal.path.read_text().splitlines()
    assert [line[:14] for line in lines] == ['{"type":"run",', '{"type":"recor', '{"type":"end",']
    assert json.loads(lines[1])["seq"] == 1


def test_run_that_ends_aborted_leaves_nothing_running(start_run, add):
    journal = start_run("r1")
    for transformation_id, status in [("t1", "RUNNING"), ("t1", "SUCCESS"), ("t2", "RUNNING"), ("t3", "RETRY")]:
        add(journal, transformation_id, status)
    journal.close("ABORTED", error="interrupted", duration_seconds=1.0)
    reading = read_journal(journal.path)
    added = [(record["seq"], record["transformation_id"], record["status"]) for record in reading.records[4:]]
    assert added == [(5, "t2", "ABORTED"), (6, "t3", "ABORTED")]
    assert reading.records[-1]["error_message"] == "interrupted"
    assert (reading.end["records"], journal.last_seq) == (6, 6)


def test_run_that_was_closed_by_somebody_else_writes_nothing_more(start_run, add, no_locks):
    journal = start_run("r1")
    add(journal)
    with journal.path.open("ab") as file:
        file.write(b'{"type":"end","status":"ABORTED"}\n')
    content = journal.path.read_bytes()
    with pytest.raises(RunLogError, match="changed by somebody else"):
        add(journal)
    with pytest.raises(RunLogError, match="changed by somebody else"):
        journal.close("SUCCESS", duration_seconds=1.0)
    assert journal.path.read_bytes() == content
    assert not journal.is_open


def test_header_has_the_token_of_the_lease(state_dir):
    header = {"project": "Flights", "env": "qat", "engine": "pandas", "layers": [], "plugins": {}}
    journal = Journal.create(state_dir, run_id="r1", **header, lease_token=7)
    journal.close("SUCCESS", duration_seconds=0.0)
    assert read_journal(journal.path).header["lease_token"] == 7
