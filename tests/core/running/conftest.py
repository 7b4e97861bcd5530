"""Runs in processes of their own, to be paused, interrupted and killed."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from odibi_core.runlog import read_journal

RUN = """
import importlib.util
import json
import sys
from odibi_core import run_project
from odibi_core.loading import PluginManager, PluginSettings

spec = importlib.util.spec_from_file_location("rows_engine", sys.argv[1])
rows_engine = importlib.util.module_from_spec(spec)
sys.modules["rows_engine"] = rows_engine
spec.loader.exec_module(rows_engine)
manager = PluginManager(PluginSettings(discover=False))
manager.register(rows_engine, name="rows-engine")
try:
    said = {"status": run_project(sys.argv[2], manager=manager.freeze(), **json.loads(sys.argv[3])).status}
except BaseException as error:
    said = {"raised": type(error).__name__, "message": str(error)}
print(json.dumps(said), flush=True)
"""

WITHOUT_LOCKS = """
import errno
import fcntl

def refuse(*_):
    raise OSError(errno.ENOLCK, "No locks available")

fcntl.flock = refuse
"""


ANOTHER_CONTAINER = """
from odibi_core.runlog import liveness

liveness._process_start = lambda _pid: "another container/1"
"""
"""There, a process with the id of one that lives here may be somebody else."""


@pytest.fixture
def preludes():
    """What a process is to believe about its machine before it runs a project."""
    return SimpleNamespace(without_locks=WITHOUT_LOCKS, another_container=WITHOUT_LOCKS + ANOTHER_CONTAINER)


@pytest.fixture
def start_run(rows_engine):
    """Start `run_project` in a process of its own, which prints what it returned or raised as its last line."""
    started = []

    def start(root, *, prelude="", **arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", prelude + RUN, rows_engine.__file__, str(root), json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def wait_for_line():
    """Read what a process prints up to a line, which its function prints when it has come so far."""

    def read(process, wanted):
        read = []
        for line in process.stdout:
            read.append(line)
            if line.strip() == wanted:
                return
        pytest.fail(f"ended without {wanted!r}: {''.join(read)} {process.stderr.read()}")

    return read


@pytest.fixture
def end_of():
    """Let a process go on to its end and return what it said that it returned or raised."""

    def finish(process, text=""):
        stdout, stderr = process.communicate(text, timeout=60)
        assert stdout.strip(), stderr
        return json.loads(stdout.strip().splitlines()[-1])

    return finish


@pytest.fixture
def journals():
    """The journals of a project, oldest first."""

    def read(root: Path):
        return [read_journal(path) for path in sorted(root.glob(".odibi/runs/*.jsonl"))]

    return read


@pytest.fixture
def no_locks(monkeypatch):
    """A filesystem that refuses locks, as some network filesystems do."""
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", _refuse)


def _refuse(*_):
    raise OSError(errno.ENOLCK, "No locks available")
