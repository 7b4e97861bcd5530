"""Our own readers and savers keep the contract that the kit holds every author's to."""

from __future__ import annotations

from odibi_core.testing import ReaderSaverContract


class PandasFiles(ReaderSaverContract):
    plugin = "engine-pandas"
    engine = "pandas"
    examples = 10


class TestPandasCsv(PandasFiles):
    format = "csv"


class TestPandasJson(PandasFiles):
    format = "json"


class TestPandasJsonLines(PandasFiles):
    format = "jsonl"


class TestPandasParquet(PandasFiles):
    format = "parquet"


class TestDelta(ReaderSaverContract):
    plugin = "sinks"
    engine = "any"
    format = "delta"
    examples = 10
