"""What Spark is asked to do: no more with hooks, logging and facts than without, and no more than by hand."""

from __future__ import annotations

import itertools
import json
import logging

import pytest

from odibi_core import HookManager, run_project
from odibi_core.plugin import EVENT_TYPES, Dataset
from odibi_engine_spark.files.reader import SparkFileReader
from odibi_engine_spark.files.saver import SparkFileSaver
from odibi_sinks import FileLogSink

pytestmark = pytest.mark.spark

NUMBERS = itertools.count()

STEPS = """
def summed(df):
    return df.groupBy("key").count()


def doubled(df):
    return df.selectExpr("key", "2 * count AS count")
"""


@pytest.fixture
def project(tmp_path, classic_session):
    root = tmp_path / "jobs_counted"
    (root / "config").mkdir(parents=True)
    (root / "steps.py").write_text(STEPS, encoding="utf-8")
    manifest = {
        "project_name": "jobs_counted",
        "layer_order": ["Silver", "Gold"],
        "default_engine": "spark",
        "warehouse": {"path": "data", "format": "parquet"},
    }
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    rows = [
        {
            "transformation_id": function,
            "layer": layer,
            "module": "steps",
            "function": function,
            "inputs": [source],
            "outputs": [f"{layer.lower()}.{function}"],
        }
        for function, layer, source in (
            ("summed", "Silver", "bronze.keys"),
            ("doubled", "Gold", "silver.summed"),
        )
    ]
    (root / "config" / "transformations.json").write_text(json.dumps(rows), encoding="utf-8")
    keys = classic_session.range(0, 1000, 1, 2).selectExpr("id % 10 AS key")
    keys.write.parquet(str(root / "data/bronze/keys.parquet"))
    return root


@pytest.fixture
def jobs_of(classic_session):
    """Count the jobs that Spark starts while something is done, on whatever thread and in whatever group."""
    context = classic_session.sparkContext

    def next_job() -> int:
        group = f"counting {next(NUMBERS)}"
        context.setJobGroup(group, group)
        try:
            context.parallelize([1], 1).count()
        finally:
            context.setLocalProperty("spark.jobGroup.id", None)
        (job,) = context.statusTracker().getJobIdsForGroup(group)
        return job

    def count(action) -> int:
        before = next_job()
        action()
        return next_job() - before - 1

    return count


def run(project, session, **options):
    return run_project(
        "jobs_counted",
        manifest_path=project / "manifest.json",
        auth_provider=lambda **_: {"spark": session, "sql_provider": None},
        **options,
    )


def by_hand(project, session):
    for source, target in (("bronze/keys", "summed"), ("by_hand/summed", "doubled")):
        frame = session.read.parquet(str(project / f"data/{source}.parquet"))
        done = frame.groupBy("key").count() if target == "summed" else frame.selectExpr("key", "2 * count AS count")
        done.write.mode("overwrite").parquet(str(project / f"data/by_hand/{target}.parquet"))


def test_hooks_logging_and_facts_cost_no_job(project, classic_session, jobs_of, tmp_path, caplog):
    caplog.set_level(logging.DEBUG, "odibi")
    seen: list[str] = []
    hooks = HookManager()
    for name in EVENT_TYPES:
        hooks.on(name, lambda payload: seen.append(repr(payload)))
    results = []

    bare = jobs_of(lambda: results.append(run(project, classic_session)))
    watched = jobs_of(
        lambda: results.append(run(project, classic_session, hooks=hooks, log_sink=FileLogSink(tmp_path / "log.csv")))
    )
    hand = jobs_of(lambda: by_hand(project, classic_session))

    assert bare == watched <= hand
    assert bare >= 2
    assert len(seen) >= 20
    assert (tmp_path / "log.csv").stat().st_size > 0
    assert all(result.status == "SUCCESS" for result in results)
    # The facts are there all the same: ten keys, written twice.
    assert [one.rows_written for one in results[1].transformations] == [10, 10]


def test_reading_what_spark_wrote_starts_no_job(classic_session, classic_engine, jobs_of, tmp_path):
    path, frames = tmp_path / "all.parquet", []
    every_type = [
        "id",
        "cast(id AS smallint) AS `odd name.1`",
        "cast(id AS decimal(20, 3)) AS d",
        "cast(id AS string) AS s",
        "timestamp_micros(id) AS t",
        "cast(timestamp_micros(id) AS timestamp_ntz) AS n",
        "date_from_unix_date(int(id)) AS day",
        "array(id, null) AS a",
        "map('k', id) AS m",
        "named_struct('x', id, 'y', array(named_struct('z', true))) AS nested",
        "binary(string(id)) AS b",
    ]
    classic_session.range(0, 10, 1, 2).selectExpr(*every_type).write.parquet(str(path))
    source = Dataset(name="silver.all", kind="table", format="parquet", location=str(path))
    assert jobs_of(lambda: frames.append(SparkFileReader(classic_engine).read(source))) == 0
    by_spark = classic_session.read.parquet(str(path))
    assert frames[0].schema == by_spark.schema
    assert sorted(frames[0].collect(), key=lambda row: row.id) == sorted(by_spark.collect(), key=lambda row: row.id)


def test_files_of_spark_with_other_types_are_still_read_as_one(classic_session, classic_engine, tmp_path):
    path = tmp_path / "mixed.parquet"
    classic_session.sql("SELECT 1 AS id").write.parquet(str(path))
    classic_session.sql("SELECT 2L AS id").write.mode("append").parquet(str(path))
    source = Dataset(name="silver.mixed", kind="table", format="parquet", location=str(path))
    assert sorted(SparkFileReader(classic_engine).read(source).collect()) == [(1,), (2,)]


def test_counting_what_is_saved_starts_no_job(classic_session, classic_engine, jobs_of, tmp_path):
    frame, reports = classic_session.range(0, 100, 1, 2), []
    target = Dataset(name="silver.a", kind="table", format="parquet", location=str(tmp_path / "a.parquet"))
    plain = jobs_of(lambda: frame.write.parquet(str(tmp_path / "plain.parquet")))
    saver = SparkFileSaver(classic_engine)
    assert jobs_of(lambda: reports.append(saver.save(frame, target))) == plain >= 1
    assert reports[0].rows == 100
