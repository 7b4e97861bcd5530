from __future__ import annotations

import decimal
from datetime import date, time

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from odibi_core.plugin import ColumnNotFoundError, ConfigError, DataFormatError

EQUAL = pd.testing.assert_frame_equal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "flights.parquet"


KEPT = {
    "integers": [1, 2],
    "small-integers": pd.array([1, 2], dtype="int8"),
    "nullable-integers": pd.array([2**63 - 1, None], dtype="Int64"),
    "unsigned": pd.array([2**64 - 1, None], dtype="UInt64"),
    "floats": [0.1, None],
    "small-floats": pd.array([0.1, None], dtype="float32"),
    "nullable-floats": pd.array([0.1, None], dtype="Float64"),
    "truth": [True, False],
    "nullable-truth": pd.array([True, None], dtype="boolean"),
    "truth-objects": pd.Series([True, None], dtype=object),
    "text": ["é☃\x00\n", None],
    "text-na": pd.array(["x", None], dtype="string"),
    "empty-text": ["", "NA"],
    "category": pd.Categorical(["b", None], categories=["c", "b"], ordered=True),
    "times-ms": pd.to_datetime(["2013-01-01", None]).astype("datetime64[ms]"),
    "times-us": pd.to_datetime(["2013-01-01", None]).astype("datetime64[us]"),
    "times-ns": pd.to_datetime(["2013-01-01", None]).astype("datetime64[ns]"),
    "times-utc": pd.to_datetime(["2013-01-01", None]).tz_localize("UTC"),
    "times-zone": pd.to_datetime(["2013-01-01", "2013-07-01"]).tz_localize("Europe/Paris"),
    "durations": pd.to_timedelta(["1D", None]),
    "dates": [date(2013, 1, 1), None],
    "times-of-day": [time(1, 2, 3), None],
    "decimals": [decimal.Decimal("1.50"), decimal.Decimal("-22.25")],
    "binary": [b"\x00\xff", None],
    "objects": [{"a": 1, "b": "x"}, None],
    "periods": pd.period_range("2013-01", periods=2, freq="M"),
    "intervals": pd.interval_range(0, 2),
    "nulls": pd.Series([None, None], dtype=object),
    "arrow": pd.array([1, None], dtype=pd.ArrowDtype(pa.int64())),
}


@pytest.mark.parametrize("column", KEPT.values(), ids=KEPT.keys())
def test_types_come_back(files, path, column):
    frame = pd.DataFrame({"a": column})

    files.save(frame, path)

    EQUAL(files.read(path), frame)


def test_what_comes_back_as_something_else_is_what_the_readme_says(files, path):
    frame = pd.DataFrame(
        {
            "seconds": pd.to_datetime(["2013-01-01", None]).astype("datetime64[s]"),
            "lists": [[1, 2], None],
            "numbers": pd.Series([1, None], dtype=object),
            "number_categories": pd.Categorical([1, None]),
        }
    )

    files.save(frame, path)
    back = files.read(path)

    assert back.dtypes.astype(str).to_dict() == {
        "seconds": "datetime64[ms]",
        "lists": "object",
        "numbers": "Int64",
        "number_categories": "Int64",
    }
    assert back["lists"][0].tolist() == [1, 2]


def test_other_writers_files_come_with_sensible_types(files, path):
    table = pa.table({"id": [9007199254740993, None], "late": [True, None], "tail": ["N1", None], "seats": [2, 4]})
    pq.write_table(table, path)

    assert files.read(path).dtypes.astype(str).to_dict() == {
        "id": "Int64",
        "late": "boolean",
        "tail": "str",
        "seats": "int64",
    }


def moments_as_int96(path, **partitions):
    """Write moments in the type that Spark, Hive and Impala have for them; one says "for good"."""
    path.parent.mkdir(parents=True, exist_ok=True)
    moments = pa.array(["0001-01-01T00:00:00", "2026-11-22T01:02:03.000004", "9999-12-31T23:59:59"])
    table = pa.table({"until": moments.cast(pa.timestamp("us"))} | partitions)
    pq.write_table(table, path, use_deprecated_int96_timestamps=True)
    return [str(moment).replace("T", " ") for moment in moments.to_pylist()]


@pytest.mark.parametrize("name", ["a.parquet", "folder/a.parquet", "day/at=1/a.parquet", "day/at=größe/a.parquet"])
def test_moments_in_the_type_of_spark_and_hive_are_those_that_were_written(files, tmp_path, name):
    expected = moments_as_int96(tmp_path / name)

    read = files.read(tmp_path / name.split("/")[0], format="parquet")

    assert [str(moment) for moment in read["until"]] == expected


def test_moments_in_the_type_of_spark_and_hive_are_kept_by_an_append(files, path):
    expected = moments_as_int96(path)

    files.save(pd.DataFrame({"until": pd.to_datetime(["2027-01-01"])}), path, "append")

    assert [str(moment) for moment in files.read(path)["until"]] == [*expected, "2027-01-01 00:00:00"]


def test_moments_in_the_type_of_spark_and_hive_are_found_by_a_filter(files, path):
    moments_as_int96(path)

    found = files.read(path, options={"filters": [["until", ">", "2262-04-12"]]})

    assert [str(moment) for moment in found["until"]] == ["9999-12-31 23:59:59"]


def test_an_index_in_a_file_of_pandas_becomes_columns(files, path):
    pd.DataFrame({"delay": [1.5]}, index=pd.Index(["F9"], name="carrier")).to_parquet(path)
    assert files.read(path).to_dict("list") == {"carrier": ["F9"], "delay": [1.5]}

    pd.DataFrame({"delay": [1.5, 2.5]}, index=[3, 7]).to_parquet(path)
    EQUAL(files.read(path), pd.DataFrame({"delay": [1.5, 2.5]}))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"columns": ["b", "a"]}, {"b": ["x", "y", "z"], "a": [1, 2, 3]}, id="columns"),
        pytest.param({"filters": [["a", ">", 1]], "columns": ["b"]}, {"b": ["y", "z"]}, id="one"),
        pytest.param({"filters": [["a", ">", 1], ["b", "==", "y"]], "columns": ["a"]}, {"a": [2]}, id="all-of"),
        pytest.param(
            {"filters": [[["a", "=", 1]], [["b", "in", ["z"]]]], "columns": ["a"]}, {"a": [1, 3]}, id="one-of"
        ),
        pytest.param({"filters": [["at", ">=", "2013-01-02"]], "columns": ["a"]}, {"a": [2, 3]}, id="time-as-text"),
        pytest.param({"filters": [["day", "in", ["2013-01-03"]]], "columns": ["a"]}, {"a": [3]}, id="date-as-text"),
        pytest.param({"filters": [], "columns": ["a"]}, {"a": [1, 2, 3]}, id="none"),
    ],
)
def test_columns_and_rows_can_be_chosen(files, path, options, expected):
    at = pd.to_datetime(["2013-01-01", "2013-01-02", "2013-01-03"])
    files.save(pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"], "at": at, "day": at.date}), path)

    assert files.read(path, options=options).to_dict("list") == expected


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        pytest.param(
            {"columns": ["dely"]}, ColumnNotFoundError, r"columns: delay\)\. Did you mean 'delay'", id="column"
        ),
        pytest.param({"filters": [["dely", "=", 1]]}, ColumnNotFoundError, "'dely' is not in", id="filter-column"),
        pytest.param({"filters": [["delay", "~", 1]]}, ConfigError, '"~" is not a valid operator', id="operator"),
        pytest.param(
            {"filters": [["delay", ">"]]}, ConfigError, r"a filter is \[column, operator, value\]", id="shape"
        ),
        pytest.param({"filters": [["delay", ">", "x"]]}, ConfigError, "cannot be used", id="type"),
        pytest.param({"engine": "fastparquet"}, ConfigError, "unknown option 'engine'", id="unknown"),
    ],
)
def test_wrong_options_of_an_input_are_named(files, path, options, error, message):
    files.save(pd.DataFrame({"delay": [1.5]}), path)

    with pytest.raises(error, match=message) as caught:
        files.read(path, options=options)

    assert "bronze.flights" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"junk", b"PAR1 and more PAR1"], ids=["empty", "short", "damaged"])
def test_what_is_no_parquet_is_named(files, path, content):
    path.write_bytes(content)

    with pytest.raises(DataFormatError, match="cannot be read as parquet") as caught:
        files.read(path)

    assert str(path) in str(caught.value)


@pytest.mark.parametrize("compression", ["snappy", "zstd", "gzip", "lz4", "brotli", "none", None])
def test_compressions(files, path, compression):
    frame = pd.DataFrame({"a": ["x"] * 1000})

    files.save(frame, path, options={"compression": compression})

    EQUAL(files.read(path), frame)
    used = pq.ParquetFile(path).metadata.row_group(0).column(0).compression
    assert used.lower() == {"none": "uncompressed", None: "uncompressed"}.get(compression, compression)


def test_row_groups_have_the_size_that_was_asked_for(files, path):
    files.save(pd.DataFrame({"a": range(10)}), path, options={"row_group_size": 4})
    files.save(pd.DataFrame({"a": range(3)}), path, "append", options={"row_group_size": 4})

    metadata = pq.ParquetFile(path).metadata
    assert [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)] == [4, 4, 2, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"compresion": "zstd"}, "unknown option 'compresion'. Did you mean 'compression'", id="unknown"),
        pytest.param({"compression": "rar"}, "option 'compression'", id="codec"),
        pytest.param({"compression_level": 3}, "'snappy' has no compression_level", id="level"),
        pytest.param({"row_group_size": 0}, "option 'row_group_size'", id="size"),
    ],
)
def test_wrong_options_of_an_output_are_named(files, path, options, message):
    with pytest.raises(ConfigError, match=message):
        files.save(pd.DataFrame({"a": [1]}), path, options=options)

    assert not path.exists()


APPENDED = {
    "floats-to-integers": ([1, 2], [0.5], "float64", [1.0, 2.0, 0.5]),
    "integers-to-floats": ([0.5], [1], "float64", [0.5, 1.0]),
    "integers-to-nullable": (pd.array([1, None], dtype="Int64"), [5], "Int64", [1, None, 5]),
    "nullable-to-integers": ([5], pd.array([None], dtype="Int64"), "Int64", [5, None]),
    "text-to-nulls": ([None], ["x"], "str", [None, "x"]),
    "nulls-to-text": (["x"], [None], "str", ["x", None]),
    "more-categories": (pd.Categorical(["a"]), pd.Categorical(["b"]), "category", ["a", "b"]),
    "text-to-categories": (pd.Categorical(["a"]), ["b"], "str", ["a", "b"]),
    "categories-to-text": (["a"], pd.Categorical(["b"]), "str", ["a", "b"]),
    "finer-times": (
        pd.to_datetime(["2013-01-01"]).astype("datetime64[ms]"),
        pd.to_datetime(["2013-01-02"]).astype("datetime64[ns]"),
        "datetime64[ns]",
        [pd.Timestamp("2013-01-01"), pd.Timestamp("2013-01-02")],
    ),
    "wider-decimals": (
        [decimal.Decimal("1.5")],
        [decimal.Decimal("22.25")],
        "object",
        [decimal.Decimal("1.50"), decimal.Decimal("22.25")],
    ),
}


@pytest.mark.parametrize(("old", "new", "dtype", "expected"), APPENDED.values(), ids=APPENDED.keys())
def test_append_finds_a_type_for_both(files, path, old, new, dtype, expected):
    files.save(pd.DataFrame({"a": old}), path)
    files.save(pd.DataFrame({"a": new}), path, "append")

    column = files.read(path)["a"]
    assert str(column.dtype) == dtype
    assert [None if pd.isna(value) else value for value in column] == expected


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param([1], ["x"], "column 'a' is int64 and .*string, which do not go together", id="text-to-integers"),
        pytest.param([True], [1], "column 'a' is bool and int64", id="integers-to-truth"),
        pytest.param([2**60 + 1], [0.5], "1152921504606846977 not in range", id="integers-that-floats-cannot-hold"),
        pytest.param(
            pd.to_datetime(["2013-01-01"]),
            pd.to_datetime(["2013-01-01"]).tz_localize("UTC"),
            "column 'a' is timestamp",
            id="zone",
        ),
    ],
)
def test_append_of_types_that_do_not_go_together_changes_nothing(files, path, old, new, message):
    files.save(pd.DataFrame({"a": old}), path)
    before = path.read_bytes()

    with pytest.raises(DataFormatError, match=message):
        files.save(pd.DataFrame({"a": new}), path, "append")

    assert path.read_bytes() == before
    assert [name.name for name in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        pytest.param([1, "x"], "column 'a' has values of the type int and str", id="mixed"),
        pytest.param([1j], "column 'a' has values of the type complex", id="complex"),
        pytest.param([2**70], "column 'a' has values of the type int", id="large"),
        pytest.param([{}], "no child field", id="empty-object"),
    ],
)
def test_what_parquet_cannot_hold_is_refused_and_leaves_nothing(files, path, column, message):
    with pytest.raises(DataFormatError, match=message):
        files.save(pd.DataFrame({"a": column}), path)

    assert list(path.parent.iterdir()) == []


def test_a_frame_without_columns_is_kept_until_there_are_some(files, path):
    files.save(pd.DataFrame(), path)
    assert files.read(path).empty

    files.save(pd.DataFrame({"a": [1]}), path, "append")
    files.save(pd.DataFrame(), path, "append")

    assert files.read(path).to_dict("list") == {"a": [1]}


def test_many_row_groups_are_appended_to_without_holding_them(files, path):
    frame = pd.DataFrame({"a": range(1000)})
    files.save(frame, path, options={"row_group_size": 100})
    files.save(frame, path, "append", options={"row_group_size": 100})

    EQUAL(files.read(path), pd.concat([frame, frame], ignore_index=True))
