"""What a journal record costs: `Journal.append`, its parts, and the same with eight threads.

Run it with ``python benchmarks/journal.py``. It writes to a temporary folder; a bare ``os.write`` of the same bytes is
measured in the same run, so that the disk's and the machine's share can be told.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from odibi_core.runlog import Delivery, Journal, SinkTarget, new_run_id, read_journal

RECORDS = 20_000
THREADS = 8


class NullSink:
    """Takes everything and keeps nothing."""

    def write(self, records: object, /) -> None:
        """Keep nothing."""


def median_and_tail(call: Callable[[], object], *, count: int = RECORDS) -> tuple[float, float]:
    """Return the median and the 99th percentile of a call, in microseconds."""
    times = []
    clock = time.perf_counter_ns
    for _ in range(count):
        begin = clock()
        call()
        times.append(clock() - begin)
    times.sort()
    return statistics.median(times) / 1000, times[int(count * 0.99)] / 1000


def make_journal(folder: Path) -> Journal:
    plugins = {"odibi-engine-pandas": "0.1.0", "odibi-sinks": "0.1.0"}
    layers = ["Bronze", "Silver", "Gold"]
    return Journal.create(
        folder, run_id=new_run_id(), project="Flights", env="qat", engine="pandas", layers=layers, plugins=plugins
    )


def append_success(journal: Journal) -> int:
    now = datetime.now(UTC)
    return journal.append(
        transformation_id="silver_flights_cleaned",
        status="SUCCESS",
        layer="Silver",
        start_time=now,
        end_time=now,
        duration_seconds=1.234567,
        plant="EWR",
        step=1,
        module="silver.functions",
        function="clean_flights",
        engine="pandas",
        rows_read=336_776,
        rows_written=327_346,
    )


def show(what: str, median: float, tail: float) -> None:
    print(f"{what:<58} {median:9.2f} µs median {tail:9.2f} µs p99")


def main() -> None:
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        journal = make_journal(folder)
        show("Journal.append, a SUCCESS record", *median_and_tail(lambda: append_success(journal)))
        line = journal.path.read_bytes().splitlines()[-1] + b"\n"
        with (folder / "bare").open("ab", buffering=0) as file:
            show(
                f"bare os.write of the same {len(line)} bytes", *median_and_tail(lambda: os.write(file.fileno(), line))
            )
        show(
            "Journal.barrier after one append",
            *median_and_tail(lambda: (append_success(journal), journal.barrier()), count=200),
        )
        delivery = Delivery(make_journal(folder), [SinkTarget(name="null", sink=NullSink(), key="null")], folder)
        show("Delivery.notify, no full batch", *median_and_tail(delivery.notify))
        delivery.finish()
        journal.close("SUCCESS", duration_seconds=0.0)

        crowded = make_journal(folder)
        threads = [
            threading.Thread(target=lambda: [append_success(crowded) for _ in range(RECORDS // THREADS)])
            for _ in range(THREADS)
        ]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        each = (time.perf_counter() - begin) / RECORDS * 1e6
        crowded.close("SUCCESS", duration_seconds=0.0)
        print(f"{f'{THREADS} threads at once, wall time per record':<58} {each:9.2f} µs mean")

        begin = time.perf_counter()
        count = len(read_journal(crowded.path).records)
        print(f"{'read_journal, per record':<58} {(time.perf_counter() - begin) / count * 1e6:9.2f} µs mean")


if __name__ == "__main__":
    sys.exit(main())
