"""What a log sink costs beyond the library that it writes with: batches of 500 records, sink and bare driver in turns.

Run it with ``python benchmarks/sinks.py``. Both sides are given the same mappings and write them to tables of the same
shape, with the same unique index and with one transaction per batch. The bare side is what somebody would write by hand
for exactly these records: no check of what is in them, no look at what the table has, no escapes. How long the library
alone takes for rows that are ready is said as well. PostgreSQL is started for it if it is installed.
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
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tools"))

import database_servers

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA
from odibi_sinks import DeltaLogSink, SQLTableLogSink

BATCH = 500
ROUNDS = 200
WARM_UP = 3
"""Rounds that are not counted: connecting, and the first pages of a file."""
START = datetime(2026, 11, 21, 21, 30, tzinfo=UTC)

TIMES = [place for place, column in enumerate(RECORD_SCHEMA) if column.type == "timestamp"]

Record = dict[str, Any]


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


def rows_with_iso_times(records: Sequence[Record]) -> list[list[Any]]:
    """Return rows as SQLite can hold them."""
    rows = [list(one.values()) for one in records]
    for row in rows:
        for place in TIMES:
            if row[place] is not None:
                row[place] = row[place].isoformat()
    return rows


def rows_as_they_are(records: Sequence[Record]) -> list[tuple[Any, ...]]:
    """Return rows for a driver that knows datetimes."""
    return [tuple(one.values()) for one in records]


def seconds(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def by_hand(
    records: Sequence[Record], *, ready: Callable[[Sequence[Record]], Any], bare: Callable[[Any], object]
) -> tuple[float, float]:
    """Return how long it takes to make rows and write them, and how long to write them alone."""
    begin = time.perf_counter()
    rows = ready(records)
    written = seconds(lambda: bare(rows))
    return time.perf_counter() - begin, written


def compare(
    name: str,
    *,
    sink: Callable[[Sequence[Record]], object],
    bare: Callable[[Any], object],
    ready: Callable[[Sequence[Record]], Any],
    target: float,
) -> bool:
    """Write batches to both in turns, print the medians, and return whether the sink is quick enough.

    Args:
        name: What is measured.
        sink: The sink's `write`.
        bare: Writes with the library alone.
        ready: Makes of records what `bare` is given.
        target: The speed of the sink that is wanted, as a part of that of `ready` and `bare` together.
    """
    own: list[float] = []
    hand: list[tuple[float, float]] = []
    source = batches("20261121T213000.123456-1a2b3c4d")
    for number in range(WARM_UP + ROUNDS):
        batch = next(source)
        if number % 2:
            own.append(seconds(partial(sink, batch)))
        hand.append(by_hand(batch, ready=ready, bare=bare))
        if not number % 2:
            own.append(seconds(partial(sink, batch)))
    del own[:WARM_UP], hand[:WARM_UP]
    whole = sorted(whole / mine for mine, (whole, _) in zip(own, hand, strict=True))
    alone = statistics.median(alone / mine for mine, (_, alone) in zip(own, hand, strict=True))
    ratio = statistics.median(whole)
    spread = f"{whole[len(whole) // 10]:.2f} to {whole[-len(whole) // 10]:.2f}"
    verdict = "" if ratio >= target else "   MISSED"
    print(
        f"{name:<30} {statistics.median(own) * 1000:6.2f} ms sink "
        f"{statistics.median(whole for whole, _ in hand) * 1000:6.2f} ms by hand   ratio {ratio:4.2f} ({spread}), "
        f"wanted {target}{verdict}; rows ready {statistics.median(alone for _, alone in hand) * 1000:.2f} ms, "
        f"ratio {alone:.2f}"
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
    """Compare with ``write_deltalake`` on a table that is kept open, with the same settings, and pyarrow."""
    import pyarrow as pa
    from deltalake import DeltaTable, write_deltalake

    print(f"deltalake {importlib.metadata.version('deltalake')}, pyarrow {pa.__version__}")
    sink = DeltaLogSink(folder / "sink")
    sink.write([record("warm", 1)])
    made = DeltaTable(folder / "sink")
    schema = pa.schema(made.schema().to_arrow())
    bare = DeltaTable.create(folder / "bare", made.schema(), configuration=made.metadata().configuration)

    def write(ready: pa.Table) -> None:
        write_deltalake(bare, ready, mode="append")

    return compare(
        "Delta, write_deltalake",
        sink=sink.write,
        bare=write,
        ready=partial(pa.Table.from_pylist, schema=schema),
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
