"""An index that is damaged, stale, gone or in use, and a run log that cannot be read."""

import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from odibi_core.errors import RunLogError


@pytest.mark.parametrize(
    "damage", ["no database", "torn", "other version", "no tables", "no text", "no JSON", "a folder"]
)
def test_a_damaged_index_is_rebuilt_from_the_journals(index, finished_run, state_dir, damage):
    finished_run("r1", t1="SUCCESS", t2="FAILED", end="FAILED")
    expected = (index.status("Flights", "qat"), index.runs())
    file = state_dir / "index.sqlite3"
    if damage == "no database":
        file.write_bytes(random.Random(1).randbytes(20_000))
    elif damage == "torn":
        file.write_bytes(file.read_bytes()[:5000])
    elif damage == "no text":
        # SQLite quotes it in its error, which Python then cannot decode.
        schema = file.read_bytes()
        file.write_bytes(schema.replace(b"CREATE TABLE journals (", b"CREATE TABLE journals \x82"))
        with pytest.raises((UnicodeDecodeError, sqlite3.Error)), closing(sqlite3.connect(file)) as connection:
            connection.execute("SELECT * FROM journals")
    elif damage == "no JSON":
        file.write_bytes(file.read_bytes().replace(b'["Bronze"', b'["Bronze;'))
    elif damage == "a folder":
        file.unlink()
        file.mkdir()
    else:
        with sqlite3.connect(file) as connection:
            connection.execute(
                "PRAGMA user_version = 99" if damage == "other version" else "DROP TABLE transformations"
            )
        connection.close()
    assert (index.status("Flights", "qat"), index.runs()) == expected


def test_a_missing_index_is_made_again(index, finished_run, state_dir):
    finished_run("r1", t1="SUCCESS")
    before = index.runs()
    (state_dir / "index.sqlite3").unlink()
    assert index.runs() == before


@pytest.mark.parametrize("other", [b'"ABORTED"', b'"BROKEN"'], ids=["longer", "as long"])
def test_journals_that_were_deleted_or_replaced_are_noticed(index, finished_run, other):
    first = finished_run("r1", t1="SUCCESS")
    second = finished_run("r2", t1="FAILED", end="FAILED")
    assert len(index.runs()) == 2
    first.path.unlink()
    content = second.path.read_bytes()
    second.path.write_bytes(content.replace(b'"FAILED"', other))
    assert [(run.run_id, run.status) for run in index.runs()] == [("r2", other.decode().strip('"'))]
    second.path.write_bytes(content)
    assert index.run("r2").counts == {"FAILED": 1}


@pytest.mark.parametrize("kept", [0, 0.3, 0.9], ids=["nothing", "a torn header", "no end"])
@pytest.mark.parametrize("is_known", [False, True], ids=["never read", "read before"])
def test_a_journal_that_was_closed_and_lacks_its_end_is_an_error(index, finished_run, kept, is_known):
    """What is missing may be a failure, so what is left must not look like all there was."""
    finished_run("r1", t1="SUCCESS")
    journal = finished_run("r2", t1="SUCCESS", t2="FAILED", end="FAILED").path
    if is_known:
        assert len(index.failed("Flights", "qat")) == 1
    content = journal.read_bytes()
    journal.write_bytes(content[: int(len(content) * kept)])
    for question in (index.runs, lambda: index.failed("Flights", "qat"), lambda: index.status("Flights", "qat")):
        with pytest.raises(RunLogError, match=r"r2\.jsonl is cut off at byte \d+.*Restore the file"):
            question()
    journal.write_bytes(content)
    assert len(index.failed("Flights", "qat")) == 1


def test_a_run_that_died_at_its_first_byte_keeps_nobody_from_an_answer(index, finished_run, state_dir):
    finished_run("r1", t1="SUCCESS")
    (state_dir / "runs" / "r2.open").touch()
    (state_dir / "runs" / "r2.jsonl").write_bytes(b'{"type":"ru')
    assert [run.run_id for run in index.runs()] == ["r1"]


def test_other_files_in_the_folder_are_no_runs(index, finished_run, state_dir):
    finished_run("r1", t1="SUCCESS")
    shutil.copy(state_dir / "runs" / "r1.jsonl", state_dir / "runs" / "r1 (copy).jsonl")
    (state_dir / "runs" / "notes.txt").write_text("x")
    assert [run.run_id for run in index.runs()] == ["r1"]


def test_if_the_run_log_cannot_be_read_that_is_the_answer(index, finished_run, state_dir):
    """A-94: never "no failures" when it is not known."""
    journal = finished_run("r1", t1="FAILED", end="FAILED")
    content = journal.path.read_bytes()
    journal.path.write_bytes(b"garbage\n" + content)
    questions = [
        lambda: index.failed("Flights", "qat"),
        lambda: index.status("Flights", "qat"),
        lambda: index.layer_summary("Flights", "qat"),
        lambda: index.transformations("r1"),
        lambda: index.run("r1"),
        index.runs,
        index.refresh,
    ]
    for question in questions:
        with pytest.raises(RunLogError, match="damaged"):
            question()
    shutil.rmtree(state_dir / "runs")
    (state_dir / "runs").write_text("not a folder")
    for question in [*questions, lambda: index.has_runs]:
        with pytest.raises(RunLogError, match="Whether there were runs is not known"):
            question()


def test_a_hostile_name_is_a_value_and_never_sql(index, finished_run):
    name = "O'Brien\"; DROP TABLE runs; -- \ud800 😀"
    finished_run("r1", project=name, env="q'a%t", t1="FAILED", end="FAILED")
    assert len(index.failed(name.upper(), "Q'A%T")) == 1
    assert index.failed("O'Brien", "q'a%t") == []
    assert index.status(name, "q'a_t")["total_runs"] == 0
    assert len(index.runs()) == 1


def test_an_error_of_megabytes_with_nuls_is_answered_whole(index, start_run, add):
    message = "\0é\n" * 500_000
    add(start_run("r1"), "t1", "FAILED", error_message=message)
    assert index.failed("Flights", "qat")[0]["error_message"] == message


def test_an_index_that_another_process_keeps_locked_is_not_waited_for_in_vain(
    index, finished_run, state_dir, monkeypatch
):
    monkeypatch.setattr("odibi_core.runlog.index_store._WAIT_SECONDS", 0.01)
    finished_run("r1", t1="SUCCESS")
    assert len(index.runs()) == 1
    finished_run("r2", t1="SUCCESS")
    other = sqlite3.connect(state_dir / "index.sqlite3", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert len(index.runs()) == 2
    other.rollback()
    other.close()
    assert len(index.runs()) == 2


ASKER = """
import sys, pathlib
from odibi_core.runlog import RunIndex
sys.stdin.read()
index = RunIndex(pathlib.Path(sys.argv[1]))
print([(index.status("Flights", "qat")["total_runs"], len(index.runs())) for _ in range(10)])
"""


def test_several_processes_may_ask_at_once(index, finished_run, state_dir):
    for number in range(5):
        finished_run(f"r{number}", t1="SUCCESS", t2="FAILED")
    (state_dir / "index.sqlite3").write_bytes(b"damaged")
    askers = [
        subprocess.Popen(
            [sys.executable, "-c", ASKER, state_dir],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for asker in askers:
        asker.stdin.close()
    for asker in askers:
        output, errors = asker.stdout.read().decode(), asker.stderr.read().decode()
        asker.stdout.close()
        asker.stderr.close()
        assert asker.wait(30) == 0, errors
        assert output == f"{[(10, 5)] * 10}\n"


def test_several_threads_may_share_one_index(index, finished_run):
    finished_run("r1", t1="SUCCESS")
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(len(index.runs()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [1] * 8


def test_a_run_neither_writes_the_index_nor_loads_sqlite(state_dir, run_script):
    code = """
import sys, pathlib
from datetime import UTC, datetime
from odibi_core.runlog import Delivery, Journal, close_dead_runs, deliver_pending
state = pathlib.Path(sys.argv[1])
close_dead_runs(state), deliver_pending(state, [])
journal = Journal.create(state, run_id="r1", project="P", env="q", engine="", layers=[], plugins={})
delivery = Delivery(journal, [], state)
journal.append(transformation_id="t", status="RUNNING", layer="L", start_time=datetime.now(UTC))
journal.close("SUCCESS", duration_seconds=0.0)
delivery.finish()
heavy = {"sqlite3", "structlog", "pydantic", "yaml", "click", "rich", "packaging", "asyncio"}
print(sorted(heavy & set(sys.modules)), sorted(path.name for path in state.rglob("*") if path.is_file()))
"""
    assert run_script(code, state_dir).stdout == "[] ['.gitignore', 'r1.jsonl']\n"
