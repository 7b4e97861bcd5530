"""Tables of a catalog, and queries: modes, names in quotes, columns that must fit, and what is said if they do not."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from odibi_core.plugin import (
    ColumnNotFoundError,
    ConfigError,
    DataFormatError,
    Dataset,
    DatasetExistsError,
    DatasetNotFoundError,
)
from odibi_engine_spark.tables.catalog import SparkCatalogReader, SparkCatalogSaver
from odibi_engine_spark.tables.query_reader import SparkQueryReader


@pytest.fixture
def schema(spark_engine):
    """A schema of its own for each test."""
    name = f"s_{uuid.uuid4().hex[:8]}"
    yield name
    spark_engine.session.sql(f"DROP SCHEMA IF EXISTS `{name}` CASCADE")


def table(name: str, **keys: Any) -> Dataset:
    return Dataset(name="sales", kind="table", format="catalog", location=name, **keys)


def query(text: str) -> Dataset:
    return Dataset(name="top", kind="query", format="sql", location=text)


def rows(frame: Any) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in frame.collect()), key=repr)


def read(engine: Any, dataset: Dataset) -> list[tuple[Any, ...]]:
    return rows(SparkCatalogReader(engine).read(dataset))


def save(engine: Any, select: str, dataset: Dataset) -> Any:
    return SparkCatalogSaver(engine).save(engine.session.sql(select), dataset)


def test_modes(spark_engine, schema):
    name = f"{schema}.sales"
    report = save(spark_engine, "SELECT 1L AS n, 'x' AS s", table(name, mode="error"))
    assert report.was_written
    assert report.rows == (1 if spark_engine.flavour.observe else None)
    with pytest.raises(DatasetExistsError, match="exists, and the mode is 'error'"):
        save(spark_engine, "SELECT 2L AS n, 'y' AS s", table(name, mode="error"))
    assert not save(spark_engine, "SELECT 2L AS n, 'y' AS s", table(name, mode="ignore")).was_written
    save(spark_engine, "SELECT 'y' AS s, 2 AS n", table(name, mode="append"))
    assert read(spark_engine, table(name)) == [(1, "x"), (2, "y")]
    save(spark_engine, "SELECT 'z' AS s, 3L AS n", table(name, mode="overwrite"))
    assert read(spark_engine, table(name)) == [(3, "z")]


def test_columns_must_be_those_of_the_table(spark_engine, schema):
    name = f"{schema}.sales"
    save(spark_engine, "SELECT 1L AS n, 'x' AS s", table(name))
    for mode in ("append", "overwrite"):
        with pytest.raises(DataFormatError, match="lacks 's' and has 't' besides, compared with the table"):
            save(spark_engine, "SELECT 1L AS n, 'x' AS t", table(name, mode=mode))
        with pytest.raises(DataFormatError, match="lacks 's'"):
            save(spark_engine, "SELECT 1L AS n", table(name, mode=mode))
        with pytest.raises(DataFormatError, match="column 'n' is double, and what is there has bigint"):
            save(spark_engine, "SELECT 1.5D AS n, 'x' AS s", table(name, mode=mode))
    assert read(spark_engine, table(name)) == [(1, "x")]
    save(spark_engine, "SELECT true AS b", table(name, mode="overwrite", options={"overwriteSchema": True}))
    assert read(spark_engine, table(name)) == [(True,)]


def test_names_with_dots_blanks_and_quotes_are_names(spark_engine, schema):
    # The catalog that comes with Spark takes letters, digits and underscores only.
    name = f"{schema}.`o.dd ``t`" if spark_engine.flavour.kind == "sail" else f"`{schema}`.`select`"
    save(spark_engine, "SELECT 1L AS `a.b`, 'x' AS `c ``d`", table(name))
    frame = SparkCatalogReader(spark_engine).read(
        table(name, options={"columns": ["c `d"], "filters": [["a.b", "=", 1]]})
    )
    assert rows(frame) == [("x",)]
    catalog = spark_engine.session.catalog.currentCatalog()
    assert read(spark_engine, table(f"{catalog}.{name}")) == [(1, "x")]


@pytest.mark.spark
def test_a_name_that_the_catalog_cannot_hold_is_refused(classic_engine):
    with pytest.raises(ConfigError, match="`o dd` is not a valid name for tables/schemas"):
        save(classic_engine, "SELECT 1 AS n", table("`o dd`"))


def test_partitions(spark_engine, schema):
    name = f"{schema}.parted"
    save(spark_engine, "SELECT 2013 AS y, 1L AS n", table(name, partition_by=("y",)))
    save(spark_engine, "SELECT 2014 AS y, 2L AS n", table(name, partition_by=("y",), mode="append"))
    frame = SparkCatalogReader(spark_engine).read(table(name, options={"columns": ["y", "n"]}))
    assert rows(frame) == [(2013, 1), (2014, 2)]
    with pytest.raises(ColumnNotFoundError, match="no column 'm'"):
        save(spark_engine, "SELECT 1 AS y, 2L AS n", table(name, partition_by=("m",), mode="append"))


def test_what_is_missing_and_what_is_near_is_named(spark_engine, schema):
    save(spark_engine, "SELECT 1L AS n", table(f"{schema}.sales"))
    with pytest.raises(DatasetNotFoundError, match=r"salse\) does not exist. Did you mean 'sales'\?"):
        read(spark_engine, table(f"{schema}.salse"))
    with pytest.raises(DatasetNotFoundError, match=rf"{schema} has sales"):
        read(spark_engine, table(f"{schema}.zzz"))
    with pytest.raises(DatasetNotFoundError, match="There is no schema nowhere either"):
        read(spark_engine, table("nowhere.sales"))
    with pytest.raises(ConfigError, match="is no name of a table"):
        read(spark_engine, table("a.b.c.d"))
    with pytest.raises(ColumnNotFoundError, match="no column 'm'"):
        read(spark_engine, table(f"{schema}.sales", options={"columns": ["m"]}))


def test_merge_goes_by_the_keys(spark_engine, schema):
    if not spark_engine.flavour.merge:
        pytest.skip("no Delta in this session")
    dataset = table(f"{schema}.merged", mode="merge", options={"merge_keys": ["n"]})
    save(spark_engine, "SELECT * FROM VALUES (1L, 'x'), (2L, 'y') AS t(n, s)", dataset)
    save(spark_engine, "SELECT * FROM VALUES (2L, 'z'), (3L, 'w') AS t(n, s)", dataset)
    assert read(spark_engine, table(f"{schema}.merged")) == [(1, "x"), (2, "z"), (3, "w")]
    with pytest.raises(ConfigError, match="mode merge needs the option merge_keys"):
        save(spark_engine, "SELECT 1L AS n", table(f"{schema}.merged", mode="merge"))


@pytest.mark.spark
def test_a_table_that_cannot_be_read_and_overwritten_says_so(classic_engine):
    name = f"t{uuid.uuid4().hex[:8]}"
    try:
        save(classic_engine, "SELECT 1L AS n", table(name, options={"format": "parquet"}))
        with pytest.raises(ConfigError, match="is read and overwritten at once"):
            SparkCatalogSaver(classic_engine).save(classic_engine.session.table(name), table(name))
        assert read(classic_engine, table(name)) == [(1,)]
        save(classic_engine, "SELECT 2L AS n", table(name, mode="append"))
        assert read(classic_engine, table(name)) == [(1,), (2,)]
    finally:
        classic_engine.session.sql(f"DROP TABLE IF EXISTS {name}")


def test_an_unknown_format_of_a_new_table_is_named(spark_engine, schema):
    with pytest.raises(ConfigError, match="nosuch"):
        save(spark_engine, "SELECT 1L AS n", table(f"{schema}.t", options={"format": "nosuch"}))


def test_a_query_returns_rows(spark_engine, schema):
    save(spark_engine, "SELECT 1L AS n, 'x' AS s", table(f"{schema}.sales"))
    reader = SparkQueryReader(spark_engine)
    assert rows(reader.read(query(f"SELECT n + 1 AS m FROM `{schema}`.sales -- and no more;"))) == [(2,)]
    assert rows(reader.read(query("WITH t AS (SELECT 1 AS a) SELECT a FROM t;"))) == [(1,)]
    assert rows(reader.read(query("VALUES (1), (2)"))) == [(1,), (2,)]


def test_what_is_no_query_is_refused_and_not_run(spark_engine, schema):
    save(spark_engine, "SELECT 1L AS n", table(f"{schema}.sales"))
    reader = SparkQueryReader(spark_engine)
    for text in (f"DROP TABLE `{schema}`.sales", f"INSERT INTO `{schema}`.sales VALUES (2)", "SELECT (1 AS n"):
        with pytest.raises(ConfigError, match="is no query of Spark SQL"):
            reader.read(query(text))
    assert read(spark_engine, table(f"{schema}.sales")) == [(1,)]
    with pytest.raises(DatasetNotFoundError, match=r"'top': .*nope"):
        reader.read(query("SELECT * FROM nope"))
    with pytest.raises(ConfigError, match="the query cannot be run"):
        reader.read(query(f"SELECT m FROM `{schema}`.sales"))
    with pytest.raises(ConfigError, match=r"is no query; write \{type: query"):
        reader.read(table("sales"))


@pytest.mark.spark
def test_a_save_whose_rows_spark_cannot_tell_is_a_save(classic_engine):
    """Spark drops the count of literals that go into a Delta table of the catalog, and raises when it is asked for."""
    session = classic_engine.session
    session.sql("CREATE SCHEMA IF NOT EXISTS told")
    frame = session.sql("SELECT 1L AS id, 'a' AS p UNION ALL SELECT 2L, 'b'")
    dataset = Dataset(
        name="t", kind="table", format="catalog", location="told.t", partition_by=("p",), options={"format": "delta"}
    )
    try:
        SparkCatalogSaver(classic_engine).save(frame, dataset)

        assert sorted(session.table("told.t").collect()) == [(1, "a"), (2, "b")]
    finally:
        session.sql("DROP SCHEMA told CASCADE")


@pytest.mark.spark
@pytest.mark.parametrize("format_", ["parquet", "orc", "delta"])
def test_an_overwrite_replaces_all_partitions_in_a_session_that_overwrites_dynamically(
    classic_session, make_engine, format_
):
    session = classic_session.newSession()
    session.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    session.sql("CREATE SCHEMA IF NOT EXISTS whole")
    engine = make_engine(session)
    dataset = table("whole.t", partition_by=("p",), options={"format": format_})
    try:
        save(engine, "SELECT 1L AS id, 'a' AS p UNION ALL SELECT 2L, 'b'", dataset)
        save(engine, "SELECT 3L AS id, 'a' AS p", dataset)

        assert session.table("whole.t").collect() == [(3, "a")]
        assert session.conf.get("spark.sql.sources.partitionOverwriteMode") == "dynamic"
    finally:
        session.sql("DROP SCHEMA whole CASCADE")
