"""The same contracts on Sail, which needs no Java; most of them for `make soak`."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_engine_spark import contracts


@pytest.fixture
def spark_session(sail_session: Any) -> Any:
    return sail_session


class TestSparkOnSail(contracts.TestEngine):
    pass


class TestSparkJsonLinesOnSail(contracts.TestJsonLines):
    pass


@pytest.mark.soak
class TestSparkCsvOnSail(contracts.TestCsv):
    pass


@pytest.mark.soak
class TestSparkDeltaOnSail(contracts.TestDelta):
    pass


@pytest.mark.soak
class TestSparkJsonOnSail(contracts.TestJson):
    pass


@pytest.mark.soak
class TestSparkParquetOnSail(contracts.TestParquet):
    pass
