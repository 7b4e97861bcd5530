# ruff: noqa: DTZ001  # times without a zone are what files hold
from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from odibi_core.plugin import ColumnNotFoundError, ConfigError, DataFormatError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "flights.csv"


READS = {
    "sep": ("a;b\n1;x\n", {"sep": ";"}, {"a": [1], "b": ["x"]}),
    "delimiter": ("a;b\n1;x\n", {"delimiter": ";"}, {"a": [1], "b": ["x"]}),
    "decimal-and-thousands": (
        "a;b\n1.234,5;1\n",
        {"sep": ";", "decimal": ",", "thousands": "."},
        {"a": [1234.5], "b": [1]},
    ),
    "no-header": ("1,x\n", {"header": None}, {"0": [1], "1": ["x"]}),
    "no-header-as-spark-says": ("1,x\n", {"header": "false"}, {"0": [1], "1": ["x"]}),
    "header-as-spark-says": ("a,b\n1,x\n", {"header": "true"}, {"a": [1], "b": ["x"]}),
    "header-further-down": ("made by X\na,b\n1,x\n", {"header": 1}, {"a": [1], "b": ["x"]}),
    "header-behind-blank-lines": ("\n\na,b\n1,x\n", {}, {"a": [1], "b": ["x"]}),
    "header-with-a-line-end": ('"a\nb",c\n1,x\n', {}, {"a\nb": [1], "c": ["x"]}),
    "header-twice-or-empty": ("a,a,\n1,2,3\n", {}, {"a": [1], "a.1": [2], "Unnamed: 2": [3]}),
    "names": ("1,x\n", {"names": ["a", "b"]}, {"a": [1], "b": ["x"]}),
    "names-for-a-header": ("p,q\n1,x\n", {"names": ["a", "b"], "header": 0}, {"a": [1], "b": ["x"]}),
    "columns-in-order": ("a,b,c\n1,x,2\n", {"columns": ["c", "a"]}, {"c": [2], "a": [1]}),
    "usecols": ("a,b,c\n1,x,2\n", {"usecols": ["b"]}, {"b": ["x"]}),
    "columns-without-names": ("1,x,2\n", {"header": None, "columns": ["2", "0"]}, {"2": [2], "0": [1]}),
    "dtype": ("a,b\n007,1\n", {"dtype": {"a": "str", "b": "float64"}}, {"a": ["007"], "b": [1.0]}),
    "dtype-for-all": ("a,b\n007,1\n", {"dtype": "str"}, {"a": ["007"], "b": ["1"]}),
    "nulls": ('a,b,c,d\nNA,,x,""\n', {}, {"a": [None], "b": [None], "c": ["x"], "d": [None]}),
    "more-nulls": ("a,b\n-,x\n", {"na_values": "-"}, {"a": [None], "b": ["x"]}),
    "nulls-by-column": ("a,b\n-,-\n", {"na_values": {"a": ["-"]}}, {"a": [None], "b": ["-"]}),
    "na-is-namibia": ("a,b\nNA,\n", {"keep_default_na": False}, {"a": ["NA"], "b": [""]}),
    "no-nulls": ("a,b\nNA,\n", {"na_filter": False}, {"a": ["NA"], "b": [""]}),
    "skiprows": ("junk\na\n1\n", {"skiprows": 1}, {"a": [1]}),
    "nrows": ("a\n1\n2\n3\n", {"nrows": 2}, {"a": [1, 2]}),
    "nrows-decide-the-type": ("a\n1\n2\nx\n", {"nrows": 2}, {"a": [1, 2]}),
    "rows": ("a\n1\n2\n3\n", {"rows": 0}, {"a": []}),
    "comment": ("# by X\na\n# more\n1\n", {"comment": "#"}, {"a": [1]}),
    "quotechar": ("a,b\n'1,2',x\n", {"quotechar": "'"}, {"a": ["1,2"], "b": ["x"]}),
    "quoting-none": ('a,b\n"1,2"\n', {"quoting": 3}, {"a": ['"1'], "b": ['2"']}),
    "encoding": ("a\n\xe9\n".encode("latin-1"), {"encoding": "latin-1"}, {"a": ["é"]}),
    "byte-order-mark": ("\ufeffa\n1\n".encode(), {}, {"a": [1]}),
    "utf-16": ("a\né\n".encode("utf-16"), {"encoding": "utf-16"}, {"a": ["é"]}),
    "encoding-errors": (b"a\nx\xff\n", {"encoding_errors": "replace"}, {"a": ["x\ufffd"]}),
    "truth": (
        "a,b\nyes,TRUE\nno,false\n",
        {"true_values": ["yes"], "false_values": ["no"]},
        {"a": [True, False], "b": [True, False]},
    ),
    "line-ends": (b"a,b\r\n1,x\r\n\r\n", {}, {"a": [1], "b": ["x"]}),
    "other-line-ends": ("a,b;1,x;", {"lineterminator": ";"}, {"a": [1], "b": ["x"]}),
    "low-memory-as-users-write": ("a\n1\n", {"low_memory": False}, {"a": [1]}),
    "short-line": ("a,b\n1\n", {}, {"a": [1], "b": [None]}),
    "blank-lines": ('a,b\n\n1,x\n,\n\n2,"y\n\nz"\n', {}, {"a": [1, None, 2], "b": ["x", None, "y\n\nz"]}),
    "blank-lines-of-one-column": ('a\n\n1\n""\n\n2\n', {}, {"a": [1, None, 2]}),
    "blanks-around-numbers": ("a, b\n 1, 2.5\n", {}, {"a": [1], " b": [2.5]}),
    "skipinitialspace": ("a, b\nx, y\nz, NA\n", {"skipinitialspace": True}, {"a": ["x", "z"], "b": ["y", None]}),
    "signs": ("a,b\n+5,-5\n", {}, {"a": [5], "b": [-5]}),
    "no-line-end": ("a,b\n1,x", {}, {"a": [1], "b": ["x"]}),
}


@pytest.mark.parametrize(("text", "options", "expected"), READS.values(), ids=READS.keys())
def test_options_are_those_of_pandas(files, path, text, options, expected):
    assert files.read_text(path, text, **options).to_dict(as_series=False) == expected


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["1", ""], pl.Int64, [1, None]),
        (["9007199254740993", "NA"], pl.Int64, [9007199254740993, None]),
        (["18446744073709551615", "1"], pl.UInt64, [2**64 - 1, 1]),
        (["99999999999999999999", "1"], pl.String, ["99999999999999999999", "1"]),
        (["1", "2.5"], pl.Float64, [1.0, 2.5]),
        (["1e5", "inf"], pl.Float64, [1e5, float("inf")]),
        (["True", "FALSE", ""], pl.Boolean, [True, False, None]),
        (["true", "1"], pl.String, ["true", "1"]),
        (["2013-01-02"], pl.String, ["2013-01-02"]),
        (["", ""], pl.String, [None, None]),
    ],
    ids=str,
)
def test_types_are_inferred_as_on_the_other_engines(files, path, texts, kind, values):
    frame = files.read_text(path, "n,a\n" + "".join(f"{number},{text}\n" for number, text in enumerate(texts)))

    assert frame.schema["a"] == kind
    assert frame["a"].to_list() == values


def test_types_are_inferred_from_the_whole_column(files, path):
    frame = files.read_text(path, "a\n" + "1\n" * 100_000 + "x\n")

    assert frame.schema == {"a": pl.String}
    assert frame["a"].unique().sort().to_list() == ["1", "x"]


def test_a_sample_can_be_asked_for(files, path):
    assert files.read_text(path, "a\n1\n2\n", infer_schema_length=1).schema == {"a": pl.Int64}
    with pytest.raises(pl.exceptions.InvalidOperationError, match=r"column 'a'.*\"x\""):
        files.read_text(path, "a\n1\nx\n", infer_schema_length=1)


def test_several_files_have_one_type(files, tmp_path):
    (tmp_path / "1.csv").write_text("id,n\n007,1\n")
    (tmp_path / "2.csv").write_text("n,id\n2.5,A7\n")

    frame = files.read(tmp_path, format="csv")

    assert frame.to_dict(as_series=False) == {"id": ["007", "A7"], "n": [1.0, 2.5]}


def test_files_of_other_columns_are_refused(files, tmp_path):
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("a,c\n1,2\n")

    with pytest.raises(DataFormatError, match=r"2\.csv lacks b and has c besides, compared with .*1\.csv"):
        files.read(tmp_path, format="csv")


def test_a_malformed_file_among_several_is_named(files, tmp_path):
    (tmp_path / "1.csv").write_text("a,b\n1,2\n")
    (tmp_path / "2.csv").write_text("a,b\n1,2\n1,2,3\n")

    with pytest.raises(DataFormatError, match=r"2\.csv has more fields"):
        files.read(tmp_path, format="csv")


DATES = {
    "iso": (["2013-01-02", ""], {}, [datetime(2013, 1, 2), None]),
    "iso-mixed": (
        ["2013-01-02 05:00", "2013-01-02T05:00:00.5"],
        {},
        [datetime(2013, 1, 2, 5), datetime(2013, 1, 2, 5, 0, 0, 500_000)],
    ),
    "zulu": (["2013-01-01T00:00:00Z"], {}, [datetime(2013, 1, 1, tzinfo=UTC)]),
    "summer-time": (
        ["2013-01-01 00:00-05:00", "2013-07-01 00:00-04:00"],
        {},
        [datetime(2013, 1, 1, 5, tzinfo=UTC), datetime(2013, 7, 1, 4, tzinfo=UTC)],
    ),
    "digits": (["20130102"], {}, [datetime(2013, 1, 2)]),
    "day-first": (
        ["02/01/2013", "25/12/2013"],
        {"dayfirst": True},
        [datetime(2013, 1, 2), datetime(2013, 12, 25)],
    ),
    "day-first-by-itself": (["25/12/2013"], {}, [datetime(2013, 12, 25)]),
    "month-first": (["01/02/2013"], {}, [datetime(2013, 1, 2)]),
    "month-first-by-itself": (["12/25/2013"], {"dayfirst": True}, [datetime(2013, 12, 25)]),
    "format": (["2 Jan 13"], {"date_format": "%d %b %y"}, [datetime(2013, 1, 2)]),
    "format-by-column": (["2 Jan 13"], {"date_format": {"at": "%d %b %y"}}, [datetime(2013, 1, 2)]),
    "only-nulls": (["", ""], {}, [None, None]),
}


@pytest.mark.parametrize(("texts", "options", "expected"), DATES.values(), ids=DATES.keys())
def test_dates_are_parsed_when_asked_for(files, path, texts, options, expected):
    frame = files.read_text(path, "at,n\n" + "".join(f"{text},1\n" for text in texts), parse_dates=["at"], **options)

    assert frame["at"].to_list() == expected
    assert isinstance(frame.schema["at"], pl.Datetime)


@pytest.mark.parametrize(
    ("texts", "options", "message"),
    [
        pytest.param(["2013-01-02", "soon"], {}, "'soon' is no date of the format ISO8601", id="iso"),
        pytest.param(["2013-02-30"], {}, "'2013-02-30' is no date", id="no-such-day"),
        pytest.param(["soon"], {}, "'soon' is in no format that is known", id="unknown"),
        pytest.param(["2013"], {"date_format": "%d.%m.%Y"}, r"'2013' is no date of the format %d\.%m\.%Y", id="format"),
    ],
)
def test_what_is_no_date_is_an_error_and_not_text(files, path, texts, options, message):
    with pytest.raises(DataFormatError, match=message) as caught:
        files.read_text(path, "at,n\n" + "".join(f"{text},1\n" for text in texts), parse_dates=["at"], **options)

    assert "column 'at'" in str(caught.value)
    assert "date_format" in str(caught.value)


MALFORMED = {
    "empty": ("", {}, "is empty"),
    "blank-lines": ("\n\n", {}, "is empty"),
    "too-many-fields": ("a,b\n1,2\n1,2,3\n", {}, "more fields in its rows than it has column names"),
    "open-quote": ('a,b\n1,"2\n', {}, "cannot be read as csv"),
    "not-utf-8": (b"a\n\xe9t\xe9\n", {}, "encoding: 'latin-1'"),
    "gzip-in-disguise": (b"\x1f\x8b\x08\x00junk", {}, "by its first bytes it is gzip"),
    "wrong-type": ("a\nx\n", {"dtype": {"a": "int64"}}, "column 'a' has 'x', which is no Int64"),
    "all-rows-wider": ("a,b\n1,2,3\n4,5,6\n", {}, "more fields in its rows than it has column names"),
    "trailing-separators": ("a,b\n1,2,\n3,4,\n", {}, "more fields in its rows"),
    "fewer-names-than-fields": ("1,2,3\n", {"names": ["a", "b"]}, "more fields in its rows"),
    "fewer-names-than-header": ("p,q,r\n1,2,3\n", {"names": ["a", "b"], "header": 0}, "more fields in its rows"),
}


@pytest.mark.parametrize(("text", "options", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_files_are_named_with_what_is_wrong(files, path, text, options, message):
    with pytest.raises(DataFormatError, match=message) as caught:
        files.read_text(path, text, **options)

    assert str(path) in str(caught.value)
    assert "bronze.flights" in str(caught.value)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_file_that_was_cut_off_while_it_was_copied_is_named(files, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}.gz"
    files.save(pl.DataFrame({"a": [number * 7_919 % 100_003 for number in range(50_000)]}), path)
    path.write_bytes(path.read_bytes()[:-2_000])

    with pytest.raises(DataFormatError, match=f"'bronze.flights': {path} cannot be .*; it is cut off or damaged"):
        files.read(path)


def test_header_alone_is_a_frame_without_rows(files, path):
    frame = files.read_text(path, "a,b\n")

    assert (frame.columns, frame.height) == (["a", "b"], 0)


@pytest.mark.parametrize(
    "options",
    [{"columns": ["dely"]}, {"dtype": {"dely": "str"}}, {"parse_dates": ["dely"]}, {"na_values": {"dely": "-"}}],
    ids=lambda options: next(iter(options)),
)
def test_options_that_name_a_missing_column_say_what_there_is(files, path, options):
    with pytest.raises(ColumnNotFoundError, match=r"'dely'.*\(columns: delay, n\)\. Did you mean 'delay'\?"):
        files.read_text(path, "delay,n\n1,2\n", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": ";"}, r"unknown option 'separator'.*Options: "),
        ({"escapechar": "\\"}, "Polars has no option 'escapechar': it knows doubled quotes only; read with the pandas"),
        ({"skiprows": [1]}, "Polars skips lines at the start only"),
        ({"sep": r"\s+"}, "option 'sep'"),
        ({"on_bad_lines": "skip"}, "option 'on_bad_lines'"),
        ({"encoding": "utf-7000"}, "is no text encoding"),
        ({"dtype": {"a": "int7"}}, "column 'a': the dtype 'int7' is none that Polars has"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_options_that_polars_lacks_are_errors_with_advice(files, path, options, message):
    with pytest.raises(ConfigError, match=message):
        files.read_text(path, "a\n1\n", **options)


WRITES = {
    "nulls": ({"a": [1.5, None], "b": ["x", None]}, {}, "a,b\n1.5,x\n,\n"),
    "na_rep": ({"a": [1.5, None], "b": ["x", None]}, {"na_rep": "NULL"}, "a,b\n1.5,x\nNULL,NULL\n"),
    "null-alone": ({"a": ["x", None, ""]}, {}, 'a\nx\n""\n""\n'),
    "sep": ({"a": ["x;y"], "b": [1]}, {"sep": ";"}, 'a;b\n"x;y";1\n'),
    "no-header": ({"a": [1]}, {"header": False}, "1\n"),
    "decimal": ({"a": [1.5], "b": [2]}, {"sep": ";", "decimal": ","}, "a;b\n1,5;2\n"),
    "float-format": ({"a": [1.25, None], "b": [1, 2]}, {"float_format": "%.1f"}, "a,b\n1.2,1\n,2\n"),
    "float-format-in-braces": ({"a": [1.25], "b": [1]}, {"float_format": "{:.3f}"}, "a,b\n1.250,1\n"),
    "floats": ({"a": [1.0, 1e300, 0.1 + 0.2], "b": [1, 2, 3]}, {}, "a,b\n1.0,1\n1e+300,2\n0.30000000000000004,3\n"),
    "quotes": ({"a": ['say "x"', "a,b", "a\nb"]}, {}, 'a\n"say ""x"""\n"a,b"\n"a\nb"\n'),
    "quotechar": ({"a": ["a,b", "it's"]}, {"quotechar": "'"}, "a\n'a,b'\n'it''s'\n"),
    "quote-all": ({"a": [1, 2], "b": ["x", None]}, {"quoting": "all"}, '"a","b"\n"1","x"\n"2",""\n'),
    "line-ends": ({"a": [1]}, {"lineterminator": "\r\n"}, "a\r\n1\r\n"),
    "truth": ({"a": [True, False], "b": [True, None]}, {}, "a,b\nTrue,True\nFalse,\n"),
    "dates-and-times-of-day": ({"a": [date(2013, 1, 2)], "b": [time(5, 6)]}, {}, "a,b\n2013-01-02,05:06:00\n"),
    "times": ({"a": [datetime(2013, 1, 1, 5)], "n": [1]}, {}, "a,n\n2013-01-01 05:00:00,1\n"),
    "fractions": ({"a": [datetime(2013, 1, 1, 5, 0, 0, 250_000)]}, {}, "a\n2013-01-01 05:00:00.250\n"),
    "zones": ({"a": [datetime(2013, 1, 1, tzinfo=UTC)]}, {}, "a\n2013-01-01 00:00:00+00:00\n"),
    "date-format": ({"a": [date(2013, 1, 2), None]}, {"date_format": "%d.%m.%Y"}, 'a\n02.01.2013\n""\n'),
    "decimals": ({"a": [Decimal("1.50"), None]}, {}, 'a\n1.50\n""\n'),
    "durations": ({"a": [timedelta(days=1)]}, {}, "a\nP1D\n"),
    "nested": ({"a": [[1, 2], None], "b": [{"x": 1}, {"x": None}]}, {}, 'a,b\n"[1,2]","{""x"":1}"\n,"{""x"":null}"\n'),
    "no-rows": ({"a": [], "b": []}, {}, "a,b\n"),
    "index-as-users-write": ({"a": [1]}, {"index": False}, "a\n1\n"),
}


@pytest.mark.parametrize(("columns", "options", "expected"), WRITES.values(), ids=WRITES.keys())
def test_text_is_written_as_documented(files, path, columns, options, expected):
    frame = pl.DataFrame(columns)

    report = files.save(frame.lazy(), path, options=options)

    assert path.read_bytes().decode() == expected
    assert (report.rows, report.bytes) == (frame.height, len(expected.encode()))


def test_text_can_be_in_another_encoding(files, path):
    files.save(pl.DataFrame({"a": ["é" * 100_000]}), path, options={"encoding": "utf-16"})
    files.save(pl.DataFrame({"a": ["ü"]}), path, "append", options={"encoding": "utf-16"})

    assert path.read_text(encoding="utf-16") == "a\n" + "é" * 100_000 + "\nü\n"


def test_what_the_encoding_lacks_is_refused(files, path):
    with pytest.raises(DataFormatError, match=r"save with encoding 'utf-8'"):
        files.save(pl.DataFrame({"a": ["€"]}), path, options={"encoding": "latin-1"})

    assert not path.exists()


def test_binary_is_refused(files, path):
    with pytest.raises(DataFormatError, match=r"column 'a' holds Binary, which CSV cannot; save as parquet"):
        files.save(pl.DataFrame({"a": [b"x"]}), path)


def test_append_to_a_file_without_a_line_end(files, path):
    path.write_text("a,b\n1,x")
    files.save(pl.DataFrame({"a": [2], "b": ["y"]}), path, "append")

    assert path.read_text() == "a,b\n1,x\n2,y\n"


def test_only_the_columns_that_are_asked_for_are_in_the_plan(files, path):
    path.write_text("a,b,c\n1,x,2\n")

    frame = files.scan(path).select("a")

    assert "PROJECT 1/3 COLUMNS" in frame.explain()
    assert_frame_equal(frame.collect(), pl.DataFrame({"a": [1]}))
