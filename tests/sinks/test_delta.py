"""The Delta log sink: each record once, whoever else writes, and nothing that was there is touched."""

import math
import shutil
import subprocess
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from arro3.core import Array, DataType, Field, RecordBatch, Schema
from deltalake import DeltaTable, write_deltalake
from deltalake import Field as DeltaField

from odibi_core.plugin import RECORD_COLUMNS, ConfigError, ReadableLogSink, RememberingLogSink, RunLogError
from odibi_sinks.delta import table as delta_table
from odibi_sinks.delta.sink import DeltaLogSink

START = datetime(2026, 11, 21, 21, 30, 0, 5, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "logs" / "runs"


@pytest.fixture
def batch(record):
    """Makes records of one run, from one ``seq`` to another."""
    return lambda first, last, **columns: [record(seq, **columns) for seq in range(first, last + 1)]


def rows(path):
    return DeltaTable(path).to_pyarrow_table().to_pylist()


def keys(path):
    return Counter((row["run_id"], row["seq"]) for row in rows(path))


def once(run_id, last):
    return Counter({(run_id, seq): 1 for seq in range(1, last + 1)})


def make_table(path, columns, values=()):
    schema = Schema([Field(name, type_) for name, type_ in columns])
    table = DeltaTable.create(path, schema)
    for row in values:
        arrays = [Array([value], type=type_) for value, (_, type_) in zip(row, columns, strict=True)]
        write_deltalake(table, RecordBatch.from_arrays(arrays, schema=schema), mode="append")
    return table


def run_together(*calls):
    """Run calls at the same moment and return what they raised."""
    errors = []
    barrier = threading.Barrier(len(calls))

    def one(call):
        barrier.wait()
        try:
            call()
        except Exception as error:  # noqa: BLE001  # whatever it is, the test shows it
            errors.append(error)

    threads = [threading.Thread(target=one, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_records_are_stored_with_every_column_and_its_type(path, record):
    """A-39: the records that every sink gets."""
    written = record(1, error_message=None, asset=None)
    DeltaLogSink(path).write([written])
    assert rows(path) == [written]
    types = {field.name: field.type.type for field in DeltaTable(path).schema().fields}
    assert tuple(types) == RECORD_COLUMNS
    assert {name: types[name] for name in ("seq", "duration_seconds", "start_time", "error_message")} == {
        "seq": "long",
        "duration_seconds": "double",
        "start_time": "timestamp",
        "error_message": "string",
    }


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        pytest.param("error_message", "😀 \0 \r\n é 'quoted' \"too\"", "😀 \0 \r\n é 'quoted' \"too\"", id="any text"),
        pytest.param("error_message", "half \ud83d", "half \\ud83d", id="lone surrogate"),
        pytest.param("error_message", "x" * 10_000_000, "x" * 10_000_000, id="10 MB"),
        pytest.param("plant", 17, "17", id="a number as text"),
        pytest.param("duration_seconds", math.nan, None, id="NaN"),
        pytest.param("duration_seconds", 2, 2.0, id="whole seconds"),
        pytest.param("start_time", START.astimezone(timezone(timedelta(hours=5))), START, id="another zone"),
        pytest.param("start_time", START.replace(tzinfo=None), START, id="naive is UTC"),
        pytest.param("start_time", START.isoformat(), START, id="ISO 8601"),
        pytest.param("end_time", datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC), id="long ago"),
    ],
)
def test_values_are_stored_whole(path, record, column, value, stored):
    sink = DeltaLogSink(path)
    sink.write([record(1, **{column: value})])
    assert rows(path)[0][column] == stored
    assert next(iter(sink.read_records()))[column] == stored
    log = path / "_delta_log"
    assert sum(file.stat().st_size for file in log.iterdir()) < 20_000, "a message is in the table's log"


@pytest.mark.parametrize("column", ["seq", "rows_read", "start_time", "duration_seconds"])
def test_a_value_that_does_not_fit_is_named_with_its_column(path, record, column):
    sink = DeltaLogSink(path)
    with pytest.raises(RunLogError, match=f"column '{column}' takes"):
        sink.write([record(1), {**record(2), column: "many"}])
    assert list(sink.read_records()) == []


def test_unknown_keys_are_ignored_and_missing_ones_are_empty(path):
    DeltaLogSink(path).write([{"transformation_id": "t", "colour": "red"}])
    assert rows(path) == [{**dict.fromkeys(RECORD_COLUMNS), "transformation_id": "t"}]


def test_no_records_make_no_table(path):
    sink = DeltaLogSink(path)
    sink.write([])
    assert sink.last_seq("r1") == 0
    assert not path.exists()


def test_a_batch_is_one_commit_and_the_table_stays_open(path, batch, monkeypatch):
    opened = []
    monkeypatch.setattr(delta_table, "DeltaTable", lambda *a, **k: opened.append(1) or DeltaTable(*a, **k))
    monkeypatch.setattr(delta_table.DeltaTable, "create", DeltaTable.create, raising=False)
    sink = DeltaLogSink(path)
    for number in range(5):
        sink.write(batch(10 * number + 1, 10 * number + 10))
    assert DeltaTable(path).version() == 5
    assert len(opened) == 1
    assert keys(path) == once("r1", 50)


def test_what_the_table_has_is_left_out(path, batch):
    sink = DeltaLogSink(path)
    sink.write(batch(1, 4))
    sink.write(batch(1, 4))
    assert DeltaTable(path).version() == 1, "nothing new is no commit"
    sink.write(batch(3, 6))
    DeltaLogSink(path).write(batch(1, 6))
    assert keys(path) == once("r1", 6)


def test_a_record_that_comes_twice_in_a_batch_is_stored_once_in_any_order(path, batch):
    DeltaLogSink(path).write([*batch(3, 4), *batch(1, 4)])
    assert keys(path) == once("r1", 4)


def test_runs_in_one_batch_are_told_apart(path, batch):
    sink = DeltaLogSink(path)
    sink.write([*batch(1, 3, run_id="r1"), *batch(1, 2, run_id="r2")])
    assert DeltaTable(path).version() == 1
    assert [sink.last_seq(run_id) for run_id in ("r1", "r2", "r3")] == [3, 2, 0]
    sink.write([*batch(1, 3, run_id="r1"), *batch(2, 3, run_id="r2")])
    assert keys(path) == once("r1", 3) + once("r2", 3)


def test_a_sink_that_has_not_seen_what_another_wrote_writes_nothing_twice(path, batch):
    first, second = DeltaLogSink(path), DeltaLogSink(path)
    first.write(batch(1, 2))
    second.write(batch(1, 3))
    first.write(batch(3, 5))
    assert first.last_seq("r1") == second.last_seq("r1") == 5
    assert keys(path) == once("r1", 5)


def test_writers_that_race_with_one_run_store_it_once(path, batch):
    sinks = [DeltaLogSink(path) for _ in range(6)]
    for number in range(5):
        batches = batch(10 * number + 1, 10 * number + 10)
        assert run_together(*(lambda sink=sink, part=batches: sink.write(part) for sink in sinks)) == []
    assert keys(path) == once("r1", 50)


def test_makers_that_race_make_one_table(path, batch):
    """A-40, D-48: v2 overwrote the table that another thread had just made."""
    sinks = [DeltaLogSink(path) for _ in range(8)]
    parts = [batch(1, 3, run_id=f"r{number}") for number in range(8)]
    calls = [lambda sink=sink, part=part: sink.write(part) for sink, part in zip(sinks, parts, strict=True)]
    assert run_together(*calls) == []
    assert keys(path) == sum((once(f"r{number}", 3) for number in range(8)), Counter())
    operations = [entry["operation"] for entry in DeltaTable(path).history()]
    assert operations.count("CREATE TABLE") == 1


def test_last_seq_reads_a_table_that_has_rows_and_no_transactions(path, batch, tmp_path):
    DeltaLogSink(path).write([*batch(1, 7, run_id="it's"), *batch(1, 9, run_id="r2")])
    copy = tmp_path / "copy"
    write_deltalake(copy, DeltaTable(path).to_pyarrow_table())
    assert DeltaTable(copy).transaction_version("odibi-run-log/r2") is None
    assert [DeltaLogSink(copy).last_seq(run_id) for run_id in ("it's", "r2", "r3")] == [7, 9, 0]


V2_COLUMNS = [
    ("transformation_id", DataType.utf8()),
    ("status", DataType.utf8()),
    ("duration_seconds", DataType.float32()),
]


def test_a_table_of_v2_keeps_its_rows_and_gets_the_columns_it_lacks(path, batch):
    """A-40."""
    make_table(path, V2_COLUMNS, [("old", "SUCCESS", 0.5)])
    sink = DeltaLogSink(path)
    assert sink.last_seq("r1") == 0
    assert next(iter(sink.read_records()))["transformation_id"] == "old"
    sink.write(batch(1, 2))
    DeltaLogSink(path).write(batch(1, 4))
    found = sorted(rows(path), key=lambda row: row["seq"] or 0)
    assert [(row["transformation_id"], row["seq"], row["duration_seconds"]) for row in found] == [
        ("old", None, 0.5),
        *((f"t{seq}", seq, 1.25) for seq in (1, 2, 3, 4)),
    ]
    assert set(found[0]) == set(RECORD_COLUMNS)


def test_columns_of_somebody_else_stay_and_are_empty(path, batch):
    sink = DeltaLogSink(path)
    sink.write(batch(1, 1))
    DeltaTable(path).alter.add_columns([DeltaField("cost_centre", "string")])
    sink.write(batch(2, 2))
    sink.write(batch(3, 3))
    assert [row["cost_centre"] for row in rows(path)] == [None] * 3
    assert keys(path) == once("r1", 3)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        pytest.param([("seq", DataType.utf8())], "'seq' is string, not long or integer or short", id="type"),
        pytest.param([("start_time", DataType.timestamp("us"))], "'start_time' is timestamp_ntz", id="no time zone"),
        pytest.param([("RUN_ID", DataType.utf8())], "'RUN_ID' differs from 'run_id' only in case", id="case"),
    ],
)
def test_a_table_that_records_do_not_fit_into_is_refused_and_untouched(path, batch, columns, words):
    before = make_table(path, columns).version()
    sink = DeltaLogSink(path)
    with pytest.raises(RunLogError, match=words) as refusal:
        sink.write(batch(1, 2))
    assert str(path) in str(refusal.value)
    assert DeltaTable(path).version() == before


def test_a_number_too_large_for_a_smaller_column_is_refused_not_lost(path, record):
    make_table(path, [("rows_read", DataType.int32())])
    with pytest.raises(RunLogError, match="'rows_read' takes integer"):
        DeltaLogSink(path).write([record(1, rows_read=3_000_000_000)])
    DeltaLogSink(path).write([record(1, rows_read=3)])
    assert rows(path)[0]["rows_read"] == 3


def test_a_folder_with_something_else_in_it_is_refused(path, batch):
    path.mkdir(parents=True)
    (path / "sales.parquet").write_text("precious")
    with pytest.raises(RunLogError, match=r"no Delta table and holds 'sales\.parquet'.*a folder of its own"):
        DeltaLogSink(path).write(batch(1, 1))
    assert [file.name for file in path.iterdir()] == ["sales.parquet"]


def test_a_folder_in_which_a_maker_was_killed_becomes_a_table(path, batch):
    (path / "_delta_log").mkdir(parents=True)
    (path / "_delta_log" / "00000000000000000000.json#1").write_text('{"proto')
    DeltaLogSink(path).write(batch(1, 2))
    assert keys(path) == once("r1", 2)


def test_a_file_in_the_way_is_named_in_one_line(path, batch):
    path.parent.parent.mkdir(exist_ok=True)
    path.parent.write_text("in the way")
    with pytest.raises(RunLogError, match="The Delta log sink cannot write ") as refusal:
        DeltaLogSink(path).write(batch(1, 1))
    text = str(refusal.value)
    assert str(path) in text
    assert "Check the path" in text
    assert "\n" not in text
    path.parent.unlink()


def test_a_disk_that_takes_no_more_is_reported_and_caught_up(path, batch):
    code = """
import resource, signal, sys
from odibi_sinks import DeltaLogSink
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sink = DeltaLogSink(sys.argv[1])
sink.write([{"run_id": "r1", "seq": 1}])
before = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
try:
    sink.write([{"run_id": "r1", "seq": 2}])
except OSError as error:
    print(type(error).__name__, error)
resource.setrlimit(resource.RLIMIT_FSIZE, before)
sink.write([{"run_id": "r1", "seq": 2}, {"run_id": "r1", "seq": 3}])
"""
    result = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert "RunLogError The Delta log sink cannot write" in result.stdout
    assert "File too large" in result.stdout
    assert keys(path) == once("r1", 3)


def test_a_table_that_was_deleted_is_made_anew_by_the_next_try(path, batch):
    sink = DeltaLogSink(path)
    sink.write(batch(1, 2))
    shutil.rmtree(path)
    with pytest.raises(RunLogError, match="cannot write"):
        sink.write(batch(3, 4))
    sink.write(batch(3, 4))
    assert sorted(keys(path)) == [("r1", 3), ("r1", 4)]


def test_small_files_are_made_into_large_ones_and_the_log_is_summed_up(path, batch):
    sink = DeltaLogSink(path, optimize_every=5, checkpoint_every=4)
    for seq in range(1, 12):
        sink.write(batch(seq, seq))
    assert len(DeltaTable(path).file_uris()) <= 5
    assert list((path / "_delta_log").glob("*.checkpoint.parquet"))
    assert keys(path) == once("r1", 11)
    assert [row["seq"] for row in sink.read_records()] == list(range(1, 12))
    assert DeltaLogSink(path).last_seq("r1") == 11
    DeltaLogSink(path).write(batch(1, 11))
    assert keys(path) == once("r1", 11)


def test_tidying_up_can_be_switched_off(path, batch):
    sink = DeltaLogSink(path, optimize_every=0, checkpoint_every=0)
    for seq in range(1, 4):
        sink.write(batch(seq, seq))
    assert len(DeltaTable(path).file_uris()) == 3
    assert not list((path / "_delta_log").glob("*checkpoint*"))


def test_writers_that_tidy_up_at_the_same_time_repeat_no_row(path, batch):
    """deltalake lets two compactions of the same files through; without the lock this fails most of the time."""
    sinks = [DeltaLogSink(path, optimize_every=2, checkpoint_every=3) for _ in range(4)]

    def work(sink, run_id):
        for seq in range(1, 7):
            sink.write(batch(seq, seq, run_id=run_id))

    errors = run_together(*(lambda sink=sink, n=n: work(sink, f"r{n}") for n, sink in enumerate(sinks)))
    assert errors == []
    assert keys(path) == sum((once(f"r{number}", 6) for number in range(4)), Counter())


def test_a_compaction_that_another_process_is_at_is_left_to_it(path, batch):
    sink = DeltaLogSink(path, optimize_every=2)
    sink.write(batch(1, 1))
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, sys; f = open(sys.argv[1], 'ab'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); input()",
            path / "_odibi_compaction.lock",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        holder.stdout.readline()
        sink.write(batch(2, 2))
        assert len(DeltaTable(path).file_uris()) == 2
        holder.communicate(b"\n")
    sink.write(batch(3, 3))
    sink.write(batch(4, 4))
    assert len(DeltaTable(path).file_uris()) == 1


def test_tidying_up_that_fails_is_no_failure_of_the_records(path, batch, caplog):
    caplog.set_level("INFO", logger="odibi")
    sink = DeltaLogSink(path, optimize_every=2, checkpoint_every=0)
    sink.write(batch(1, 1))
    (path / "_odibi_compaction.lock").mkdir()
    sink.write(batch(2, 2))
    sink.write(batch(3, 3))
    assert keys(path) == once("r1", 3)
    assert "was not tidied up" in caplog.text


def test_what_was_written_can_be_read_back(path, batch):
    sink = DeltaLogSink(path)
    assert isinstance(sink, ReadableLogSink)
    assert isinstance(sink, RememberingLogSink)
    old = batch(1, 2, run_id="r1", start_time=START - timedelta(days=9))
    new = [*batch(1, 1, run_id="r2", start_time=START - timedelta(days=9)), *batch(2, 1500, run_id="r2")]
    sink.write(new)
    sink.write(old)
    assert list(sink.read_records()) == [*old, *new]
    assert list(DeltaLogSink(path).read_records(since=START, project="flights")) == new
    assert list(sink.read_records(since=START + timedelta(days=1))) == []


def test_a_table_that_is_not_there_is_not_an_empty_one(path):
    with pytest.raises(RunLogError, match="no Delta table is there"):
        DeltaLogSink(path).read_records()


@pytest.mark.parametrize("uri", ["abc://logs/runs", "s3://"])
def test_a_uri_that_means_nothing_is_an_error_in_one_line(uri, batch):
    with pytest.raises(RunLogError, match="The Delta log sink cannot write") as refusal:
        DeltaLogSink(uri).write(batch(1, 1))
    assert uri in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_store_that_does_not_answer_fails_soon_and_without_its_secrets(batch):
    options = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "nowhere-1",
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "s3cret-word",
    }
    sink = DeltaLogSink("s3://logs/runs", storage_options={**options, "max_retries": "1"})
    with pytest.raises(RunLogError, match="s3://logs/runs") as refusal:
        sink.write(batch(1, 1))
    assert "\x1b" not in str(refusal.value)
    assert "s3cret-word" not in str(refusal.value) + repr(sink)


def test_a_relative_path_is_where_it_was_when_the_sink_was_made(tmp_path, batch, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    sink = DeltaLogSink("runs")
    monkeypatch.chdir(tmp_path / "elsewhere")
    sink.write(batch(1, 1))
    assert sink.path == str(tmp_path / "runs")
    assert keys(tmp_path / "runs") == once("r1", 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param({"path": " "}, "needs a path or a URI", id="no path"),
        pytest.param({"path": "x", "optimize_every": -1}, "optimize_every is -1", id="optimize"),
        pytest.param({"path": "x", "checkpoint_every": -1}, "checkpoint_every is -1", id="checkpoint"),
    ],
)
def test_wrong_arguments_are_refused_at_once(arguments, words):
    with pytest.raises(ConfigError, match=words):
        DeltaLogSink(**arguments)


def test_a_run_does_not_wait_for_deltalake_to_be_imported():
    code = (
        "import sys; from odibi_sinks import DeltaLogSink; DeltaLogSink('somewhere');"
        "print(sorted({'deltalake', 'arro3', 'pyarrow', 'pydantic'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
