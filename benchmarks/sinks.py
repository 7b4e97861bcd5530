"""What a log sink costs beyond the library that it writes with: batches of 500 records, sink and bare driver in turns.

Run it with ``python benchmarks/sinks.py``. Both sides write the same records to tables or files of the same shape, one
transaction per batch; the bare driver gets rows that are ready. PostgreSQL is started for it if it is installed.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import database_servers

from odibi_core.plugin import RECORD_COLUMNS
from odibi_sinks import DeltaLogSink, SQLTableLogSink

BATCH = 500
ROUNDS = 200
WARM_UP = 3
"""Rounds that are not counted: connecting, and the first pages of a file."""
START = datetime(2026, 11, 21, 21, 30, tzinfo=UTC)

Record = dict[str, Any]
Write = Callable[[Sequence[Record]], object]
"""Writes one batch."""


def batches(run_id: str) -> Iterator[list[Record]]:
    """Yield batch after batch of a run, as the kernel hands them over."""
    first = 1
    while True:
        yield [record(run_id, seq) for seq in range(first, first + BATCH)]
        first += BATCH


def record(run_id: str, seq: int) -> Record:
    begin = START + timedelta(seconds=seq, microseconds=seq)
    return {
        "transformation_id": f"silver_flights_{seq % 60}",
        "project": "Flights",
        "plant": "EWR",
        "asset": None,
        "start_time": begin,
        "end_time": begin + timedelta(seconds=1.25),
        "status": "SUCCESS",
        "duration_seconds": 1.25 + seq / 1000,
        "error_message": None if seq % 20 else "ValueError: column 'tailnum' has 12 missing values\n" * 10,
        "env": "qat",
        "run_id": run_id,
        "seq": seq,
        "layer": "Silver",
        "step": seq % 4,
        "module": "silver.functions",
        "function": "clean_flights",
        "engine": "pandas",
        "attempt": 1,
        "rows_read": 336_776,
        "rows_written": 327_346,
        "plugin_versions": "odibi-core 0.1.0, odibi-engine-pandas 0.1.0, odibi-sinks 0.1.0",
    }


def rows_with_iso_times(records: Sequence[Record]) -> list[tuple[Any, ...]]:
    """Return rows as SQLite can hold them."""
    return [
        tuple(value.isoformat() if isinstance(value, datetime) else value for value in one.values()) for one in records
    ]


def rows_as_they_are(records: Sequence[Record]) -> list[tuple[Any, ...]]:
    """Return rows for a driver that knows datetimes."""
    return [tuple(one.values()) for one in records]


def seconds(write: Write, batch: Sequence[Any]) -> float:
    begin = time.perf_counter()
    write(batch)
    return time.perf_counter() - begin


def compare(
    name: str, *, sink: Write, bare: Write, ready: Callable[[Sequence[Record]], Sequence[Any]], target: float
) -> bool:
    """Write batches to both in turns, print the medians, and return whether the sink is quick enough.

    Args:
        name: What is measured.
        sink: The sink's `write`.
        bare: Writes the same with the library alone.
        ready: Makes of records what `bare` is given; not timed.
        target: The speed of the sink that is wanted, as a part of the library's.
    """
    times: dict[str, list[float]] = {"sink": [], "bare": []}
    source = batches("20261121T213000.123456-1a2b3c4d")
    for number in range(WARM_UP + ROUNDS):
        batch = next(source)
        turns = [("sink", sink, batch), ("bare", bare, ready(batch))]
        for side, write, given in turns if number % 2 else reversed(turns):
            taken = seconds(write, given)
            if number >= WARM_UP:
                times[side].append(taken)
    ratios = sorted(raw / own for own, raw in zip(times["sink"], times["bare"], strict=True))
    ratio = statistics.median(ratios)
    medians = {side: statistics.median(taken) * 1000 for side, taken in times.items()}
    spread = f"{ratios[len(ratios) // 10]:.2f} to {ratios[-len(ratios) // 10]:.2f}"
    verdict = "" if ratio >= target else "   MISSED"
    print(
        f"{name:<34} {medians['sink']:8.2f} ms sink {medians['bare']:8.2f} ms bare   ratio {ratio:5.2f} "
        f"({spread}), wanted {target}{verdict}"
    )
    return ratio >= target


def sqlite(folder: Path, stack: ExitStack) -> bool:
    """Compare with ``sqlite3.executemany``."""
    sink = SQLTableLogSink(f"sqlite:///{folder / 'sink.db'}", "runs")
    stack.callback(sink.close)
    sink.write([record("warm", 1)])
    bare = sqlite3.connect(folder / "bare.db")
    stack.callback(bare.close)
    with sqlite3.connect(folder / "sink.db") as made:
        for (statement,) in made.execute("SELECT sql FROM sqlite_master"):
            bare.execute(statement)
    made.close()
    insert = f"INSERT INTO runs VALUES ({', '.join('?' * len(RECORD_COLUMNS))})"

    def write(rows: Sequence[Any]) -> None:
        bare.executemany(insert, rows)
        bare.commit()

    return compare("SQLite, sqlite3.executemany", sink=sink.write, bare=write, ready=rows_with_iso_times, target=0.8)


def postgresql(_folder: Path, stack: ExitStack) -> bool:
    """Compare with psycopg's COPY, text format, row by row."""
    import psycopg

    try:
        url = stack.enter_context(database_servers.postgresql()) + "/postgres"
    except database_servers.NotInstalledError as error:
        print(f"PostgreSQL: {error}")
        return True
    sink = SQLTableLogSink(url, "sink")
    stack.callback(sink.close)
    sink.write([record("warm", 1)])
    bare = stack.enter_context(psycopg.connect(url))
    print(f"PostgreSQL {bare.info.server_version // 10000}, psycopg {psycopg.__version__} ({psycopg.pq.__impl__})")
    bare.execute("CREATE TABLE bare (LIKE sink INCLUDING ALL)")
    bare.commit()

    def write(rows: Sequence[Any]) -> None:
        with bare.cursor() as cursor, cursor.copy("COPY bare FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        bare.commit()

    return compare("PostgreSQL, psycopg COPY", sink=sink.write, bare=write, ready=rows_as_they_are, target=0.8)


def delta(folder: Path, _stack: ExitStack) -> bool:
    """Compare with ``write_deltalake`` on a table that is kept open, with the same settings."""
    from deltalake import DeltaTable, write_deltalake

    from odibi_sinks.delta.columns import batch_of

    print(f"deltalake {importlib.metadata.version('deltalake')}")
    sink = DeltaLogSink(folder / "sink")
    sink.write([record("warm", 1)])
    made = DeltaTable(folder / "sink")
    schema = made.schema()
    bare = DeltaTable.create(folder / "bare", schema, configuration=made.metadata().configuration)

    def write(ready: Sequence[Any]) -> None:
        write_deltalake(bare, ready, mode="append")

    return compare(
        "Delta, write_deltalake",
        sink=sink.write,
        bare=write,
        ready=lambda records: [batch_of(records, schema=schema)],
        target=0.9,
    )


def main() -> int:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("odibi-sinks", "sqlalchemy"))
    print(
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, "
        f"{versions}, SQLite {sqlite3.sqlite_version}; {ROUNDS} batches of {BATCH} records"
    )
    results = []
    for measure in (sqlite, postgresql, delta):
        with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
            results.append(measure(Path(name), stack))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
