"""Each log sink that can be read back keeps the contract of log sinks."""

from __future__ import annotations

import pytest

from odibi_core.testing import LogSinkContract


class TestCsvFile(LogSinkContract):
    plugin = "odibi_sinks.plugin"
    sink = "file"
    options = {"path": "logs/runs.csv"}


class TestJsonLinesFile(LogSinkContract):
    plugin = "odibi_sinks.plugin"
    sink = "file"
    options = {"path": "logs/runs.jsonl"}


class TestSqlite(LogSinkContract):
    plugin = "odibi_sinks.plugin"
    sink = "sql"
    options = {"url": "sqlite:///logs/runs.db"}

    @pytest.fixture
    def unreachable_options(self):
        return {"url": "postgresql://etl:odibi-pw-4711@127.0.0.1:1/dw", "timeout_seconds": 2}


class TestDelta(LogSinkContract):
    plugin = "odibi_sinks.plugin"
    sink = "delta"
    options = {"path": "logs/runs"}
