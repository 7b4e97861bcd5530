"""Several processes that write to one table, and processes that are killed: each record once."""

import random
import signal
import subprocess
import sys

import pytest

from odibi_core.runlog import SinkTarget, close_dead_runs, deliver_pending, read_journal

# One process that becomes several: importing SQLAlchemy takes longer than all the rest.
WRITERS = """
import os, sys
from odibi_sinks import SQLTableLogSink
url, count, sizes = sys.argv[1], int(sys.argv[2]), [int(size) for size in sys.argv[3].split(",")]

def rows(run_id, first, size):
    return [{"transformation_id": f"t{seq}", "run_id": run_id, "seq": seq, "error_message": "x'\\n" * 50} for seq in range(first, first + size)]

sink = SQLTableLogSink(url, "runs", "log")
sink.last_seq("warm")
begin, end = os.pipe()
children = []
for number in range(count):
    child = os.fork()
    if child == 0:
        os.close(end)
        os.read(begin, 1)  # all of them begin at the same moment: when the parent lets go of the pipe
        status, first = 1, 1
        try:
            for size in sizes:
                for run_id in (f"own {number}", "shared"):
                    sink.write(rows(run_id, first, size))
                first += size
            status = 0
        except BaseException as error:
            print(error, file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    children.append(child)
os.close(end)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""

RUN = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from odibi_core.runlog import Delivery, Journal, SinkTarget
from odibi_sinks import SQLTableLogSink

state_dir, *urls = sys.argv[1:]
state_dir = Path(state_dir)
sinks = [SinkTarget(name="sql", sink=SQLTableLogSink(url, "runs"), key=url.partition(":")[0]) for url in urls]
for target in sinks:
    target.sink.last_seq("warm")
run_id = sys.stdin.readline().strip()
journal = Journal.create(state_dir, run_id=run_id, project="P", env="q", engine="", layers=[], plugins={})
delivery = Delivery(journal, sinks, state_dir, batch_size=20)
number = 0
while True:
    number += 1
    for status in ("RUNNING", "SUCCESS"):
        seq = journal.append(
            transformation_id=f"t{number}", status=status, layer="L", start_time=datetime.now(UTC), error_message='"\\n' * 40
        )
        delivery.notify()
    os.write(1, b"%d\\n" % seq)
"""


def start(script, *args):
    command = [sys.executable, "-c", script, *map(str, args)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot fork")
def test_processes_make_one_table_and_fill_it_with_their_own_and_with_the_same_records(database_url, query):
    """Nothing is there at first. Two deliveries of one run are a race that leaves each record once."""
    done = subprocess.run(
        [sys.executable, "-c", WRITERS, database_url, "4", "5,1,100,7,60"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    table = "runs" if database_url.startswith("sqlite") else "log.runs"
    found = query(
        database_url,
        f"SELECT run_id, count(*), count(DISTINCT seq), max(seq) FROM {table} GROUP BY run_id ORDER BY run_id",
    )
    assert found == [(run_id, 173, 173, 173) for run_id in (*(f"own {number}" for number in range(4)), "shared")]


def test_kill_at_random_moments_leaves_every_record_in_each_table_exactly_once(
    tmp_path, postgresql_url, query, sql_sink
):
    state_dir, urls = tmp_path / ".odibi", [f"sqlite:///{tmp_path / 'runs.db'}", postgresql_url]
    targets = [SinkTarget(name="sql", sink=sql_sink(url, "runs"), key=url.partition(":")[0]) for url in urls]
    moments = random.Random(20261121)
    run_ids = [f"r{number}" for number in range(3)]
    processes = [start(RUN, state_dir, *urls) for _ in run_ids]
    for run_id, process in zip(run_ids, processes, strict=True):
        with process:
            process.stdin.write(f"{run_id}\n")
            process.stdin.flush()
            for _ in range(moments.randint(1, 200)):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            process.stdout.read()
        assert close_dead_runs(state_dir) == (run_id,)
        assert [report.error for report in deliver_pending(state_dir, targets, batch_size=20)] == [None, None]
        journal = [(r["seq"], r["status"]) for r in read_journal(state_dir / "runs" / f"{run_id}.jsonl").records]
        for url in urls:
            found = query(url, "SELECT seq, status FROM runs WHERE run_id = :run_id ORDER BY seq", run_id=run_id)
            assert found == journal
