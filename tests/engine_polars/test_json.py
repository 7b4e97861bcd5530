# ruff: noqa: DTZ001  # times without a zone are what files hold
from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from odibi_core.plugin import ColumnNotFoundError, DataFormatError

READS = {
    "records": ('[{"a":1,"b":"x"},{"a":2}]', {}, {"a": [1, 2], "b": ["x", None]}),
    "columns": ('{"a":[1,2],"b":["x","y"]}', {}, {"a": [1, 2], "b": ["x", "y"]}),
    "columns-as-pandas-writes": ('{"a":{"0":1,"1":2},"b":{"0":"x","1":null}}', {}, {"a": [1, 2], "b": ["x", None]}),
    "record-path": ('{"data":{"rows":[{"a":1}]}}', {"record_path": ["data", "rows"]}, {"a": [1]}),
    "one-key": ('{"rows":[{"a":1}]}', {"record_path": "rows"}, {"a": [1]}),
    "none": ("[]", {}, {}),
    "digits-in-text": ('[{"a":"007"}]', {}, {"a": ["007"]}),
    "large": ('[{"a":9007199254740993},{"a":null}]', {}, {"a": [9007199254740993, None]}),
    "unsigned": ('[{"a":18446744073709551615}]', {}, {"a": [2**64 - 1]}),
    "float": ('[{"a":0.30000000000000004},{"a":1}]', {}, {"a": [0.1 + 0.2, 1.0]}),
    "nested": ('[{"a":{"x":1},"b":[1,null]},{"a":null}]', {}, {"a": [{"x": 1}, None], "b": [[1, None], None]}),
    "some-columns": ('[{"a":1,"b":2}]', {"columns": ["b"]}, {"b": [2]}),
    "dtype": ('[{"a":1,"b":2}]', {"dtype": {"a": "str"}}, {"a": ["1"], "b": [2]}),
    "rows": ('[{"a":1},{"a":2}]', {"nrows": 1}, {"a": [1]}),
    "dates": ('[{"a":"2013-01-01T05:00:00Z"}]', {"parse_dates": ["a"]}, {"a": [datetime(2013, 1, 1, 5, tzinfo=UTC)]}),
}


@pytest.mark.parametrize(("text", "options", "expected"), READS.values(), ids=READS.keys())
def test_documents_are_read_as_on_pandas(files, tmp_path, text, options, expected):
    assert files.read_text(tmp_path / "a.json", text, **options).to_dict(as_series=False) == expected


LINES = ["records", "digits-in-text", "large", "unsigned", "float", "nested", "some-columns", "dtype", "rows", "dates"]


@pytest.mark.parametrize(("text", "options", "expected"), [READS[name] for name in LINES], ids=LINES)
def test_lines_are_read_as_on_pandas(files, tmp_path, text, options, expected):
    lines = "".join(json.dumps(record) + "\n" for record in json.loads(text))

    frame = files.read_text(tmp_path / "a.jsonl", lines, **options)

    assert frame.to_dict(as_series=False) == expected


@pytest.mark.parametrize("text", [b"", b"\n", "\ufeff".encode()], ids=["nothing", "blank", "mark"])
def test_a_file_without_a_line_has_no_records(files, tmp_path, text):
    assert files.read_text(tmp_path / "a.jsonl", text).is_empty()


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_mark_and_encoding_are_understood(files, tmp_path, name):
    text = '[{"a":"é"}]\n' if name == "a.json" else '{"a":"é"}\n'
    for data, options in (
        (text.encode("utf-8-sig"), {}),
        (text.encode("latin-1"), {"encoding": "latin-1"}),
        (text.encode("utf-16"), {"encoding": "utf-16"}),
    ):
        assert files.read_text(tmp_path / name, data, **options).rows() == [("é",)]


def test_files_of_lines_get_each_others_columns(files, tmp_path):
    (tmp_path / "1.jsonl").write_text('{"a":1}\n')
    (tmp_path / "2.jsonl").write_text('{"b":"x","a":2.5}\n')
    (tmp_path / "3.jsonl").write_text("")

    assert files.read(tmp_path, format="jsonl").rows() == [(1.0, None), (2.5, "x")]


MALFORMED = {
    "empty": ("a.json", "", "is empty, which no JSON document is"),
    "cut-off": ("a.json", '[{"a":1},', "cannot be read as json"),
    "no-records": ("a.json", '{"a":1}', "is an object, but not of columns"),
    "uneven": ("a.json", '{"a":[1],"b":[]}', "different numbers of values"),
    "line": ("a.jsonl", '{"a":1}\n{"a":\n', "cannot be read as jsonl"),
    "scalar": ("a.jsonl", "1\n", "cannot be read as jsonl"),
    "parquet": ("a.jsonl", "PAR1 and so on", "by its first bytes it is parquet"),
}


@pytest.mark.parametrize(("name", "text", "message"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_files_are_named_with_what_is_wrong(files, tmp_path, name, text, message):
    with pytest.raises(DataFormatError, match=message) as caught:
        files.read_text(tmp_path / name, text)

    assert str(tmp_path / name) in str(caught.value)
    assert "bronze.flights" in str(caught.value)


def test_missing_column_says_what_there_is(files, tmp_path):
    with pytest.raises(ColumnNotFoundError, match=r"'dely'.*\(columns: delay\)\. Did you mean 'delay'\?"):
        files.read_text(tmp_path / "a.jsonl", '{"delay":1}\n', columns=["dely"])


def test_a_path_of_records_that_is_not_there(files, tmp_path):
    with pytest.raises(DataFormatError, match="has no 'rows' on the path rows; there is data"):
        files.read_text(tmp_path / "a.json", '{"data":[]}', record_path="rows")


VALUES = {
    "numbers": ({"a": [1, None], "b": [0.5, float("nan")]}, '{"a":1,"b":0.5}', '{"a":null,"b":null}'),
    "text": ({"a": ['"é\n', "\u2028"]}, '{"a":"\\"é\\n"}', '{"a":"\u2028"}'),
    "times": ({"a": [datetime(2013, 1, 1, 5), None]}, '{"a":"2013-01-01T05:00:00"}', '{"a":null}'),
    "zones": ({"a": [datetime(2013, 1, 1, tzinfo=UTC), None]}, '{"a":"2013-01-01T00:00:00+00:00"}', '{"a":null}'),
    "decimals": ({"a": [Decimal("1.50"), None]}, '{"a":1.5}', '{"a":null}'),
    "nested": ({"a": [{"x": [1]}, None]}, '{"a":{"x":[1]}}', '{"a":null}'),
}


@pytest.mark.parametrize(("columns", "first", "second"), VALUES.values(), ids=VALUES.keys())
def test_records_are_written_one_per_line(files, tmp_path, columns, first, second):
    frame = pl.LazyFrame(columns)

    files.save(frame, tmp_path / "a.jsonl")
    report = files.save(frame, tmp_path / "a.json")

    assert (tmp_path / "a.jsonl").read_text() == f"{first}\n{second}\n"
    assert (tmp_path / "a.json").read_text() == f"[\n{first},\n{second}\n]\n"
    assert (report.rows, report.bytes) == (2, (tmp_path / "a.json").stat().st_size)


def test_a_frame_without_rows(files, tmp_path):
    for name, text in (("a.json", "[]\n"), ("a.jsonl", "")):
        files.save(pl.LazyFrame({"a": []}), tmp_path / name)
        assert (tmp_path / name).read_text() == text
        files.save(pl.LazyFrame({"a": [1]}), tmp_path / name, "append")
        files.save(pl.LazyFrame({"a": []}, schema={"a": pl.Int64}), tmp_path / name, "append")
        assert files.read(tmp_path / name).rows() == [(1,)]


def test_records_that_are_there_stay_as_they_are_written(files, tmp_path):
    path = tmp_path / "a.json"
    path.write_text('[{"a": 1.10, "b": "x"}]')

    files.save(pl.LazyFrame({"b": ["y"], "a": [2.5]}), path, "append")

    assert path.read_text() == '[\n{"a": 1.10, "b": "x"},\n{"a":2.5,"b":"y"}\n]\n'


def test_rows_go_behind_an_object_of_columns(files, tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a":[1,2]}')

    files.save(pl.LazyFrame({"a": [3]}), path, "append")

    assert path.read_text() == '[\n{"a":1},\n{"a":2},\n{"a":3}\n]\n'


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_infinity_is_refused(files, tmp_path, name):
    frame = pl.LazyFrame({"a": [1.0, float("inf")]})

    with pytest.raises(DataFormatError, match=r"column 'a' holds an infinite number, which JSON cannot"):
        files.save(frame, tmp_path / name)

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("values", [[b"x"], [{"x": b"x"}], [[b"x"]]], ids=["plain", "object", "list"])
def test_binary_is_refused(files, tmp_path, values):
    with pytest.raises(DataFormatError, match=r"column 'a' holds .*, which JSON cannot"):
        files.save(pl.LazyFrame({"a": values}), tmp_path / "a.jsonl")


def test_many_records_make_one_array(files, tmp_path):
    frame = pl.DataFrame({"a": range(200_000), "b": ["x\ny"] * 200_000})

    for name in ("a.json", "a.json.zst"):
        files.save(frame.lazy(), tmp_path / name)
        assert_frame_equal(files.read(tmp_path / name), frame)
