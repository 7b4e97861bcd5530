"""Reading Delta tables for engines whose frames speak Arrow."""

import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from odibi_core.plugin import (
    ColumnNotFoundError,
    ConfigError,
    DataError,
    DataFormatError,
    Dataset,
    DatasetNotFoundError,
    TransientError,
)
from odibi_sinks.delta_tables.reader import DeltaTableReader
from odibi_sinks.delta_tables.saver import DeltaTableSaver

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SALES = pa.table(
    {
        "id": [1, 2, 3],
        "Unit price.eur": pa.array([Decimal("1.50"), Decimal("2.00"), None], pa.decimal128(10, 2)),
        "region": ["north", "O'Hara", None],
        "day": [date(2026, 3, 1), date(2026, 3, 2), None],
        "at": pa.array([NOON, NOON + timedelta(days=1), None], pa.timestamp("us", tz="UTC")),
        "local": pa.array([NOON, NOON + timedelta(days=1), None], pa.timestamp("us")),
        "is_open": [True, False, None],
    }
)


@pytest.fixture
def place(tmp_path):
    return tmp_path / "data" / "silver" / "sales"


@pytest.fixture
def read(place):
    def read(location=None, *, kind="table", storage_options=None, **options):
        dataset = Dataset(
            name="silver.sales",
            kind=kind,
            format="delta",
            location=str(location or place),
            options=options,
            storage_options=storage_options or {},
        )
        return DeltaTableReader(None).read(dataset)

    return read


@pytest.fixture
def table(place):
    write_deltalake(place, SALES)
    return place


def test_rows_come_with_the_tables_types(table, read):
    assert read().read_all() == SALES


def test_stream_is_read_when_it_is_consumed(table, read):
    reading = read()
    for file in table.glob("*.parquet"):
        file.unlink()

    assert isinstance(reading, pa.RecordBatchReader)
    with pytest.raises(DataError, match=r"'silver.sales' \(delta\) cannot be read at .*not found"):
        reading.read_all()


def test_what_is_committed_meanwhile_is_not_seen(table, read):
    reading = read()
    write_deltalake(table, SALES.slice(0, 1), mode="overwrite")

    assert reading.read_all().num_rows == 3


def test_rows_come_in_the_same_order_each_time(place, read):
    for start in (0, 50_000):
        write_deltalake(place, pa.table({"id": range(start, start + 50_000)}), mode="append")

    ids = read().read_all()["id"].to_pylist()

    assert ids == [*range(50_000, 100_000), *range(50_000)]


def test_columns_are_chosen_in_their_order(table, read):
    assert read(columns=["region", "id"]).read_all() == SALES.select(["region", "id"])
    assert read(columns="Unit price.eur").schema.names == ["Unit price.eur"]


def test_unknown_column_is_named_with_a_suggestion(table, read):
    with pytest.raises(ColumnNotFoundError, match=r"no column 'regoin'.*Did you mean 'region'"):
        read(columns=["regoin"])


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ([["id", ">=", 2]], [2, 3]),
        ([["id", "=", 1], ["region", "==", "north"]], [1]),
        ([[["id", "=", 1]], [["id", "=", 3]]], [1, 3]),
        ([["region", "=", "O'Hara"]], [2]),
        ([["region", "!=", "north"]], [2]),
        ([["region", "in", ["north", "O'Hara"]]], [1, 2]),
        ([["id", "not in", [1, 2]]], [3]),
        ([["region", "=", None]], [3]),
        ([["region", "!=", None]], [1, 2]),
        ([["Unit price.eur", "<", 1.75]], [1]),
        ([["Unit price.eur", "=", Decimal("2.00")]], [2]),
        ([["day", ">", "2026-03-01"]], [2]),
        ([["day", "=", date(2026, 3, 1)]], [1]),
        ([["at", "<", "2026-03-01T13:00:00+01:00"]], []),
        ([["at", "<=", NOON]], [1]),
        ([["local", ">", "2026-03-01T12:00:00"]], [2]),
        ([["is_open", "=", True]], [1]),
    ],
    ids=str,
)
def test_filters_choose_rows(table, read, filters, ids):
    assert read(columns=["id"], filters=filters).read_all()["id"].to_pylist() == ids


@pytest.mark.parametrize(
    ("filters", "error", "message"),
    [
        ([["idd", "=", 1]], ColumnNotFoundError, "column 'idd', which is not there. Did you mean 'id'?"),
        ([["id", "=", "1"]], ConfigError, "'1' cannot be compared with a column of type int64"),
        ([["id", "=", True]], ConfigError, "True cannot be compared"),
        ([["region", ">", 5]], ConfigError, "5 cannot be compared with a column of type string"),
        ([["id", ">", float("nan")]], ConfigError, "nan cannot be compared"),
        ([["id", ">", None]], ConfigError, "None cannot be compared"),
        ([["id", "like", 5]], ConfigError, "operator 'like'; known are =, ==, !="),
        ([["id", "in", 5]], ConfigError, "'in' needs a list of values"),
        ([["id", ">"]], ConfigError, "['id', '>'] is not of the form [column, operator, value]"),
        ([["id", ">", 1], [["id", ">", 1]]], ConfigError, "is not of the form"),
    ],
    ids=str,
)
def test_wrong_filters_are_errors(table, read, filters, error, message):
    with pytest.raises(error) as caught:
        read(filters=filters)
    assert message in str(caught.value)


def test_filters_on_partitions_read_their_folders_only(place, read):
    write_deltalake(place, SALES.select(["id", "region"]), partition_by=["region"])
    next((place / "region=north").glob("*.parquet")).unlink()

    assert read(filters=[["region", "=", "O'Hara"]]).read_all()["id"].to_pylist() == [2]


# --- time travel


@pytest.fixture
def versions(place):
    """Commit three versions, of one to three rows."""
    for number in range(3):
        write_deltalake(place, pa.table({"id": range(number + 1)}), mode="overwrite")
    return place


def test_version_is_read_as_it_was(versions, read):
    assert read(version=0).read_all().num_rows == 1
    assert read(versionAsOf=2).read_all().num_rows == 3


def test_columns_of_another_version_are_known(place, read):
    write_deltalake(place, pa.table({"old": [1]}))
    write_deltalake(place, pa.table({"new": [1]}), mode="overwrite", schema_mode="overwrite")

    assert read(version=0, columns=["old"]).read_all().to_pylist() == [{"old": 1}]


def test_version_that_is_not_there_is_an_error(versions, read):
    with pytest.raises(DatasetNotFoundError, match=r"has no version 7; its newest is 2"):
        read(version=7)


@pytest.mark.parametrize(
    ("timestamp", "rows"),
    [
        ("2099-01-01", 3),
        ("2099-01-01T00:00:00", 3),
        ("2099-01-01T00:00:00+05:00", 3),
        (datetime(2099, 1, 1, tzinfo=UTC), 3),
    ],
    ids=str,
)
def test_moment_after_the_last_commit_means_the_newest(versions, read, timestamp, rows):
    assert read(timestamp=timestamp).read_all().num_rows == rows


def test_moment_between_commits_means_the_one_before(place, read):
    write_deltalake(place, pa.table({"id": [1]}))
    between = datetime.fromtimestamp(DeltaTable(place).history(1)[0]["timestamp"] / 1000, tz=UTC)
    write_deltalake(place, pa.table({"id": [1, 2]}), mode="overwrite")
    later = (between + timedelta(hours=1)).timestamp()
    log = place / "_delta_log" / f"{1:020}.json"
    log.write_text(log.read_text().replace('"timestamp":', f'"timestamp":{int(later * 1000)},"was":', 1))
    os.utime(log, (later, later))

    assert read(timestamp=between + timedelta(minutes=30)).read_all().num_rows == 1
    assert read(timestampAsOf=between + timedelta(hours=2)).read_all().num_rows == 2


def test_moment_before_the_first_commit_is_an_error(table, read):
    with pytest.raises(DatasetNotFoundError, match=r"at 2001-01-01T00:00:00\+00:00 there was no version.*version 0"):
        read(timestamp="2001-01-01")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": 1, "timestamp": "2026-01-01"}, "version and timestamp both say"),
        ({"version": -1}, "option 'version'"),
        ({"timestamp": "yesterday"}, "option 'timestamp'"),
        ({"column": ["a"]}, "unknown option 'column'. Did you mean 'columns'?"),
        ({"columns": []}, "option 'columns'"),
        ({"filters": []}, "option 'filters'"),
    ],
    ids=str,
)
def test_wrong_options_are_errors(table, read, options, message):
    with pytest.raises(ConfigError) as caught:
        read(**options)
    assert message in str(caught.value)


# --- what is not there


def test_missing_table_is_an_error_with_the_place(place, read):
    with pytest.raises(DatasetNotFoundError, match=r"'silver.sales' \(delta\): no Delta table at .*sales. Run what"):
        read()
    assert not place.exists()


def test_missing_table_suggests_its_neighbour(place, read):
    write_deltalake(place.with_name("sale"), SALES)

    with pytest.raises(DatasetNotFoundError, match=r"Did you mean 'sale'"):
        read()


def test_missing_table_points_to_a_file_of_that_name(place, read):
    place.parent.mkdir(parents=True)
    place.with_suffix(".parquet").write_bytes(b"")

    with pytest.raises(DatasetNotFoundError, match=r"There is sales.parquet beside it"):
        read()


def test_folder_without_a_log_is_said_to_be_one(place, read):
    place.mkdir(parents=True)
    (place / "part-0.parquet").write_bytes(b"")

    with pytest.raises(DatasetNotFoundError, match=r"The folder is there and has no _delta_log"):
        read()


def test_file_is_no_table(place, read):
    place.parent.mkdir(parents=True)
    place.write_text("id\n1\n")

    with pytest.raises(DataFormatError, match=r"is a file, and a Delta table is a folder"):
        read()


def test_query_needs_another_engine(read):
    with pytest.raises(ConfigError, match=r"a query needs an engine that speaks SQL"):
        read("select 1", kind="query")


def test_damaged_log_is_one_line_without_stack_traces(table, read):
    (table / "_delta_log" / f"{0:020}.json").write_text("{nonsense")

    with pytest.raises(DataError) as caught:
        read()
    assert "\n" not in str(caught.value)
    assert "<unknown>" not in str(caught.value)


def test_unknown_scheme_is_named(read):
    with pytest.raises(ConfigError, match=r"delta-rs does not know the scheme warehouse://"):
        read("warehouse://a/b")


def test_store_that_is_away_is_transient_and_its_secrets_stay_unsaid(read):
    options = {
        "key": "AKIAEXAMPLE",
        "secret": "wJalrSecret",
        "client_kwargs": {"endpoint_url": "http://127.0.0.1:1", "region_name": "eu"},
        "allow_http": True,
        "max_retries": 0,
    }

    with pytest.raises(TransientError, match=r"cannot be read at s3://lake/sales") as caught:
        read("s3://lake/sales", storage_options=options)
    assert "AKIAEXAMPLE" not in str(caught.value)
    assert "wJalrSecret" not in str(caught.value)


def test_storage_option_that_is_no_text_is_refused(read):
    with pytest.raises(ConfigError, match=r"storage option 'config', a dict") as caught:
        read("s3://lake/sales", storage_options={"config": {"secret": "x1y2"}})
    assert "x1y2" not in str(caught.value)


def test_local_uri_is_read(table, read):
    assert read(Path(table).as_uri()).read_all().num_rows == 3


# --- decimals


LONG = [Decimal(100000000000000001), Decimal(100000000000000002), Decimal("100000000000000000.5"), Decimal(-7)]
LONG_TYPE = pa.decimal128(38, 18)


@pytest.mark.parametrize("writer", ["deltalake", "here"])
@pytest.mark.parametrize("value", LONG, ids=str)
def test_long_decimals_are_found_by_their_last_digit(read, place, value, writer):
    """Delta-rs writes them into statistics as floats, which says of their files that others are in there."""
    for one in LONG:
        rows = pa.table({"id": pa.array([one], LONG_TYPE)})
        if writer == "here":
            DeltaTableSaver(None).save(
                rows, Dataset(name="t", kind="table", format="delta", location=str(place), mode="append")
            )
        else:
            write_deltalake(place, rows, mode="append")

    def found(operator, wanted):
        return sorted(read(filters=[["id", operator, wanted]]).read_all()["id"].to_pylist())

    assert found("=", value) == found("in", [value]) == [value]
    assert found("!=", value) == found("not in", [value]) == sorted(one for one in LONG if one != value)
    assert found(">=", value) == sorted(one for one in LONG if one >= value)
    assert found("<", value) == sorted(one for one in LONG if one < value)
    if value == int(value):
        assert found("=", int(value)) == [value]


def test_decimals_are_compared_with_what_numbers_say(read, place):
    write_deltalake(place, pa.table({"price": pa.array([Decimal("0.10"), Decimal("1200.00")], pa.decimal128(10, 2))}))

    assert read(filters=[["price", "=", 0.1]]).read_all().num_rows == 1
    assert read(filters=[["price", "=", Decimal("1.2e3")]]).read_all().num_rows == 1
    assert read(filters=[["price", ">", -1e-7]]).read_all().num_rows == 2
