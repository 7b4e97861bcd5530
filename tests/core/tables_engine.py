"""Engines for tests of what passes between engines: ``tables`` in memory, ``far`` elsewhere and fetched in batches."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from odibi_core.plugin import Capability, DatasetNotFoundError, EngineSpec, ReaderSpec, SaveReport, SaverSpec, hookimpl

BATCH_ROWS = 1000


class TablesEngine:
    """Frames are Arrow tables, which Narwhals knows."""

    def __init__(self, config):
        self.config = config

    def is_frame(self, value):
        return isinstance(value, pa.Table)

    def count_rows(self, frame):
        return len(frame)

    def to_arrow(self, frame):
        return frame

    def from_arrow(self, stream):
        return stream if isinstance(stream, pa.Table) else pa.RecordBatchReader.from_stream(stream).read_all()

    def close(self):
        pass


class Far:
    """A frame that is elsewhere; Narwhals does not know it."""

    def __init__(self, table, error_at=None):
        self.table = table
        self.error_at = error_at
        self.fetched = 0

    def batches(self):
        for number, batch in enumerate(self.table.to_batches(max_chunksize=BATCH_ROWS)):
            if number == self.error_at:
                raise ConnectionError("the far side hung up")
            self.fetched += 1
            yield batch


class FarEngine:
    """Frames are fetched a batch at a time, and remembered so that tests can see how much of them was."""

    def __init__(self, config):
        self.config = config
        self.session = "far session"
        FRAMES.clear()

    def is_frame(self, value):
        return isinstance(value, Far)

    def count_rows(self, frame):
        return None

    def to_arrow(self, frame):
        FRAMES.append(frame)
        return pa.RecordBatchReader.from_batches(frame.table.schema, frame.batches())

    def from_arrow(self, stream):
        return Far(pa.table(stream))

    def close(self):
        pass


FRAMES = []


class IpcReader:
    """Returns a stream that is read as it is consumed."""

    def __init__(self, engine):
        self.engine = engine

    def read(self, dataset):
        path = Path(dataset.location)
        if not path.exists():
            raise DatasetNotFoundError(f"{dataset.name!r} is not there: {path}")
        return pa.ipc.open_stream(path.read_bytes())


class IpcSaver:
    """Takes a stream, and puts errors of it into words of its own, as libraries do."""

    def __init__(self, engine):
        self.engine = engine

    def save(self, frame, dataset):
        path = Path(dataset.location)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            table = pa.table(frame)
        except (pa.ArrowException, MemoryError, OSError) as error:
            raise OSError(f"IpcSaver: {type(error).__name__}") from None
        with pa.ipc.new_stream(path, table.schema) as writer:
            writer.write_table(table)
        return SaveReport(rows=len(table), location=str(path))


@hookimpl
def odibi_register_engines():
    yield EngineSpec(
        name="tables",
        factory="tables_engine:TablesEngine",
        capabilities={"in_memory": Capability(supported=True, since="0.1")},
    )
    yield EngineSpec(name="far", factory="tables_engine:FarEngine")


@hookimpl
def odibi_register_readers():
    yield ReaderSpec(engine="any", format="ipc", factory="tables_engine:IpcReader", suffixes=(".ipc",))


@hookimpl
def odibi_register_savers():
    yield SaverSpec(
        engine="any", format="ipc", factory="tables_engine:IpcSaver", modes=("overwrite",), suffixes=(".ipc",)
    )
