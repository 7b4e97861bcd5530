"""Many threads and several processes at once: 800 transformations are 800 starts and 800 ends in every log sink."""

import csv
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from odibi_core import run_project
from odibi_core.project import Project
from odibi_core.running.sinks import sink_targets
from odibi_sinks import DeltaLogSink, FileLogSink

STEPS = """
def nothing():
    pass
"""


def sinks_in(folder, *urls):
    return [
        {"type": "file", "path": f"{folder}/runs.csv"},
        {"type": "file", "path": f"{folder}/runs.jsonl"},
        {"type": "file", "path": f"{folder}/several.csv", "max_bytes": "50 kB"},
        {"type": "sql", "url": f"sqlite:///{folder}/runs.db"},
        {"type": "delta", "path": f"{folder}/delta"},
        *({"type": "sql", "url": url} for url in urls),
    ]


def check_starts_and_ends(found):
    assert Counter(record["status"] for record in found) == {"RUNNING": 800, "SUCCESS": 800}
    assert len({(record["run_id"], record["transformation_id"], record["status"]) for record in found}) == 1600


def test_a_run_on_16_threads_is_whole_in_every_sink(
    make_project, manager, journaled, digest, tmp_path, postgresql_url, mariadb_url
):
    """A-36: 16 threads x 50 transformations, through a whole run."""
    configs = sinks_in(tmp_path / "logs", postgresql_url, mariadb_url)
    root = make_project([{"function": "nothing"}] * 800, log_sinks=configs, steps=STEPS)

    result = run_project(root, manager=manager, max_workers=16)

    assert (result.status, result.sink_errors) == ("SUCCESS", ())
    expected = journaled(root)
    check_starts_and_ends(expected)
    assert sorted(record["seq"] for record in expected) == list(range(1, 1601))
    targets = sink_targets(Project.load(root, manager=manager), manager=manager)
    assert len(targets) == 7
    for target in targets:
        found = list(target.sink.read_records())
        check_starts_and_ends(found)
        assert digest(found) == digest(expected), target.name


@pytest.mark.parametrize("kind", ["runs.csv", "runs.jsonl", "several.csv", "sqlite", "postgresql", "mariadb", "delta"])
def test_one_sink_on_16_threads_has_every_record(request, sql_sink, record, tmp_path, kind):
    """A-36: 16 threads x 50 transformations, through the sink itself, ten records at a time."""
    if kind == "delta":
        sink = DeltaLogSink(tmp_path / "delta")
    elif kind.startswith(("runs", "several")):
        sink = FileLogSink(tmp_path / kind, max_bytes=20_000 if kind == "several.csv" else None)
    else:
        url = f"sqlite:///{tmp_path / 'runs.db'}" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
        sink = sql_sink(url)

    def work(thread):
        for first in range(1, 101, 10):
            sink.write(
                [
                    record(
                        seq,
                        run_id=f"r{thread:02}",
                        transformation_id=f"t{(seq + 1) // 2}",
                        status="RUNNING" if seq % 2 else "SUCCESS",
                    )
                    for seq in range(first, first + 10)
                ]
            )

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    found = list(sink.read_records())
    check_starts_and_ends(found)
    for number in range(16):
        assert [one["seq"] for one in found if one["run_id"] == f"r{number:02}"] == list(range(1, 101))


# One process imports, and becomes as many as there are projects.
PROCESSES = """
import os, sys
sys.path.insert(0, sys.argv[1])
import whole_runs
from odibi_core import run_project

whole_runs.import_all()
manager = whole_runs.make_manager()

begin, end = os.pipe()
children = []
for root in sys.argv[2:]:
    child = os.fork()
    if child == 0:
        os.close(end)
        os.read(begin, 1)  # all of them begin at the same moment: when the parent lets go of the pipe
        status = 1
        try:
            result = run_project(root, manager=manager, max_workers=4)
            status = 0 if (result.status, result.sink_errors) == ("SUCCESS", ()) else print(result) or 2
        finally:
            os._exit(status)
    children.append(child)
os.close(end)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")
def test_four_processes_with_runs_of_their_own_share_every_sink(
    make_project, manager, journaled, digest, tmp_path, postgresql_url
):
    """A-36: 4 runs of 200 transformations on 4 threads each append to one CSV, and to the other sinks."""
    configs = sinks_in(tmp_path / "logs", postgresql_url)
    roots = [
        make_project([{"function": "nothing"}] * 200, log_sinks=configs, steps=STEPS, folder=f"p{number}")
        for number in range(4)
    ]

    done = subprocess.run(
        [sys.executable, "-c", PROCESSES, Path(__file__).parent, *roots],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    expected = [record for root in roots for record in journaled(root)]
    check_starts_and_ends(expected)
    for target in sink_targets(Project.load(roots[0], manager=manager), manager=manager):
        found = list(target.sink.read_records())
        check_starts_and_ends(found)
        assert digest(found) == digest(expected), target.name
    with (tmp_path / "logs/runs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert len(rows) == 1600
    assert "transformation_id" not in {row["transformation_id"] for row in rows}, "there is one header"
    assert (tmp_path / "logs/runs.csv").read_bytes().count(b"\r\n") == 1601
