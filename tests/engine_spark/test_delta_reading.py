"""Reading Delta tables: now, as of a version or time, and their changes."""

from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from odibi_core.plugin import ColumnNotFoundError, ConfigError, Dataset, DatasetNotFoundError
from odibi_engine_spark.delta.reader import SparkDeltaReader


def read(engine: Any, path: Path | str, **options: Any) -> Any:
    dataset = Dataset(name="silver.sales", kind="table", format="delta", location=str(path), options=options)
    return SparkDeltaReader(engine).read(dataset)


def ids(frame: Any) -> list[Any]:
    return sorted(row["id"] for row in frame.collect())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A table of three versions, made by delta-rs, so that no session has seen it."""
    from deltalake import write_deltalake

    path = tmp_path / "sales"
    properties = {"delta.enableChangeDataFeed": "true"}
    write_deltalake(path, pa.table({"id": [1], "a.b": ["x"]}), configuration=properties)
    write_deltalake(path, pa.table({"id": [2], "a.b": ["y"]}), mode="append")
    write_deltalake(path, pa.table({"id": [3], "a.b": ["z"]}), mode="append")
    return path


def test_a_table_as_it_is_and_as_of_a_version(spark_engine, folder):
    assert ids(read(spark_engine, folder)) == [1, 2, 3]
    assert ids(read(spark_engine, folder, version=0)) == [1]
    assert ids(read(spark_engine, folder, versionAsOf=1)) == [1, 2]
    assert ids(read(spark_engine, folder.as_uri(), version=1)) == [1, 2]


def test_a_table_as_of_a_time(spark_engine, folder):
    # Delta lets nobody look back by more than the week for which it keeps files.
    midnight = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight - dt.timedelta(days=days) for days in (4, 3, 2)]
    for version, day in enumerate(days):
        log = folder / "_delta_log" / f"{version:020d}.json"
        # Delta goes by the file's time, Sail by the commit's own.
        log.write_text(re.sub(r'"timestamp":\d+', f'"timestamp":{int(day.timestamp() * 1000)}', log.read_text()))
        os.utime(log, (day.timestamp(), day.timestamp()))
    assert ids(read(spark_engine, folder, timestamp=f"{days[1]:%Y-%m-%d} 12:00:00")) == [1, 2]
    assert ids(read(spark_engine, folder, timestampAsOf=f"{days[0]:%Y-%m-%d}")) == [1]
    with pytest.raises(DatasetNotFoundError, match=r"silver\.sales"):
        ids(read(spark_engine, folder, timestamp="2001-01-01 00:00:00"))


def test_columns_with_odd_names(spark_engine, folder):
    assert read(spark_engine, folder, columns=["a.b", "id"]).columns == ["a.b", "id"]
    with pytest.raises(ColumnNotFoundError, match="no column 'a'"):
        read(spark_engine, folder, columns=["a"])


def test_what_is_not_there(spark_engine, folder, tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.csv").write_text("id\n1\n")
    for path in (tmp_path / "none", tmp_path / "plain"):
        for options in ({}, {"version": 0}):
            with pytest.raises(DatasetNotFoundError, match=r"there is no Delta table. Check the path"):
                read(spark_engine, path, **options)
    with pytest.raises(DatasetNotFoundError, match="99"):
        ids(read(spark_engine, folder, version=99))


def test_changes_are_read_on_spark_and_refused_on_sail(spark_engine, folder):
    options = {"readChangeFeed": True, "startingVersion": 1}
    if spark_engine.flavour.kind == "sail":
        with pytest.raises(ConfigError, match="Sail has no change feed"):
            read(spark_engine, folder, **options)
        return
    changes = read(spark_engine, folder, **options).collect()
    assert sorted((row["id"], row["_change_type"], row["_commit_version"]) for row in changes) == [
        (2, "insert", 1),
        (3, "insert", 2),
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"version": 1, "timestamp": "2026-01-01"}, "exclude each other"),
        ({"startingVersion": 1}, "go with readChangeFeed"),
        ({"readChangeFeed": True}, "needs startingVersion or startingTimestamp"),
        ({"readChangeFeed": True, "version": 1}, "not with version or timestamp"),
        ({"verson": 1}, "Did you mean 'version'"),
        ({"version": -1}, "version"),
    ],
)
def test_options_that_make_no_sense_are_refused(sail_engine, folder, options, words):
    with pytest.raises(ConfigError) as caught:
        read(sail_engine, folder, **options)
    assert words in str(caught.value)
