"""Journals to write to, and processes to kill."""

import contextlib
import errno
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from odibi_core.errors import RunLogError
from odibi_core.runlog import Journal, RunIndex, SinkTarget, new_run_id

START = datetime(2026, 11, 21, 21, 30, tzinfo=UTC)


@pytest.fixture
def state_dir(tmp_path):
    return tmp_path / "project" / ".odibi"


@pytest.fixture
def start_run(state_dir):
    """Starts runs; whatever is still open at the end of the test is closed."""
    journals = []

    def start(run_id=None, *, project="Flights", env="qat", layers=("Bronze", "Silver"), plugins=None, plan=()):
        journal = Journal.create(
            state_dir,
            run_id=run_id or new_run_id(),
            project=project,
            env=env,
            engine="pandas",
            layers=layers,
            plugins={"odibi-engine-pandas": "0.1.0"} if plugins is None else plugins,
            plan=plan,
        )
        journals.append(journal)
        return journal

    yield start
    for journal in journals:
        with contextlib.suppress(RunLogError):  # of those that a test has damaged
            journal.close("ABORTED", duration_seconds=0.0)


@pytest.fixture
def add():
    """Appends a record with as little as a record needs."""

    def append(journal, transformation_id="t1", status="RUNNING", **columns):
        columns = {"layer": "Silver", "start_time": datetime.now(UTC), "engine": "pandas", **columns}
        if status in ("SUCCESS", "FAILED"):
            columns = {"end_time": columns["start_time"] + timedelta(seconds=1), "duration_seconds": 1.0, **columns}
        return journal.append(transformation_id=transformation_id, status=status, **columns)

    return append


@pytest.fixture
def run_script():
    """Runs a Python script in a process of its own and returns it when it has ended."""

    def run(code, *args, check=True):
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, timeout=60, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


DYING_RUN = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from odibi_core.runlog import Journal

journal = Journal.create(
    Path(sys.argv[1]), run_id=sys.argv[2], project="Flights", env="qat", engine="pandas", layers=["Silver"], plugins={}
)
for status in sys.argv[3:]:
    transformation_id, _, status = status.partition(":")
    journal.append(transformation_id=transformation_id, status=status, layer="Silver", start_time=datetime.now(UTC))
os._exit(9)
"""


@pytest.fixture
def killed_run(state_dir, run_script):
    """Leaves the journal of a process that ended without closing it; records are given as "id:STATUS"."""

    def kill(run_id, *records):
        done = run_script(DYING_RUN, state_dir, run_id, *records, check=False)
        assert done.returncode == 9, done.stderr
        return state_dir / "runs" / f"{run_id}.jsonl"

    return kill


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


REFUSED = ConnectionError("postgresql://etl:s3cret@db refused")


class ListSink:
    """Remembers batches; fails as often as it is told to."""

    def __init__(self, failures=0, error=REFUSED):
        self.batches = []
        self.calls = 0
        self.failures = failures
        self.error = error

    def write(self, records):
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        self.batches.append(records)

    @property
    def seqs(self):
        return [record["seq"] for batch in self.batches for record in batch]


@pytest.fixture
def kit(state_dir, add):
    """A sink that remembers, and what the tests of delivery do and look at again and again."""

    def run_records(journal, delivery, count):
        for number in range(count):
            add(journal, f"t{number}")
            delivery.notify()

    return SimpleNamespace(
        ListSink=ListSink,
        target=lambda sink, name="list": SinkTarget(name=name, sink=sink, key=name),
        run_records=run_records,
        cursors=lambda: sorted(path.name for path in state_dir.glob("delivery/*/*.json")),
        threads=lambda: [thread for thread in threading.enumerate() if thread.name.startswith("odibi-delivery")],
    )


@pytest.fixture
def no_locks(monkeypatch):
    """A filesystem that refuses locks, as some network filesystems do."""
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
