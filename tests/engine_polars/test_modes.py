"""Each save mode means the same for every format and compression."""

from __future__ import annotations

from importlib.util import find_spec

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from odibi_core.plugin import ConfigError, DataFormatError, DatasetExistsError

needs_excel = pytest.mark.skipif(
    find_spec("fastexcel") is None or find_spec("xlsxwriter") is None, reason="Excel needs fastexcel and xlsxwriter"
)
NAMES = [
    "flights.csv",
    "flights.csv.gz",
    "flights.csv.zip",
    "flights.csv.zst",
    "flights.csv.bz2",
    "flights.csv.xz",
    "flights.tsv",
    *(f"flights.{form}{packed}" for form in ("json", "jsonl") for packed in ("", ".gz", ".zip", ".zst", ".xz")),
    "flights.ndjson",
    "flights.parquet",
    "flights.pq",
    "flights.arrow",
    "flights.feather",
    "flights.avro",
    pytest.param("flights.xlsx", marks=needs_excel),
]

OLD = pl.DataFrame({"carrier": ["F9", "AA"], "delay": [21.5, -3.0]})
NEW = pl.DataFrame({"carrier": ["é,\"'\n", "UA"], "delay": [0.1, 2.0]})


@pytest.fixture(params=NAMES)
def path(request, tmp_path):
    return tmp_path / "silver" / "deep" / request.param


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def check(frame, *parts):
    assert_frame_equal(frame, pl.concat(parts))


def test_overwrite_replaces_what_is_there(files, path):
    files.save(OLD, path)
    report = files.save(NEW.lazy(), path)

    check(files.read(path), NEW)
    assert (report.rows, report.bytes, report.location) == (2, path.stat().st_size, str(path))
    assert report.was_written
    assert names_in(path.parent) == [path.name]


def test_append_adds_rows(files, path):
    files.save(OLD, path)
    files.save(NEW.lazy(), path, "append")
    report = files.save(OLD.lazy(), path, "append")

    check(files.read(path), OLD, NEW, OLD)
    assert (report.rows, report.bytes) == (2, path.stat().st_size)
    assert names_in(path.parent) == [path.name]


def test_a_frame_of_the_file_itself_may_replace_it(files, path):
    files.save(OLD, path)
    files.save(files.scan(path).filter(pl.col("delay") > 0), path)

    check(files.read(path), OLD.head(1))


def test_append_creates_what_is_missing(files, path):
    report = files.save(OLD.lazy(), path, "append")

    check(files.read(path), OLD)
    assert (report.rows, report.was_written) == (2, True)


def test_append_puts_columns_in_the_order_of_the_file(files, path):
    files.save(OLD, path)
    files.save(NEW.lazy().select("delay", "carrier"), path, "append")

    check(files.read(path), OLD, NEW)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        pytest.param(OLD.select("carrier"), "is missing delay; what is there has carrier, delay", id="missing"),
        pytest.param(OLD.with_columns(origin=pl.lit("JFK")), "has origin besides", id="extra"),
        pytest.param(OLD.rename({"delay": "Delay"}), "is missing delay and has Delay besides", id="renamed"),
    ],
)
def test_append_of_other_columns_is_refused_and_changes_nothing(files, path, frame, message):
    files.save(OLD, path)
    before = path.read_bytes()

    with pytest.raises(DataFormatError, match=message) as caught:
        files.save(frame.lazy(), path, "append")

    assert str(path) in str(caught.value)
    assert "bronze.flights" in str(caught.value)
    assert path.read_bytes() == before
    assert names_in(path.parent) == [path.name]


def test_error_refuses_what_is_there_and_computes_nothing(files, path):
    files.save(OLD, path)
    before = path.read_bytes()

    with pytest.raises(DatasetExistsError, match="exists, and the mode is 'error'"):
        files.save(pl.LazyFrame({"carrier": []}).select("never asked"), path, "error")

    assert path.read_bytes() == before


def test_ignore_keeps_what_is_there_and_computes_nothing(files, path):
    files.save(OLD, path)
    before = path.read_bytes()

    report = files.save(pl.LazyFrame({"carrier": []}).select("never asked"), path, "ignore")

    assert (report.rows, report.bytes, report.was_written) == (0, 0, False)
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", ["error", "ignore"])
def test_error_and_ignore_save_where_nothing_is(files, path, mode):
    report = files.save(NEW.lazy(), path, mode)

    check(files.read(path), NEW)
    assert (report.rows, report.was_written) == (2, True)


def test_unknown_mode_is_refused(files, path):
    with pytest.raises(ConfigError, match="mode 'merge' is none of overwrite, append, error, ignore"):
        files.save(OLD, path, "merge")

    assert not path.exists()


def test_a_plan_that_fails_leaves_what_is_there(files, path):
    files.save(OLD, path)
    before = path.read_bytes()
    fails = NEW.lazy().with_columns(pl.col("carrier").cast(pl.Int64).cast(pl.String))

    with pytest.raises(pl.exceptions.InvalidOperationError, match="carrier"):
        files.save(fails, path)

    assert path.read_bytes() == before
    assert names_in(path.parent) == [path.name]
