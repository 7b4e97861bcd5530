"""Databases through JDBC: Derby, which comes with Spark, in the memory of the Java machine."""

from __future__ import annotations

import traceback
import uuid
from typing import Any

import pytest
from pydantic import SecretStr

from odibi_core.plugin import (
    ColumnNotFoundError,
    ConfigError,
    Dataset,
    DatasetExistsError,
    DatasetNotFoundError,
    OdibiError,
)
from odibi_engine_spark.tables.jdbc import SparkJdbcReader, SparkJdbcSaver

pytestmark = pytest.mark.spark


@pytest.fixture(params=["classic", "connect"])
def engine(request):
    return request.getfixturevalue(f"{request.param}_engine")


@pytest.fixture
def url():
    return f"jdbc:derby:memory:{uuid.uuid4().hex};create=true"


def table(url: str, *, name: str = "sales", mode: Any = "overwrite", **options: Any) -> Dataset:
    return Dataset(
        name=name,
        kind="table",
        format="jdbc",
        location="/project/data/sales.jdbc",
        mode=mode,
        options={"url": url, **options},
    )


def rows(frame: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in frame.collect()), key=repr)


def save(engine: Any, dataset: Dataset, *values: tuple[int, str]) -> Any:
    return SparkJdbcSaver(engine).save(engine.session.createDataFrame(list(values), "n bigint, s string"), dataset)


def test_modes(engine, url):
    reader = SparkJdbcReader(engine)
    assert save(engine, table(url, mode="error"), (1, "x"), (2, "y")).rows == 2
    with pytest.raises(DatasetExistsError, match="the table exists, and the mode is 'error'"):
        save(engine, table(url, mode="error"), (3, "z"))
    assert not save(engine, table(url, mode="ignore"), (3, "z")).was_written
    save(engine, table(url, mode="append"), (3, "z"))
    assert rows(reader.read(table(url))) == [(1, "x"), (2, "y"), (3, "z")]
    save(engine, table(url), (4, "w"))
    assert rows(reader.read(table(url))) == [(4, "w")]


def test_queries_columns_and_ranges(engine, url):
    save(engine, table(url), *((number, str(number)) for number in range(10)))
    reader = SparkJdbcReader(engine)
    assert rows(reader.read(table(url, query='SELECT "n" FROM sales WHERE "n" > 8'))) == [(9,)]
    text = Dataset(
        name="top",
        kind="query",
        format="jdbc",
        location='SELECT max("n") AS m FROM sales;',
        storage_options={"url": url},
    )
    assert rows(reader.read(text)) == [(9,)]
    ranges = {"partitionColumn": "n", "lowerBound": 0, "upperBound": 10, "num_partitions": 2}
    assert len(rows(reader.read(table(url, columns=["s"], fetchsize=3, **ranges)))) == 10
    with pytest.raises(ColumnNotFoundError, match="no column 'm'"):
        reader.read(table(url, columns=["m"]))
    with pytest.raises(ConfigError, match="go together; give all four"):
        reader.read(table(url, numPartitions=2))


def test_a_missing_table_is_named(engine, url):
    save(engine, table(url), (1, "x"))
    with pytest.raises(DatasetNotFoundError, match=r"'nope': the database has no such table \(.*NOPE"):
        SparkJdbcReader(engine).read(table(url, name="nope"))


def test_a_missing_driver_is_named(engine):
    with pytest.raises(ConfigError, match=r"has no JDBC driver for this URL .* engines.spark.jars"):
        SparkJdbcReader(engine).read(
            Dataset(name="a", kind="table", format="jdbc", location="", options={"url": "jdbc:nosuch://host/a"})
        )
    with pytest.raises(ConfigError, match="a database is named by the option url, or by the connection"):
        SparkJdbcReader(engine).read(Dataset(name="a", kind="table", format="jdbc", location=""))


def test_an_error_of_the_frame_is_not_blamed_on_the_database(engine, url):
    save(engine, table(url), (1, "x"))
    broken = engine.session.sql("SELECT if(id < 5, id, raise_error('on purpose')) AS n, 'x' AS s FROM range(10)")
    with pytest.raises(Exception, match="on purpose") as caught:
        SparkJdbcSaver(engine).save(broken, table(url, mode="append"))
    assert not isinstance(caught.value, OdibiError)
    assert rows(SparkJdbcReader(engine).read(table(url))) == [(1, "x")]


def test_users_and_passwords_are_shown_nowhere(engine):
    secrets = ("s3cret-user", "s3cret-word", "s3cret-in-url", "s3cret-key")
    dataset = table(
        f"jdbc:derby:memory:absent-{secrets[2]};password={secrets[2]}",
        user=SecretStr(secrets[0]),
        password=secrets[1],
        properties={"trustKey": secrets[3]},
    )
    for action in (
        lambda: SparkJdbcReader(engine).read(dataset),
        lambda: save(engine, dataset, (1, "x")),
    ):
        with pytest.raises(OdibiError) as caught:
            action()
        shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        assert "***" in shown
        assert not [secret for secret in secrets if secret in shown]


def test_sail_has_no_jdbc(sail_engine):
    with pytest.raises(ConfigError, match="Sail has no JDBC; read and save with the format sql of odibi-sinks"):
        SparkJdbcReader(sail_engine).read(table("jdbc:derby:memory:a"))
