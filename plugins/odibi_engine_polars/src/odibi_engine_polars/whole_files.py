"""Formats whose files are read and written as a whole: many as one frame, and rows behind those that are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from odibi_core.plugin import DataFormatError, Dataset, SaveReport
from odibi_core.plugin.places import Place
from odibi_core.plugin.saving import Written, refuse_folder, save, subject_of
from odibi_core.plugin.sources import errors_explained, find_sources, is_folder_of
from odibi_engine_polars.columns import column, listed, require_columns, require_fit, selected, unified
from odibi_engine_polars.sources import Source

__all__ = ["read_files", "save_file"]


def read_files(
    dataset: Dataset,
    *,
    suffixes: Sequence[str],
    load: Callable[[Source], pl.LazyFrame],
    columns: Sequence[str] | None = None,
    nrows: int | None = None,
) -> pl.LazyFrame:
    """Return the rows of all files of a dataset; they have the same columns, in any order.

    Args:
        dataset: What to read.
        suffixes: The suffixes of the format.
        load: Returns the rows of one file.
        columns: The columns to keep, in this order.
        nrows: How many rows to read at most.

    Raises:
        DatasetNotFoundError: Nothing is there.
        DataFormatError: A file is not of the format, or has other columns than the first.
        ColumnNotFoundError: A column is not there.
    """
    sources = find_sources(dataset, suffixes=suffixes, kind=Source, compression=None)
    frames = [_loaded(source, load) for source in sources]
    schemas = [frame.collect_schema() for frame in frames]
    for source, schema in zip(sources, schemas, strict=True):
        missing = [name for name in schemas[0] if name not in schema]
        extra = [name for name in schema if name not in schemas[0]]
        if missing or extra:
            said = [f"lacks {listed(missing)}"] if missing else []
            said += [f"has {listed(extra)} besides"] if extra else []
            raise DataFormatError(
                f"{dataset.name!r}: {source.shown} {' and '.join(said)}, compared with {sources[0].shown}. "
                "Files that are read as one have the same columns; read them apart."
            )
    common = unified(schemas, subject=f"{dataset.name!r}")
    frame = frames[0]
    if len(frames) > 1:
        frame = pl.concat([each.select(column(n).cast(kind) for n, kind in common.items()) for each in frames])
    require_columns(columns or (), common.names(), subject=f"{dataset.name!r} ({sources[0].shown})")
    frame = frame if nrows is None else frame.head(nrows)
    return frame if columns is None else selected(frame, columns)


def save_file(
    frame: pl.LazyFrame,
    dataset: Dataset,
    *,
    suffixes: Sequence[str],
    load: Callable[[Source], pl.LazyFrame],
    store: Callable[[pl.LazyFrame, Path], int],
) -> SaveReport:
    """Save a frame as one file; to append, the file is written anew with the rows at its end, and then replaced.

    Args:
        frame: What to save.
        dataset: Where and how.
        suffixes: The suffixes of the format.
        load: Returns the rows of the file that is there.
        store: Writes rows to a path, and returns how many there were.

    Raises:
        DatasetExistsError: The mode is ``error`` and something is there.
        DataFormatError: The frame does not fit what it is appended to.
    """
    subject = subject_of(dataset)

    def write(path: Path, old: Path | None) -> Written:
        refuse_folder(old, dataset)
        rows, before = frame, 0
        if old is not None:
            there = _loaded(Source(Place(str(old), dataset.location), None, dataset.name, dataset.format), load)
            before = there.select(pl.len()).collect().item()
            old_schema, new_schema = there.collect_schema(), frame.collect_schema()
            require_fit(new_schema.names(), old_schema.names(), subject=subject)
            common = unified([old_schema, new_schema], subject=subject)
            fitted = [each.select(column(n).cast(kind) for n, kind in common.items()) for each in (there, frame)]
            rows = pl.concat(fitted)
        return Written(rows=store(rows, path) - before, bytes=path.stat().st_size)

    return save(dataset, write=write, replaces_folder=lambda folder: is_folder_of(folder, suffixes))


def _loaded(source: Source, load: Callable[[Source], pl.LazyFrame]) -> pl.LazyFrame:
    with errors_explained(source):
        frame = load(source)
        frame.collect_schema()
        return frame
