"""An engine for tests whose frames are lists of rows, with a reader and a saver for JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

from odibi_core.plugin import (
    Capability,
    DatasetExistsError,
    DatasetNotFoundError,
    EngineSpec,
    ReaderSpec,
    SaveReport,
    SaverSpec,
    hookimpl,
)

ENGINES = ("rows", "rows2")


class Rows(list):
    """A frame."""


class RowsEngine:
    """Frames are `Rows`; Arrow is played by a plain list of dictionaries."""

    def __init__(self, config):
        self.config = config
        self.cached = []
        self.session = config.session

    def is_frame(self, value):
        return isinstance(value, Rows)

    def count_rows(self, frame):
        return len(frame)

    def to_arrow(self, frame):
        return list(frame)

    def from_arrow(self, stream):
        return Rows(stream)

    def close(self):
        pass

    def cache(self, dataset):
        self.cached.append(dataset.name)

    def uncache(self, dataset):
        self.cached.remove(dataset.name)


class JsonReader:
    def __init__(self, engine):
        self.engine = engine

    def read(self, dataset):
        path = Path(dataset.location)
        if not path.exists():
            raise DatasetNotFoundError(f"{dataset.name!r} is not there: {path}")
        return self.engine.from_arrow(json.loads(path.read_text(encoding="utf-8")))


class JsonSaver:
    def __init__(self, engine):
        self.engine = engine

    def save(self, frame, dataset):
        path = Path(dataset.location)
        if path.exists() and dataset.mode == "error":
            raise DatasetExistsError(f"{dataset.name!r} is there already: {path}")
        old = json.loads(path.read_text(encoding="utf-8")) if path.exists() and dataset.mode == "append" else []
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        partial.write_text(json.dumps(old + list(frame)), encoding="utf-8")
        partial.replace(path)
        return SaveReport(rows=len(frame), location=str(path))


@hookimpl
def odibi_register_engines():
    yield EngineSpec(
        name="rows",
        factory="rows_engine:RowsEngine",
        capabilities={"cache": Capability(supported=True, since="0.1")},
    )
    yield EngineSpec(name="rows2", factory="rows_engine:RowsEngine")


@hookimpl
def odibi_register_readers():
    for engine in ENGINES:
        yield ReaderSpec(engine=engine, format="json", factory="rows_engine:JsonReader", suffixes=(".json",))


@hookimpl
def odibi_register_savers():
    for engine in ENGINES:
        yield SaverSpec(
            engine=engine,
            format="json",
            factory="rows_engine:JsonSaver",
            modes=("overwrite", "append", "error"),
            suffixes=(".json",),
        )
