from __future__ import annotations

import decimal
import json
from datetime import date, time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.plugin import ColumnNotFoundError, ConfigError, DataFormatError
from odibi_engine_pandas.json_lines import table_of_lines

DOCUMENTS = {
    "records": (
        '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]',
        {},
        {"a": [1, 2], "b": ["x", "y"]},
        {"a": "int64", "b": "str"},
    ),
    "columns": ('{"a": [1, 2], "b": ["x", "y"]}', {}, {"a": [1, 2], "b": ["x", "y"]}, {"a": "int64", "b": "str"}),
    "columns-as-pandas-writes": (
        '{"a": {"0": 1, "1": 2}, "b": {"1": "y"}}',
        {},
        {"a": [1, 2], "b": [None, "y"]},
        {"a": "int64", "b": "str"},
    ),
    "text-that-looks-like-a-number": ('[{"a": "007"}]', {}, {"a": ["007"]}, {"a": "str"}),
    "text-that-looks-like-a-date": (
        '[{"updated_at": "2013-01-01"}]',
        {},
        {"updated_at": ["2013-01-01"]},
        {"updated_at": "str"},
    ),
    "exact-floats": ('[{"a": 0.30000000000000004}]', {}, {"a": [0.1 + 0.2]}, {"a": "float64"}),
    "integers-with-null": (
        '[{"a": 9007199254740993}, {"a": null}]',
        {},
        {"a": [9007199254740993, None]},
        {"a": "Int64"},
    ),
    "truth-with-null": ('[{"a": true}, {"a": null}]', {}, {"a": [True, None]}, {"a": "boolean"}),
    "integers-and-floats": ('[{"a": 1}, {"a": 2.5}]', {}, {"a": [1.0, 2.5]}, {"a": "float64"}),
    "only-nulls": ('[{"a": null}]', {}, {"a": [None]}, {"a": "object"}),
    "mixed": ('[{"a": 1}, {"a": "x"}]', {}, {"a": [1, "x"]}, {"a": "object"}),
    "large-integers": ('[{"a": 18446744073709551616}]', {}, {"a": [2**64]}, {"a": "object"}),
    "large-integers-and-floats": (
        '[{"a": 9007199254740993}, {"a": 0.5}]',
        {},
        {"a": [9007199254740993, 0.5]},
        {"a": "object"},
    ),
    "nested": (
        '[{"a": [1, {"x": null}], "b": {"y": 2}}]',
        {},
        {"a": [[1, {"x": None}]], "b": [{"y": 2}]},
        {"a": "object", "b": "object"},
    ),
    "keys-that-come-and-go": (
        '[{"a": 1}, {"b": "x"}]',
        {},
        {"a": [1, None], "b": [None, "x"]},
        {"a": "Int64", "b": "str"},
    ),
    "no-records": ("[]", {}, {}, {}),
    "record-path": ('{"n": 1, "data": [{"a": 1}]}', {"record_path": "data"}, {"a": [1]}, {"a": "int64"}),
    "record-path-further-down": ('{"d": {"e": {"a": [1]}}}', {"record_path": ["d", "e"]}, {"a": [1]}, {"a": "int64"}),
    "columns-in-order": (
        '[{"a": 1, "b": 2, "c": 3}]',
        {"columns": ["c", "a"]},
        {"c": [3], "a": [1]},
        {"c": "int64", "a": "int64"},
    ),
    "dtype": ('[{"a": 1}]', {"dtype": {"a": "str"}}, {"a": ["1"]}, {"a": "str"}),
    "dates": (
        '[{"a": "2013-01-01T05:00:00Z"}]',
        {"parse_dates": ["a"]},
        {"a": [pd.Timestamp("2013-01-01 05:00Z")]},
        {"a": "datetime64[us, UTC]"},
    ),
    "nrows": ('[{"a": 1}, {"a": 2}]', {"nrows": 1}, {"a": [1]}, {"a": "int64"}),
    "encoding": ('[{"a": "é"}]'.encode("utf-16"), {"encoding": "utf-16"}, {"a": ["é"]}, {"a": "str"}),
    "byte-order-mark": ('\ufeff[{"a": 1}]'.encode(), {}, {"a": [1]}, {"a": "int64"}),
    "orient": ('[{"a": 1}]', {"orient": "records"}, {"a": [1]}, {"a": "int64"}),
}


def values(frame):
    return {
        name: [
            None if np.ndim(value) == 0 and not isinstance(value, dict) and pd.isna(value) else value
            for value in frame[name]
        ]
        for name in frame.columns
    }


@pytest.mark.parametrize(("text", "options", "expected", "dtypes"), DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_documents_keep_values_and_types(files, tmp_path, text, options, expected, dtypes):
    frame = files.read_text(tmp_path / "a.json", text, **options)

    assert values(frame) == expected
    assert frame.dtypes.astype(str).to_dict() == dtypes


LINES = {
    name: (case[0], case[2], case[3])
    for name, case in DOCUMENTS.items()
    if not case[1] and isinstance(case[0], str) and case[0].startswith("[{")
}


@pytest.mark.parametrize(("text", "expected", "dtypes"), LINES.values(), ids=LINES.keys())
def test_lines_keep_values_and_types_like_documents(files, tmp_path, text, expected, dtypes):
    lines = "".join(json.dumps(record) + "\n" for record in json.loads(text))

    frame = files.read_text(tmp_path / "a.jsonl", lines)

    assert values(frame) == expected
    assert frame.dtypes.astype(str).to_dict() == dtypes


@pytest.mark.parametrize(
    ("text", "options"),
    [
        pytest.param('{"a":1}\n{"a":2}', {}, id="no-line-end"),
        pytest.param('{"a":1}\r\n{"a":2}\r\n', {}, id="windows"),
        pytest.param('\n{"a":1}\n  \n{"a":2}\n\n', {}, id="blank-lines"),
        pytest.param('\ufeff{"a":1}\n{"a":2}\n', {}, id="byte-order-mark"),
        pytest.param(' {"a":1} \n\t{"a":2}', {}, id="blanks"),
        pytest.param('{"a":1}\n{"a":2}\n{"a":3}\nnonsense', {"nrows": 2}, id="nrows"),
        pytest.param('{"b":0,"a":1}\n{"b":0,"a":2}', {"columns": ["a"]}, id="columns"),
    ],
)
def test_lines_are_read_as_people_write_them(files, tmp_path, text, options):
    assert files.read_text(tmp_path / "a.jsonl", text, **options).to_dict("list") == {"a": [1, 2]}


def test_a_file_without_lines_has_no_records(files, tmp_path):
    assert files.read_text(tmp_path / "a.jsonl", "").empty


MALFORMED = {
    "empty": ("a.json", "", {}, "is empty"),
    "cut-off": ("a.json", '[{"a": 1}', {}, "line 1 column 10"),
    "no-json": ("a.json", "a,b\n1,2\n", {}, "cannot be read as json"),
    "numbers": ("a.json", '[{"a": 1}, 2]', {}, "element 2 must be an object, not 2"),
    "one-object": ("a.json", '{"a": 1}', {}, "keys a.*record_path.*jsonl"),
    "uneven-columns": ("a.json", '{"a": [1], "b": []}', {}, "columns of equal length"),
    "not-records": ("a.json", '{"a": [1]}', {"orient": "records"}, "must be an array of records, and is an object"),
    "not-columns": ("a.json", "[]", {"orient": "columns"}, "must be an object of columns"),
    "a-number": ("a.json", "3", {}, "of the type int"),
    "no-such-key": ("a.json", '{"rows": []}', {"record_path": "data"}, "no key 'data'.*has rows"),
    "path-into-a-list": ("a.json", '{"d": []}', {"record_path": ["d", "e"]}, "no key 'e', because d is no object"),
    "not-utf-8": ("a.json", b'[{"a": "\xff"}]', {}, "is not utf-8"),
    "not-of-dtype": ("a.json", '[{"a": "x"}]', {"dtype": {"a": "int64"}}, "cannot be of dtype.*'x'"),
    "lines-broken": ("a.jsonl", '{"a":1}\n{"a":\n', {}, "line 2, column 6: Expecting value"),
    "lines-not-records": ("a.jsonl", '{"a":1}\n[2]\n', {}, r"line 2: a record is an object, not \[2\]"),
    "lines-with-two-records": ("a.jsonl", '{"a":1}{"a":2}\n', {}, "line 1, column 8: Extra data"),
    "lines-not-utf-8": ("a.jsonl", b'{"a":"\xff"}\n', {}, "is not utf-8"),
}


@pytest.mark.parametrize(("name", "text", "options", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_files_are_named_with_what_is_wrong(files, tmp_path, name, text, options, message):
    with pytest.raises(DataFormatError, match=message) as caught:
        files.read_text(tmp_path / name, text, **options)

    assert "bronze.flights" in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize("options", [{"columns": ["dely"]}, {"dtype": {"dely": "str"}}, {"parse_dates": ["dely"]}])
def test_options_that_name_a_missing_column_say_what_there_is(files, tmp_path, name, options):
    with pytest.raises(ColumnNotFoundError, match=r"'dely'.*\(columns: delay\)\. Did you mean 'delay'\?"):
        files.read_text(tmp_path / name, '[{"delay":1}]' if name == "a.json" else '{"delay":1}', **options)


def test_lines_have_no_orient(files, tmp_path):
    with pytest.raises(ConfigError, match="unknown option 'orient'"):
        files.read_text(tmp_path / "a.jsonl", '{"a":1}', orient="records")


WRITES = {
    "numbers": ({"a": [1, 2], "b": [1.0, None]}, '{"a":1,"b":1.0}\n{"a":2,"b":null}\n'),
    "nullable": ({"a": pd.array([1, None], dtype="Int8")}, '{"a":1}\n{"a":null}\n'),
    "truth": ({"a": [True, False], "b": [None, True]}, '{"a":true,"b":null}\n{"a":false,"b":true}\n'),
    "text": ({"a": ['"\\\n\x00é☃', None]}, '{"a":"\\"\\\\\\n\\u0000é☃"}\n{"a":null}\n'),
    "names": ({'"\n': [1], "": [2]}, '{"\\"\\n":1,"":2}\n'),
    "times": ({"a": pd.to_datetime(["2013-01-01", None])}, '{"a":"2013-01-01T00:00:00"}\n{"a":null}\n'),
    "zones": ({"a": pd.to_datetime(["2013-07-01"]).tz_localize("Asia/Kolkata")}, '{"a":"2013-07-01T00:00:00+05:30"}\n'),
    "dates": ({"a": [date(2013, 1, 1), time(1, 2)]}, '{"a":"2013-01-01"}\n{"a":"01:02:00"}\n'),
    "durations": ({"a": pd.to_timedelta(["1D"])}, '{"a":"P1DT0H0M0S"}\n'),
    "decimals": ({"a": [decimal.Decimal("1.50"), None]}, '{"a":1.50}\n{"a":null}\n'),
    "categories": ({"a": pd.Categorical(["x", None])}, '{"a":"x"}\n{"a":null}\n'),
    "nested": (
        {"a": [[1, None], {"x": [np.int64(2), np.nan, pd.NaT, date(2013, 1, 1), {1}]}]},
        '{"a":[1, null]}\n{"a":{"x": [2, null, null, "2013-01-01", [1]]}}\n',
    ),
    "arrays": ({"a": [np.array([1, 2])]}, '{"a":[1, 2]}\n'),
    "mixed": ({"a": [1, "x", None, 2.5, True]}, '{"a":1}\n{"a":"x"}\n{"a":null}\n{"a":2.5}\n{"a":true}\n'),
    "large-integers": ({"a": [2**70]}, '{"a":1180591620717411303424}\n'),
    "no-rows": ({"a": []}, ""),
}


@pytest.mark.parametrize(("columns", "expected"), WRITES.values(), ids=WRITES.keys())
def test_text_is_written_as_documented(files, tmp_path, columns, expected):
    files.save(pd.DataFrame(columns), tmp_path / "a.jsonl")
    files.save(pd.DataFrame(columns), tmp_path / "a.json")

    assert (tmp_path / "a.jsonl").read_text() == expected
    lines = expected.splitlines()
    assert (tmp_path / "a.json").read_text() == ("[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n")


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param([1.5, np.inf, -np.inf], "column 'a' has 2 infinite values", id="infinity"),
        pytest.param([b"x"], "column 'a' holds binary data", id="binary"),
        pytest.param([[b"x"]], "column 'a' holds binary data", id="nested-binary"),
        pytest.param([[np.inf]], "column 'a' cannot be written", id="nested-infinity"),
    ],
)
def test_what_json_does_not_have_is_refused_and_leaves_nothing(files, tmp_path, name, values, message):
    with pytest.raises(DataFormatError, match=message):
        files.save(pd.DataFrame({"a": values}), tmp_path / name)

    assert list(tmp_path.iterdir()) == []


def test_append_keeps_the_old_text_to_the_last_digit(files, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(' [ {"a": 1.10, "b": 12345678901234567890.0} ] \n')

    files.save(pd.DataFrame({"b": [2.0], "a": [1.0]}), path, "append")

    assert path.read_text() == '[\n{"a": 1.10, "b": 12345678901234567890.0},\n{"a":1.0,"b":2.0}\n]\n'


def test_append_to_a_document_of_columns_makes_it_records(files, tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": [1, 2]}')

    files.save(pd.DataFrame({"a": [3]}), path, "append")

    assert json.loads(path.read_text()) == [{"a": 1}, {"a": 2}, {"a": 3}]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize("columns", [[], ["x"]], ids=["no-columns", "columns"])
def test_append_to_no_records_takes_any_columns(files, tmp_path, name, columns):
    files.save(pd.DataFrame({name: [] for name in columns}), tmp_path / name)

    files.save(pd.DataFrame({"a": [1]}), tmp_path / name, "append")

    assert files.read(tmp_path / name).to_dict("list") == {"a": [1]}


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_append_of_a_frame_without_columns_adds_nothing(files, tmp_path, name):
    files.save(pd.DataFrame({"a": [1]}), tmp_path / name)

    files.save(pd.DataFrame(), tmp_path / name, "append")

    assert files.read(tmp_path / name).to_dict("list") == {"a": [1]}


def test_append_looks_at_all_records_for_columns_that_the_first_leaves_out(files, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a":1}\n{"a":2,"b":3}')

    files.save(pd.DataFrame({"b": [4], "a": [5]}), path, "append")

    assert path.read_text() == '{"a":1}\n{"a":2,"b":3}\n{"a":5,"b":4}\n'


def test_append_to_what_is_broken_is_refused(files, tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1},')

    with pytest.raises(DataFormatError, match="cannot be read as json"):
        files.save(pd.DataFrame({"a": [1]}), path, "append")

    assert path.read_text() == '[{"a": 1},'


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-5, 5),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.sampled_from(["2013-01-01", "2013-01-01T00:00:00Z", "\ud800", "1"]),
    st.lists(st.integers(), max_size=2),
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["a", "b", "", "é"]), scalars, max_size=3), min_size=1, max_size=4),
    st.sampled_from(["\n", "\n\n", " \n", ""]),
)
def test_the_fast_parser_of_lines_agrees_with_the_standard_library_or_stands_back(records, end):
    text = (end or "\n").join(json.dumps(record, ensure_ascii=True) for record in records) + end

    table = table_of_lines(text.encode())

    if table is not None:
        assert table.to_pylist() == [{name: record.get(name) for name in table.column_names} for record in records]
        assert table.column_names == list(records[0])
        assert [type(value) for row in table.to_pylist() for value in row.values()] == [
            float
            if isinstance(record.get(name), int) and "double" in str(table.schema.field(name).type)
            else type(record.get(name))
            for record in records
            for name in table.column_names
        ]


def test_the_fast_parser_is_used_for_plain_records():
    assert table_of_lines(b'{"a":1,"b":"2013-01-01"}\n{"a":null,"b":null}\n') is not None
