"""Runs that are killed with `kill -9` at random points: after the next start every sink has every record exactly once.

The long version kills each combination of sinks 200 times and takes minutes (``make soak``); the short one is part of the
suite. What is random comes from a fixed seed; where exactly a kill strikes depends on the machine as well.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import RECORD_COLUMNS
from odibi_core.project import Project
from odibi_core.runlog import RunIndex, SourceAnswers, read_journal
from odibi_core.runlog.records import record_for_sinks
from odibi_core.running.earlier_runs import settle_earlier_runs
from odibi_core.running.sinks import sink_targets
from odibi_sinks import plugin

ENGINE_FILE = Path(__file__).parents[1] / "core" / "rows_engine.py"
TRANSFORMATIONS = 60
MESSAGE = 'no "rows", 😀\nand a second line; \\x00'

STEPS = """
from odibi_core import TransientError

tried = set()

def work(constants):
    sum(range(constants["effort"]))
    if constants.get("hiccups") and constants["name"] not in tried:
        tried.add(constants["name"])
        raise TransientError(constants["message"])
    if constants.get("fails"):
        raise ValueError(constants["message"])
"""
# Importing takes longer than a run: one process imports, and each run is a fork of it.
RUNS = """
import importlib.util
import os
import sys
import deltalake, sqlalchemy  # importing starts no thread, so forking is safe
import odibi_core.cli.run, odibi_core.runlog.index_store, odibi_core.running.runner
import odibi_sinks.delta.options, odibi_sinks.delta.table, odibi_sinks.options, odibi_sinks.sql.options, odibi_sinks.sql.store
from odibi_core import run_project
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.runlog import Delivery, deliver_pending
from odibi_sinks import plugin

spec = importlib.util.spec_from_file_location("rows_engine", sys.argv[1])
rows_engine = importlib.util.module_from_spec(spec)
sys.modules["rows_engine"] = rows_engine
spec.loader.exec_module(rows_engine)
manager = PluginManager(PluginSettings(discover=False))
manager.register(rows_engine, name="rows-engine")
manager.register(plugin, name="sinks")
manager.freeze()
# Several batches while the run goes on, and not one at its end.
for function in (Delivery.__init__, deliver_pending):
    function.__kwdefaults__["batch_size"] = 25

def say(*words):
    os.write(1, (" ".join(map(str, words)) + chr(10)).encode())

while root := sys.stdin.readline().rstrip():
    pid = os.fork()
    if pid == 0:
        result = run_project(root, manager=manager, max_workers=2, raise_on_failure=False)
        say(result.status, [error.sink for error in result.sink_errors])
        os._exit(0)
    say(pid)
    _, status = os.waitpid(pid, 0)
    say(os.waitstatus_to_exitcode(status))
"""


class KilledProject:
    """A project whose runs are killed."""

    def __init__(self, root, log_sinks, *, runs):
        self.root = root
        self.runs = runs
        rows = [
            {
                "transformation_id": f"t{number:02}",
                "layer": "Silver",
                "module": "steps",
                "function": "work",
                "depends_on": [f"t{number - 10:02}"] if number % 20 == 15 else [],
                "constants": {
                    "name": f"t{number:02}",
                    "effort": 20_000,
                    "message": MESSAGE,
                    "fails": number % 20 == 5,
                    "hiccups": number % 20 == 7,
                },
            }
            for number in range(TRANSFORMATIONS)
        ]
        manifest = {
            "project_name": "Killed",
            "layer_order": ["Silver"],
            "environments": ["qat"],
            "default_env": "qat",
            "default_engine": "rows",
            "warehouse": {"path": "data", "format": "json"},
            "retry": {"attempts": 2, "delay": 0, "jitter": 0},
            "log_sinks": log_sinks,
        }
        (root / "config").mkdir(parents=True)
        (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        (root / "config" / "transformations.json").write_text(json.dumps(rows), encoding="utf-8")
        (root / "steps.py").write_text(STEPS, encoding="utf-8")
        manager = PluginManager(PluginSettings(discover=False))
        manager.register(plugin, name="sinks")
        manager.register(load_rows_engine(), name="rows-engine")
        self.project = Project.load(root, manager=manager.freeze())
        self.sinks = sink_targets(self.project, manager=manager)
        self.seconds = 0.0
        """How long a run takes that nobody disturbs."""

    def run(self, *, kill_after=None):
        """Run in a process of its own; return what it said at its end, None if it was killed before."""
        self.runs.stdin.write(f"{self.root}\n".encode())
        pid = int(self.runs.stdout.readline())
        begin = time.perf_counter()
        ended, _, _ = select.select([self.runs.stdout], [], [], kill_after)
        if not ended:
            os.kill(pid, signal.SIGKILL)
        lines = [self.runs.stdout.readline().decode()]
        if not lines[0].lstrip("-").strip().isdecimal():
            lines.append(self.runs.stdout.readline().decode())
        if kill_after is None:
            self.seconds = time.perf_counter() - begin
        *said, code = lines
        assert int(code) in (0, -signal.SIGKILL)
        return said[0].strip() if said else None

    def start_again(self):
        """Do what every start does before its own run."""
        settle_earlier_runs(self.project.state_dir, self.sinks)

    def expected(self):
        journals = sorted((self.project.state_dir / "runs").glob("*.jsonl"))
        # Reading raises if the numbers have a hole.
        return [record_for_sinks(record) for journal in journals for record in read_journal(journal).records]


def load_rows_engine():
    spec = importlib.util.spec_from_file_location("rows_engine", ENGINE_FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def digest_of(records):
    lines = sorted(
        (record["run_id"], record["seq"], repr([cell(record[name]) for name in RECORD_COLUMNS])) for record in records
    )
    return hashlib.sha256(repr(lines).encode()).hexdigest()


def cell(value):
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def check_all_sinks(killed):
    expected = killed.expected()
    index = RunIndex(killed.project.state_dir)
    for target in killed.sinks:
        found = list(target.sink.read_records())
        counts = Counter((record["run_id"], record["seq"]) for record in found)
        assert counts == Counter((record["run_id"], record["seq"]) for record in expected), target.name
        assert digest_of(found) == digest_of(expected), target.name
        answers = SourceAnswers(target.sink)
        assert answers.status("killed", "QAT") == index.status("killed", "QAT"), target.name
        assert answers.failed("Killed", "qat") == index.failed("Killed", "qat"), target.name
    return expected


def kill_again_and_again(killed, kills, moments):
    """Kill runs, and the starts that catch up on them; now and then look whether the next start puts all right."""
    checked = set()
    done = 0
    while done < kills:
        done += killed.run(kill_after=moments.uniform(0, killed.seconds)) is None
        if moments.random() < 0.5:
            killed.start_again()
            lengths = Counter(record["run_id"] for record in killed.expected() if record["run_id"] not in checked)
            for target in killed.sinks:
                assert {run_id: target.sink.last_seq(run_id) for run_id in lengths} == lengths, target.name
            checked.update(lengths)
            # All but the last few: a log of 200 runs is read 100 times here.
    killed.start_again()


def delta(path):
    return {"type": "delta", "path": path, "optimize_every": 7, "checkpoint_every": 5}


CSV = {"type": "file", "path": "logs/runs.csv"}
JSON_LINES = {"type": "file", "path": "logs/runs.jsonl"}
SQLITE = {"type": "sql", "url": "sqlite:///logs/runs.db"}
DELTA = delta("logs/delta")


@pytest.fixture(scope="module")
def runs():
    """The process that runs are forks of."""
    command = [sys.executable, "-c", RUNS, ENGINE_FILE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def make_killed(tmp_path, request, runs):
    """Makes a project with log sinks, and lets it run once undisturbed."""

    def make(log_sinks):
        server = (
            [{"type": "sql", "url": request.getfixturevalue("postgresql_url")}] if "postgresql" in log_sinks else []
        )
        killed = KilledProject(
            tmp_path / "project", [one for one in log_sinks if one != "postgresql"] + server, runs=runs
        )
        assert killed.run() == "FAILED []"
        statuses = Counter(record["status"] for record in check_all_sinks(killed))
        assert statuses == {"RUNNING": 60, "RETRY": 3, "SUCCESS": 54, "FAILED": 3, "SKIPPED": 3}
        return killed

    return make


@pytest.mark.parametrize(
    "log_sinks",
    [
        pytest.param([JSON_LINES, SQLITE, DELTA], id="embedded"),
        pytest.param([CSV, "postgresql"], id="with a server"),
    ],
)
def test_every_sink_has_every_record_once_after_kills(make_killed, log_sinks):
    killed = make_killed(log_sinks)
    kill_again_and_again(killed, 3, random.Random(20261121))
    assert len(check_all_sinks(killed)) > 123


def test_a_sink_that_was_down_for_a_whole_run_is_caught_up(make_killed):
    killed = make_killed([CSV, DELTA])
    run_with_delta_down(killed)
    killed.start_again()
    check_all_sinks(killed)


def run_with_delta_down(killed):
    table = killed.root / "logs" / "delta"
    away = table.rename(table.with_name("away"))
    table.write_text("in the way")
    assert killed.run() == "FAILED ['delta']", "the outcome is that of the transformations"
    table.unlink()
    away.rename(table)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "log_sinks",
    [
        pytest.param([CSV], id="file"),
        pytest.param([SQLITE], id="SQLite"),
        pytest.param(["postgresql"], id="PostgreSQL"),
        pytest.param([DELTA], id="Delta"),
        pytest.param([JSON_LINES, DELTA], id="two at once"),
        pytest.param([CSV, SQLITE, "postgresql", DELTA], id="all at once"),
    ],
)
def test_200_kills(make_killed, log_sinks):
    killed = make_killed(log_sinks)
    kill_again_and_again(killed, 200, random.Random(20261121))
    check_all_sinks(killed)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_200_kills_with_one_sink_down_for_whole_runs(make_killed):
    killed = make_killed([CSV, DELTA])
    moments = random.Random(20261121)
    for _ in range(20):
        kill_again_and_again(killed, 10, moments)
        run_with_delta_down(killed)
    killed.start_again()
    check_all_sinks(killed)
