"""The demo with a warehouse of Delta tables: one word of its manifest changes, and no figure."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from odibi_core.plugin import Dataset
from odibi_sinks.delta_tables.reader import DeltaTableReader

SCRIPTS = Path(sys.executable).parent
FLIGHTS = 336_776


def read(demo: Path, table: str) -> Any:
    location = demo / "data" / Path(*table.split("."))
    return DeltaTableReader(None).read(Dataset(name=table, kind="table", format="delta", location=str(location)))


@pytest.mark.slow
def test_demo_gives_the_same_figures_in_delta_tables(
    copy_demo: Callable[[Path], Path],
    run_demo: Callable[..., dict[str, Any]],
    check_demo: Callable[[Path], None],
    tmp_path: Path,
) -> None:
    demo = copy_demo(tmp_path)
    manifest = demo / "manifest.yaml"
    text = manifest.read_text()
    assert "format: parquet" in text
    manifest.write_text(text.replace("format: parquet", "format: delta"))

    document = run_demo(demo, scripts=SCRIPTS)

    assert document["status"] == "SUCCESS"
    assert read(demo, "silver.flights_enriched").read_all().num_rows == FLIGHTS
    # As Parquet files too, for the figures that are checked of every demo.
    for log in (demo / "data").glob("*/*/_delta_log"):
        table = log.parent
        name = f"{table.parent.name}.{table.name}"
        pq.write_table(read(demo, name).read_all(), table.with_suffix(".parquet"))
    check_demo(demo)
