"""What is saved comes back, but for what the README says of a format."""

# ruff: noqa: DTZ001  # times without a zone are what files hold
from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from importlib.util import find_spec

import polars as pl
import polars.selectors as cs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from odibi_core.plugin import DataFormatError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
PATTERNS = ["*", "^.*$", "^a$", "a*", "col('a')", "-a"]
NAMES = st.lists(
    TEXT.filter(lambda name: name.strip() == name and name) | st.sampled_from(PATTERNS),
    min_size=1,
    max_size=4,
    unique=True,
)
NA = {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"}
NA |= {"NULL", "NaN", "None", "n/a", "nan", "null"}
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1))
KINDS = {
    "integers": (pl.Int64, st.integers(-(2**63), 2**63 - 1)),
    "floats": (pl.Float64, st.floats(allow_nan=False, allow_infinity=False)),
    "truth": (pl.Boolean, st.booleans()),
    "text": (pl.String, TEXT),
    "times": (pl.Datetime("us"), MOMENTS),
    "moments": (pl.Datetime("us", "UTC"), MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC))),
    "dates": (pl.Date, st.dates(date(1900, 1, 1), date(2200, 1, 1))),
    "lists": (pl.List(pl.Int64), st.lists(st.none() | st.integers(-5, 5), max_size=3)),
}
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def frames(draw, kinds=tuple(KINDS)):
    names = draw(NAMES)
    rows = draw(st.integers(0, 5))
    columns = {}
    for name in names:
        kind, values = KINDS[draw(st.sampled_from(kinds))]
        drawn = draw(st.lists(st.none() | values, min_size=rows, max_size=rows))
        columns[name] = pl.Series(drawn, dtype=kind)
    return pl.DataFrame(columns)


@quick
@given(frame=frames(), is_lazy=st.booleans(), suffix=st.sampled_from(["parquet", "arrow"]))
def test_columnar_formats_keep_everything(files_for_many_examples, tmp_path_factory, frame, is_lazy, suffix):
    path = tmp_path_factory.mktemp("trip") / f"a.{suffix}"

    report = files_for_many_examples.save(frame.lazy() if is_lazy else frame, path)

    assert_frame_equal(files_for_many_examples.read(path), frame)
    assert report.rows == frame.height


@quick
@given(frame=frames(kinds=("integers", "floats", "truth", "text", "lists")))
def test_json_keeps_values(files_for_many_examples, tmp_path_factory, frame):
    folder = tmp_path_factory.mktemp("trip")
    for name in ("a.json", "a.jsonl.gz"):
        report = files_for_many_examples.save(frame.lazy(), folder / name)

        back = files_for_many_examples.read(folder / name)
        assert report.rows == frame.height
        assert back.to_dicts() == frame.to_dicts()


def as_csv_keeps_it(frame):
    """Return what comes back: text that means null is null."""
    return frame.with_columns(
        pl.when(~column.is_in(sorted(NA))).then(column)
        for column in (cs.by_name(name).as_expr() for name, kind in frame.schema.items() if kind == pl.String)
    )


@quick
@given(frame=frames(kinds=("integers", "floats", "truth", "text")), suffix=st.sampled_from(["csv", "tsv", "csv.zip"]))
def test_csv_keeps_values(files_for_many_examples, tmp_path_factory, frame, suffix):
    path = tmp_path_factory.mktemp("trip") / f"a.{suffix}"
    texts = {name: "str" for name, kind in frame.schema.items() if kind == pl.String}

    report = files_for_many_examples.save(frame.lazy(), path)

    back = files_for_many_examples.read(path, options={"dtype": texts})
    assert report.rows == frame.height
    assert back.columns == frame.columns
    assert back.rows() == as_csv_keeps_it(frame).rows()


@quick
@given(frame=frames(kinds=("integers", "floats", "truth", "text", "times", "dates", "lists")))
def test_avro_keeps_everything_that_it_takes(files_for_many_examples, tmp_path_factory, frame):
    path = tmp_path_factory.mktemp("trip") / "a.avro"

    files_for_many_examples.save(frame.lazy(), path)

    assert_frame_equal(files_for_many_examples.read(path), frame)


@pytest.mark.parametrize("suffix", ["csv", "json", "jsonl", "parquet", "arrow", "avro"])
def test_names_that_polars_takes_for_patterns_are_names(files, tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    rows = pl.DataFrame({"*": ["2013-01-01", "2013-01-02"], "n": [1, 2], "^.*$": [0.5, 1.5]})
    files.save(rows, path)

    files.save(rows[rows.columns[::-1]], path, "append")

    back = pl.concat([rows, rows])
    assert_frame_equal(files.read(path), back)
    assert files.read(path, options={"columns": ["^.*$", "*"]}).columns == ["^.*$", "*"]
    if suffix == "csv":
        typed = files.read(
            path, options={"parse_dates": ["*"], "dtype": {"^.*$": "str"}, "na_values": {"^.*$": ["0.5"]}}
        )
        assert typed.dtypes == [pl.Datetime("us"), pl.Int64, pl.String]
        assert typed["^.*$"].to_list() == [None, "1.5"] * 2
    if suffix == "parquet":
        assert files.read(path, options={"filters": [["*", "==", "2013-01-02"], ["^.*$", ">", 1]]}).height == 2


WIDE = pl.DataFrame(
    {
        "short": pl.Series([1, None], dtype=pl.Int16),
        "category": pl.Series(["x", None], dtype=pl.Categorical),
        "price": pl.Series([Decimal("1.50"), None], dtype=pl.Decimal(10, 2)),
        "binary": [b"\x00", None],
        "object": [{"x": 1}, None],
        "nan": [math.nan, None],
    }
)


def test_parquet_keeps_what_the_other_formats_change(files, tmp_path):
    more = WIDE.with_columns(
        time=pl.Series([time(1, 2, 3), None]),
        duration=pl.Series([timedelta(days=1), None]),
        unsigned=pl.Series([2**64 - 1, None], dtype=pl.UInt64),
        nanoseconds=pl.Series([datetime(2013, 1, 1), None], dtype=pl.Datetime("ns", "America/New_York")),
        nothing=pl.Series([None, None], dtype=pl.Null),
    )
    for name in ("a.parquet", "a.arrow"):
        files.save(more, tmp_path / name)

        assert_frame_equal(files.read(tmp_path / name), more)


def test_avro_keeps_the_rows_behind_a_piece_without_any(files, tmp_path):
    days = pl.concat([pl.DataFrame({"day": [day]}) for day in range(3)], rechunk=False)

    report = files.save(days.lazy().filter(pl.col("day") != 1), tmp_path / "days.avro")

    assert files.read(tmp_path / "days.avro")["day"].to_list() == [0, 2]
    assert report.rows == 2


def test_avro_widens_integers_and_writes_categories_as_text(files, tmp_path):
    files.save(WIDE, tmp_path / "a.avro")

    expected = WIDE.with_columns(pl.col("short").cast(pl.Int32), pl.col("category").cast(pl.String))
    assert_frame_equal(files.read(tmp_path / "a.avro"), expected)


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([2**64 - 1], dtype=pl.UInt64),
        pl.Series([datetime(2013, 1, 1)], dtype=pl.Datetime("us", "UTC")),
        pl.Series([datetime(2013, 1, 1)], dtype=pl.Datetime("ns")),
        pl.Series([None], dtype=pl.Null),
        pl.Series([timedelta(1)]),
    ],
    ids=lambda column: str(column.dtype),
)
def test_avro_refuses_what_polars_cannot_write(files, tmp_path, column):
    with pytest.raises(DataFormatError, match=r"column 'a' is .*, which Polars cannot write as avro"):
        files.save(column.alias("a").to_frame(), tmp_path / "a.avro")
    assert not list(tmp_path.iterdir())


needs_excel = pytest.mark.skipif(
    find_spec("fastexcel") is None or find_spec("xlsxwriter") is None, reason="Excel needs fastexcel and xlsxwriter"
)


@needs_excel
@pytest.mark.parametrize("name", ["*", "^.*$"])
def test_excel_refuses_names_that_polars_could_not_read_back(files, tmp_path, name):
    with pytest.raises(DataFormatError, match="for a pattern when it reads a workbook"):
        files.save(pl.DataFrame({name: ["a"], "n": [1]}), tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())


@needs_excel
def test_excel_keeps_rows_of_nulls(files, tmp_path):
    frame = pl.DataFrame({"a": [None, 1, None, None, 2], "b": [None, "x", None, None, "y"]})

    files.save(frame, tmp_path / "a.xlsx")
    files.save(frame, tmp_path / "a.xlsx", mode="append")

    assert_frame_equal(files.read(tmp_path / "a.xlsx"), pl.concat([frame, frame]))


@needs_excel
@pytest.mark.parametrize("rows", [["a", None], [None]], ids=["after others", "alone"])
def test_excel_refuses_a_last_row_of_nulls(files, tmp_path, rows):
    with pytest.raises(DataFormatError, match="the last row is nothing but nulls"):
        files.save(pl.DataFrame({"a": rows}, schema={"a": pl.String}), tmp_path / "a.xlsx")
    assert not list(tmp_path.iterdir())


@needs_excel
def test_excel_keeps_numbers_text_and_times(files, tmp_path):
    frame = pl.DataFrame(
        {
            "number": [1, None, 3],
            "share": [0.1 + 0.2, 1.5, None],
            "text": ["größe", None, "=1+1"],
            "truth": [True, None, False],
            "day": [date(2013, 1, 2), None, date(1999, 1, 1)],
            "at": [datetime(2013, 1, 2, 3, 4, 5), None, datetime(1999, 1, 1)],
        }
    )

    report = files.save(frame.lazy(), tmp_path / "a.xlsx", options={"sheet": "Flights"})

    assert report.rows == 3
    assert_frame_equal(
        files.read(tmp_path / "a.xlsx", options={"sheet": "Flights"}).with_columns(
            pl.col("at").cast(pl.Datetime("us"))
        ),
        frame,
    )
    with pytest.raises(DataFormatError, match="Other"):
        files.scan(tmp_path / "a.xlsx", options={"sheet": "Other"})
