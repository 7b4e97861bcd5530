"""The Polars engine against the same Polars code by hand, on 5 million rows.

    .venv/bin/python benchmarks/polars.py [PAIRS [ROWS]]

Two jobs. ``groups`` reads a Parquet file, groups it and writes the groups; ``rows`` reads it, adds two figures of its
group to each row and writes all rows. The engine's side is what a run does: the reader, a function, the saver, with
staging, fsync and the rows counted; the other side is ``scan_parquet(...)`` to ``sink_parquet(...)``, same codec.

Each measurement is a process of its own, the two sides in turns, so that what disturbs one disturbs the other. Time is
from the first call to the last, imports left out, by the clock and of the processors; memory is the most that the
process ever had, imports included. Shown are medians, and the median of the pairs' ratios. ``groups`` holds
so little that the modules of the kernel and pydantic (17 MB) count.
"""

from __future__ import annotations

import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

# Python looks in this script's folder first, where `import polars` would find the script itself.
sys.path[:] = [place for place in sys.path if Path(place or ".").resolve() != Path(__file__).resolve().parent]

PAIRS = 15
ROWS = 5_000_000
MEGABYTE = 1 << 20
TARGETS = {
    ("groups", "seconds"): 1.03,
    ("groups", "memory"): 1.05,
    ("rows", "seconds"): 1.03,
    ("rows", "memory"): 1.05,
}


def groups_of(frame: Any) -> Any:
    import polars as pl

    return frame.group_by("tail").agg(
        flights=pl.len(), delay=pl.col("delay").mean(), worst=pl.col("delay").max(), miles=pl.col("miles").sum()
    )


def rows_of(frame: Any) -> Any:
    import polars as pl

    of_group = frame.group_by("tail").agg(mean_delay=pl.col("delay").mean(), flights=pl.len())
    return frame.join(of_group, on="tail", how="left")


JOBS: dict[str, Callable[[Any], Any]] = {"groups": groups_of, "rows": rows_of}


def make_rows(path: Path, rows: int) -> None:
    import numpy as np
    import polars as pl

    random = np.random.default_rng(1)
    number = random.integers(0, 100_000, rows)
    pl.DataFrame(
        {
            "tail": pl.Series(number).cast(pl.String).str.zfill(6),
            "carrier": pl.Series(number % 16).cast(pl.String),
            "miles": random.integers(50, 3000, rows).astype("int32"),
            "delay": random.normal(5, 30, rows),
            "hour": random.integers(0, 24, rows).astype("int8"),
            "id": np.arange(rows),
        }
    ).write_parquet(path, compression="snappy")


def by_hand(job: Callable[[Any], Any], source: Path, target: Path) -> Callable[[], object]:
    import polars as pl

    return lambda: job(pl.scan_parquet(source)).sink_parquet(target, compression="snappy")


def by_engine(job: Callable[[Any], Any], source: Path, target: Path) -> Callable[[], object]:
    from odibi_core.plugin import Dataset, EngineConfig
    from odibi_engine_polars.engine import PolarsEngine
    from odibi_engine_polars.parquet_reader import PolarsParquetReader
    from odibi_engine_polars.parquet_saver import PolarsParquetSaver

    engine = PolarsEngine(EngineConfig(project_root=source.parent))
    reader, saver = PolarsParquetReader(engine), PolarsParquetSaver(engine)
    given = Dataset(name="bronze.flights", kind="table", format="parquet", location=str(source))
    wanted = Dataset(name="silver.flights", kind="table", format="parquet", location=str(target))
    return lambda: saver.save(job(reader.read(given)), wanted)


SIDES = {"odibi": by_engine, "by hand": by_hand}


def work(side: str, job: str, source: Path, target: Path) -> None:
    """Do a job once and print what it took."""
    call = SIDES[side](JOBS[job], source, target)
    began, worked = time.perf_counter(), time.process_time()
    call()
    seconds, processors = time.perf_counter() - began, time.process_time() - worked
    unit = 1 if sys.platform == "darwin" else 1024
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(json.dumps({"seconds": seconds, "processors": processors, "memory": memory}))


def measured(side: str, job: str, source: Path, target: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "work", side, job, str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def compared(job: str, pairs: int, source: Path) -> bool:
    """Print a job's lines and return whether it meets its targets."""
    import polars as pl

    targets = {side: source.with_name(f"{side.replace(' ', '-')}.parquet") for side in SIDES}
    for side, target in targets.items():
        measured(side, job, source, target)
    one, other = (pl.read_parquet(target).sort(pl.all()) for target in targets.values())
    assert one.height == other.height
    assert one.drop("delay", "mean_delay", strict=False).equals(other.drop("delay", "mean_delay", strict=False))
    found: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for number in range(pairs):
        order = list(SIDES) if number % 2 else list(reversed(SIDES))
        for side in order:
            found[side].append(measured(side, job, source, targets[side]))
    meets = True
    for figure, unit in (("seconds", 1.0), ("processors", 1.0), ("memory", MEGABYTE)):
        ours, theirs = ([each[figure] for each in found[side]] for side in SIDES)
        ratio = statistics.median(mine / hand for mine, hand in zip(ours, theirs, strict=True))
        most = TARGETS.get((job, figure))
        meets = meets and (most is None or ratio <= most)
        values = f"{statistics.median(ours) / unit:10.3f}{statistics.median(theirs) / unit:10.3f}"
        name = f"{job}: {figure}" + (" (MB)" if figure == "memory" else "")
        print(f"{name:22}{values}{ratio:8.3f}" + (f"   target {most}" if most else ""), flush=True)
    return meets


def main() -> None:
    """Print the table; exit 1 if a target is missed."""
    pairs, rows = (int(value) for value in (*sys.argv[1:], *(str(PAIRS), str(ROWS))[len(sys.argv) - 1 :]))
    versions = ", ".join(f"{name} {version(name)}" for name in ("odibi-engine-polars", "polars"))
    print(f"Python {platform.python_version()}, {versions}; {rows:,} rows, {pairs} pairs of processes, after a warm-up")
    print(f"{'':22}{'odibi':>10}{'by hand':>10}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "flights.parquet")
        subprocess.run([sys.executable, __file__, "make", str(source), str(rows)], check=True)
        results = [compared(job, pairs, source) for job in JOBS]
    if not all(results):
        raise SystemExit(1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        work(sys.argv[2], sys.argv[3], Path(sys.argv[4]), Path(sys.argv[5]))
    elif sys.argv[1:2] == ["make"]:
        make_rows(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
