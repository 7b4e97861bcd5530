"""How many bytes may pass between engines: counted while they do, and refused before all of them are there."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from odibi_core import run_project
from odibi_core.errors import DataError, HandOverTooLargeError
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.running.hand_over import HandOver

ENGINE_FILE = Path(__file__).parents[1] / "tables_engine.py"
BATCH = pa.record_batch({"n": pa.array(range(1000), pa.int64())})  # 8 000 bytes


class Source:
    """A stream that remembers how many batches were taken from it."""

    def __init__(self, count, error=None):
        self.taken = 0
        self.count = count
        self.error = error
        self.is_over = False

    def reader(self):
        return pa.RecordBatchReader.from_batches(BATCH.schema, self.batches())

    def batches(self):
        try:
            for _ in range(self.count):
                self.taken += 1
                yield BATCH
            if self.error:
                raise self.error
        finally:
            self.is_over = True


class Foreign:
    """What another library has: a C stream and nothing else."""

    def __init__(self, reader):
        self.reader = reader

    def __arrow_c_stream__(self, requested_schema=None):
        return self.reader.__arrow_c_stream__(requested_schema)


def test_what_fits_passes_unchanged():
    source = Source(3)

    with HandOver("a frame", 24_000).counted(source.reader()) as stream:
        table = pa.table(stream)

    assert table.num_rows == 3000
    assert table.schema == BATCH.schema


def test_refusal_comes_as_soon_as_too_much_has_come():
    source = Source(1000)

    with (
        pytest.raises(HandOverTooLargeError, match=r"a frame is more than .* 31.25 KiB so far.* is 29.3 KiB"),
        HandOver("a frame", 30_000).counted(source.reader()) as stream,
    ):
        stream.read_all()

    assert source.taken == 4


@pytest.mark.parametrize("wrap", [lambda reader: reader, Foreign], ids=["reader", "c stream"])
@pytest.mark.parametrize("limit", [10_000, 1 << 20], ids=["refused", "given up"])
def test_what_is_not_consumed_is_let_go_of_though_the_error_is_kept(wrap, limit):
    source = Source(1000)

    def consume(stream):
        for number, _ in enumerate(stream):
            if number == 20:
                raise ZeroDivisionError

    with (
        pytest.raises((HandOverTooLargeError, ZeroDivisionError)) as kept,
        HandOver("a frame", limit).counted(wrap(source.reader())) as stream,
    ):
        consume(stream)

    assert source.is_over
    assert kept.value.__traceback__ is not None


@pytest.mark.parametrize("wrap", [lambda reader: reader, Foreign], ids=["reader", "c stream"])
def test_refusal_keeps_its_type_through_a_library_that_hides_it(wrap):
    with pytest.raises(HandOverTooLargeError), HandOver("a frame", 10_000).counted(wrap(Source(9).reader())) as stream:
        pa.table(Foreign(stream))


def test_refusal_is_raised_though_it_was_swallowed():
    with (
        pytest.raises(HandOverTooLargeError),
        HandOver("a frame", 10_000).counted(Source(9).reader()) as stream,
        contextlib.suppress(MemoryError),
    ):
        stream.read_all()


def test_error_of_the_source_keeps_its_type_too():
    source = Source(2, error=ConnectionError("hung up"))

    with pytest.raises(ConnectionError, match="hung up"), HandOver("a frame", 1 << 20).counted(source.reader()) as one:
        pa.table(Foreign(one))


def test_error_of_whoever_consumes_it_is_its_own():
    with pytest.raises(ZeroDivisionError), HandOver("a frame", 1 << 20).counted(Source(2).reader()):
        raise ZeroDivisionError


def test_table_is_counted_at_once_and_handed_on_as_it_is():
    table = pa.Table.from_batches([BATCH])

    with HandOver("a frame", 8000).counted(table) as stream:
        assert stream is table
    with pytest.raises(HandOverTooLargeError), HandOver("a frame", 7999).counted(table):
        pass


def test_without_a_limit_nothing_is_touched():
    stream = object()

    with HandOver("a frame", None).counted(stream) as same:
        assert same is stream


def test_error_is_one_of_data_and_of_memory():
    assert issubclass(HandOverTooLargeError, DataError)
    assert issubclass(HandOverTooLargeError, MemoryError)


FUNCTIONS = """
def keep(df):
    return df
"""


@pytest.fixture
def manager(monkeypatch):
    spec = importlib.util.spec_from_file_location("tables_engine", ENGINE_FILE)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "tables_engine", module)
    spec.loader.exec_module(module)
    manager = PluginManager(PluginSettings(discover=False))
    manager.register(module, name="tables-engine")
    return manager.freeze()


@pytest.fixture
def run(make_project, manager):
    """Run a row that reads a file by a reader for any engine and saves by a saver for any engine."""

    def go(engine, *, rows, max_bytes, functions=FUNCTIONS):
        row = {"transformation_id": "keep", "function": "keep", "inputs": ["landing/in.ipc"], "outputs": ["gold.out"]}
        manifest = {
            "warehouse": {"path": "data", "format": "ipc"},
            "default_engine": engine,
            "hand_over": {"max_bytes": max_bytes},
            "retry": {"attempts": 1},
        }
        root = make_project([row], manifest=manifest, files={"steps.py": functions})
        (root / "landing").mkdir(exist_ok=True)
        table = pa.table({"n": list(range(rows))})
        with pa.ipc.new_stream(root / "landing/in.ipc", table.schema) as writer:
            writer.write_table(table, max_chunksize=1000)
        result = run_project(root, manager=manager, raise_on_failure=False)
        return result.transformations[0], root

    return go


def test_saver_for_any_engine_gets_a_far_frame_within_the_budget(run):
    transformation, root = run("far", rows=5000, max_bytes="100 KiB")

    assert transformation.status == "SUCCESS"
    assert pa.ipc.open_stream((root / "data/gold/out.ipc").read_bytes()).read_all().num_rows == 5000


def test_reader_for_any_engine_is_counted_for_an_engine_that_is_elsewhere(run):
    transformation, _ = run("far", rows=50_000, max_bytes="100 KiB")

    assert transformation.status == "FAILED"
    assert "input 'landing/in.ipc', handed over to 'far' by any/ipc, is more than may be handed over" in (
        transformation.error
    )


GROWING = """
import pyarrow as pa
from tables_engine import Far

def keep(df):
    return Far(pa.concat_tables([df.table] * 10))
"""
FAILING = """
from tables_engine import Far

def keep(df):
    return Far(df.table, error_at=1)
"""


def test_saver_for_any_engine_is_refused_a_far_frame_beyond_the_budget(run, manager):
    transformation, root = run("far", rows=5000, max_bytes=100_000, functions=GROWING)

    assert "output 'gold.out', handed over by 'far', is more than may be handed over" in transformation.error
    assert not (root / "data/gold/out.ipc").exists()
    fetched = sys.modules["tables_engine"].FRAMES[-1].fetched
    assert fetched == 13, "of fifty batches of 8 000 bytes, no more than it takes to see that it is too much"


def test_error_of_a_far_frame_is_told_in_its_own_words(run):
    transformation, _ = run("far", rows=5000, max_bytes=100_000, functions=FAILING)

    assert transformation.error.startswith("ConnectionError: the far side hung up")


def test_what_is_in_memory_is_not_counted_for_readers_and_savers(run):
    transformation, _ = run("tables", rows=50_000, max_bytes=1)

    assert transformation.status == "SUCCESS"


def test_null_lets_any_number_pass(run):
    transformation, _ = run("far", rows=50_000, max_bytes=None)

    assert transformation.status == "SUCCESS"
