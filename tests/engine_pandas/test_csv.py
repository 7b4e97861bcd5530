from __future__ import annotations

import decimal
from datetime import date, time

import numpy as np
import pandas as pd
import pytest

from odibi_core.plugin import ColumnNotFoundError, ConfigError, DataFormatError

EQUAL = pd.testing.assert_frame_equal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "flights.csv"


READS = {
    "sep": ("a;b\n1;x\n", {"sep": ";"}, {"a": [1], "b": ["x"]}),
    "delimiter": ("a;b\n1;x\n", {"delimiter": ";"}, {"a": [1], "b": ["x"]}),
    "white-space": ("a   b\n1 x\n", {"sep": r"\s+"}, {"a": [1], "b": ["x"]}),
    "decimal-and-thousands": (
        "a;b\n1.234,5;1\n",
        {"sep": ";", "decimal": ",", "thousands": "."},
        {"a": [1234.5], "b": [1]},
    ),
    "no-header": ("1,x\n", {"header": None}, {"0": [1], "1": ["x"]}),
    "no-header-as-spark-says": ("1,x\n", {"header": "false"}, {"0": [1], "1": ["x"]}),
    "header-as-spark-says": ("a,b\n1,x\n", {"header": "true"}, {"a": [1], "b": ["x"]}),
    "header-further-down": ("made by X\na,b\n1,x\n", {"header": 1}, {"a": [1], "b": ["x"]}),
    "names": ("1,x\n", {"names": ["a", "b"]}, {"a": [1], "b": ["x"]}),
    "names-for-a-header": ("p,q\n1,x\n", {"names": ["a", "b"], "header": 0}, {"a": [1], "b": ["x"]}),
    "columns-in-order": ("a,b,c\n1,x,2\n", {"columns": ["c", "a"]}, {"c": [2], "a": [1]}),
    "usecols": ("a,b,c\n1,x,2\n", {"usecols": ["b"]}, {"b": ["x"]}),
    "columns-without-names": ("1,x,2\n", {"header": None, "columns": ["2", "0"]}, {"2": [2], "0": [1]}),
    "dtype": ("a,b\n007,1\n", {"dtype": {"a": "str", "b": "float64"}}, {"a": ["007"], "b": [1.0]}),
    "dtype-for-all": ("a,b\n007,1\n", {"dtype": "str"}, {"a": ["007"], "b": ["1"]}),
    "nulls": ("a,b,c\nNA,,x\n", {}, {"a": [None], "b": [None], "c": ["x"]}),
    "more-nulls": ("a,b\n-,x\n", {"na_values": "-"}, {"a": [None], "b": ["x"]}),
    "nulls-by-column": ("a,b\n-,-\n", {"na_values": {"a": ["-"]}}, {"a": [None], "b": ["-"]}),
    "na-is-namibia": ("a,b\nNA,\n", {"keep_default_na": False}, {"a": ["NA"], "b": [""]}),
    "skiprows": ("junk\na\n1\n", {"skiprows": 1}, {"a": [1]}),
    "skip_rows": ("a\njunk\n1\n", {"skip_rows": [1]}, {"a": [1]}),
    "nrows": ("a\n1\n2\n3\n", {"nrows": 2}, {"a": [1, 2]}),
    "rows": ("a\n1\n2\n3\n", {"rows": 0}, {"a": []}),
    "comment": ("# by X\na\n1 # one\n", {"comment": "#", "dtype": {"a": "str"}}, {"a": ["1 "]}),
    "quotechar": ("a,b\n'1,2',x\n", {"quotechar": "'"}, {"a": ["1,2"], "b": ["x"]}),
    "quoting-none": ('a,b\n"1,2"\n', {"quoting": 3}, {"a": ['"1'], "b": ['2"']}),
    "escapechar": ("a,b\n1\\,2,x\n", {"escapechar": "\\"}, {"a": ["1,2"], "b": ["x"]}),
    "encoding": ("a\n\xe9\n".encode("latin-1"), {"encoding": "latin-1"}, {"a": ["é"]}),
    "byte-order-mark": ("\ufeffa\n1\n".encode(), {}, {"a": [1]}),
    "utf-16": ("a\né\n".encode("utf-16"), {"encoding": "utf-16"}, {"a": ["é"]}),
    "encoding-errors": (b"a\nx\xff\n", {"encoding_errors": "replace"}, {"a": ["x\ufffd"]}),
    "bad-lines": ("a,b\n1,x\n1,2,3\n", {"on_bad_lines": "skip"}, {"a": [1], "b": ["x"]}),
    "truth": (
        "a,b\nyes,TRUE\nno,false\n",
        {"true_values": ["yes"], "false_values": ["no"]},
        {"a": [True, False], "b": [True, False]},
    ),
    "line-ends": (b"a,b\r\n1,x\r\n", {}, {"a": [1], "b": ["x"]}),
    "low-memory-as-users-write": ("a\n1\n", {"low_memory": False}, {"a": [1]}),
    "short-line": ("a,b\n1\n", {}, {"a": [1], "b": [None]}),
}


@pytest.mark.parametrize(("text", "options", "expected"), READS.values(), ids=READS.keys())
def test_options_are_those_of_pandas(files, path, text, options, expected):
    frame = files.read_text(path, text, **options)

    EQUAL(frame.astype(object).where(frame.notna(), None), pd.DataFrame(expected, dtype=object))


def test_tab_separates_in_tsv(files, tmp_path):
    assert files.read_text(tmp_path / "a.tsv", "a\tb\n1\t2\n").columns.tolist() == ["a", "b"]


def test_types_are_inferred_from_the_whole_column(files, path):
    frame = files.read_text(path, "a\n" + "1\n" * 300_000 + "x\n")

    assert str(frame["a"].dtype) == "str"
    assert set(frame["a"]) == {"1", "x"}


def test_large_integers_beside_a_null_stay_exact(files, path):
    frame = files.read_text(path, "id,measured,small\n9007199254740993,1.5e17,1\n,,\n")

    assert frame.dtypes.astype(str).to_dict() == {"id": "Int64", "measured": "float64", "small": "float64"}
    assert frame["id"].tolist() == [9007199254740993, pd.NA]


@pytest.mark.parametrize(
    ("texts", "options", "expected"),
    [
        pytest.param(["2013-01-02", ""], {}, ["2013-01-02", None], id="iso"),
        pytest.param(
            ["2013-01-02 05:00", "2013-01-02T05:00:00.5"],
            {},
            ["2013-01-02 05:00", "2013-01-02 05:00:00.5"],
            id="iso-mixed",
        ),
        pytest.param(["2013-01-01T00:00:00Z"], {}, ["2013-01-01 00:00+00:00"], id="zulu"),
        pytest.param(
            ["2013-01-01 00:00-05:00", "2013-07-01 00:00-04:00"],
            {},
            ["2013-01-01 05:00+00:00", "2013-07-01 04:00+00:00"],
            id="summer-time",
        ),
        pytest.param(["20130102"], {}, ["2013-01-02"], id="digits"),
        pytest.param(["02/01/2013", "25/12/2013"], {"dayfirst": True}, ["2013-01-02", "2013-12-25"], id="day-first"),
        pytest.param(["25/12/2013"], {}, ["2013-12-25"], id="day-first-by-itself"),
        pytest.param(["01/02/2013"], {}, ["2013-01-02"], id="month-first"),
        pytest.param(["12/25/2013"], {"dayfirst": True}, ["2013-12-25"], id="month-first-by-itself"),
        pytest.param(["2 Jan 13"], {"date_format": "%d %b %y"}, ["2013-01-02"], id="format"),
        pytest.param(["2 Jan 13"], {"date_format": {"at": "%d %b %y"}}, ["2013-01-02"], id="format-by-column"),
        pytest.param(["", ""], {}, [None, None], id="only-nulls"),
    ],
)
def test_dates_are_parsed_when_asked_for(files, path, texts, options, expected):
    frame = files.read_text(path, "at,n\n" + "".join(f"{text},1\n" for text in texts), parse_dates=["at"], **options)

    assert frame["at"].tolist() == pd.to_datetime(pd.Series(expected), format="ISO8601").tolist()


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
    "too-many-fields": ("a,b\n1,2\n1,2,3\n", {}, "Expected 2 fields in line 3, saw 3"),
    "open-quote": ('a,b\n1,"2\n', {}, "EOF inside string"),
    "not-utf-8": (b"a\n\xe9t\xe9\n", {}, "encoding: 'latin-1'"),
    "gzip-in-disguise": (b"\x1f\x8b\x08\x00junk", {}, "by its first bytes it is gzip"),
    "wrong-type": ("a\nx\n", {"dtype": {"a": "int64"}}, "invalid literal"),
    "unknown-type": ("a\nx\n", {"dtype": {"a": "int7"}}, "int7"),
    "all-rows-wider": ("a,b\n1,2,3\n4,5,6\n", {}, "more fields in its rows than it has column names"),
    "rows-wider-like-an-index": ("a,b\n0,2,3\n1,5,6\n", {}, "more fields in its rows"),
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


def test_the_cause_of_an_error_is_chained(files, path):
    with pytest.raises(DataFormatError) as caught:
        files.read_text(path, "a,b\n1,2,3\n1,2\n1,2,3,4\n")

    assert isinstance(caught.value.__cause__, pd.errors.ParserError)


def test_header_alone_is_a_frame_without_rows(files, path):
    frame = files.read_text(path, "a,b\n")

    assert (frame.columns.tolist(), len(frame)) == (["a", "b"], 0)


@pytest.mark.parametrize(
    "options",
    [{"columns": ["dely"]}, {"dtype": {"dely": "str"}}, {"parse_dates": ["dely"]}, {"na_values": {"dely": "-"}}],
    ids=lambda options: next(iter(options)),
)
def test_options_that_name_a_missing_column_say_what_there_is(files, path, options):
    with pytest.raises(ColumnNotFoundError, match=r"'dely'.*\(columns: delay, n\)\. Did you mean 'delay'\?"):
        files.read_text(path, "delay,n\n1,2\n", **options)


WRITES = {
    "nulls": ({"a": [1.5, None], "b": ["x", None]}, {}, "a,b\n1.5,x\n,\n"),
    "na_rep": ({"a": [1.5, None], "b": ["x", None]}, {"na_rep": "NULL"}, "a,b\n1.5,x\nNULL,NULL\n"),
    "null-alone": ({"a": ["x", None, ""]}, {}, 'a\nx\n""\n""\n'),
    "sep": ({"a": ["x;y"], "b": [1]}, {"sep": ";"}, 'a;b\n"x;y";1\n'),
    "no-header": ({"a": [1]}, {"header": False}, "1\n"),
    "decimal": ({"a": [1.5], "b": [2]}, {"sep": ";", "decimal": ","}, "a;b\n1,5;2\n"),
    "decimal-that-is-the-separator": ({"a": [1.5], "b": [2]}, {"decimal": ","}, 'a,b\n"1,5",2\n'),
    "float-format": ({"a": [1.25, None], "b": [1, 2]}, {"float_format": "%.1f"}, "a,b\n1.2,1\n,2\n"),
    "float-format-in-braces": ({"a": [1.25]}, {"float_format": "{:.3f}"}, "a\n1.250\n"),
    "floats": ({"a": [1.0, 1e300, 0.1 + 0.2, -0.0]}, {}, "a\n1.0\n1e+300\n0.30000000000000004\n-0.0\n"),
    "quotes": ({"a": ['say "x"', "a,b", "a\nb", "a\rb", " x"]}, {}, 'a\n"say ""x"""\n"a,b"\n"a\nb"\n"a\rb"\n" x"\n'),
    "quotechar": ({"a": ["a,b", "it's"]}, {"quotechar": "'"}, "a\n'a,b'\n'it''s'\n"),
    "quote-all": ({"a": [1, None]}, {"quoting": "all"}, '"a"\n"1.0"\n""\n'),
    "quote-nonnumeric": ({"a": [1], "b": ["x"], "c": [None]}, {"quoting": 2}, '"a","b","c"\n1,"x",""\n'),
    "line-ends": ({"a": [1]}, {"lineterminator": "\r\n"}, "a\r\n1\r\n"),
    "truth": ({"a": [True, False], "b": pd.array([True, None], dtype="boolean")}, {}, "a,b\nTrue,True\nFalse,\n"),
    "hostile-names": ({'a,"': [1], "b\nc": [2], " d": [3]}, {}, '"a,""","b\nc"," d"\n1,2,3\n'),
    "separator-in-numbers": ({"a": [-1], "b": [2.5]}, {"sep": "-"}, 'a-b\n"-1"-2.5\n'),
    "dates": ({"a": pd.to_datetime(["2013-01-01", None])[:1]}, {}, "a\n2013-01-01\n"),
    "times": (
        {"a": pd.to_datetime(["2013-01-01 05:00", "2013-01-01"], format="ISO8601"), "n": [1, 2]},
        {},
        "a,n\n2013-01-01 05:00:00,1\n2013-01-01 00:00:00,2\n",
    ),
    "fractions": (
        {"a": pd.to_datetime(["2013-01-01 05:00:00.25", "2013-01-01"], format="ISO8601")},
        {},
        "a\n2013-01-01 05:00:00.250\n2013-01-01 00:00:00.000\n",
    ),
    "zones": (
        {"a": pd.to_datetime(["2013-01-01", "2013-07-01"]).tz_localize("America/New_York")},
        {},
        "a\n2013-01-01 00:00:00-05:00\n2013-07-01 00:00:00-04:00\n",
    ),
    "local-mean-time": (
        {"a": pd.to_datetime(["1900-01-01"]).tz_localize("Europe/Paris")},
        {},
        "a\n1899-12-31 23:50:39+00:00\n",
    ),
    "date-format": ({"a": pd.to_datetime(["2013-01-02", None])}, {"date_format": "%d.%m.%Y"}, 'a\n02.01.2013\n""\n'),
    "categories": (
        {"a": pd.Categorical(["x,y", None, "z"]), "b": pd.Categorical([2, 1, None])},
        {},
        'a,b\n"x,y",2\n,1\nz,\n',
    ),
    "dates-and-times-of-day": ({"a": [date(2013, 1, 2)], "b": [time(5, 6)]}, {}, "a,b\n2013-01-02,05:06:00\n"),
    "decimals": ({"a": [decimal.Decimal("1.50"), None]}, {}, 'a\n1.50\n""\n'),
    "durations": ({"a": pd.to_timedelta(["1D"])}, {}, "a\n1 days 00:00:00\n"),
    "nested": ({"a": [[1, 2], None], "b": [{"x": np.int64(1)}, {}]}, {}, 'a,b\n"[1, 2]","{""x"": 1}"\n,{}\n'),
    "mixed": ({"a": [1, "x", None, 2.5], "n": [1, 2, 3, 4]}, {}, "a,n\n1,1\nx,2\n,3\n2.5,4\n"),
    "large-integers": ({"a": [2**70, 1]}, {}, "a\n1180591620717411303424\n1\n"),
    "no-rows": ({"a": [], "b": []}, {}, "a,b\n"),
    "index-as-users-write": ({"a": [1]}, {"index": False}, "a\n1\n"),
}


@pytest.mark.parametrize(("columns", "options", "expected"), WRITES.values(), ids=WRITES.keys())
def test_text_is_written_as_documented(files, path, columns, options, expected):
    files.save(pd.DataFrame(columns), path, options=options)

    assert path.read_bytes().decode() == expected


def test_text_is_that_of_pandas_where_pandas_is_right(files, path, tmp_path):
    generator = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "i": generator.integers(-(2**63), 2**63, 70_000),
            "f": generator.standard_normal(70_000).round(3),
            "s": [f"N{number} x" if number % 3 else None for number in range(70_000)],
            "t": pd.date_range("2013-01-01", periods=70_000, freq="h"),
        }
    )

    files.save(frame, path)

    frame.to_csv(tmp_path / "pandas.csv", index=False, lineterminator="\n")
    assert path.read_bytes() == (tmp_path / "pandas.csv").read_bytes()


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        pytest.param(pd.DataFrame({"a": [b"x"]}), {}, "column 'a' holds binary data", id="binary"),
        pytest.param(pd.DataFrame({"a": [1, b"x"]}), {}, "column 'a' holds binary data", id="binary-among-others"),
        pytest.param(
            pd.DataFrame({"a": pd.Series(["\ud800"], dtype=object)}), {}, "column 'a' cannot be written", id="surrogate"
        ),
        pytest.param(pd.DataFrame({"a": ["☃"]}), {"encoding": "latin-1"}, "save with encoding 'utf-8'", id="encoding"),
        pytest.param(
            pd.DataFrame({"a": ["x,y"]}), {"quoting": "none"}, "column 'a' has 'x,y', which needs quotes", id="unquoted"
        ),
        pytest.param(pd.DataFrame(), {}, "without columns", id="no-columns"),
    ],
)
def test_what_csv_cannot_hold_is_refused_and_leaves_nothing(files, path, frame, options, message):
    with pytest.raises(DataFormatError, match=message):
        files.save(frame, path, options=options)

    assert list(path.parent.iterdir()) == []


def test_append_ends_a_line_that_is_open(files, path):
    path.write_text("a,b\n1,2")

    files.save(pd.DataFrame({"a": [3], "b": [4]}), path, "append")

    assert path.read_text() == "a,b\n1,2\n3,4\n"


def test_append_to_an_empty_file_writes_the_header(files, path):
    path.touch()

    files.save(pd.DataFrame({"a": [3]}), path, "append")

    assert path.read_text() == "a\n3\n"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "latin-1"])
def test_append_in_another_encoding_writes_one_mark(files, path, encoding):
    frame = pd.DataFrame({"a": ["é"]})
    options = {"encoding": encoding}

    files.save(frame, path, options=options)
    files.save(frame, path, "append", options=options)

    assert path.read_bytes() == "a\né\né\n".encode(encoding)


def test_append_without_header_counts_columns(files, path):
    options = {"header": False}
    files.save(pd.DataFrame({"a": [1], "b": [2]}), path, options=options)
    files.save(pd.DataFrame({"x": [3], "y": [4]}), path, "append", options=options)

    assert path.read_text() == "1,2\n3,4\n"
    with pytest.raises(DataFormatError, match="cannot append 1 columns to rows of 2"):
        files.save(pd.DataFrame({"a": [1]}), path, "append", options=options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"separator": ";"}, "unknown option 'separator'.*Options: compression, ", id="unknown"),
        pytest.param({"seps": ";"}, "unknown option 'seps'. Did you mean 'sep'", id="misspelt"),
        pytest.param({"sep": ";;"}, "option 'sep'", id="long-separator"),
        pytest.param({"sep": '"'}, "must differ", id="separator-is-quote"),
        pytest.param({"index": True}, "option 'index'", id="index"),
        pytest.param({"encoding": "klingon"}, "option .encoding.: is no text encoding", id="encoding"),
        pytest.param({"float_format": "%d%d"}, "option 'float_format'", id="format-of-two"),
        pytest.param({"float_format": "{{}}"}, "does not say where", id="format-of-none"),
        pytest.param({"compression": "rar"}, "option 'compression'.*'rar'", id="compression"),
    ],
)
def test_wrong_options_of_an_output_are_named(files, path, options, message):
    with pytest.raises(ConfigError, match=message):
        files.save(pd.DataFrame({"a": [1]}), path, options=options)

    assert not path.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"seperator": ";"}, "unknown option 'seperator'", id="unknown"),
        pytest.param({"sep": "::"}, r"one character, or \\s\+", id="long-separator"),
        pytest.param({"header": "top"}, "option 'header'.*not 'top'", id="header"),
        pytest.param({"nrows": -1}, "option 'nrows'", id="negative"),
        pytest.param({"low_memory": True}, "option 'low_memory'", id="low-memory"),
        pytest.param({"engine": "python"}, "unknown option 'engine'", id="engine"),
    ],
)
def test_wrong_options_of_an_input_are_named(files, path, options, message):
    with pytest.raises(ConfigError, match=message) as caught:
        files.read_text(path, "a\n1\n", **options)

    assert "bronze.flights" in str(caught.value)
