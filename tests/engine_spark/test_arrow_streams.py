"""Frames as Arrow: the same rows as at once, and no more of them in this process than are asked for."""

from __future__ import annotations

import datetime as dt
import os
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from odibi_core.errors import HandOverTooLargeError
from odibi_core.running.hand_over import HandOver
from odibi_engine_spark import arrow_streams
from odibi_engine_spark.arrow_streams import estimated_bytes

AWKWARD = pa.table(
    {
        "id": pa.array([1, 2, None], pa.int32()),
        "time": pa.array([1_709_272_800_000_001, None, -2_208_988_800_000_000], pa.timestamp("us")),
        "moment": pa.array([dt.datetime(2024, 3, 1, tzinfo=dt.UTC), None, None], pa.timestamp("us", "UTC")),
        "price": pa.array([Decimal("1.50"), None, Decimal("-0.01")], pa.decimal128(10, 2)),
        "tags": pa.array([["a", None], [], None]),
        "place": pa.array([{"x": 1.5, "name": "é"}, None, {"x": float("nan"), "name": None}]),
        "raw": pa.array([b"\x00\xff", b"", None]),
    }
)


def resident_bytes() -> int:
    """What this process holds; on Sail that is the server's too."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def streams_only(monkeypatch):
    """Nothing is small enough to be fetched at once."""
    monkeypatch.setattr(arrow_streams, "_SMALL", -1)


def test_stream_has_the_rows_and_types_of_a_table(spark_engine, streams_only):
    frame = spark_engine.from_arrow(AWKWARD)

    stream = spark_engine.to_arrow(frame)

    assert isinstance(stream, pa.RecordBatchReader)
    table, expected = stream.read_all(), frame.toArrow()
    assert table.schema == expected.schema
    assert str(table.to_pylist()) == str(expected.to_pylist())


def test_frame_without_rows_still_has_its_columns(spark_engine, streams_only):
    stream = spark_engine.to_arrow(spark_engine.from_arrow(AWKWARD).filter("id > 5"))

    assert stream.read_all().schema.names == AWKWARD.schema.names


def test_order_of_the_rows_is_kept(spark_engine, streams_only):
    frame = spark_engine.session.range(0, 1000, 1, 4).orderBy("id")

    assert pa.table(spark_engine.to_arrow(frame))["id"].to_pylist() == list(range(1000))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells what a process holds")
def test_too_big_a_frame_is_refused_while_most_of_it_is_not_here(spark_engine):
    frame = spark_engine.session.range(0, 60_000_000, 1, 60).selectExpr("id", "id * 2 AS twice")  # 960 MB
    before, held = resident_bytes(), []

    with (
        pytest.raises(HandOverTooLargeError, match=r"output 'gold\.all' is more than may be handed over"),
        HandOver("output 'gold.all'", 20 << 20).counted(spark_engine.to_arrow(frame)) as stream,
    ):
        held.extend(resident_bytes() - before for _ in stream)

    assert max(held) < 400 << 20


@pytest.mark.spark
def test_small_frame_is_fetched_at_once_in_this_process(classic_engine):
    frame = classic_engine.from_arrow(AWKWARD)

    assert estimated_bytes(frame) < 1 << 20
    assert isinstance(classic_engine.to_arrow(frame), pa.Table)


@pytest.mark.spark
def test_estimate_starts_no_job_and_is_high_where_spark_does_not_know(classic_engine):
    session = classic_engine.session
    table = session.range(1_000_000)
    never = table.selectExpr("raise_error('computed') AS never")

    assert estimated_bytes(table) == pytest.approx(8_000_000, rel=0.01)
    assert estimated_bytes(never) > 0
    assert estimated_bytes(table.crossJoin(table.withColumnRenamed("id", "other"))) > 1 << 40
