"""The SQL log sink keeps the contract of log sinks on servers too; the other sinks are in tests/contract."""

from __future__ import annotations

import pytest

from odibi_core.testing import LogSinkContract


class TestPostgreSql(LogSinkContract):
    plugin = "odibi_sinks.plugin"
    sink = "sql"

    @pytest.fixture
    def sink_options(self, postgresql_url):
        return {"url": postgresql_url}

    @pytest.fixture
    def unreachable_options(self):
        return {"url": "postgresql://etl:odibi-pw-4711@127.0.0.1:1/dw", "timeout_seconds": 2}


@pytest.mark.soak
class TestMariaDb(LogSinkContract):
    plugin = "odibi_sinks.plugin"
    sink = "sql"

    @pytest.fixture
    def sink_options(self, mariadb_url):
        return {"url": mariadb_url}
