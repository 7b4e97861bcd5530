"""Signals to a real run at work, and a second run beside it: what is left behind is whole."""

from __future__ import annotations

import json
import signal

import pytest

from odibi_core.runlog import RunIndex, RunLease, read_journal

STEPS = """
    import os
    import signal
    import sys
    import threading
    from rows_engine import Rows

    class Destructor:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)

    def destruct(df):
        Destructor()
        return Rows(df)

    def quick(df):
        return Rows(df)

    def busy(df):
        sys.stdout.write("busy\\n")
        sys.stdout.flush()
        threading.Event().wait(60)
        return df
"""

SINK = """
    import json

    class LinesSink:
        def __init__(self, path):
            self.path = path

        def write(self, records):
            with open(self.path, "a", encoding="utf-8") as file:
                for record in records:
                    file.write(json.dumps([record["run_id"], record["seq"]]) + "\\n")

    @hookimpl
    def odibi_register_log_sinks():
        yield LogSinkSpec(name="lines", factory="acme_lines:LinesSink")
"""


@pytest.fixture
def project(make_project, site):
    """Write a project with a log sink: ``project("quick", "busy")`` has one transformation per function."""
    site.plugin("lines", SINK)

    def make(*functions, **more):
        rows = [
            {
                "transformation_id": f"t{number}",
                "function": name,
                "inputs": ["in.json"],
                "outputs": [f"silver.t{number}"],
                **more,
            }
            for number, name in enumerate(functions)
        ]
        sink = {"type": "lines", "path": str(site.folder / "records")}
        return make_project(rows, manifest={"log_sinks": [sink]}, files={"steps.py": STEPS, "in.json": '[{"n": 1}]'})

    return make


@pytest.fixture
def check(site):
    """Look at what an interrupted run has left behind, and return the statuses in its journal."""

    def look(root):
        (path,) = root.glob(".odibi/runs/*.jsonl")
        journal = read_journal(path)
        assert not path.with_suffix(".open").exists()
        assert journal.end["status"] == "ABORTED"
        assert journal.end["records"] == len(journal.records)
        ended = [record["transformation_id"] for record in journal.records if record["status"] != "RUNNING"]
        begun = [record["transformation_id"] for record in journal.records if record["status"] == "RUNNING"]
        assert sorted(ended) == sorted(begun)
        statuses = {record["transformation_id"]: record["status"] for record in journal.records}
        for id_ in (id_ for id_, status in statuses.items() if status == "SUCCESS"):
            assert json.loads((root / f"data/silver/{id_}.json").read_text()) == [{"n": 1}]
        with RunLease.acquire(root / ".odibi", project="Shop", env="qat", run_id="another") as lease:
            assert lease.token == journal.header["lease_token"] + 1
        return journal, statuses

    return look


def delivered(site):
    return [tuple(json.loads(line)) for line in (site.folder / "records").read_text().splitlines()]


def read_until(process, count, word):
    """Read lines until a word has begun so many of them."""
    while count:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        count -= line.startswith(word)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize("lines", [1, 60])
def test_run_under_load_ends_whole(start, project, site, check, number, code, lines):
    root = project(*["quick"] * 200)
    process = start("run", "--max-workers", "4", cwd=root)
    read_until(process, lines, "SUCCESS")

    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)

    journal, statuses = check(root)
    assert process.returncode == code
    assert f"run {journal.header['run_id']} is closed as ABORTED" in stderr
    assert len(statuses) >= lines
    assert delivered(site) == [(record["run_id"], record["seq"]) for record in journal.records]


def test_signal_is_not_lost_where_python_swallows_its_exception(call, project, check):
    """An exception in a destructor is printed and forgotten, also that of a signal which comes just then."""
    root = project("destruct", "quick", "quick")

    answer = call("run", "--max-workers", "1", cwd=root)

    _, statuses = check(root)
    assert "Exception ignored in" in answer.stderr
    assert answer.code == 143
    assert statuses.pop("t0") == "SUCCESS"
    assert set(statuses.values()) <= {"ABORTED"}


def test_second_signal_ends_at_once_what_is_busy_on_all_threads(start, project, check):
    root = project("busy", "busy", "busy")
    process = start("run", "--max-workers", "3", cwd=root)
    read_until(process, 3, "busy")
    process.send_signal(signal.SIGTERM)
    process.stderr.readline()

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)

    _, statuses = check(root)
    assert process.returncode == 143
    assert set(statuses.values()) == {"ABORTED"}
    assert not (root / "data").exists()


def test_second_run_is_refused_and_the_first_is_not_disturbed(start, call, project):
    root = project("busy")
    process = start("run", cwd=root)
    read_until(process, 1, "busy")
    run_id = RunIndex(root / ".odibi").run().run_id

    answer = call("run", cwd=root)
    plan = call("plan", cwd=root)

    assert answer.code == 2
    assert answer.stderr.startswith(f"Error: Run {run_id} of project 'Shop' in environment 'qat' is in progress")
    assert f"odibi runs show {run_id}" in answer.stderr
    assert plan.code == 0
    assert process.poll() is None
    assert len(RunIndex(root / ".odibi").runs()) == 1


def test_killed_run_keeps_nobody_waiting(start, call, project, site):
    root = project(*["quick"] * 200)
    process = start("run", "--max-workers", "4", cwd=root)
    read_until(process, 30, "SUCCESS")
    process.kill()
    process.wait(30)

    answer = call("run", "--quiet", cwd=root)

    after, killed = RunIndex(root / ".odibi").runs()
    assert answer.code == 0, answer.stderr
    assert (killed.status, after.status) == ("ABORTED", "SUCCESS")
    journals = [read_journal(path) for path in sorted(root.glob(".odibi/runs/*.jsonl"))]
    assert [journal.header["lease_token"] for journal in journals] == [1, 2]
    assert delivered(site) == [(record["run_id"], record["seq"]) for journal in journals for record in journal.records]


DISK_FULL = """
    import resource
    from pathlib import Path

    def fill(df):
        (journal,) = Path(__file__).parent.glob(".odibi/runs/*.jsonl")
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size + 10, most))
        return df
"""


def test_journal_that_cannot_be_written_ends_the_run_with_its_name(call, project):
    pytest.importorskip("resource")
    root = project("quick")
    (root / "steps.py").write_text("\n".join(line[4:] for line in (STEPS + DISK_FULL).splitlines()))
    (root / "config/transformations.json").write_text(
        json.dumps(
            [
                {"transformation_id": id_, "layer": "Silver", "module": "steps", "function": function, "step": step}
                | {"inputs": ["in.json"], "outputs": [f"silver.{id_}"]}
                for step, (id_, function) in enumerate([("before", "quick"), ("full", "fill"), ("after", "quick")], 1)
            ]
        )
    )

    answer = call("run", "--max-workers", "1", cwd=root)

    (journal,) = root.glob(".odibi/runs/*.jsonl")
    assert answer.code == 1
    assert f"Error: Cannot write the journal {journal}: File too large." in answer.stderr
    assert {path.stem for path in root.glob("data/silver/*")} == {"before", "full"}
    assert call("runs", "list", "--json", cwd=root).json[0]["status"] == "ABORTED"
