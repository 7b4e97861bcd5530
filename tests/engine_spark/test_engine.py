"""Frames in and out, over Arrow, on each flavour."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from odibi_core.plugin import (
    CacheSupport,
    ConfigError,
    DataFormatError,
    Dataset,
    ErrorExplainer,
    JobControl,
    SessionHolder,
)

EVERYTHING = pa.table(
    {
        "text": pa.array(["F9", None, ""]),
        "count": pa.array([1, None, -(2**62)], pa.int64()),
        "small": pa.array([1, 2, None], pa.int16()),
        "delay": pa.array([21.5, None, -0.0]),
        "late": pa.array([True, None, False]),
        "price": pa.array([Decimal("1234567890123456.78"), None, Decimal("-0.01")], pa.decimal128(18, 2)),
        "day": pa.array([date(1969, 12, 31), None, date(2013, 1, 1)]),
        "at": pa.array([datetime(2013, 1, 1, 5, 0, 0, 123456, tzinfo=UTC), None, None], pa.timestamp("us", tz="UTC")),
        "local": pa.array([datetime(2013, 3, 31, 2, 30), None, None], pa.timestamp("us")),  # noqa: DTZ001 - it has no zone
        "bytes": pa.array([b"\x00\xff", None, b""]),
        "codes": pa.array([[1, None], None, []], pa.list_(pa.int64())),
        "place": pa.array([{"city": "Ulm", "at": [48.4, 10.0]}, None, {"city": None, "at": None}]),
        "tags": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int32())),
    }
)


def test_rows_come_back_with_their_types(spark_engine):
    frame = spark_engine.from_arrow(EVERYTHING)
    back = pa.table(spark_engine.to_arrow(frame))

    assert spark_engine.is_frame(frame)
    assert back.column_names == EVERYTHING.column_names
    assert back.drop_columns("at").to_pylist() == EVERYTHING.drop_columns("at").to_pylist()
    assert [value and value.astimezone(UTC) for value in back["at"].to_pylist()] == EVERYTHING["at"].to_pylist()
    assert back.schema.field("price").type == pa.decimal128(18, 2)
    assert back.schema.field("small").type == pa.int16()
    assert back.schema.field("at").type.tz is not None
    assert back.schema.field("local").type == pa.timestamp("us")


def test_batches_without_rows_end_nothing(spark_engine):
    """What came after them was lost."""
    batches = [pa.record_batch({"id": pa.array(ids, pa.int64())}) for ids in ([], [1], [], [2, 3], [])]

    frame = spark_engine.from_arrow(pa.Table.from_batches(batches * 50))

    assert frame.count() == 150


@pytest.mark.parametrize(
    ("column", "type_"),
    [
        (pa.array([200, None], pa.uint8()), pa.int16()),
        (pa.array([60_000, None], pa.uint16()), pa.int32()),
        (pa.array([2**32 - 1, None], pa.uint32()), pa.int64()),
        (pa.array([2**64 - 1, None], pa.uint64()), pa.decimal128(20, 0)),
        (pa.array(["a", None, "a"]).dictionary_encode(), pa.string()),
        (pa.array(["a", None], pa.large_string()), pa.string()),
        (pa.array(["a", None], pa.string_view()), pa.string()),
        (pa.array([b"a", None], pa.large_binary()), pa.binary()),
        (pa.array([None, None], pa.null()), pa.string()),
        (pa.array([[1], None], pa.large_list(pa.uint8())), pa.list_(pa.int16())),
        (pa.array([[1, 2], None], pa.list_(pa.int64(), 2)), pa.list_(pa.int64())),
        (pa.array([1_000_000_000, None], pa.timestamp("ns")), pa.timestamp("us")),
    ],
    ids=[
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "dictionary",
        "large_string",
        "string_view",
        "large_binary",
        "null",
        "large_list",
        "fixed_list",
        "ns",
    ],
)
def test_types_that_spark_lacks_become_wider_ones(sail_engine, column, type_):
    table = pa.table({"value": column})

    back = pa.table(sail_engine.to_arrow(sail_engine.from_arrow(table)))

    assert back["value"].to_pylist() == table["value"].cast(type_).to_pylist()
    assert unlisted(back.schema.field("value").type) in {
        unlisted(type_),
        *({pa.large_string()} if type_ == pa.string() else ()),
    }


def unlisted(type_):
    """What is in a list: its field's name is nobody's business."""
    return (unlisted(type_.value_type),) if pa.types.is_list(type_) else type_


def test_a_column_that_fits_no_type_is_named(sail_engine):
    table = pa.table({"huge": pa.array([Decimal(10) ** 50], pa.decimal256(60, 0))})

    with pytest.raises(DataFormatError, match=r"'huge'.*38 digits"):
        sail_engine.from_arrow(table)


def test_rows_are_never_counted(spark_engine):
    assert spark_engine.count_rows(spark_engine.session.range(3)) is None


@pytest.mark.spark
def test_columns_are_told_where_no_server_has_to_be_asked(classic_engine):
    frame = classic_engine.session.range(1).selectExpr("id", "array(map('k', id)) AS `odd name`")
    assert classic_engine.describe_frame(frame) == {"id": "bigint", "odd name": "array<map<string,bigint>>"}


def test_columns_are_not_told_where_a_server_has_to_be_asked(sail_engine):
    assert sail_engine.describe_frame(sail_engine.session.range(1)) is None


def test_what_is_no_frame_is_none(sail_engine):
    assert not sail_engine.is_frame(EVERYTHING)
    assert not sail_engine.is_frame(None)


def test_engine_has_what_the_kernel_looks_for(sail_engine):
    for protocol in (SessionHolder, CacheSupport, ErrorExplainer, JobControl):
        assert isinstance(sail_engine, protocol)


@pytest.mark.parametrize("flavour", ["classic", "connect"])
@pytest.mark.spark
def test_a_cached_table_is_read_from_memory_and_let_go(flavour, request, tmp_path):
    from odibi_engine_spark.files.reader import SparkFileReader

    engine = request.getfixturevalue(f"{flavour}_engine")
    place = tmp_path / "flights"
    engine.session.range(3).write.parquet(str(place))
    dataset = Dataset(name="bronze.flights", kind="table", format="parquet", location=str(place))

    reader = SparkFileReader(engine)

    engine.cache(dataset)
    engine.cache(dataset)
    assert "InMemoryTableScan" in plan_of(reader.read(dataset))
    engine.uncache(dataset)
    engine.uncache(dataset)
    assert "InMemoryTableScan" not in plan_of(reader.read(dataset))


def plan_of(frame):
    import contextlib
    import io

    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        frame.explain()
    return said.getvalue()


def test_sail_says_that_it_keeps_nothing_in_memory(sail_engine, tmp_path):
    dataset = Dataset(name="bronze.flights", kind="table", format="parquet", location=str(tmp_path))

    with pytest.raises(ConfigError, match=r"sail keeps no tables.*bronze\.flights"):
        sail_engine.cache(dataset)
