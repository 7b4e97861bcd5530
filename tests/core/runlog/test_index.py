"""Answers about runs, from an index that may be missing, stale, damaged or in use."""

import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest

from odibi_core.errors import RunLogError, SelectionError
from odibi_core.runlog import RunIndex, close_dead_runs


@pytest.fixture
def index(state_dir):
    return RunIndex(state_dir)


@pytest.fixture
def finished_run(start_run, add):
    """Runs transformations, given by id and last status, to their end."""

    def run(run_id=None, *, project="Flights", env="qat", end="SUCCESS", **statuses):
        journal = start_run(run_id, project=project, env=env)
        for transformation_id, status in statuses.items():
            if status != "SKIPPED":
                add(journal, transformation_id, "RUNNING")
            add(journal, transformation_id, status, error_message=None if status == "SUCCESS" else f"why {status}")
        journal.close(end, duration_seconds=2.5, error=None if end == "SUCCESS" else "it failed")
        return journal

    return run


def test_a_project_that_never_ran_is_told_from_one_without_failures(index, finished_run, state_dir):
    """A-94: "nothing ever ran" and "nothing failed" are different answers."""
    assert (index.has_runs, index.runs(), index.run(), index.failed("Flights", "qat")) == (False, [], None, [])
    assert index.status("Flights", "qat")["success_rate"] == "N/A"
    assert not state_dir.exists()
    finished_run(t1="SUCCESS")
    assert (index.has_runs, index.failed("Flights", "qat")) == (True, [])


def test_four_successes_are_four_runs_and_one_hundred_percent(index, finished_run):
    """A-93: each transformation counts once, although it has a RUNNING and a SUCCESS record."""
    finished_run(t1="SUCCESS", t2="SUCCESS", t3="SUCCESS", t4="SUCCESS")
    status = index.status("Flights", "qat", 24)
    last_run = status.pop("last_run")
    assert status == {
        "project": "Flights",
        "environment": "qat",
        "period_hours": 24,
        "total_runs": 4,
        "success_count": 4,
        "failed_count": 0,
        "success_rate": "100.0%",
        "avg_duration_seconds": 1.0,
    }
    assert datetime.fromisoformat(last_run).tzinfo is not None


@pytest.mark.parametrize("name", ["FLIGHTS", " flights "])
def test_projects_and_environments_match_whatever_their_case(index, finished_run, name):
    """A-93: the run log has "Flights", the question may have any spelling."""
    finished_run(t1="FAILED", end="FAILED")
    assert index.status(name, "QAT")["total_runs"] == 1
    assert len(index.failed(name, "QAT")) == 1
    assert len(index.runs(name, "Qat")) == 1


def test_what_runs_or_was_skipped_is_not_counted_as_ended(index, start_run, finished_run, add):
    finished_run(t1="SUCCESS", t2="FAILED", t3="SKIPPED", end="FAILED")
    add(start_run(), "t9", "RUNNING")
    status = index.status("Flights", "qat")
    assert (status["total_runs"], status["success_count"], status["failed_count"]) == (2, 1, 1)
    assert status["success_rate"] == "50.0%"


def test_attempts_make_one_transformation_with_its_last_status(index, start_run, add):
    journal = start_run("r1")
    began = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
    add(journal, "t1", "RUNNING", start_time=began, attempt=1, step=3, module="silver.f", function="clean", plant="EWR")
    add(journal, "t1", "RETRY", start_time=began, attempt=1, error_message="timeout")
    add(journal, "t1", "RUNNING", attempt=2)
    add(journal, "t1", "SUCCESS", attempt=2, rows_read=10, rows_written=9, duration_seconds=0.5)
    (row,) = RunIndex(journal.path.parent.parent).transformations("r1")
    assert row.pop("end_time") > row.pop("start_time") == "2026-11-21T20:00:00.000000+00:00"
    assert row == {
        "transformation_id": "t1",
        "layer": "Silver",
        "step": 3,
        "engine": "pandas",
        "module": "silver.f",
        "function": "clean",
        "status": "SUCCESS",
        "attempts": 2,
        "duration_seconds": 0.5,
        "rows_read": 10,
        "rows_written": 9,
        "error": None,
        "plant": "EWR",
        "asset": None,
    }


def test_failures_come_newest_first_with_their_error(index, start_run, add):
    journal = start_run("r1")
    now = datetime.now(UTC)
    for number, age in enumerate([3, 1, 2]):
        add(journal, f"t{number}", "FAILED", start_time=now - timedelta(hours=age), error_message=f"e{number}")
    add(journal, "old", "FAILED", start_time=now - timedelta(hours=25), error_message="long ago")
    failed = index.failed("Flights", "qat", hours=24)
    assert [(row["transformation_id"], row["error_message"]) for row in failed] == [
        ("t1", "e1"),
        ("t2", "e2"),
        ("t0", "e0"),
    ]
    assert list(failed[0])[:5] == ["transformation_id", "start_time", "end_time", "error_message", "duration_seconds"]
    assert failed[0]["run_id"] == "r1"
    assert len(index.failed("Flights", "qat", hours=1e12)) == 4
    assert len(index.failed("Flights", "qat", hours=1.5)) == 1


@pytest.mark.parametrize(
    ("successes", "failures", "rate"),
    [(0, 1, "0.0%"), (37, 1, "97.4%"), (9999, 1, "99.9%"), (1, 9999, "0.1%"), (2, 1, "66.7%")],
)
def test_rounding_never_hides_a_failure(index, start_run, add, successes, failures, rate):
    journal = start_run()
    for number in range(successes + failures):
        add(journal, f"t{number}", "SUCCESS" if number < successes else "FAILED")
    assert index.status("Flights", "qat")["success_rate"] == rate


def test_layers_are_summed_up_in_the_order_they_ran(index, start_run, add):
    """A-97: the figures of one layer can be picked out."""
    journal = start_run()
    for layer, status in [("Silver", "SUCCESS"), ("Silver", "FAILED"), ("Gold", "SKIPPED"), ("Apex", "SUCCESS")]:
        add(journal, f"{layer}-{status}", status, layer=layer)
    summary = index.layer_summary("flights", "QAT")
    assert [row["layer"] for row in summary] == ["Silver", "Gold", "Apex"]
    assert (summary[0]["success_count"], summary[0]["failed_count"], summary[0]["success_rate"]) == (1, 1, "50.0%")
    assert (summary[1]["skipped_count"], summary[1]["total_runs"], summary[1]["success_rate"]) == (1, 0, "N/A")


def test_runs_come_newest_first_and_say_how_they_were(index, finished_run, start_run):
    finished_run("r1", t1="SUCCESS")
    finished_run("r2", env="prod", t1="SUCCESS")
    finished_run("r3", t1="SUCCESS", t2="FAILED", t3="SKIPPED", end="FAILED")
    start_run("r4", plan=[{"transformation_id": "t1"}])
    assert [(run.run_id, run.status) for run in index.runs()] == [
        ("r4", "RUNNING"),
        ("r3", "FAILED"),
        ("r2", "SUCCESS"),
        ("r1", "SUCCESS"),
    ]
    assert [run.run_id for run in index.runs(env="qat", limit=2)] == ["r4", "r3"]
    assert index.runs("other") == []
    run = index.run("r3")
    assert (run.error, run.duration_seconds, run.layers) == ("it failed", 2.5, ("Bronze", "Silver"))
    assert run.counts == {"FAILED": 1, "SKIPPED": 1, "SUCCESS": 1}
    assert run.plugins == {"odibi-engine-pandas": "0.1.0"}
    assert run.to_dict()["layers"] == ["Bronze", "Silver"]
    assert index.run().run_id == "r4"
    assert index.run().planned == 1


def test_an_unknown_run_is_an_error_that_names_the_newest(index, finished_run):
    finished_run("20261121T213000.000000-aaaaaaaa", t1="SUCCESS")
    with pytest.raises(SelectionError, match=r"'20261121T213000.000000-aaaaaaab' not found among 1 run.*Did you mean"):
        index.run("20261121T213000.000000-aaaaaaab")
    with pytest.raises(SelectionError, match="The newest: 20261121"):
        index.transformations("x")
    with pytest.raises(SelectionError):
        RunIndex(index._state_dir / "nowhere").run("x")


def test_answers_follow_a_run_while_it_goes_on(index, start_run, add, monkeypatch):
    journal = start_run("r1")
    add(journal, "t1", "RUNNING")
    assert index.transformations("r1")[0]["status"] == "RUNNING"
    add(journal, "t1", "SUCCESS")
    add(journal, "t2", "FAILED")
    assert [row["status"] for row in index.transformations("r1")] == ["SUCCESS", "FAILED"]
    assert index.run("r1").status == "RUNNING"
    journal.close("FAILED", duration_seconds=0.0)
    assert index.run("r1").status == "FAILED"


def test_only_what_is_new_is_read_again(index, start_run, add, monkeypatch):
    from odibi_core.runlog import index_store

    journal = start_run("r1")
    add(journal, "t1", "RUNNING")
    index.refresh()
    offsets = []
    scan = index_store.scan_journal

    def counted(path, *, offset, next_seq):
        offsets.append((path.stem, offset > 0))
        return scan(path, offset=offset, next_seq=next_seq)

    monkeypatch.setattr(index_store, "scan_journal", counted)
    index.refresh()
    assert offsets == []
    add(journal, "t1", "SUCCESS")
    index.refresh()
    assert offsets == [("r1", True)]


def test_a_torn_line_is_taken_in_when_it_is_whole(index, start_run, add):
    journal = start_run("r1")
    add(journal, "t1", "RUNNING")
    content = journal.path.read_bytes()
    journal.path.write_bytes(content[:-30])
    assert index.transformations("r1") == []
    journal.path.write_bytes(content)
    assert [row["transformation_id"] for row in index.transformations("r1")] == ["t1"]


def test_a_dead_run_is_not_shown_as_running_even_before_it_is_closed(index, state_dir, killed_run):
    journal = killed_run("r1", "t1:RUNNING", "t1:SUCCESS", "t2:RUNNING")
    content = journal.read_bytes()
    assert index.run("r1").status == "ABORTED"
    assert [row["status"] for row in index.transformations("r1")] == ["SUCCESS", "ABORTED"]
    assert journal.read_bytes() == content
    close_dead_runs(state_dir)
    assert index.run("r1").status == "ABORTED"
    assert "ended without closing" in index.failed("flights", "qat")[0]["error_message"]


def test_a_run_that_dies_between_two_questions_is_noticed(index, start_run, add, state_dir):
    journal = start_run("r1")
    add(journal, "t1", "RUNNING")
    assert index.run("r1").status == "RUNNING"
    journal._forget()  # as the system does when the process ends
    assert index.run("r1").status == "ABORTED"


@pytest.mark.parametrize("damage", ["no database", "torn", "other version", "no tables", "a folder"])
def test_a_damaged_index_is_rebuilt_from_the_journals(index, finished_run, state_dir, damage):
    finished_run("r1", t1="SUCCESS", t2="FAILED", end="FAILED")
    expected = (index.status("Flights", "qat"), index.runs())
    file = state_dir / "index.sqlite3"
    if damage == "no database":
        file.write_bytes(random.Random(1).randbytes(20_000))
    elif damage == "torn":
        file.write_bytes(file.read_bytes()[:5000])
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
