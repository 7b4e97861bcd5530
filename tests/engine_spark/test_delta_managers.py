"""Looking after tables and schemas from a notebook (A-88, D-70)."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from odibi_core.plugin import ConfigError, DataFormatError, DatasetExistsError, DatasetNotFoundError
from odibi_engine_spark import DatabaseManager, DeltaTableManager
from odibi_engine_spark.delta.saver import SparkDeltaSaver


def frame_of(engine: Any, **columns: Any) -> Any:
    return engine.session.createDataFrame(pa.table(columns))


def ids(frame: Any) -> list[Any]:
    return sorted(row["id"] for row in frame.collect())


def write(engine: Any, path: Path, mode: str, *ids_: int) -> None:
    from odibi_core.plugin import Dataset

    dataset = Dataset(name="t", kind="path", format="delta", location=str(path), mode=mode)
    SparkDeltaSaver(engine).save(frame_of(engine, **{"id": list(ids_), "a.b": ["x"] * len(ids_)}), dataset)


@pytest.fixture(params=["classic", "connect"])
def engine(request: pytest.FixtureRequest) -> Any:
    if request.param == "classic":
        request.applymarker(pytest.mark.spark)
    made = request.getfixturevalue(f"{request.param}_engine")
    made.session.conf.set("spark.sql.sources.parallelPartitionDiscovery.parallelism", "2")
    return made


@pytest.fixture
def path(engine: Any, tmp_path: Path) -> Path:
    """A table of three versions: [1], [1, 2], [3]."""
    folder = tmp_path / "odd `path` %20"
    write(engine, folder, "error", 1)
    write(engine, folder, "append", 2)
    write(engine, folder, "overwrite", 3)
    return folder


@pytest.fixture
def schema(engine: Any) -> str:
    name = f"db_{uuid.uuid4().hex[:8]}"
    engine.session.sql(f"CREATE SCHEMA {name}")
    return name


def named(engine: Any, name: str, *ids_: int) -> None:
    frame_of(engine, id=list(ids_)).write.format("delta").mode("append").saveAsTable(name)


@pytest.mark.spark
def test_history_and_time_travel_by_path(engine, path):
    table = DeltaTableManager(engine.session, str(path), is_path=True)
    versions = [row["version"] for row in table.describe_history().select("version").collect()]
    last = versions[0]
    assert versions == list(range(last, -1, -1))
    assert table.get_latest_version() == last
    assert ids(table.time_travel(version=last - 1)) == [1, 2]
    assert table.describe_detail().collect()[0]["format"] == "delta"
    with pytest.raises(ValueError, match="one of them and not both"):
        table.time_travel(version=1, timestamp="2026-01-01")
    with pytest.raises(ValueError, match="one of them"):
        table.time_travel()
    with pytest.raises(DatasetNotFoundError, match="99"):
        table.time_travel(version=99)
    with pytest.raises(DatasetNotFoundError):
        table.time_travel(timestamp="2001-01-01")


@pytest.mark.spark
def test_show_history_prints_the_newest_commits(engine, path, capfd):
    DeltaTableManager(engine.session, str(path), is_path=True).show_history(limit=1)
    shown = capfd.readouterr().out
    assert "Overwrite" in shown
    assert "only showing top 1 row" in shown


@pytest.mark.spark
def test_restore_is_a_new_commit(engine, path):
    table = DeltaTableManager(engine.session, str(path), is_path=True)
    last = table.get_latest_version()
    answer = table.restore_version(last - 1)
    assert answer["num_restored_files"] == 2
    assert table.get_latest_version() == last + 1
    assert ids(engine.session.read.format("delta").load(str(path))) == [1, 2]
    with pytest.raises(ConfigError, match="is no version"):
        table.restore_version("1; DROP TABLE x")  # type: ignore[arg-type]


@pytest.mark.spark
def test_optimize_returns_its_metrics(engine, path):
    for number in range(4, 7):
        write(engine, path, "append", number)
    table = DeltaTableManager(engine.session, str(path), is_path=True)
    metrics = table.optimize(zorder_by=["a.b"])
    assert (metrics["numFilesAdded"], metrics["numFilesRemoved"]) == (1, 4)
    assert table.optimize()["numFilesAdded"] == 0
    assert ids(engine.session.read.format("delta").load(str(path))) == [3, 4, 5, 6]


@pytest.mark.spark
def test_a_dry_run_of_vacuum_returns_the_files_and_leaves_them(engine, path):
    table = DeltaTableManager(engine.session, str(path), is_path=True)
    engine.session.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "true")
    with pytest.raises(ConfigError, match="younger than a week"):
        table.vacuum(0, dry_run=True)
    engine.session.conf.set("spark.databricks.delta.retentionDurationCheck.enabled", "false")
    try:
        before = {file.name for file in path.glob("*.parquet")}
        files = table.vacuum(0, dry_run=True)
        assert len(files) == 2
        assert {Path(file).name for file in files} < before
        assert {file.name for file in path.glob("*.parquet")} == before
        table.vacuum(0)
        assert {file.name for file in path.glob("*.parquet")} == before - {Path(file).name for file in files}
    finally:
        engine.session.conf.unset("spark.databricks.delta.retentionDurationCheck.enabled")
    assert ids(engine.session.read.format("delta").load(str(path))) == [3]
    assert table.vacuum(168, dry_run=True) == []
    with pytest.raises(ConfigError, match="-1"):
        table.vacuum(-1)


@pytest.mark.spark
def test_a_path_gets_a_name_once(engine, path, schema, tmp_path):
    catalog = engine.session.catalog.currentCatalog()
    table = DeltaTableManager(engine.session, str(path), is_path=True)
    table.register_table("sales", database=f"{catalog}.{schema}")
    table.register_table(f"{schema}.sales")
    assert ids(engine.session.table(f"{schema}.sales")) == [3]
    other = tmp_path / "other"
    write(engine, other, "error", 9)
    with pytest.raises(DatasetExistsError, match="is the name of the table in"):
        DeltaTableManager(engine.session, str(other), is_path=True).register_table("sales", schema)
    with pytest.raises(ConfigError, match="is a name already"):
        DeltaTableManager(engine.session, f"{schema}.sales").register_table("x")
    with pytest.raises(DatasetNotFoundError, match="no such Delta table"):
        DeltaTableManager(engine.session, str(tmp_path / "none"), is_path=True).register_table("x", schema)


@pytest.mark.spark
def test_a_named_table_is_cached_and_a_path_is_refused(engine, path, schema):
    named(engine, f"{schema}.t", 1, 2)
    table = DeltaTableManager(engine.session, f"{schema}.t")
    assert not table.is_cached()
    assert table.cache_status()["cached_memory_bytes"] == 0
    table.cache()
    status = table.cache_status()
    assert status["is_cached"]
    assert status["estimated_size_bytes"] > 0
    assert status["estimated_size_readable"].endswith((" B", " KB"))
    # Only a session in this process tells how much memory it is.
    assert status["cached_memory_bytes"] is None or status["cached_memory_bytes"] > 0
    assert (status["cached_memory_bytes"] is None) == (engine.flavour.kind == "connect")
    assert f"{schema}.t" in DeltaTableManager.list_cached_tables(engine.session)
    table.recache(materialize=False)
    assert table.is_cached()
    table.uncache()
    table.uncache()
    assert not table.is_cached()
    table.cache(materialize=False)
    DeltaTableManager.uncache_all(engine.session)
    assert not table.is_cached()
    by_path = DeltaTableManager(engine.session, str(path), is_path=True)
    for refused in (by_path.cache, by_path.uncache, by_path.recache):
        with pytest.raises(ValueError, match="only a table with a name is kept"):
            refused()
    assert by_path.is_cached() is False


@pytest.mark.spark
def test_all_tables_of_a_schema(engine, schema):
    named(engine, f"{schema}.dim_a", 1)
    named(engine, f"{schema}.dim_a", 2)
    named(engine, f"{schema}.odd_name", 3)
    engine.session.sql(f"CREATE TABLE {schema}.plain (id INT) USING parquet")
    engine.session.sql(f"CREATE VIEW {schema}.seen AS SELECT * FROM {schema}.dim_a")
    catalog = engine.session.catalog.currentCatalog()
    tables = DatabaseManager(engine.session, f"{catalog}.{schema}")
    assert tables.list_tables() == ["dim_a", "odd_name", "plain"]
    optimized = {answer["table"]: answer for answer in tables.optimize_all()}
    assert {name.rpartition(".")[2]: answer["status"] for name, answer in optimized.items()} == {
        "dim_a": "ok",
        "odd_name": "ok",
        "plain": "skipped",
    }
    assert optimized[f"{catalog}.{schema}.dim_a"]["metrics"]["numFilesRemoved"] == 2
    vacuumed = {answer["table"].rpartition(".")[2]: answer for answer in tables.vacuum_all(dry_run=True)}
    assert vacuumed["dim_a"]["files"] == []
    failed = [answer for answer in tables.optimize_all(zorder_by="nowhere") if answer["status"] == "failed"]
    assert [answer["table"].rpartition(".")[2] for answer in failed] == ["dim_a", "odd_name"]
    assert all("nowhere" in answer["error"] and "\n" not in answer["error"] for answer in failed)
    assert [answer["table"].rpartition(".")[2] for answer in tables.cache_all("dim_*")] == ["dim_a"]
    assert DeltaTableManager(engine.session, f"{schema}.dim_a").is_cached()
    assert [answer["is_cached"] for answer in tables.uncache_all("dim")] == [False]


@pytest.mark.spark
def test_what_is_not_there_or_no_delta_table_is_said(engine, schema):
    with pytest.raises(DatasetNotFoundError, match="no such Delta table"):
        DeltaTableManager(engine.session, f"{schema}.none").describe_history()
    with pytest.raises(DatasetNotFoundError):
        DatabaseManager(engine.session, "no_such_schema").list_tables()
    engine.session.sql(f"CREATE TABLE {schema}.plain (id INT) USING parquet")
    with pytest.raises(DataFormatError, match="is no Delta table"):
        DeltaTableManager(engine.session, f"{schema}.plain").describe_history()
    with pytest.raises(ConfigError, match="three parts"):
        DatabaseManager(engine.session, "a.b.c")


def test_sail_says_what_does_it_instead(sail_engine, tmp_path):
    folder = tmp_path / "t"
    dataset_ids = frame_of(sail_engine, id=[1])
    dataset_ids.write.format("delta").save(str(folder))
    table = DeltaTableManager(sail_engine.session, str(folder), is_path=True)
    assert table.get_latest_version() == 0
    assert ids(table.time_travel(version=0)) == [1]
    for refused, words in (
        (table.describe_history, "Sail has no DESCRIBE HISTORY. What does it: deltalake's DeltaTable(path).history()"),
        (table.describe_detail, "Sail has no DESCRIBE DETAIL"),
        (table.vacuum, "Sail has no VACUUM"),
        (table.optimize, "Sail has no OPTIMIZE"),
        (lambda: table.restore_version(0), "Sail has no RESTORE"),
        (lambda: table.register_table("x"), "Sail has no lasting catalog"),
        (DeltaTableManager(sail_engine.session, "t").cache, "Sail has no cache"),
        (DatabaseManager(sail_engine.session, "default").vacuum_all, "Sail has no VACUUM"),
        (DatabaseManager(sail_engine.session, "default").optimize_all, "Sail has no OPTIMIZE"),
    ):
        with pytest.raises(ConfigError) as caught:
            refused()
        assert words in str(caught.value)
