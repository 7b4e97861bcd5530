"""Avro files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from odibi_core.plugin import DataFormatError, Dataset, SaveReport
from odibi_core.plugin.saving import subject_of
from odibi_engine_polars.columns import column
from odibi_engine_polars.engine import PolarsEngine, PolarsFrame
from odibi_engine_polars.option_models import parse_options
from odibi_engine_polars.options import AvroWriteOptions, ColumnOptions
from odibi_engine_polars.sources import Source
from odibi_engine_polars.whole_files import read_files, save_file

__all__ = ["AVRO_SUFFIXES", "PolarsAvroReader", "PolarsAvroSaver"]

AVRO_SUFFIXES = (".avro",)

_WIDER = {
    pl.Int8(): pl.Int32(),
    pl.Int16(): pl.Int32(),
    pl.UInt8(): pl.Int32(),
    pl.UInt16(): pl.Int32(),
    pl.UInt32(): pl.Int64(),
}
_HELD = {pl.Boolean, pl.Int32, pl.Int64, pl.Float32, pl.Float64, pl.String, pl.Binary, pl.Date}


class PolarsAvroReader:
    """Reads Avro files, each as a whole: a file, a folder or a glob.

    Args:
        engine: The engine, which says whether frames are lazy.
    """

    def __init__(self, engine: PolarsEngine) -> None:
        self._engine = engine

    def read(self, dataset: Dataset, /) -> PolarsFrame:
        """Return the rows of all files of a dataset.

        Args:
            dataset: What to read.

        Raises:
            DatasetNotFoundError: Nothing is there.
            DataFormatError: A file is none, or has other columns than the first.
            ColumnNotFoundError: An option names a column that is not there.
            ConfigError: An option is wrong.
        """
        options = parse_options(ColumnOptions, dataset)
        frame = read_files(dataset, suffixes=AVRO_SUFFIXES, load=_load, columns=options.columns, nrows=options.nrows)
        return self._engine.frame_of(frame)


class PolarsAvroSaver:
    """Saves frames as Avro files; a lazy one is computed as a whole, because Polars cannot stream to Avro.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = str(pathlib.Path(folder, "a.avro"))
        ...     dataset = Dataset(name="a", kind="path", format="avro", location=path)
        ...     report = PolarsAvroSaver(None).save(pl.LazyFrame({"carrier": ["F9"], "delay": [21.9]}), dataset)
        ...     report.rows, pl.read_avro(path).rows()
        (1, [('F9', 21.9)])
    """

    def __init__(self, engine: PolarsEngine | None) -> None:
        del engine

    def save(self, frame: PolarsFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame; to append, the file is written anew with the rows at its end, and then replaced.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
            DataFormatError: Polars cannot write a type as Avro, or the frame does not fit what it is appended to.
            ConfigError: An option is wrong.
        """
        options = parse_options(AvroWriteOptions, dataset)
        subject = subject_of(dataset)

        def store(rows: pl.LazyFrame, path: Path) -> int:
            changed = [
                column(name).cast(target)
                for name, kind in rows.collect_schema().items()
                if (target := _avro_type(name, kind, subject)) != kind
            ]
            data = (rows.with_columns(changed) if changed else rows).collect(engine="streaming")
            compression = "uncompressed" if options.compression == "none" else options.compression
            with path.open("wb") as file:
                # In one piece: Polars writes pieces up to the first without rows, such as a filter leaves of a file.
                data.rechunk().write_avro(file, compression=compression)
            return data.height

        return save_file(frame.lazy(), dataset, suffixes=AVRO_SUFFIXES, load=_load, store=store)


def _load(source: Source) -> pl.LazyFrame:
    with source.place.open() as stream:
        return pl.read_avro(stream).lazy()


def _avro_type(name: str, kind: Any, subject: str) -> Any:
    """Return the type that a column is written as: Avro has two sizes of integers, and no categories."""
    if kind in _WIDER:
        return _WIDER[kind]
    if isinstance(kind, pl.Categorical | pl.Enum):
        return pl.String()
    if isinstance(kind, pl.Struct):
        return pl.Struct({field.name: _avro_type(name, field.dtype, subject) for field in kind.fields})
    if isinstance(kind, pl.List):
        return pl.List(_avro_type(name, kind.inner, subject))
    is_local_time = isinstance(kind, pl.Datetime) and kind.time_zone is None and kind.time_unit != "ns"
    if is_local_time or isinstance(kind, pl.Decimal) or kind in _HELD:
        return kind
    raise DataFormatError(
        f"{subject}: column {name!r} is {kind}, which Polars cannot write as avro; convert it first, or save as parquet"
    )
