"""Each log sink that can be read back keeps the contract of log sinks; those of servers are in tests/sinks."""

from __future__ import annotations

from odibi_sinks.contracts import TestCsvFile, TestDeltaLog, TestJsonLinesFile, TestSqlite

__all__ = ["TestCsvFile", "TestDeltaLog", "TestJsonLinesFile", "TestSqlite"]
