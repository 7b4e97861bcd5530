"""Notes: lines of a journal that are no records."""

from __future__ import annotations

import pytest

from odibi_core.errors import RunLogError, SelectionError
from odibi_core.runlog import Delivery, NoteKind, RunIndex, close_dead_runs, read_journal


def test_notes_are_kept_in_order_and_leave_records_without_holes(start_run, add):
    journal = start_run("r1")
    add(journal, "t1")
    journal.note(NoteKind.SAVING, transformation_id="t1", output=0, before="missing")
    journal.note(NoteKind.SAVED, transformation_id="t1", output=0)
    add(journal, "t1", "SUCCESS")

    reading = read_journal(journal.path)

    assert [record["seq"] for record in reading.records] == [1, 2]
    assert [note["type"] for note in reading.notes] == ["saving", "saved"]
    assert reading.notes[0] == {"type": "saving", "transformation_id": "t1", "output": 0, "before": "missing"}


def test_note_behind_the_end_is_refused(start_run):
    journal = start_run("r1")
    journal.close("SUCCESS", duration_seconds=0.0)

    with pytest.raises(RunLogError, match="closed"):
        journal.note(NoteKind.SAVED, transformation_id="t1", output=0)


def test_sinks_get_records_only(start_run, add, kit, state_dir):
    journal, sink = start_run("r1"), kit.ListSink()
    delivery = Delivery(journal, [kit.target(sink)], state_dir)
    for id_ in ("t1", "t2"):
        add(journal, id_)
        journal.note(NoteKind.SAVED, transformation_id=id_, output=0)
        add(journal, id_, "SUCCESS")
        delivery.notify()
    journal.close("SUCCESS", duration_seconds=0.0)

    reports = delivery.finish()

    assert sink.seqs == [1, 2, 3, 4]
    assert [(report.records, report.error) for report in reports] == [(4, None)]
    assert kit.cursors() == []


def test_index_counts_records_only(start_run, add, index):
    journal = start_run("r1")
    add(journal, "t1")
    journal.note(NoteKind.SAVING, transformation_id="t2", output=0, before="missing")
    assert index.run("r1").counts == {"RUNNING": 1}

    journal.note(NoteKind.SAVED, transformation_id="t2", output=0)
    add(journal, "t1", "SUCCESS")

    assert index.run("r1").counts == {"SUCCESS": 1}


def test_killed_run_with_a_note_as_its_last_line_is_closed(start_run, add, state_dir, run_script):
    run_script(
        "import os, sys\n"
        "from datetime import UTC, datetime\n"
        "from pathlib import Path\n"
        "from odibi_core.runlog import Journal, NoteKind\n"
        "journal = Journal.create(Path(sys.argv[1]), run_id='r1', project='Flights', env='qat', engine='', layers=[],"
        " plugins={})\n"
        "journal.append(transformation_id='t1', status='RUNNING', layer='', start_time=datetime.now(UTC))\n"
        "journal.note(NoteKind.SAVING, transformation_id='t1', output=0, before='missing')\n"
        "os._exit(9)\n",
        state_dir,
        check=False,
    )

    assert close_dead_runs(state_dir) == ("r1",)

    reading = read_journal(state_dir / "runs" / "r1.jsonl")
    assert [(one["seq"], one["status"]) for one in reading.records] == [(1, "RUNNING"), (2, "ABORTED")]
    assert len(reading.notes) == 1
    assert reading.end["status"] == "ABORTED"


def test_newest_fingerprint_of_each_transformation_is_found(start_run, index):
    for run_id, ids in (("r1", ("a", "b")), ("r2", ("a",))):
        journal = start_run(run_id)
        for id_ in ids:
            journal.note(NoteKind.FINGERPRINT, transformation_id=id_, inputs=[run_id])
        journal.close("SUCCESS", duration_seconds=0.0)
    other = start_run("r3", env="prod")
    other.note(NoteKind.FINGERPRINT, transformation_id="a", inputs=["r3"])

    found = index.fingerprints(" FLIGHTS ", "Qat")

    assert {id_: (one["run_id"], one["inputs"]) for id_, one in found.items()} == {
        "a": ("r2", ["r2"]),
        "b": ("r1", ["r1"]),
    }


def test_fingerprints_survive_the_loss_of_the_index(start_run, index, state_dir):
    for run_id in ("r2", "r1"):
        journal = start_run(run_id)
        journal.note(NoteKind.FINGERPRINT, transformation_id="a", inputs=[run_id])
        journal.close("SUCCESS", duration_seconds=0.0)
    before = index.fingerprints("Flights", "qat")

    (state_dir / "index.sqlite3").unlink()

    assert RunIndex(state_dir).fingerprints("Flights", "qat") == before
    assert before["a"]["inputs"] == ["r2"]


def test_project_that_never_ran_has_no_fingerprints(index):
    assert index.fingerprints("Flights", "qat") == {}


def test_reused_transformation_has_a_reason_and_no_error_and_is_no_execution(start_run, add, index):
    journal = start_run("r1")
    add(journal, "t1", "REUSED", error_message="succeeded in run r0")
    journal.close("SUCCESS", duration_seconds=0.0)

    (row,) = index.transformations("r1")

    assert (row["status"], row["error"], row["reason"]) == ("REUSED", None, "succeeded in run r0")
    assert index.status("Flights", "qat", 24)["total_runs"] == 0
    assert index.failed("Flights", "qat", 24) == []


@pytest.mark.parametrize("name", ["20260101T000000-abc", "20260101", "abc"], ids=["id", "beginning", "end"])
def test_run_is_found_by_its_id_its_beginning_or_its_end(start_run, index, name):
    for run_id in ("20260101T000000-abc", "20260202T000000-def"):
        start_run(run_id)

    assert index.find(name).run_id == "20260101T000000-abc"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("2026", "'2026' is the beginning or the end of 2 runs.*20260202T000000-def, 20260101T000000-abc"),
        ("xyz", "not found among 2 run"),
        ("", "not found among 2 run"),
    ],
    ids=["several", "none", "nothing"],
)
def test_name_that_fits_no_run_or_several_is_an_error(start_run, index, name, words):
    for run_id in ("20260101T000000-abc", "20260202T000000-def"):
        start_run(run_id)

    with pytest.raises(SelectionError, match=words):
        index.find(name)


def test_header_keeps_what_was_asked_for_and_which_run_is_resumed(state_dir, index):
    from odibi_core.runlog import Journal

    request = {"selected": ["a"], "target_layers": None, "engine": None}
    journal = Journal.create(
        state_dir,
        run_id="r2",
        project="P",
        env="qat",
        engine="",
        layers=[],
        plugins={},
        request=request,
        resumes="r1",
    )
    journal.close("SUCCESS", duration_seconds=0.0)

    assert read_journal(journal.path).header["request"] == request
    assert index.run("r2").resumes == "r1"
