"""The Polars engine, its readers and its savers keep the contract that the kit holds every author's to."""

from __future__ import annotations

from importlib.util import find_spec

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
    kill_points = 4  # of the 8 that `make soak` has


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


@pytest.mark.soak
class TestPolarsCsvAtAllKillPoints(TestPolarsCsv):
    kill_points = 8


@pytest.mark.soak
class TestPolarsJsonAtAllKillPoints(TestPolarsJson):
    kill_points = 8


@pytest.mark.soak
class TestPolarsJsonLinesAtAllKillPoints(TestPolarsJsonLines):
    kill_points = 8


@pytest.mark.soak
class TestPolarsParquetAtAllKillPoints(TestPolarsParquet):
    kill_points = 8


@pytest.mark.soak
class TestPolarsIpcAtAllKillPoints(TestPolarsIpc):
    kill_points = 8


@pytest.mark.soak
class TestPolarsAvroAtAllKillPoints(TestPolarsAvro):
    kill_points = 8


excel = pytest.mark.skipif(
    find_spec("fastexcel") is None or find_spec("xlsxwriter") is None, reason="Excel needs fastexcel and xlsxwriter"
)


@excel
class TestPolarsExcel(PolarsFiles):
    """A sheet of some size takes seconds to write, so of the kills only those of a first save are done here."""

    format = "excel"
    kill_points = 1
    test_many_rows_come_back = None
    test_save_that_is_killed_leaves_old_or_new = None
    test_slow_target_shows_old_until_new = None


@excel
@pytest.mark.soak
class TestPolarsExcelAtAllKillPoints(PolarsFiles):
    format = "excel"
    kill_points = 8
