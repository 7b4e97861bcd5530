"""Going on with a run whose process was killed between any two of the steps of a save."""

from __future__ import annotations

import json
import os
import signal
import sys
from types import SimpleNamespace

import pytest

from odibi_core import run_project
from odibi_core.plugin import Dataset
from odibi_core.runlog import Journal, journal
from odibi_core.running.commits import identify
from odibi_core.running.engines import EngineRoom

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is forked to be killed")

STEPS = """
    from pathlib import Path
    from rows_engine import Rows

    def good(df):
        return Rows(df)

    def split(df):
        return {"first": Rows(df), "second": Rows(df)}

    def legacy(outputs):
        with open(Path(__file__).with_name("place.txt"), "a") as file:
            file.write("called")
"""
ROWS = [{"n": 1}, {"n": 2}]
OLD = [{"n": 0}]


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def around_note(kind, *, is_before):
    def patch(victim):
        note = Journal.note

        def dying(self, noted, /, **content):
            is_now = (noted, content["transformation_id"], content["output"]) == (kind, victim.id, victim.output)
            if is_now and is_before:
                die()
            note(self, noted, **content)
            if is_now:
                die()

        Journal.note = dying

    return patch


def around_save(*, is_before):
    def patch(victim):
        save = EngineRoom.save

        def dying(self, frame, item, *, engine):
            is_now = item.dataset.name == victim.name
            if is_now and is_before:
                die()
            report = save(self, frame, item, engine=engine)
            if is_now:
                die()
            return report

        EngineRoom.save = dying

    return patch


def before_record(*statuses):
    def patch(victim):
        append = Journal.append

        def dying(self, *, transformation_id, status, **columns):
            if transformation_id == victim.id and status in statuses:
                die()
            return append(self, transformation_id=transformation_id, status=status, **columns)

        Journal.append = dying

    return patch


def in_header(victim):
    journal.write_whole = lambda *_: die()


POINTS = {
    "before it begins": before_record("RUNNING", "REUSED"),
    "before the first note": around_note("saving", is_before=True),
    "before the save": around_save(is_before=True),
    "after the save": around_save(is_before=False),
    "after the second note": around_note("saved", is_before=False),
    "before the last record": before_record("SUCCESS"),
}
SAVED_BY = {"after the save", "after the second note", "before the last record"}


def row(id_, function, inputs=("landing/in.json",), outputs=None, **more):
    outputs = [f"silver.{id_}"] if outputs is None else outputs
    return {"transformation_id": id_, "function": function, "inputs": list(inputs), "outputs": outputs, **more}


def appending(*names):
    return [{"table": f"silver.{name}", "mode": "append"} for name in names]


@pytest.fixture
def make(make_project):
    def write(rows, **more):
        root = make_project(rows, files={"steps.py": STEPS, "landing/in.json": json.dumps(ROWS)}, **more)
        (root / "data/silver").mkdir(parents=True, exist_ok=True)
        return root

    return write


@pytest.fixture
def kill(manager):
    """Run a project in a process that is killed at a point of one transformation."""

    def run(root, patch, *, victim="adds", output=0, name=None, **arguments):
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            try:
                patch(SimpleNamespace(id=victim, output=output, name=name or f"silver.{victim}"))
                run_project(root, manager=manager, **arguments)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL

    return run


def read(root, table):
    return json.loads((root / "data" / (table.replace(".", "/") + ".json")).read_text(encoding="utf-8"))


@pytest.mark.parametrize("point", POINTS)
def test_append_happens_exactly_once_wherever_the_process_was_killed(make, manager, kill, point):
    root = make([row("first", "good"), row("adds", "good", ["silver.first"], appending("adds"))])
    (root / "data/silver/adds.json").write_text(json.dumps(OLD))

    kill(root, POINTS[point])
    assert read(root, "silver.adds") == (OLD + ROWS if point in SAVED_BY else OLD)
    result = run_project(root, manager=manager, resume=True)

    assert read(root, "silver.adds") == OLD + ROWS
    assert [one.status for one in result.transformations] == ["REUSED", "SUCCESS"]
    assert ("which had saved 'silver.adds' already" in result.transformations[1].reason) == (point in SAVED_BY)


@pytest.mark.parametrize("point", POINTS)
def test_first_append_into_nothing_happens_exactly_once(make, manager, kill, point):
    root = make([row("adds", "good", outputs=appending("adds"))])

    kill(root, POINTS[point])
    run_project(root, manager=manager, resume=True)

    assert read(root, "silver.adds") == ROWS


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("output", [0, 1], ids=["first output", "second output"])
def test_of_several_outputs_only_those_that_were_not_saved_are(make, manager, kill, point, output):
    root = make([row("adds", "split", outputs=appending("first", "second"))])

    kill(root, POINTS[point], output=output, name=["silver.first", "silver.second"][output])
    run_project(root, manager=manager, resume=True)

    assert read(root, "silver.first") == read(root, "silver.second") == ROWS


@pytest.mark.parametrize("point", ["before the save", "after the save"])
def test_new_output_that_must_not_be_there_yet_is_saved_exactly_once(make, manager, kill, point):
    root = make([row("adds", "good", outputs=[{"table": "silver.adds", "mode": "error"}])])

    kill(root, POINTS[point])

    assert run_project(root, manager=manager, resume=True).status == "SUCCESS"
    assert read(root, "silver.adds") == ROWS


@pytest.mark.parametrize("point", POINTS)
def test_run_that_resumes_is_killed_before_it_comes_to_what_was_appended(make, manager, kill, point):
    rows = [row("first", "good"), row("adds", "good", outputs=appending("adds")), row("last", "good")]
    root = make(rows)

    kill(root, POINTS[point], max_workers=1)
    for _ in range(3):
        # Each of them knows only what the one before had decided, and dies before it records anything.
        kill(root, POINTS["before it begins"], victim="first", resume=True, max_workers=1)
    for path in sorted(root.glob(".odibi/runs/*"))[:-2]:
        path.unlink()
    result = run_project(root, manager=manager, resume=True)

    assert read(root, "silver.adds") == ROWS
    assert result.status == "SUCCESS"


def test_run_that_resumes_is_killed_before_it_comes_to_what_has_succeeded(make, manager, kill):
    root = make([row("adds", "good", outputs=appending("adds")), row("last", "good")])

    kill(root, POINTS["before it begins"], victim="last", max_workers=1)
    for _ in range(2):
        kill(root, POINTS["before it begins"], resume=True, max_workers=1)
    run_project(root, manager=manager, resume=True)

    assert read(root, "silver.adds") == ROWS


def test_run_that_was_killed_before_its_journal_began_is_no_run(make, manager, kill):
    root = make([row("adds", "good", outputs=appending("adds"))])
    kill(root, POINTS["after the save"])
    kill(root, in_header, resume=True)

    run_project(root, manager=manager, resume=True)

    assert read(root, "silver.adds") == ROWS


def test_place_that_another_environment_has_appended_to_since_is_doubtful(make, manager, kill):
    rows = [row("adds", "good", outputs=appending("adds"))]
    root = make(rows)
    kill(root, POINTS["before the save"])
    run_project(root, "prod", manager=manager)

    result = run_project(root, manager=manager, resume=True, env="qat", raise_on_failure=False)

    assert result.status == "FAILED"
    assert "Whether that got through cannot be seen from here" in result.error
    assert read(root, "silver.adds") == ROWS


@pytest.mark.parametrize("point", ["before the save", "after the save"])
def test_append_that_cannot_be_looked_at_is_left_to_the_user(make, manager, kill, point, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outputs = [{"path": "store://adds.json", "mode": "append"}]
    rows = [row("adds", "good", outputs=outputs), row("follows", "good", ["store://adds.json"]), row("other", "good")]
    root = make(rows)
    kill(root, POINTS[point], name="store://adds.json", max_workers=1)

    for other in ("SUCCESS", "REUSED"):
        result = run_project(root, manager=manager, resume=True, raise_on_failure=False)
        assert result.status == "FAILED"
        assert {one.transformation_id: one.status for one in result.transformations} == {
            "adds": "FAILED",
            "follows": "SKIPPED",
            "other": other,
        }
        said = result.errors[0]["error"]
        assert "was cut off while 'adds' saved 'store://adds.json' (mode append)" in said
        assert "go on behind it: odibi run --select 'follows+'" in said
        assert "run it again: odibi run --select 'adds+'" in said

    # As the message says, for the case that it is not there.
    (tmp_path / "store:/adds.json").unlink(missing_ok=True)
    assert run_project(root, manager=manager, selected=["adds"]).status == "SUCCESS"
    result = run_project(root, manager=manager, resume=True)
    assert [one.status for one in result.transformations] == ["REUSED", "SUCCESS", "REUSED"]
    assert json.loads((tmp_path / "store:/adds.json").read_text()) == ROWS


def test_append_that_failed_with_an_error_is_tried_again_wherever_it_is(make, manager, tmp_path, monkeypatch):
    """By its contract a saver that raises has changed nothing."""
    monkeypatch.chdir(tmp_path)
    root = make([row("adds", "good", outputs=[{"path": "store://adds.json", "mode": "append"}])])
    (tmp_path / "store:").write_text("a file where a folder should be")
    assert run_project(root, manager=manager, raise_on_failure=False).status == "FAILED"
    (tmp_path / "store:").unlink()

    assert run_project(root, manager=manager, resume=True).status == "SUCCESS"


def test_v2_function_that_was_killed_is_called_again_as_a_whole(make, manager, kill):
    root = make([row("adds", "legacy", [], [])])

    kill(root, POINTS["before the last record"])
    run_project(root, manager=manager, resume=True)

    assert (root / "place.txt").read_text() == "calledcalled"


def test_overwritten_outputs_leave_no_notes(make, manager, journals):
    root = make([row("first", "good"), row("adds", "good", outputs=appending("adds"))])

    run_project(root, manager=manager)

    (journal,) = journals(root)
    assert [(note["type"], note["transformation_id"]) for note in journal.notes] == [
        ("saving", "adds"),
        ("saved", "adds"),
    ]
    assert journal.notes[0]["before"] == "missing"


@pytest.fixture
def dataset(tmp_path):
    def at(name, format_="json"):
        return Dataset(name=name, kind="path", format=format_, location=str(tmp_path / name))

    return at


def test_identity_of_a_file_changes_when_it_is_replaced_and_not_when_it_is_read(dataset, tmp_path):
    place = dataset("a.json")
    assert identify(place) == "missing"
    (tmp_path / "a.json").write_text("x")
    before = identify(place)
    (tmp_path / "a.json").read_text()
    assert identify(place) == before

    (tmp_path / "b.json").write_text("x")
    (tmp_path / "b.json").replace(tmp_path / "a.json")

    assert identify(place) != before


def test_identity_of_a_folder_is_that_of_what_readers_see_in_it(dataset, tmp_path):
    place = dataset("table")
    (tmp_path / "table/year=2024").mkdir(parents=True)
    (tmp_path / "table/year=2024/part-0.json").write_text("x")
    before = identify(place)
    (tmp_path / "table/.part-1.json.partial").write_text("half")
    (tmp_path / "table/_temporary").mkdir()
    (tmp_path / "table/_temporary/part-1.json").write_text("half")
    assert identify(place) == before

    (tmp_path / "table/year=2024/part-1.json").write_text("whole")

    assert identify(place) != before


@pytest.mark.parametrize(("format_", "log"), [("delta", "_delta_log"), ("iceberg", "metadata")])
def test_identity_of_a_table_with_a_log_is_that_of_its_log(dataset, tmp_path, format_, log):
    """A data file that no commit names is no part of the table: the process was killed before it committed."""
    place = dataset("table", format_)
    (tmp_path / "table").mkdir()
    (tmp_path / "table/part-0.parquet").write_text("not committed")
    assert identify(place) == "missing"
    (tmp_path / f"table/{log}").mkdir()
    (tmp_path / f"table/{log}/00000000000000000000.json").write_text("{}")
    before = identify(place)
    (tmp_path / "table/part-1.parquet").write_text("not committed")
    (tmp_path / f"table/{log}/_commit_1.json.tmp").write_text("{}")
    assert identify(place) == before

    (tmp_path / f"table/{log}/00000000000000000001.json").write_text("{}")

    assert identify(place) not in (before, "missing")


@pytest.mark.parametrize("location", ["s3://bucket/a.json", "catalog.schema.table", "relative/a.json"])
def test_place_that_is_not_local_has_no_identity(location):
    assert identify(Dataset(name="a", kind="table", format="json", location=location)) == "unknown"
