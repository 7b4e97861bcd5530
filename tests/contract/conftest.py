"""The implementations of one promise, side by side: each test of this folder runs on all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from odibi_core.plugin import Dataset, EngineConfig, SaveReport
from odibi_engine_pandas.engine import PandasEngine
from odibi_engine_polars.engine import PolarsEngine
from odibi_sinks.delta_tables.reader import DeltaTableReader
from odibi_sinks.delta_tables.saver import DeltaTableSaver


@dataclass(frozen=True, slots=True)
class DeltaSide:
    """One way from rows to a Delta table.

    Args:
        name: The implementation.
        save_frame: Saves Arrow rows as the dataset says, as a frame of the implementation's engine.
        read_frame: Reads a dataset into such a frame, and returns it as Arrow.
        folder: Where its tables are.
    """

    name: str
    save_frame: Callable[[pa.Table, Dataset], SaveReport]
    read_frame: Callable[[Dataset], pa.Table]
    folder: Path
    engine: Any = None

    def save(self, rows: pa.Table | Mapping[str, Sequence[Any]], *, mode: str = "merge", **options: Any) -> SaveReport:
        """Save rows into the one table of the test."""
        frame = rows if isinstance(rows, pa.Table) else pa.table(dict(rows))
        dataset = Dataset(
            name="silver.sales",
            kind="table",
            format="delta",
            location=str(self.path),
            mode=mode,  # type: ignore[arg-type]  # also what no saver knows
            options=options,
        )
        return self.save_frame(frame, dataset)

    @property
    def path(self) -> Path:
        """The table's folder."""
        return self.folder / "sales"

    def read(self, **options: Any) -> pa.Table:
        """Return the table as this implementation reads it."""
        dataset = Dataset(name="silver.sales", kind="table", format="delta", location=str(self.path), options=options)
        return self.read_frame(dataset)

    def rows(self) -> list[dict[str, Any]]:
        """Return what is in the table, in a fixed order; one reader for all, so that only saving differs."""
        dataset = Dataset(name="silver.sales", kind="table", format="delta", location=str(self.path))
        return sorted(DeltaTableReader(None).read(dataset).read_all().to_pylist(), key=repr)


def _of_pandas(folder: Path) -> DeltaSide:
    engine = PandasEngine(EngineConfig(project_root=folder))
    reader, saver = DeltaTableReader(engine), DeltaTableSaver(engine)
    return DeltaSide(
        "pandas",
        lambda rows, dataset: saver.save(engine.to_arrow(engine.from_arrow(rows)), dataset),
        lambda dataset: engine.to_arrow(engine.from_arrow(reader.read(dataset))),
        folder,
    )


def _of_polars(folder: Path) -> DeltaSide:
    engine = PolarsEngine(EngineConfig(project_root=folder))
    reader, saver = DeltaTableReader(engine), DeltaTableSaver(engine)
    return DeltaSide(
        "polars",
        lambda rows, dataset: saver.save(engine.to_arrow(engine.from_arrow(rows)), dataset),
        lambda dataset: pa.table(engine.to_arrow(engine.from_arrow(reader.read(dataset)))),
        folder,
    )


def _of_spark(name: str, engine: Any, folder: Path) -> DeltaSide:
    from odibi_engine_spark.delta.reader import SparkDeltaReader
    from odibi_engine_spark.delta.saver import SparkDeltaSaver

    reader, saver = SparkDeltaReader(engine), SparkDeltaSaver(engine)
    return DeltaSide(
        name,
        lambda rows, dataset: saver.save(engine.from_arrow(rows), dataset),
        lambda dataset: pa.table(engine.to_arrow(reader.read(dataset))),
        folder,
        engine,
    )


_SPARKS = [pytest.param("classic", marks=pytest.mark.spark), pytest.param("sail")]


_BY_DELTA_RS = {"pandas": _of_pandas, "polars": _of_polars}


@pytest.fixture(params=[*(pytest.param(name, id=f"{name} with delta-rs") for name in _BY_DELTA_RS), *_SPARKS])
def delta(request: pytest.FixtureRequest, tmp_path: Path) -> DeltaSide:
    """Each implementation of Delta tables, with an empty folder."""
    of_engine = _BY_DELTA_RS.get(request.param)
    return _spark_side(request, tmp_path) if of_engine is None else of_engine(tmp_path)


@pytest.fixture(params=_SPARKS)
def spark_delta(request: pytest.FixtureRequest, tmp_path: Path) -> DeltaSide:
    """The implementations that are not delta-rs itself."""
    return _spark_side(request, tmp_path)


def _spark_side(request: pytest.FixtureRequest, folder: Path) -> DeltaSide:
    session = request.getfixturevalue(f"{request.param}_session")
    return _of_spark(request.param, request.getfixturevalue("make_engine")(session), folder)


@pytest.fixture
def delta_rs(tmp_path: Path) -> DeltaSide:
    """Tables by way of delta-rs in the same folder, without a frame of pandas in between."""
    reader, saver = DeltaTableReader(None), DeltaTableSaver(None)
    return DeltaSide("delta-rs", saver.save, lambda dataset: reader.read(dataset).read_all(), tmp_path)
