# ruff: noqa: DTZ001  # times without a zone are what files hold
from __future__ import annotations

from datetime import UTC, date, datetime

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from odibi_core.plugin import ColumnNotFoundError, ConfigError, DataFormatError, Dataset, DatasetNotFoundError
from odibi_engine_pandas.parquet_reader import PandasParquetReader
from odibi_engine_pandas.parquet_saver import PandasParquetSaver

FLIGHTS = pl.DataFrame(
    {
        "carrier": ["F9", "AA", None, "AA"],
        "year": [2013, 2014, 2013, None],
        "delay": [21.5, None, -3.0, 0.0],
        "day": [date(2013, 1, 1), date(2014, 1, 1), None, None],
    }
)


def sorted_rows(frame):
    return sorted(frame.rows(), key=repr)


def test_reading_is_a_scan_of_what_is_needed(files, tmp_path):
    files.save(FLIGHTS, tmp_path / "a.parquet")

    plan = files.scan(tmp_path / "a.parquet").filter(pl.col("delay") > 0).select("carrier").explain()

    assert "PROJECT 2/4 COLUMNS" in plan or "PROJECT 1/4 COLUMNS" in plan
    assert "SELECTION" in plan


def test_rows_and_bytes_are_those_of_the_file(files, tmp_path):
    computed = []

    def once(batch):
        computed.append(batch.height)
        return batch

    plan = FLIGHTS.lazy().map_batches(once)
    report = files.save(plan, tmp_path / "a.parquet")

    assert (report.rows, report.bytes) == (4, (tmp_path / "a.parquet").stat().st_size)
    assert computed == [4]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([["delay", ">", 0]], ["F9"]),
        ([["carrier", "in", ["F9", "XX"]]], ["F9"]),
        ([["day", "=", "2014-01-01"]], ["AA"]),
        ([[["delay", ">", 0]], [["day", "==", "2014-01-01"]]], ["F9", "AA"]),
        ([["delay", ">=", -3], ["delay", "!=", 0.0], ["year", "<=", 2013]], ["F9", None]),
        ([], ["F9", "AA", None, "AA"]),
    ],
    ids=str,
)
def test_filters_choose_rows_as_on_pandas(files, tmp_path, filters, expected):
    path = tmp_path / "a.parquet"
    files.save(FLIGHTS, path)
    options = {"columns": ["carrier"], "filters": filters}
    dataset = Dataset(name="a", kind="path", format="parquet", location=str(path), options=options)

    assert files.read(path, options=options)["carrier"].to_list() == expected
    on_pandas = PandasParquetReader(None).read(dataset)["carrier"]
    assert [None if pd.isna(value) else value for value in on_pandas] == expected


def test_null_is_not_in_nor_among_what_is_not_in(files, tmp_path):
    """As on Spark; Arrow, which filters for pandas, keeps nulls here."""
    files.save(FLIGHTS, tmp_path / "a.parquet")

    frame = files.read(tmp_path / "a.parquet", options={"filters": [["carrier", "not in", ["F9"]]]})

    assert frame["carrier"].to_list() == ["AA", "AA"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"columns": ["dely"]}, ColumnNotFoundError, r"'dely' .*\(columns: carrier, year, delay, day\)\. Did you mean"),
        ({"filters": [["dely", ">", 0]]}, ColumnNotFoundError, "'dely'"),
        ({"filters": [["delay", "~", 0]]}, ConfigError, r"a filter is \[column, operator, value\]"),
        ({"filters": [["delay", ">"]]}, ConfigError, r"a filter is \[column, operator, value\]"),
        ({"filters": [["delay", ">", "much"]]}, ConfigError, "cannot be used"),
        ({"filters": [["day", ">", "soon"]]}, ConfigError, "cannot be used"),
        ({"colums": ["a"]}, ConfigError, r"unknown option 'colums'\. Did you mean 'columns'\?"),
    ],
    ids=str,
)
def test_wrong_options_are_errors(files, tmp_path, options, error, message):
    files.save(FLIGHTS, tmp_path / "a.parquet")

    with pytest.raises(error, match=message):
        files.scan(tmp_path / "a.parquet", options=options)


def test_files_of_several_types_go_together(files, tmp_path):
    pl.DataFrame({"a": [1], "b": ["x"]}, schema={"a": pl.Int16, "b": pl.String}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"b": ["y"], "a": [2.5]}).write_parquet(tmp_path / "2.parquet")
    pl.DataFrame({"a": [None], "b": [None]}).write_parquet(tmp_path / "3.parquet")

    frame = files.read(tmp_path, format="parquet")

    assert_frame_equal(frame, pl.DataFrame({"a": [1.0, 2.5, None], "b": ["x", "y", None]}))


def test_files_that_do_not_go_together_are_refused(files, tmp_path):
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "1.parquet")
    pl.DataFrame({"a": ["x"]}).write_parquet(tmp_path / "2.parquet")
    with pytest.raises(DataFormatError, match="column 'a' is Int64 and String, which do not go together"):
        files.scan(tmp_path, format="parquet")

    pl.DataFrame({"b": [1]}).write_parquet(tmp_path / "2.parquet")
    with pytest.raises(DataFormatError, match=r"2\.parquet lacks a and has b besides, compared with .*1\.parquet"):
        files.scan(tmp_path, format="parquet")


def test_append_promotes_numbers_and_refuses_text(files, tmp_path):
    path = tmp_path / "a.parquet"
    files.save(pl.LazyFrame({"a": [1]}), path)
    files.save(pl.LazyFrame({"a": [2.5]}), path, "append")

    assert files.read(path).rows() == [(1.0,), (2.5,)]
    with pytest.raises(DataFormatError, match="column 'a' is Float64 and String"):
        files.save(pl.LazyFrame({"a": ["x"]}), path, "append")
    assert files.read(path).rows() == [(1.0,), (2.5,)]


def test_what_is_no_parquet_is_named(files, tmp_path):
    (tmp_path / "a.parquet").write_text("carrier,delay\n")
    with pytest.raises(DataFormatError, match=r"a\.parquet cannot be read as parquet"):
        files.scan(tmp_path / "a.parquet")
    with pytest.raises(DatasetNotFoundError, match=r"b\.parquet does not exist; .* has a\.parquet"):
        files.scan(tmp_path / "b.parquet")


def test_a_delta_table_is_not_taken_for_its_files(files, tmp_path):
    (tmp_path / "_delta_log").mkdir()
    with pytest.raises(DataFormatError, match="is a Delta table"):
        files.scan(tmp_path, format="parquet")


def test_moments_of_spark_have_their_zone(files, tmp_path):
    written = {"type": "struct", "fields": [{"name": "at", "type": "timestamp", "nullable": True, "metadata": {}}]}
    schema = pa.schema(
        [("at", pa.timestamp("ns"))],
        metadata={"org.apache.spark.sql.parquet.row.metadata": str(written).replace("'", '"').replace("True", "true")},
    )
    table = pa.table({"at": [datetime(2013, 1, 1, 5)]}, schema=schema)
    pq.write_table(table, tmp_path / "a.parquet", use_deprecated_int96_timestamps=True)

    frame = files.read(tmp_path / "a.parquet")

    assert frame.schema["at"] == pl.Datetime("us", "UTC")
    assert frame["at"].to_list() == [datetime(2013, 1, 1, 5, tzinfo=UTC)]


@pytest.mark.parametrize("key", ["year", "carrier", "day"])
def test_partitions_come_back_with_their_types(files, tmp_path, key):
    report = files.save(FLIGHTS.lazy(), tmp_path / "flights", format="parquet", partition_by=(key,))

    frame = files.read(tmp_path / "flights", format="parquet")
    assert frame.schema == FLIGHTS.schema
    assert sorted_rows(frame) == sorted_rows(FLIGHTS)
    assert report.rows == 4
    assert report.bytes == sum(path.stat().st_size for path in (tmp_path / "flights").rglob("*") if path.is_file())


def test_partitions_prune_the_files_that_are_read(files, tmp_path):
    files.save(FLIGHTS, tmp_path / "flights", format="parquet", partition_by=("year",))
    (broken,) = (tmp_path / "flights" / "year=2014").iterdir()

    frame = files.scan(tmp_path / "flights", format="parquet").filter(pl.col("year") == 2013)
    broken.write_bytes(b"no parquet at all")

    assert sorted(frame.collect()["delay"]) == [-3.0, 21.5]


HOSTILE = ["a/b", "é", "x y", "50%", "a=b", "#?", "..", "None", "'", "\\"]


def test_hostile_partition_values_come_back(files, tmp_path):
    frame = pl.DataFrame({"key": HOSTILE, "n": range(len(HOSTILE)), "deep": [True, False] * 5})

    files.save(frame, tmp_path / "t", format="parquet", partition_by=("key", "deep"))

    assert sorted_rows(files.read(tmp_path / "t", format="parquet")) == sorted_rows(frame)
    assert not [path for path in tmp_path.iterdir() if path.name != "t"]


def test_no_row_is_lost_where_a_text_is_what_stands_for_null(files, tmp_path):
    keys = [None, "__HIVE_DEFAULT_PARTITION__", "a", None]
    frame = pl.DataFrame({"n": [0, 1, 2, 3], "key": keys})

    report = files.save(frame, tmp_path / "t", format="parquet", partition_by=("key",))

    assert files.read(tmp_path / "t", format="parquet").sort("n").rows() == [(0, None), (1, None), (2, "a"), (3, None)]
    assert report.rows == 4


def test_partitions_of_pandas_and_polars_are_the_same_table(files, tmp_path):
    pandas_frame = FLIGHTS.select("carrier", "delay").fill_null("-").to_pandas()
    first = Dataset(
        name="t", kind="table", format="parquet", location=str(tmp_path / "t"), partition_by=("carrier",), mode="append"
    )
    PandasParquetSaver(None).save(pandas_frame, first)
    files.save(
        pl.LazyFrame({"delay": [1.0], "carrier": ["é/"]}),
        tmp_path / "t",
        "append",
        format="parquet",
        partition_by=("carrier",),
    )

    on_polars = files.read(tmp_path / "t", format="parquet")
    on_pandas = PandasParquetReader(None).read(first)
    assert on_polars.columns == on_pandas.columns.tolist() == ["carrier", "delay"]
    assert sorted_rows(on_polars) == sorted(
        [tuple(None if pd.isna(v) else v for v in row) for row in on_pandas.itertuples(index=False)], key=repr
    )
    assert on_polars.height == 5
    assert ds.dataset(tmp_path / "t", partitioning="hive").count_rows() == 5


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        (("dely",), ColumnNotFoundError, "'dely'"),
        (("delay",), DataFormatError, "column 'delay' is Float64; make it integers, text, dates or truth values first"),
        (("carrier", "year", "delay", "day"), DataFormatError, "names every column"),
    ],
    ids=str,
)
def test_what_cannot_be_partitioned_by_is_refused(files, tmp_path, keys, error, message):
    with pytest.raises(error, match=message):
        files.save(FLIGHTS, tmp_path / "t", format="parquet", partition_by=keys)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["*", "^.*$"])
def test_a_name_that_polars_takes_for_a_pattern_is_no_partition(files, tmp_path, key):
    with pytest.raises(DataFormatError, match="Polars takes it for a pattern"):
        files.save(pl.DataFrame({key: ["a"], "n": [1]}), tmp_path / "t", format="parquet", partition_by=(key,))


def test_other_partitions_are_refused(files, tmp_path):
    files.save(FLIGHTS, tmp_path / "t", format="parquet", partition_by=("year",))

    with pytest.raises(DataFormatError, match="is partitioned by year, not by carrier"):
        files.save(FLIGHTS, tmp_path / "t", "append", format="parquet", partition_by=("carrier",))
    with pytest.raises(DataFormatError, match="is partitioned by year; to append to it"):
        files.save(FLIGHTS, tmp_path / "t", "append", format="parquet")
    assert files.read(tmp_path / "t", format="parquet").height == 4


def test_a_folder_of_other_things_is_not_replaced(files, tmp_path):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "notes.txt").write_text("mine")

    with pytest.raises(DataFormatError, match="holds other things than parquet files"):
        files.save(FLIGHTS, tmp_path / "t", format="parquet", partition_by=("year",))
    assert [path.name for path in (tmp_path / "t").iterdir()] == ["notes.txt"]


def test_partitions_without_rows_have_columns(files, tmp_path):
    files.save(FLIGHTS.head(0), tmp_path / "t", format="parquet", partition_by=("year",))

    assert files.read(tmp_path / "t", format="parquet").schema == FLIGHTS.schema


def test_a_plan_that_fails_leaves_partitions_as_they_were(files, tmp_path):
    files.save(FLIGHTS, tmp_path / "t", format="parquet", partition_by=("year",))
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(pl.exceptions.PolarsError):
        files.save(
            FLIGHTS.lazy().with_columns(pl.col("carrier").cast(pl.Int64)),
            tmp_path / "t",
            format="parquet",
            partition_by=("year",),
        )
    assert sorted(tmp_path.rglob("*")) == before


def test_codec_and_row_groups_are_those_asked_for(files, tmp_path):
    files.save(
        pl.LazyFrame({"a": range(100)}), tmp_path / "a.parquet", options={"compression": "zstd", "row_group_size": 10}
    )

    metadata = pq.read_metadata(tmp_path / "a.parquet")
    assert metadata.num_row_groups == 10
    assert metadata.row_group(0).column(0).compression == "ZSTD"
