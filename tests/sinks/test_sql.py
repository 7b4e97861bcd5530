"""The SQL log sink on real databases."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from odibi_core.plugin import LogSink, ReadableLogSink, RememberingLogSink, RunLogError
from odibi_sinks import SQLTableLogSink

TABLE = "TransformationRunLog"


def test_v2s_three_arguments_make_a_table_and_fill_it(sql_sink, database_url, record):
    """U-22: constructor and defaults as in v2, on every database."""
    sink: LogSink = sql_sink(database_url, TABLE, "config_driven")
    assert isinstance(sink, RememberingLogSink)
    assert isinstance(sink, ReadableLogSink)
    records = [record(1, error_message="a\nb", end_time=None), record(2, duration_seconds=0.1)]
    sink.write(records)
    assert list(sink.read_records()) == records


@pytest.mark.parametrize("count", [1, 49, 50, 700], ids=lambda count: f"{count} records")
def test_a_batch_that_comes_again_changes_nothing(sql_sink, database_url, record, query, count):
    """Small batches are inserted and large ones copied, where there is something to copy with."""
    sink = sql_sink(database_url, "runs")
    first = [record(seq) for seq in range(1, count + 1)]
    sink.write(first)
    sink.write([record(seq, status="OTHER") for seq in range(1, count + 3)])
    assert query(database_url, "SELECT count(*), max(seq) FROM runs") == [(count + 2, count + 2)]
    assert list(sink.read_records())[:count] == first


def test_the_sink_remembers_what_it_has_of_each_run(sql_sink, database_url, record):
    sink = sql_sink(database_url)
    assert sink.last_seq("r1") == 0
    sink.write([record(1), record(2), record(1, run_id="r2"), record(7, run_id="R1")])
    again = sql_sink(database_url)
    assert {run: again.last_seq(run) for run in ("r1", "r2", "R1", "r3", "")} == {
        "r1": 2,
        "r2": 1,
        "R1": 7,
        "r3": 0,
        "": 0,
    }


def test_asking_and_reading_make_no_table(sql_sink, database_url, record):
    sink = sql_sink(database_url)
    sink.last_seq("r1")
    with pytest.raises(RunLogError, match="There is no table"):
        list(sink.read_records())
    with pytest.raises(RunLogError, match="There is no table"):
        list(sink.read_records())
    sink.write([])
    assert sink.last_seq("r1") == 0
    sink.write([record(1)])
    assert len(list(sink.read_records())) == 1


def test_a_batch_that_cannot_be_stored_is_not_stored_in_part(sql_sink, database_url, record):
    sink = sql_sink(database_url)
    sink.write([record(1)])
    with pytest.raises(RunLogError, match=f"The SQL log sink cannot write to the table '{TABLE}' at "):
        sink.write([record(2), record(3, rows_read=2**70)])
    assert sink.last_seq("r1") == 1
    sink.write([record(2)])
    assert sink.last_seq("r1") == 2


def test_a_large_batch_that_cannot_be_stored_is_not_stored_in_part(sql_sink, database_url, record):
    sink = sql_sink(database_url)
    with pytest.raises(RunLogError, match="cannot write"):
        sink.write([*(record(seq) for seq in range(1, 200)), record(200, rows_read=2**70)])
    assert sink.last_seq("r1") == 0


def test_unknown_keys_are_ignored_and_missing_ones_are_null(sql_sink, database_url, query):
    sink = sql_sink(database_url, "runs")
    sink.write([{"transformation_id": "t1", "surprise": object()}, {"transformation_id": "t2", "seq": 1}])
    found = query(
        database_url, "SELECT transformation_id, seq, status, start_time FROM runs ORDER BY transformation_id"
    )
    assert found == [("t1", None, None, None), ("t2", 1, None, None)]


def test_records_without_a_key_are_all_kept(sql_sink, database_url, query):
    """A user's own code may write records that are of no run."""
    sink = sql_sink(database_url, "runs")
    for _ in range(2):
        sink.write([{"transformation_id": "t1"}] * 2)
    assert query(database_url, "SELECT count(*) FROM runs") == [(4,)]


def test_values_that_are_nearly_of_the_right_type_are_stored_as_it(sql_sink, database_url):
    class Count:
        def __index__(self):
            return 7

    zone = timezone(timedelta(hours=-3))
    sink = sql_sink(database_url)
    sink.write(
        [
            {
                "transformation_id": 12,
                "seq": Count(),
                "attempt": True,
                "start_time": datetime(2026, 1, 1, 12, tzinfo=zone),
                "end_time": "2026-01-01T12:00:00",
                "duration_seconds": float("nan"),
                "project": Decimal("1.50"),
            }
        ]
    )
    (found,) = sink.read_records()
    assert [found[name] for name in ("transformation_id", "seq", "attempt", "project")] == ["12", 7, 1, "1.50"]
    assert found["start_time"] == datetime(2026, 1, 1, 15, tzinfo=UTC)
    assert found["end_time"] == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert found["duration_seconds"] is None


def test_times_are_kept_to_the_microsecond_and_in_utc(sql_sink, database_url, record, query):
    moment = datetime(2026, 3, 29, 1, 59, 59, 999999, tzinfo=UTC)
    sink = sql_sink(database_url, "runs")
    sink.write([record(1, start_time=moment, end_time=moment)])
    (found,) = sink.read_records()
    assert found["start_time"] == moment
    assert found["start_time"].tzinfo is UTC
    ((stored,),) = query(database_url, "SELECT start_time FROM runs")
    kind = database_url.partition(":")[0]
    expected = {
        "sqlite": "2026-03-29T01:59:59.999999+00:00",
        "postgresql": moment,
        "mariadb": moment.replace(tzinfo=None),
    }
    assert stored == expected[kind]


def test_ten_megabytes_are_stored_whole(sql_sink, database_url, record):
    message = "é😀'\\\n" + 10_000_000 * "x"
    sink = sql_sink(database_url)
    sink.write([record(1, error_message=message), record(2)])
    assert [found["error_message"] for found in sink.read_records()] == [message, None]


def test_a_closed_sink_opens_again(sql_sink, database_url, record):
    sink = sql_sink(database_url)
    sink.close()
    sink.write([record(1)])
    sink.close()
    sink.close()
    sink.write([record(2)])
    assert sink.last_seq("r1") == 2


def test_one_connection_serves_all_batches(sql_sink, postgresql_url, record, query):
    sink = sql_sink(postgresql_url)
    counts = (
        "SELECT count(*), min(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()"
    )
    sink.write([record(1)])
    first = query(postgresql_url, counts)
    for seq in (2, 3):
        sink.write([record(seq)])
        sink.last_seq("r1")
    assert query(postgresql_url, counts) == first
    assert first[0][0] == 1


def test_threads_may_share_a_sink(sql_sink, database_url, record, query):
    """The kernel's calls do not overlap, but two runs of one program may have been given the same sink."""
    sink = sql_sink(database_url, "runs")

    def work(number):
        for seq in range(1, 11):
            sink.write([record(seq, run_id=f"r{number}")])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert query(database_url, "SELECT count(*), count(DISTINCT run_id) FROM runs") == [(40, 4)]


def test_the_place_of_a_sink_is_known_without_a_password(sql_sink):
    sink = sql_sink("postgresql://etl:s3cret@db.example:5432/dw?sslpassword=s3cret", "runs", "log")
    assert sink.path == "postgresql://db.example:5432/dw#log.runs"
    assert "s3cret" not in repr(sink) + repr(vars(sink))


@pytest.mark.parametrize(
    "urls",
    [
        ("postgresql://etl:old@db/dw", "postgres://etl2:new@db/dw?sslmode=require&connect_timeout=3"),
        ("postgresql://db/dw", "postgresql+psycopg://etl@db/dw"),
        ("mariadb://root@db/dw", "mariadb+pymysql://etl:p@db/dw?charset=utf8mb4"),
    ],
)
def test_a_place_stays_the_same_whoever_goes_there_and_however(urls):
    """A log that could not be written because of the user's rights is still owed to the sink with another user."""
    assert len({SQLTableLogSink(url).path for url in urls}) == 1


@pytest.mark.parametrize(
    "urls",
    [
        ("postgresql://etl@/dw?host=/run/first", "postgresql://etl@/dw?host=/run/second"),
        ("postgresql://a/dw", "postgresql://b/dw"),
        ("mariadb://etl@/dw?unix_socket=/run/first", "mariadb://etl@/dw?unix_socket=/run/second"),
    ],
)
def test_places_differ_also_by_what_stands_in_options(urls):
    assert len({SQLTableLogSink(url).path for url in urls}) == len(urls)


def test_a_database_in_memory_lives_as_long_as_its_sink(sql_sink, record):
    sink = sql_sink("sqlite://")
    thread = threading.Thread(target=sink.write, args=([record(1)],))
    thread.start()
    thread.join()
    assert sink.last_seq("r1") == 1


def test_the_path_of_a_file_is_the_one_of_the_moment_of_construction(sql_sink, tmp_path, monkeypatch, record):
    monkeypatch.chdir(tmp_path)
    sink = sql_sink("sqlite:///logs/deep/runs.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    sink.write([record(1)])
    assert (tmp_path / "logs" / "deep" / "runs.db").exists()


def test_a_url_object_of_sqlalchemy_is_as_good_as_its_text(tmp_path, record, sql_sink):
    from sqlalchemy import URL

    sink = sql_sink(URL.create("sqlite", database=str(tmp_path / "a.db")))
    sink.write([record(1)])
    assert sink.last_seq("r1") == 1
    assert "p%40w" not in SQLTableLogSink(URL.create("mariadb", "u", "p@w", "h", database="d")).path
