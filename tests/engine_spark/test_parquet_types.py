"""Types of Parquet files go from one engine to the other: what pandas wrote, Spark reads, and the other way round."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from odibi_core.plugin import DataFormatError, Dataset
from odibi_engine_pandas.parquet_reader import PandasParquetReader
from odibi_engine_pandas.parquet_saver import PandasParquetSaver
from odibi_engine_spark.files.reader import SparkFileReader
from odibi_engine_spark.files.saver import SparkFileSaver


def output(path: Path, **keys: Any) -> Dataset:
    return Dataset(name="silver.a", kind="table", format=path.suffix[1:], location=str(path), **keys)


def read(engine: Any, dataset: Dataset) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in SparkFileReader(engine).read(dataset).collect()), key=repr)


TYPES = {
    "i": pa.array([1, None, -(2**63)], pa.int64()),
    "f": pa.array([1.5, None, math.inf]),
    "b": pa.array([True, None, False]),
    "s": pa.array(["x", None, 'q"\n,é']),
    "dec": pa.array([Decimal("1.230"), None, Decimal("-9999999.999")], pa.decimal128(10, 3)),
    "d": pa.array([dt.date(2013, 1, 1), None, dt.date(1950, 2, 3)]),
    "t": pa.array([1356998400123456, None, -631152000000000], pa.timestamp("us")),
    "z": pa.array([1356998400123456, None, -1], pa.timestamp("us", "UTC")),
    "l": pa.array([[1, None], None, []], pa.list_(pa.int64())),
    "st": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": None}]),
}


def test_parquet_types_go_from_pandas_to_spark_and_back(spark_engine, tmp_path):
    table = pa.table(TYPES)
    pq.write_table(table, tmp_path / "a.parquet")
    frame = SparkFileReader(spark_engine).read(output(tmp_path / "a.parquet"))
    assert dict(frame.dtypes) == {
        "i": "bigint",
        "f": "double",
        "b": "boolean",
        "s": "string",
        "dec": "decimal(10,3)",
        "d": "date",
        "t": "timestamp_ntz",
        "z": "timestamp",
        "l": "array<bigint>",
        "st": "struct<a:bigint,b:string>",
    }
    SparkFileSaver(spark_engine).save(frame, output(tmp_path / "b.parquet"))
    (part, *_) = [path for path in (tmp_path / "b.parquet").iterdir() if pq.read_metadata(path).num_rows]
    back = pa.concat_tables([pq.read_table(path) for path in sorted((tmp_path / "b.parquet").iterdir())])
    assert pq.read_schema(part).field("t").type == pa.timestamp("us")
    assert pq.read_schema(part).field("z").type == pa.timestamp("us", "UTC")
    assert sorted(back.to_pylist(), key=repr) == sorted(table.to_pylist(), key=repr)


@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_nanoseconds_of_others_come_in_microseconds(spark_engine, tmp_path, zone):
    ticks = [1356998400123456789, None, -1000]
    pq.write_table(pa.table({"t": pa.array(ticks, pa.timestamp("ns", zone)), "n": [1, 2, 3]}), tmp_path / "a.parquet")
    frame = SparkFileReader(spark_engine).read(output(tmp_path / "a.parquet"))
    assert dict(frame.dtypes)["t"] == ("timestamp_ntz" if zone is None else "timestamp")
    found = {row["n"]: row["t"] for row in frame.toArrow().to_pylist()}
    moments = pa.array([1356998400123456, None, -1], pa.timestamp("us", zone and "UTC")).to_pylist()
    assert found == dict(zip([1, 2, 3], moments, strict=True))


def test_categories_and_unsigned_integers_of_pandas_are_read(spark_engine, tmp_path):
    frame = pd.DataFrame({"c": pd.Categorical(["a", None, "b"]), "u": pd.array([2**63, 1, 2], "UInt64")})
    PandasParquetSaver(None).save(frame, output(tmp_path / "a.parquet"))
    assert read(spark_engine, output(tmp_path / "a.parquet")) == [
        ("a", Decimal(2**63)),
        ("b", Decimal(2)),
        (None, Decimal(1)),
    ]


def test_parquet_files_with_types_that_differ_are_read_as_one(spark_engine, tmp_path):
    (tmp_path / "a.parquet").mkdir()
    pq.write_table(pa.table({"v": pa.array([1], pa.int32())}), tmp_path / "a.parquet" / "1.parquet")
    pq.write_table(pa.table({"v": pa.array([2**40], pa.int64())}), tmp_path / "a.parquet" / "2.parquet")
    assert read(spark_engine, output(tmp_path / "a.parquet")) == [(1,), (2**40,)]
    pq.write_table(pa.table({"w": [1]}), tmp_path / "a.parquet" / "3.parquet")
    with pytest.raises(DataFormatError, match=r"3.parquet lacks 'v' and has 'w' besides"):
        read(spark_engine, output(tmp_path / "a.parquet"))
    merged = output(tmp_path / "a.parquet", options={"mergeSchema": True})
    assert (None, 1) in read(spark_engine, merged)


def test_what_is_no_parquet_is_refused(spark_engine, tmp_path):
    (tmp_path / "a.parquet").write_text("no parquet")
    with pytest.raises(DataFormatError, match=r"a.parquet cannot be read as parquet"):
        read(spark_engine, output(tmp_path / "a.parquet"))
    (tmp_path / "b.parquet" / "_delta_log").mkdir(parents=True)
    with pytest.raises(DataFormatError, match="is a Delta table"):
        read(spark_engine, output(tmp_path / "b.parquet"))


def test_nested_columns_of_csv_are_json_and_binary_is_refused(spark_engine, tmp_path):
    pq.write_table(pa.table({"n": [{"a": [1, 2]}], "v": [1]}), tmp_path / "a.parquet")
    frame = SparkFileReader(spark_engine).read(output(tmp_path / "a.parquet"))
    SparkFileSaver(spark_engine).save(frame, output(tmp_path / "a.csv"))
    assert read(spark_engine, output(tmp_path / "a.csv")) == [('{"a":[1,2]}', 1)]
    with pytest.raises(DataFormatError, match="column 'b' is binary"):
        SparkFileSaver(spark_engine).save(frame.selectExpr("cast('x' as binary) as b"), output(tmp_path / "b.csv"))


@pytest.mark.spark
def test_pandas_reads_what_plain_spark_wrote(classic_session, tmp_path):
    """Files of functions that save by themselves: moments as INT96, check sums, letters as they are in folders' names."""
    session = classic_session.newSession()
    session.conf.set("spark.sql.parquet.outputTimestampType", "INT96")
    frame = session.sql(
        "SELECT 1L AS n, timestamp_micros(1356998400123456) AS z, timestamp_ntz'2013-01-01 00:00:00' AS t, 'é/ü' AS p "
        "UNION ALL SELECT 2L, NULL, NULL, NULL"
    )
    frame.write.partitionBy("p").parquet(str(tmp_path / "a.parquet"))
    found = PandasParquetReader(None).read(output(tmp_path / "a.parquet")).sort_values("n")
    assert found["p"].tolist()[0] == "é/ü"
    assert found["p"].isna().tolist() == [False, True]
    assert found["z"][found["n"] == 1].tolist() == [pd.Timestamp(1356998400123456, unit="us", tz="UTC")]
    assert str(found["z"].dtype) == "datetime64[us, UTC]"
    assert found["t"].dt.tz is None
    frame.drop("p").write.parquet(str(tmp_path / "b.parquet"))
    PandasParquetSaver(None).save(found[["n", "z", "t"]], output(tmp_path / "b.parquet", mode="append"))
    again = PandasParquetReader(None).read(output(tmp_path / "b.parquet"))
    assert set(again["z"].dropna()) == {pd.Timestamp(1356998400123456, unit="us", tz="UTC")}
    assert len(again) == 4
