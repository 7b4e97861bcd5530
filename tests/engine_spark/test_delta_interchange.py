"""One warehouse, several engines: what Spark writes delta-rs reads, and the other way round, rows and types alike."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from odibi_core.plugin import Dataset, DatasetExistsError
from odibi_engine_spark.delta.reader import SparkDeltaReader
from odibi_engine_spark.delta.saver import SparkDeltaSaver
from odibi_engine_spark.files.saver import SparkFileSaver
from odibi_sinks.delta_tables.reader import DeltaTableReader
from odibi_sinks.delta_tables.saver import DeltaTableSaver

INSTANT = dt.datetime(2013, 3, 10, 6, 30, 0, 123456, tzinfo=dt.UTC)
WALL_CLOCK = dt.datetime(2013, 3, 10, 2, 30)  # noqa: DTZ001  # a wall clock has no zone

TYPES: dict[str, pa.Array] = {
    "whole": pa.array([1, None, -(2**62)], pa.int64()),
    "small": pa.array([1, None, -128], pa.int8()),
    "short": pa.array([1, None, -32768], pa.int16()),
    "int": pa.array([1, None, -(2**31)], pa.int32()),
    "double": pa.array([0.1, None, 1e300], pa.float64()),
    "float": pa.array([0.5, None, -2.25], pa.float32()),
    "decimal": pa.array(
        [Decimal("12345678901234567890.123456789"), None, Decimal("-0.000000001")], pa.decimal128(38, 9)
    ),
    "money": pa.array([Decimal("9.99"), None, Decimal("-1.00")], pa.decimal128(9, 2)),
    "flag": pa.array([True, None, False]),
    "text": pa.array(["é \u2603 'q'", None, ""]),
    "bytes": pa.array([b"\x00\xff", None, b""]),
    "day": pa.array([dt.date(2013, 1, 1), None, dt.date(1900, 2, 28)]),
    "instant": pa.array([INSTANT, None, INSTANT.replace(year=1950)], pa.timestamp("us", "UTC")),
    "wall clock": pa.array([WALL_CLOCK, None, WALL_CLOCK.replace(year=1950)], pa.timestamp("us")),
    "list": pa.array([["a", None], None, []], pa.list_(pa.string())),
    "struct": pa.array(
        [{"x": 1, "y": None}, None, {"x": None, "y": "b"}], pa.struct([("x", pa.int64()), ("y", pa.string())])
    ),
    "nested": pa.array([[{"d": Decimal("1.50")}], None, [None]], pa.list_(pa.struct([("d", pa.decimal128(10, 2))]))),
    "map": pa.array([[("a", 1), ("b", None)], None, []], pa.map_(pa.string(), pa.int64())),
    "nulls": pa.array([None, None, None], pa.string()),
}
SPARK_TYPES = {
    "whole": "bigint",
    "small": "tinyint",
    "short": "smallint",
    "int": "int",
    "double": "double",
    "float": "float",
    "decimal": "decimal(38,9)",
    "money": "decimal(9,2)",
    "flag": "boolean",
    "text": "string",
    "bytes": "binary",
    "day": "date",
    "instant": "timestamp",
    "wall clock": "timestamp_ntz",
    "list": "array<string>",
    "struct": "struct<x:bigint,y:string>",
    "nested": "array<struct<d:decimal(10,2)>>",
    "map": "map<string,bigint>",
    "nulls": "string",
}
TABLE = pa.table({"id": pa.array([1, 2, 3], pa.int64()), **TYPES})


def dataset_of(path: Path, mode: str = "overwrite", **options: Any) -> Dataset:
    return Dataset(name="t", kind="table", format="delta", location=str(path), mode=mode, options=options)


def rows(table: Any) -> list[dict[str, Any]]:
    return sorted(pa.table(table).to_pylist(), key=lambda row: row["id"])


def types(frame: Any) -> dict[str, str]:
    return {name: kind for name, kind in frame.dtypes if name != "id"}


def test_what_delta_rs_writes_spark_reads(spark_engine, tmp_path):
    write_deltalake(tmp_path / "t", TABLE)
    frame = SparkDeltaReader(spark_engine).read(dataset_of(tmp_path / "t"))
    assert types(frame) == SPARK_TYPES
    assert rows(frame.toArrow()) == rows(TABLE)


@pytest.mark.parametrize("mode", ["overwrite", "append", "merge"])
def test_what_spark_writes_delta_rs_reads(spark_engine, tmp_path, mode):
    write_deltalake(tmp_path / "from", TABLE)
    frame = SparkDeltaReader(spark_engine).read(dataset_of(tmp_path / "from"))
    options = {"merge_keys": ["id"], "change_columns": ["text"]} if mode == "merge" else {}
    target = tmp_path / "to"
    SparkDeltaSaver(spark_engine).save(frame, dataset_of(target, mode, **options))
    found = DeltaTable(target).to_pyarrow_table()
    assert rows(found) == rows(TABLE)
    assert {field.name: field.type for field in found.schema} == {field.name: field.type for field in TABLE.schema}


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_both_write_to_one_table(spark_engine, tmp_path, mode):
    target = tmp_path / "t"
    write_deltalake(target, TABLE.slice(0, 1))
    second = tmp_path / "second"
    write_deltalake(second, TABLE.slice(1, 1))
    frame = SparkDeltaReader(spark_engine).read(dataset_of(second))
    options = {"merge_keys": ["id"], "change_columns": ["text"]} if mode == "merge" else {}
    SparkDeltaSaver(spark_engine).save(frame, dataset_of(target, mode, **options))
    write_deltalake(target, TABLE.slice(2, 1), mode="append")
    frame = SparkDeltaReader(spark_engine).read(dataset_of(target))
    assert types(frame) == SPARK_TYPES
    assert rows(frame.toArrow()) == rows(TABLE)
    assert rows(DeltaTable(target).to_pyarrow_table()) == rows(TABLE)


def test_partitions_of_every_kind_mean_the_same(spark_engine, tmp_path):
    keys = {
        "day": pa.array([dt.date(2013, 1, 1), None, dt.date(1900, 2, 28)]),
        "text": pa.array(["a/b=c %20 é", None, "x"]),
        "number": pa.array([1, None, -1], pa.int64()),
        "flag": pa.array([True, None, False]),
        "money": pa.array([Decimal("9.99"), None, Decimal("-1.00")], pa.decimal128(9, 2)),
    }
    table = pa.table({"id": pa.array([1, 2, 3], pa.int64()), **keys})
    by_rs, by_spark = tmp_path / "rs", tmp_path / "spark"
    write_deltalake(by_rs, table, partition_by=list(keys))
    frame = SparkDeltaReader(spark_engine).read(dataset_of(by_rs))
    assert rows(frame.toArrow()) == rows(table)
    dataset = Dataset(
        name="t", kind="table", format="delta", location=str(by_spark), partition_by=tuple(keys), mode="error"
    )
    SparkDeltaSaver(spark_engine).save(frame, dataset)
    assert rows(DeltaTable(by_spark).to_pyarrow_table().select(table.column_names)) == rows(table)


FOR_GOOD = dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)
HELD = pa.table({"id": pa.array([1], pa.int64()), "until": pa.array([FOR_GOOD], pa.timestamp("us", "UTC"))})


@pytest.mark.parametrize("mode", ["overwrite", "append", "error", "merge"])
def test_moments_beyond_nanoseconds_are_the_same_for_both(spark_engine, tmp_path, mode):
    """As INT96, which is Spark's own way, the end of 9999 is one of 1816 for delta-rs, when it merges, too."""
    write_deltalake(tmp_path / "from", HELD)
    frame = SparkDeltaReader(spark_engine).read(dataset_of(tmp_path / "from"))
    options = {"merge_keys": ["id"]} if mode == "merge" else {}
    target = tmp_path / "to"
    SparkDeltaSaver(spark_engine).save(frame, dataset_of(target, mode, **options))
    if mode == "merge":
        other = frame.selectExpr("id + 1 AS id", "until").union(frame.selectExpr("id", "until - INTERVAL 1 DAY"))
        SparkDeltaSaver(spark_engine).save(other, dataset_of(target, mode, **options))
        SparkDeltaSaver(spark_engine).save(frame, dataset_of(target, mode, **options))

    found = DeltaTable(target).to_pyarrow_table()

    assert set(found["until"].to_pylist()) == {FOR_GOOD}


@pytest.mark.spark
def test_what_plain_spark_wrote_of_year_9999_is_read_as_it_is(classic_session, tmp_path):
    session = classic_session.newSession()
    session.conf.set("spark.sql.parquet.outputTimestampType", "INT96")
    frame = session.sql("SELECT 1L AS id, timestamp'9999-12-31 23:59:59.999999Z' AS until")
    frame.write.format("delta").save(str(tmp_path / "t"))

    assert DeltaTableReader(None).read(dataset_of(tmp_path / "t")).read_all().to_pylist() == HELD.to_pylist()


@pytest.mark.spark
@pytest.mark.parametrize("flavour", ["classic", "connect"])
def test_a_save_leaves_the_settings_of_the_session_as_they_were(flavour, request, tmp_path):
    setting = "spark.sql.parquet.outputTimestampType"
    engine = request.getfixturevalue(f"{flavour}_engine")
    session = engine.session
    before = session.conf.get(setting, None)
    frame = session.sql("SELECT 1L AS id, timestamp'2026-11-22 03:20:00Z' AS until")
    parquet = Dataset(name="p", kind="path", format="parquet", location=str(tmp_path / "p"))

    SparkDeltaSaver(engine).save(frame, dataset_of(tmp_path / "t"))
    SparkFileSaver(engine).save(frame, parquet)
    with pytest.raises(DatasetExistsError):
        SparkDeltaSaver(engine).save(frame, dataset_of(tmp_path / "t", "error"))

    assert session.conf.get(setting, None) == before


@pytest.mark.parametrize("mode", ["append", "overwrite", "merge"])
def test_long_decimals_of_delta_rs_are_found_by_spark(spark_engine, tmp_path, mode):
    """In the statistics of delta-rs they are floats, by which Spark passed over the file, and Sail read another number."""
    number, target = Decimal(100000000000000001), tmp_path / "t"
    within = pa.array([{"x": number, "y": 1}], pa.struct([("x", pa.decimal128(38, 0)), ("y", pa.int64())]))
    table = pa.table({"id": pa.array([number], pa.decimal128(38, 0)), "a.b": pa.array([number]), "n": [1]})
    saver, options = DeltaTableSaver(None), {"merge_keys": ["id"]} if mode == "merge" else {}
    saver.save(table, dataset_of(target, mode, **options))
    saver.save(table.set_column(2, "n", [[2]]), dataset_of(target, mode, **options))
    wide = table.append_column("within", within)
    saver.save(wide, dataset_of(target, mode, merge_schema=True, **options))

    frame = SparkDeltaReader(spark_engine).read(dataset_of(target))

    expected = 3 if mode == "append" else 1
    for condition in (f"id = {number}", f"id >= {number}", f"`a.b` = {number}"):
        assert frame.where(condition).toArrow()["id"].to_pylist() == [number] * expected
    assert frame.where(f"within.x = {number}").toArrow()["id"].to_pylist() == [number]
