"""Files that Spark reaches and this process does not: a store, or the disk of a server."""

from __future__ import annotations

from typing import Any

import pytest

from odibi_core.plugin import ConfigError, Dataset, DatasetExistsError, DatasetNotFoundError
from odibi_engine_spark.files.reader import SparkFileReader
from odibi_engine_spark.files.saver import SparkFileSaver
from odibi_engine_spark.places import place_of
from odibi_engine_spark.storage import reachable


@pytest.fixture
def far_engine(classic_engine):
    """An engine whose Spark is taken to be on another machine, so that everything is left to Spark."""
    classic_engine.flavour.__dict__["shares_files"] = False
    return classic_engine


def far(path: Any, format_: str, **keys: Any) -> Dataset:
    return Dataset(name="silver.a", kind="table", format=format_, location=str(path), **keys)


def rows(engine: Any, dataset: Dataset) -> list[tuple[Any, ...]]:
    return sorted((tuple(row) for row in SparkFileReader(engine).read(dataset).collect()), key=repr)


@pytest.mark.spark
@pytest.mark.parametrize("format_", ["csv", "jsonl", "parquet", "orc"])
def test_modes_are_sparks_own(far_engine, tmp_path, format_):
    frame = far_engine.session.createDataFrame([(1, "x"), (2, None)], "n bigint, s string")
    saver, path = SparkFileSaver(far_engine), tmp_path / f"a.{format_}"
    assert saver.save(frame, far(path, format_, mode="error")).rows == 2
    with pytest.raises(DatasetExistsError, match="exists, and the mode is 'error'"):
        saver.save(frame, far(path, format_, mode="error"))
    assert not saver.save(frame, far(path, format_, mode="ignore")).was_written
    saver.save(frame.where("n = 1"), far(path, format_, mode="append"))
    assert rows(far_engine, far(path, format_)) == [(1, "x"), (1, "x"), (2, None)]
    saver.save(frame, far(path, format_, mode="overwrite"))
    assert rows(far_engine, far(path, format_)) == [(1, "x"), (2, None)]


@pytest.mark.spark
@pytest.mark.parametrize("format_", ["csv", "parquet"])
def test_an_overwrite_replaces_all_partitions_in_a_session_that_overwrites_dynamically(
    classic_session, make_engine, tmp_path, format_
):
    session = classic_session.newSession()
    session.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    engine = make_engine(session)
    engine.flavour.__dict__["shares_files"] = False
    dataset = far(tmp_path / "a", format_, partition_by=("p",))

    SparkFileSaver(engine).save(session.sql("SELECT 1L AS id, 'a' AS p UNION ALL SELECT 2L, 'b'"), dataset)
    SparkFileSaver(engine).save(session.sql("SELECT 3L AS id, 'a' AS p"), dataset)

    assert rows(engine, dataset) == [(3, "a")]


@pytest.mark.spark
def test_what_needs_the_files_here_says_so(far_engine, tmp_path):
    frame = far_engine.session.createDataFrame([(1,)], "n bigint")
    with pytest.raises(ConfigError, match="Spark writes one record per line, which is no JSON document"):
        SparkFileSaver(far_engine).save(frame, far(tmp_path / "a.json", "json"))
    with pytest.raises(ConfigError, match=r"a.csv.zip is zip, which Spark cannot read, and it is not on this machine"):
        SparkFileReader(far_engine).read(far(tmp_path / "a.csv.zip", "csv"))
    with pytest.raises(DatasetNotFoundError, match=r"a.parquet does not exist"):
        SparkFileReader(far_engine).read(far(tmp_path / "a.parquet", "parquet"))


@pytest.mark.spark
def test_csv_is_typed_there_too(far_engine, tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,NA\n2,x\n")
    assert rows(far_engine, far(tmp_path / "a.csv", "csv")) == [(1, None), (2, "x")]
    named = far(tmp_path / "a.csv", "csv", options={"header": None})
    assert SparkFileReader(far_engine).read(named).columns == ["0", "1"]
    with pytest.raises(ConfigError, match="3 names for 2 columns"):
        SparkFileReader(far_engine).read(far(tmp_path / "a.csv", "csv", options={"names": ["a", "b", "c"]}))


@pytest.mark.parametrize(
    ("location", "given", "uri", "options"),
    [
        ("s3://lake/a", {"anon": True}, "s3a://lake/a", "AnonymousAWSCredentialsProvider"),
        ("s3a://lake/a", {"token": "T"}, "s3a://lake/a", "TemporaryAWSCredentialsProvider"),
        ("s3://lake/a", {"client_kwargs": {"endpoint_url": "http://h"}}, "s3a://lake/a", "path.style.access"),
        (
            "abfs://c/a",
            {"account_name": "acc", "account_key": "K"},
            "abfss://c@acc.dfs.core.windows.net/a",
            "account.key",
        ),
        (
            "abfss://c@acc.dfs.core.windows.net/a",
            {"sas_token": "S"},
            "abfss://c@acc.dfs.core.windows.net/a",
            "fixed.token.acc",
        ),
        (
            "abfss://c@acc.dfs.core.windows.net/a",
            {"tenant_id": "t", "client_id": "i", "client_secret": "s"},
            "abfss://c@acc.dfs.core.windows.net/a",
            "ClientCredsTokenProvider",
        ),
        ("hdfs://n/a", {"fs.x": 1}, "hdfs://n/a", "fs.x"),
        ("dbfs:/a", {}, "dbfs:/a", ""),
    ],
    ids=["s3 anonymous", "s3 session", "s3 endpoint", "azure key", "azure sas", "azure oauth", "hadoop", "dbfs"],
)
def test_what_a_connection_says_is_said_to_hadoop(location, given, uri, options):
    found, told = reachable(location, given, subject="a")
    assert found == uri
    assert options in f"{told}"
    assert all(isinstance(value, str) for value in told.values())


def test_what_hadoop_cannot_be_told_is_named_without_its_value():
    with pytest.raises(ConfigError, match="the connection says 'config_kwargs', which Spark cannot be told") as caught:
        reachable("s3://lake/a", {"key": "K", "config_kwargs": "s3cret"}, subject="a")
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ConfigError, match="'token'"):
        reachable("gs://lake/a", {"token": "s3cret"}, subject="a")


def test_credentials_are_not_shown(sail_engine):
    shown = place_of(far("s3a://key:s3cret@lake/a.csv", "csv"), engine=sail_engine)
    assert shown.shown == "s3a://***@lake/a.csv"
    with pytest.raises(ConfigError, match="Sail takes what it needs to reach a store from environment variables"):
        place_of(far("s3://lake/a", "csv", storage_options={"key": "K"}), engine=sail_engine)
