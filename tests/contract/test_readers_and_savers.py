"""Our own readers and savers keep the contract that the kit holds every author's to."""

from __future__ import annotations

import pytest

from odibi_core.testing import ReaderSaverContract


class PandasFiles(ReaderSaverContract):
    plugin = "engine-pandas"
    engine = "pandas"
    examples = 10
    kill_points = 4  # of the 8 that `make soak` has


class TestPandasCsv(PandasFiles):
    format = "csv"


class TestPandasJson(PandasFiles):
    format = "json"


class TestPandasJsonLines(PandasFiles):
    format = "jsonl"


class TestPandasParquet(PandasFiles):
    format = "parquet"


@pytest.mark.soak
class TestPandasCsvOfManyColumns(PandasFiles):
    format = "csv"
    wide = 100_000


@pytest.mark.soak
class TestPandasParquetOfManyColumns(PandasFiles):
    format = "parquet"
    wide = 100_000


class TestDelta(ReaderSaverContract):
    plugin = "sinks"
    engine = "any"
    format = "delta"
    examples = 10


@pytest.mark.soak
class TestPandasCsvAtAllKillPoints(TestPandasCsv):
    kill_points = 8


@pytest.mark.soak
class TestPandasJsonAtAllKillPoints(TestPandasJson):
    kill_points = 8


@pytest.mark.soak
class TestPandasJsonLinesAtAllKillPoints(TestPandasJsonLines):
    kill_points = 8


@pytest.mark.soak
class TestPandasParquetAtAllKillPoints(TestPandasParquet):
    kill_points = 8
