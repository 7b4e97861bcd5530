"""What this distribution promises, as tests.

pytest runs them in the tests of this repository, and ``odibi plugins check sinks`` wherever it is installed with its
extras ``sql`` and ``delta`` and with ``odibi-core[testing]``. The console's sink is not here: what it has shown cannot
be read back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from odibi_core.testing import LogSinkContract, PluginContract, ReaderSaverContract

__all__ = ["TestCsvFile", "TestDeltaLog", "TestDeltaTables", "TestJsonLinesFile", "TestPlugin", "TestSqlite"]


class TestPlugin(PluginContract):
    """What holds for every plugin."""

    plugin = "odibi_sinks.plugin"


class TestCsvFile(LogSinkContract):
    """The sink ``file`` with a name in ``.csv``."""

    plugin = "odibi_sinks.plugin"
    sink = "file"
    options: ClassVar[Mapping[str, Any]] = {"path": "logs/runs.csv"}


class TestJsonLinesFile(LogSinkContract):
    """The sink ``file`` with a name in ``.jsonl``."""

    plugin = "odibi_sinks.plugin"
    sink = "file"
    options: ClassVar[Mapping[str, Any]] = {"path": "logs/runs.jsonl"}


class TestSqlite(LogSinkContract):
    """The sink ``sql`` with the one database that needs no server."""

    plugin = "odibi_sinks.plugin"
    sink = "sql"
    options: ClassVar[Mapping[str, Any]] = {"url": "sqlite:///logs/runs.db"}

    @pytest.fixture
    def unreachable_options(self) -> Mapping[str, Any]:
        """A port that nobody listens on."""
        return {"url": "postgresql://etl:odibi-pw-4711@127.0.0.1:1/dw", "timeout_seconds": 2}


class TestDeltaLog(LogSinkContract):
    """The sink ``delta`` in a folder."""

    plugin = "odibi_sinks.plugin"
    sink = "delta"
    options: ClassVar[Mapping[str, Any]] = {"path": "logs/runs"}


class TestDeltaTables(ReaderSaverContract):
    """Delta tables by way of delta-rs, for engines that have none of their own."""

    plugin = "odibi_sinks.plugin"
    engine = "any"
    format = "delta"
    examples = 10
