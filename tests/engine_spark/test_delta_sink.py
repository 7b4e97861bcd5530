"""The log sink ``spark_delta`` on every flavour: each record once, nothing ever replaced (A-40, D-48)."""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from odibi_core.plugin import (
    RECORD_COLUMNS,
    ConfigError,
    LogSink,
    ReadableLogSink,
    RememberingLogSink,
    RunLogError,
)
from odibi_engine_spark import SparkDeltaLogSink
from odibi_engine_spark.delta.commits import latest_version

BEGUN = dt.datetime(2026, 11, 22, 3, 20, 0, 123456, tzinfo=dt.UTC)


def record(run_id: str = "r1", seq: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "transformation_id": f"t{seq}",
        "project": "P",
        "start_time": BEGUN + dt.timedelta(seconds=seq),
        "status": "SUCCESS",
        "env": "qat",
        "run_id": run_id,
        "seq": seq,
        "layer": "Silver",
        "attempt": 1,
    } | more


def seqs(sink: SparkDeltaLogSink) -> list[tuple[str, int]]:
    return [(one["run_id"], one["seq"]) for one in sink.read_records()]


@pytest.fixture
def schema(spark_engine: Any) -> str:
    return f"log_{uuid.uuid4().hex[:8]}"


@pytest.fixture(params=["path", "name"])
def sink(request: pytest.FixtureRequest, spark_engine: Any, tmp_path: Path, schema: str) -> SparkDeltaLogSink:
    if request.param == "path":
        return SparkDeltaLogSink(spark_engine.session, path=tmp_path / "log")
    return SparkDeltaLogSink(spark_engine.session, f"{schema}.Run_Log")


def test_it_is_a_log_sink_that_remembers_and_can_be_read(tmp_path):
    sink = SparkDeltaLogSink(path=tmp_path)
    assert callable(sink.write)
    assert isinstance(sink, RememberingLogSink)
    assert isinstance(sink, ReadableLogSink)
    assert LogSink is not None
    assert SparkDeltaLogSink().table_name == "config_driven.TransformationRunLog"


def test_records_come_back_as_they_were_written(sink):
    whole = record(
        plant="Cedar Rapids",
        asset="é 'quoted' `x` \u2603",
        end_time=BEGUN + dt.timedelta(hours=1),
        duration_seconds=1.25,
        error_message="line one\nline two " * 1000,
        step=3,
        module="silver.x",
        function="f",
        engine="spark",
        rows_read=2**40,
        rows_written=0,
        plugin_versions="odibi-core 0.1.0",
    )
    bare = record(seq=2)
    sink.write([whole, bare])
    found = list(sink.read_records())
    assert [list(one) for one in found] == [list(RECORD_COLUMNS)] * 2
    assert found[0] == whole
    assert found[1] == dict.fromkeys(RECORD_COLUMNS) | bare
    assert found[0]["start_time"].tzinfo is dt.UTC


def test_what_was_delivered_before_is_not_repeated(sink):
    assert sink.last_seq("r1") == 0
    sink.write([record(seq=1), record(seq=2), record(seq=2)])
    assert sink.last_seq("r1") == 2
    sink.write([record(seq=2), record(seq=3)])
    sink.write([record(seq=1)])
    sink.write([record("r2", 1), record(seq=4)])
    sink.write([])
    assert seqs(sink) == [("r1", 1), ("r1", 2), ("r1", 3), ("r1", 4), ("r2", 1)]
    assert (sink.last_seq("r1"), sink.last_seq("r2"), sink.last_seq("r3")) == (4, 1, 0)


def test_a_batch_is_one_commit(spark_engine, tmp_path):
    sink = SparkDeltaLogSink(spark_engine.session, path=tmp_path / "log")
    sink.write([record(seq=seq) for seq in range(1, 501)])
    assert latest_version(tmp_path / "log") == 0
    sink.write([record(seq=seq) for seq in range(501, 1001)])
    assert latest_version(tmp_path / "log") == 1
    assert sink.last_seq("r1") == 1000


def test_records_of_runs_since_a_moment(sink):
    sink.write([record("r1", 1)])
    sink.write([record("r2", seq, start_time=BEGUN + dt.timedelta(days=seq)) for seq in (1, 2)])
    late = [(one["run_id"], one["seq"]) for one in sink.read_records(since=BEGUN + dt.timedelta(days=2))]
    assert set(late) >= {("r2", 1), ("r2", 2)}
    assert ("r1", 1) not in late


def test_reading_a_table_that_is_not_there_is_an_error(sink):
    with pytest.raises(RunLogError, match="no such table is there"):
        list(sink.read_records())


def test_names_of_one_to_three_parts_mean_one_table(spark_engine, schema):
    """A-40: three parts are catalog, schema and table."""
    session = spark_engine.session
    catalog = session.catalog.currentCatalog()
    three = SparkDeltaLogSink(session, f"{catalog}.{schema}.log")
    three.write([record(seq=1)])
    SparkDeltaLogSink(session, f"{schema}.log").write([record(seq=2)])
    assert three.last_seq("r1") == 2
    assert catalog not in [one.name for one in session.catalog.listDatabases()]
    before = session.catalog.currentDatabase()
    session.catalog.setCurrentDatabase(schema)
    try:
        assert SparkDeltaLogSink(session, "log").last_seq("r1") == 2
    finally:
        session.catalog.setCurrentDatabase(before)


@pytest.mark.parametrize("name", ["", "a.b.c.d", "a..b", ".a", "a.", "a`b"])
def test_what_is_no_name_is_refused_at_once(name):
    with pytest.raises(ConfigError, match="is no name of a table"):
        SparkDeltaLogSink(table_name=name)


V2_TABLE = {
    "transformation_id": pa.array(["old"]),
    "project": pa.array(["P"]),
    "plant": pa.array(["x"]),
    "asset": pa.array([None], pa.string()),
    "start_time": pa.array([BEGUN], pa.timestamp("us", "UTC")),
    "end_time": pa.array([None], pa.timestamp("us", "UTC")),
    "status": pa.array(["SUCCESS"]),
    "duration_seconds": pa.array([1.5], pa.float32()),
    "error_message": pa.array([None], pa.string()),
    "env": pa.array(["qat"]),
    "own_column": pa.array([7]),
}


def test_an_older_table_gets_the_columns_that_it_lacks_and_keeps_its_rows(spark_engine, tmp_path):
    from deltalake import DeltaTable, write_deltalake

    folder = tmp_path / "log"
    write_deltalake(folder, pa.table(V2_TABLE))
    sink = SparkDeltaLogSink(spark_engine.session, path=folder)
    assert sink.last_seq("r1") == 0
    sink.write([record(seq=1, duration_seconds=2.5)])
    sink.write([record(seq=1), record(seq=2)])
    found = sorted(sink.read_records(), key=lambda one: one["seq"] or 0)
    assert [(one["transformation_id"], one["seq"], one["duration_seconds"]) for one in found] == [
        ("old", None, 1.5),
        ("t1", 1, 2.5),
        ("t2", 2, None),
    ]
    assert DeltaTable(folder).to_pyarrow_table()["own_column"].to_pylist().count(7) == 1


@pytest.mark.parametrize(
    ("column", "words"),
    [({"status": [1]}, "'status' is bigint"), ({"Status": ["x"]}, "'Status' differs from 'status' only in case")],
)
def test_a_table_that_records_do_not_fit_into_is_left_alone(spark_engine, tmp_path, column, words):
    from deltalake import write_deltalake

    folder = tmp_path / "log"
    write_deltalake(folder, pa.table(column))
    with pytest.raises(RunLogError, match=words):
        SparkDeltaLogSink(spark_engine.session, path=folder).write([record()])
    assert latest_version(folder) == 0


@pytest.mark.parametrize("flavour", ["sail", pytest.param("classic", marks=pytest.mark.spark)])
def test_a_folder_that_holds_something_else_is_left_alone(request, flavour, tmp_path):
    # A Spark Connect server may be anywhere, and what its folders hold cannot be asked.
    session = request.getfixturevalue(f"{flavour}_engine").session
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "a.csv").write_text("x")
    with pytest.raises(RunLogError, match=r"holds 'a\.csv'"):
        SparkDeltaLogSink(session, path=tmp_path / "log").write([record()])
    assert [path.name for path in (tmp_path / "log").iterdir()] == ["a.csv"]


def test_values_that_others_would_choke_on(spark_engine, tmp_path):
    sink = SparkDeltaLogSink(spark_engine.session, path=tmp_path / "log")
    sink.write(
        [record(duration_seconds=float("nan"), error_message="\udcff", start_time="2026-11-22T03:20:00", step="3")]
    )
    (found,) = sink.read_records()
    assert (found["duration_seconds"], found["error_message"], found["step"]) == (None, "\\udcff", 3)
    assert found["start_time"] == dt.datetime(2026, 11, 22, 3, 20, tzinfo=dt.UTC)
    with pytest.raises(RunLogError, match="column 'step' takes integer values"):
        sink.write([record(seq=2, step="many")])
    assert sink.last_seq("r1") == 1


def test_delta_rs_goes_on_where_spark_left_off(classic_engine, tmp_path):
    from odibi_sinks import DeltaLogSink

    ours = SparkDeltaLogSink(classic_engine.session, path=tmp_path / "log")
    theirs = DeltaLogSink(tmp_path / "log")
    ours.write([record(seq=1), record(seq=2)])
    assert theirs.last_seq("r1") == 2
    theirs.write([record(seq=2), record(seq=3)])
    ours.write([record(seq=seq) for seq in range(1, 5)])
    theirs.write([record(seq=seq) for seq in range(1, 6)])
    assert seqs(ours) == [("r1", seq) for seq in range(1, 6)]
    assert [one["seq"] for one in theirs.read_records()] == [1, 2, 3, 4, 5]


def test_writers_that_race_with_the_same_run_write_each_record_once(classic_engine, tmp_path):
    folder = tmp_path / "log"
    SparkDeltaLogSink(classic_engine.session, path=folder).write([record("r0", 1)])
    errors: list[BaseException] = []
    barrier = threading.Barrier(3)

    def deliver(first: int) -> None:
        sink = SparkDeltaLogSink(classic_engine.session, path=folder)
        barrier.wait(timeout=60)
        try:
            for begin in range(1, 9, first):
                sink.write([record(seq=seq) for seq in range(begin, min(begin + first + 2, 9))])
        except BaseException as error:  # noqa: BLE001  # asserted to be none
            errors.append(error)

    threads = [threading.Thread(target=deliver, args=(first,)) for first in (2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=200)
    assert errors == []
    sink = SparkDeltaLogSink(classic_engine.session, path=folder)
    assert seqs(sink) == [("r0", 1), *[("r1", seq) for seq in range(1, 9)]]


CODE = """
import sys
from pathlib import Path
from odibi_engine_spark import SparkDeltaLogSink
from odibi_engine_spark.options import SparkEngineOptions
from odibi_engine_spark.sessions.classic import build_classic

conf = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.warehouse.dir": sys.argv[1],
    "spark.databricks.delta.snapshotPartitions": "1",
}
session = build_classic(SparkEngineOptions(master="local[2]", conf=conf), project_root=Path(sys.argv[1]))
sink = SparkDeltaLogSink()
record = {"transformation_id": "t", "project": "P", "status": "SUCCESS", "env": "q", "run_id": "r"}
sink.write([record | {"seq": int(seq)} for seq in sys.argv[2].split(",")])
print(sink.last_seq("r"), session.table("config_driven.TransformationRunLog").count())
session.stop()
"""


@pytest.mark.spark
def test_a_name_of_an_earlier_process_means_its_table(run_python: Callable[..., Any], classic_session, tmp_path):
    first = run_python(CODE, str(tmp_path), "1,2")
    assert first.stdout.split() == ["2", "2"], first.stderr
    second = run_python(CODE, str(tmp_path), "2,3")
    assert second.stdout.split() == ["3", "3"], second.stderr


def test_an_error_of_the_session_is_one_line_and_says_what_to_do(sail_engine, tmp_path):
    sink = SparkDeltaLogSink(sail_engine.session, path=tmp_path / "log with blanks")
    with pytest.raises(RunLogError) as caught:
        sink.write([record()])
    assert "Sail cannot keep a Delta table" in str(caught.value)
    assert "\n" not in str(caught.value)
