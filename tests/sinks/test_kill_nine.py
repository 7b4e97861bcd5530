"""Runs that are killed with `kill -9` at random points: after the next start every sink has every record exactly once.

The long version kills each combination of sinks 200 times and takes minutes (``make soak``); the short one is part of the
suite. What is random comes from a fixed seed; where exactly a kill strikes depends on the machine as well.
"""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from odibi_core.project import Project
from odibi_core.runlog import RunIndex, SourceAnswers, read_journal
from odibi_core.running.earlier_runs import settle_earlier_runs
from odibi_core.running.sinks import sink_targets

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
# One process imports, and each run is a fork of it.
RUNS = """
import os
import sys
sys.path.insert(0, sys.argv[1])
import whole_runs
from odibi_core import HookManager, run_project
from odibi_core.runlog import Delivery, deliver_pending

whole_runs.import_all()
manager = whole_runs.make_manager()
# Full batches and others while the run goes on, and not one at its end.
for function in (Delivery.__init__, deliver_pending):
    function.__kwdefaults__["batch_size"] = 25
Delivery.__init__.__kwdefaults__["flush_seconds"] = 0.005

def say(*words):
    os.write(1, (" ".join(map(str, words)) + chr(10)).encode())

hooks = HookManager()
hooks.on("orchestrator_run_start", lambda payload: say("begun"))

while root := sys.stdin.readline().rstrip():
    pid = os.fork()
    if pid == 0:
        say(os.getpid())
        result = run_project(root, manager=manager, max_workers=2, raise_on_failure=False, hooks=hooks)
        say(result.status, [error.sink for error in result.sink_errors])
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    say(os.waitstatus_to_exitcode(status))
"""


STARTING, TRANSFORMING, DELIVERING = "catching up and starting", "transforming", "delivering the rest"
TRANSFORMATIONS = [
    {
        "function": "work",
        "depends_on": [f"t{number - 10:03}"] if number % 20 == 15 else [],
        "constants": {
            "name": number,
            "effort": 60_000,
            "message": MESSAGE,
            "fails": number % 20 == 5,
            "hiccups": number % 20 == 7,
        },
    }
    for number in range(60)
]


class KilledProject:
    """A project whose runs are killed."""

    def __init__(self, root, *, manager, runs):
        self.root = root
        self.runs = runs
        self.project = Project.load(root, manager=manager)
        self.sinks = sink_targets(self.project, manager=manager)
        self.seconds = {}
        """How long a run takes that nobody disturbs, by what it is counted from."""
        self.struck = Counter()
        """At what the runs were when they were killed."""

    def run(self, *, kill_after=None, since="start"):
        """Run in a process of its own; return what it said at its end, None if it was killed before.

        Args:
            kill_after: Seconds after which it is killed; None for never.
            since: What they are counted from: the run's "start", which catches up on earlier runs, or "begun", when it
                comes to its transformations.
        """
        before = self.journals()
        self.runs.stdin.write(f"{self.root}\n".encode())
        pid = int(self.runs.stdout.readline())
        begins, said = {"start": time.perf_counter()}, None
        while True:
            left = None
            if kill_after is not None and since in begins:
                left = max(0.0, begins[since] + kill_after - time.perf_counter())
            if not select.select([self.runs.stdout], [], [], left)[0]:
                os.kill(pid, signal.SIGKILL)
                kill_after = None
                continue
            line = self.runs.stdout.readline().decode().strip()
            if line == "begun":
                begins["begun"] = time.perf_counter()
            elif not line.lstrip("-").isdecimal():
                said = line
            else:
                break
        assert int(line) in (0, -signal.SIGKILL)
        if said is None:
            self.struck[self.phase(before)] += 1
        for name, begin in begins.items():
            self.seconds.setdefault(name, time.perf_counter() - begin)
        return said

    def journals(self):
        return sorted((self.project.state_dir / "runs").glob("*.jsonl"))

    def phase(self, before):
        own = [path for path in self.journals() if path not in before]
        if not own or not own[0].read_bytes().endswith(b"\n"):
            return STARTING
        journal = read_journal(own[0])
        if journal.end is not None:
            return DELIVERING
        return TRANSFORMING if journal.records else STARTING

    def kills_of_runs(self):
        return self.struck[TRANSFORMING] + self.struck[DELIVERING]

    def start_again(self):
        """Do what every start does before its own run."""
        settle_earlier_runs(self.project.state_dir, self.sinks)


@pytest.fixture
def check_all_sinks(journaled, digest):
    """Holds every sink against the journals, and returns the records that each of them has."""

    def check(killed):
        expected = journaled(killed.root)
        index = RunIndex(killed.project.state_dir)
        for target in killed.sinks:
            found = list(target.sink.read_records())
            counts = Counter((record["run_id"], record["seq"]) for record in found)
            assert counts == Counter((record["run_id"], record["seq"]) for record in expected), target.name
            assert digest(found) == digest(expected), target.name
            answers = SourceAnswers(target.sink)
            assert answers.status("killed", "QAT") == index.status("killed", "QAT"), target.name
            assert answers.failed("Killed", "qat") == index.failed("Killed", "qat"), target.name
        return expected

    return check


def kill_again_and_again(killed, kills, moments):
    """Kill runs, and now and then the starts that catch up on them; look whether the next start puts all right."""
    checked = set()
    enough = killed.kills_of_runs() + kills
    while killed.kills_of_runs() < enough:
        since = "begun" if moments.random() < 0.8 else "start"
        killed.run(kill_after=moments.uniform(0, killed.seconds[since]), since=since)
        if moments.random() < 0.5:
            killed.start_again()
            journals = [read_journal(path) for path in killed.journals() if path not in checked]
            lengths = {journal.header["run_id"]: len(journal.records) for journal in journals if journal.records}
            for target in killed.sinks:
                assert {run_id: target.sink.last_seq(run_id) for run_id in lengths} == lengths, target.name
            checked.update(killed.journals())
    killed.start_again()


def delta(path):
    return {"type": "delta", "path": path, "optimize_every": 7, "checkpoint_every": 5}


CSV = {"type": "file", "path": "logs/runs.csv"}
SEVERAL_FILES = {"type": "file", "path": "logs/several.csv", "max_bytes": 40_000}
JSON_LINES = {"type": "file", "path": "logs/runs.jsonl"}
SQLITE = {"type": "sql", "url": "sqlite:///logs/runs.db"}
DELTA = delta("logs/delta")


PLACES = {"file": "logs/runs.csv", "SQLite": "logs/runs.db", "Delta": "logs/delta"}


@pytest.fixture
def report(capsys):
    """Says what was done, and holds that it was enough."""

    def say(killed, records):
        runs = len({record["run_id"] for record in records})
        with capsys.disabled():
            print(
                f"\n{killed.struck.total()} kills: {dict(killed.struck)}; {runs} runs, {len(records)} records in each sink"
            )
        assert killed.kills_of_runs() >= 200
        assert killed.struck[TRANSFORMING] > 50

    return say


@pytest.fixture(scope="module")
def runs():
    """The process that runs are forks of."""
    command = [sys.executable, "-c", RUNS, Path(__file__).parent]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def make_killed(make_project, manager, request, runs, check_all_sinks):
    """Makes a project with log sinks, and lets it run once undisturbed."""

    def make(log_sinks):
        configs = [
            {"type": "sql", "url": request.getfixturevalue("postgresql_url")} if sink == "postgresql" else sink
            for sink in log_sinks
        ]
        root = make_project(
            TRANSFORMATIONS,
            log_sinks=configs,
            steps=STEPS,
            project_name="Killed",
            retry={"attempts": 2, "delay": 0, "jitter": 0},
        )
        killed = KilledProject(root, manager=manager, runs=runs)
        assert killed.run() == "FAILED []"
        statuses = Counter(record["status"] for record in check_all_sinks(killed))
        assert statuses == {"RUNNING": 60, "RETRY": 3, "SUCCESS": 54, "FAILED": 3, "SKIPPED": 3}
        return killed

    return make


@pytest.mark.parametrize(
    "log_sinks",
    [
        pytest.param([SEVERAL_FILES, JSON_LINES, SQLITE, DELTA], id="embedded"),
        pytest.param([CSV, "postgresql"], id="with a server"),
    ],
)
def test_every_sink_has_every_record_once_after_kills(make_killed, check_all_sinks, log_sinks):
    killed = make_killed(log_sinks)
    kill_again_and_again(killed, 3, random.Random(20261121))
    assert len(check_all_sinks(killed)) > 123


@pytest.mark.parametrize("down", ["PostgreSQL", "Delta"])
def test_a_sink_that_was_down_for_a_whole_run_is_caught_up(make_killed, check_all_sinks, request, down):
    killed = make_killed([CSV, DOWN[down]])
    run_with_one_down(killed, down, request)
    killed.start_again()
    check_all_sinks(killed)


DOWN = {"file": CSV, "SQLite": SQLITE, "PostgreSQL": "postgresql", "Delta": DELTA}


def run_with_one_down(killed, down, request):
    with (
        server_closed(request.getfixturevalue("postgresql_url"))
        if down == "PostgreSQL"
        else something_in_the_way(killed.root / PLACES[down])
    ):
        names = [DOWN[down]["type"] if down != "PostgreSQL" else "sql"]
        assert killed.run() == f"FAILED {names}", "the outcome is that of the transformations"


@contextmanager
def something_in_the_way(path):
    away = path.rename(path.with_name(f"away-{path.name}"))
    if away.is_dir():
        path.write_text("in the way")
    else:
        path.mkdir()
    yield
    path.unlink() if path.is_file() else path.rmdir()
    away.rename(path)


@contextmanager
def server_closed(url):
    """The database lets nobody in."""
    import psycopg

    head, _, name = url.rpartition("/")
    with psycopg.connect(f"{head}/postgres", autocommit=True) as connection:
        for allowed in ("false", "true"):
            connection.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {allowed}")
            connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            if allowed == "false":
                yield


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "log_sinks",
    [
        pytest.param([CSV], id="file"),
        pytest.param([SEVERAL_FILES], id="several files"),
        pytest.param([SQLITE], id="SQLite"),
        pytest.param(["postgresql"], id="PostgreSQL"),
        pytest.param([DELTA], id="Delta"),
        pytest.param([JSON_LINES, DELTA], id="two at once"),
        pytest.param([CSV, SQLITE, "postgresql", DELTA], id="all at once"),
    ],
)
def test_200_kills(make_killed, check_all_sinks, log_sinks, report):
    killed = make_killed(log_sinks)
    kill_again_and_again(killed, 200, random.Random(20261121))
    report(killed, check_all_sinks(killed))


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_200_kills_with_one_sink_down_for_whole_runs(make_killed, check_all_sinks, request, report):
    """Twenty runs in between are not killed, and have one of the four sinks down, in turn."""
    killed = make_killed([CSV, SQLITE, "postgresql", DELTA])
    moments = random.Random(20261121)
    for number in range(20):
        kill_again_and_again(killed, 10, moments)
        run_with_one_down(killed, list(DOWN)[number % 4], request)
    killed.start_again()
    report(killed, check_all_sinks(killed))
