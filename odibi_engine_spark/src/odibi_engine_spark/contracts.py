"""What this distribution promises, as tests.

pytest runs them in the tests of this repository, and ``odibi plugins check engine-spark`` wherever it is installed
with ``odibi-core[testing]``, on Spark in this process or, where there is no Java, on Sail. Not here are what needs a
server (``jdbc``), a catalog of the user's (``catalog``, ``query``), a jar that Spark does not bring (``avro``) or
another shape than a table (``text``); the log sink ``spark_delta`` writes what the sink ``delta`` of odibi-sinks
writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import pytest

from odibi_core.testing import EngineContract, PluginContract, ReaderSaverContract
from odibi_engine_spark.options import SparkEngineOptions
from odibi_engine_spark.sessions.opening import kind_of, open_session

__all__ = ["TestCsv", "TestDelta", "TestEngine", "TestJson", "TestJsonLines", "TestOrc", "TestParquet", "TestPlugin"]

# Tables of a few rows, on which Spark's defaults spend most of their time.
_CONF: Final = {
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.log.level": "OFF",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
}
_JSON: Final = ("json", "jsonl")
_NULLS_IN_LISTS: Final = "test_round_trip[nested_nulls]"
_ORDER_ON_SAIL: Final = ("test_append_adds_at_the_end", "test_rows_keep_their_order")


@pytest.fixture(scope="session")
def spark_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One session for all of the tests."""
    folder = tmp_path_factory.mktemp("spark")
    conf = _CONF | {"spark.sql.warehouse.dir": str(folder / "warehouse")}
    handle = open_session(SparkEngineOptions(conf=conf), handed_in=None, project_root=folder)
    yield handle.session
    handle.release()


class _OnSpark:
    format: ClassVar[str] = ""

    @pytest.fixture
    def session(self, request: pytest.FixtureRequest, spark_session: Any) -> Any:
        """The session that all tests share."""
        if kind_of(spark_session) == "sail" and request.function.__name__ in _ORDER_ON_SAIL:
            pytest.skip("on Sail rows come in another order each time")
        if kind_of(spark_session) == "sail" and self.format in _JSON and request.node.name == _NULLS_IN_LISTS:
            pytest.skip("Sail refuses to read JSON with a null among lists")
        return spark_session


class TestPlugin(PluginContract):
    """What holds for every plugin."""

    plugin = "odibi_engine_spark.plugin"


class TestEngine(_OnSpark, EngineContract):
    """The engine ``spark``."""

    plugin = "odibi_engine_spark.plugin"
    engine = "spark"
    # Beyond some hundred columns, Spark's planner takes seconds per job.
    wide = 200
    examples = 4

    @pytest.fixture
    def costly_frame(self, execution_engine: Any) -> Any:
        """A frame that cannot be computed without being noticed."""
        return execution_engine.session.range(3).selectExpr("raise_error('computed') as id")


class _Files(_OnSpark, ReaderSaverContract):
    plugin = "odibi_engine_spark.plugin"
    engine = "spark"
    # As above, and once more: each killed save would start a Java machine.
    wide = 40
    examples = 3
    kill_points = 0


class TestCsv(_Files):
    """CSV, as text files."""

    format = "csv"


class TestDelta(_Files):
    """Delta tables."""

    format = "delta"


class TestJson(_Files):
    """JSON documents."""

    format = "json"


class TestJsonLines(_Files):
    """JSON, a record per line."""

    format = "jsonl"


class TestOrc(_Files):
    """ORC files."""

    format = "orc"

    @pytest.fixture
    def session(self, spark_session: Any) -> Any:
        """The session that all tests share."""
        if kind_of(spark_session) == "sail":
            pytest.skip("Sail has no ORC")
        return spark_session


class TestParquet(_Files):
    """Parquet files."""

    format = "parquet"
