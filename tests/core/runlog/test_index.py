"""Answers about runs, from an index that may be missing, stale, damaged or in use."""

from datetime import UTC, datetime, timedelta

import pytest

from odibi_core.errors import SelectionError
from odibi_core.runlog import RunIndex, close_dead_runs


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
        "reason": None,
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


def test_the_newest_run_of_each_transformation_is_the_last_that_began_it(index, start_run, add):
    assert index.last_runs("Flights", "qat") == {}
    for run_id, outcomes in (
        ("r1", {"t1": "SUCCESS", "t2": "FAILED", "t3": "SUCCESS"}),
        ("r2", {"t1": "FAILED", "t2": "SKIPPED", "t3": "REUSED"}),
    ):
        journal = start_run(run_id)
        for id_, status in outcomes.items():
            add(journal, id_, status)
    assert index.last_runs(" FLIGHTS", "QAT") == {"t1": "r2", "t2": "r1", "t3": "r2"}
    assert index.last_runs("Flights", "prod") == {}


@pytest.mark.parametrize(
    ("successes", "failures", "rate"),
    [(0, 1, "0.0%"), (37, 1, "97.4%"), (1999, 1, "99.9%"), (1, 1999, "0.1%"), (2, 1, "66.7%")],
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
