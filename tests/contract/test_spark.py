"""Spark's engine, readers and savers keep the contract, on Spark in this process; what takes minutes is for `make soak`."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_engine_spark import contracts

pytestmark = pytest.mark.spark


@pytest.fixture
def spark_session(classic_session: Any) -> Any:
    return classic_session


class TestSpark(contracts.TestEngine):
    pass


class TestSparkParquet(contracts.TestParquet):
    pass


@pytest.mark.soak
class TestSparkCsv(contracts.TestCsv):
    pass


@pytest.mark.soak
class TestSparkJson(contracts.TestJson):
    pass


@pytest.mark.soak
class TestSparkJsonLines(contracts.TestJsonLines):
    pass


@pytest.mark.soak
class TestSparkOrc(contracts.TestOrc):
    pass


@pytest.mark.soak
class TestSparkDelta(contracts.TestDelta):
    pass
