"""Spark's readers and savers keep the contract, on Spark in this process; what takes minutes is for `make soak`."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.testing import ReaderSaverContract

pytestmark = pytest.mark.spark


class SparkFiles(ReaderSaverContract):
    plugin = "engine-spark"
    engine = "spark"
    # Beyond some hundred columns, Spark's planner takes seconds per job; and each killed save would start a Java machine.
    wide = 40
    examples = 3
    kill_points = 0

    @pytest.fixture
    def session(self, classic_session: Any) -> Any:
        return classic_session


class TestSparkParquet(SparkFiles):
    format = "parquet"


@pytest.mark.soak
class TestSparkCsv(SparkFiles):
    format = "csv"


@pytest.mark.soak
class TestSparkJson(SparkFiles):
    format = "json"


@pytest.mark.soak
class TestSparkJsonLines(SparkFiles):
    format = "jsonl"


@pytest.mark.soak
class TestSparkOrc(SparkFiles):
    format = "orc"


@pytest.mark.soak
class TestSparkDelta(SparkFiles):
    format = "delta"
