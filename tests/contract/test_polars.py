"""The Polars engine, its readers and its savers keep the contract that the kit holds every author's to."""

from __future__ import annotations

import polars as pl
import pytest

from odibi_core.testing import EngineContract, ReaderSaverContract


class TestPolars(EngineContract):
    plugin = "engine-polars"
    engine = "polars"

    @pytest.fixture
    def costly_frame(self):
        def compute(frame):
            raise RuntimeError("the frame was computed")

        return pl.LazyFrame({"id": [1]}).map_batches(compute)


class TestPolarsEager(EngineContract):
    plugin = "engine-polars"
    engine = "polars"
    engine_options = {"mode": "eager"}


class PolarsFiles(ReaderSaverContract):
    plugin = "engine-polars"
    engine = "polars"
    examples = 10


class TestPolarsCsv(PolarsFiles):
    format = "csv"


class TestPolarsJson(PolarsFiles):
    format = "json"


class TestPolarsJsonLines(PolarsFiles):
    format = "jsonl"


class TestPolarsParquet(PolarsFiles):
    format = "parquet"


class TestPolarsIpc(PolarsFiles):
    format = "ipc"


class TestPolarsAvro(PolarsFiles):
    format = "avro"


class TestPolarsExcel(PolarsFiles):
    format = "excel"
