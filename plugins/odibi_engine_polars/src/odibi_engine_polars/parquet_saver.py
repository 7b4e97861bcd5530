"""Saving Parquet."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import polars as pl

from odibi_core.plugin import DataFormatError, Dataset, DatasetNotFoundError, SaveReport
from odibi_core.plugin.files import early_writeback
from odibi_core.plugin.places import Place
from odibi_core.plugin.saving import Written, save, subject_of
from odibi_core.plugin.sources import find_sources
from odibi_engine_polars.columns import column, is_pattern, require_columns, require_fit, unified
from odibi_engine_polars.engine import PolarsEngine, PolarsFrame
from odibi_engine_polars.option_models import parse_options
from odibi_engine_polars.options import ParquetWriteOptions
from odibi_engine_polars.parquet_files import (
    COMMON_METADATA,
    PARQUET_SUFFIXES,
    folder_schema,
    is_parquet_folder,
    partition_values,
    scanned,
)
from odibi_engine_polars.sources import Source

__all__ = ["PolarsParquetSaver"]

_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class PolarsParquetSaver:
    """Saves frames as a Parquet file or, with ``partition_by``, as a folder of hive partitions.

    A lazy frame is computed while it is written, part by part.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = str(pathlib.Path(folder, "a.parquet"))
        ...     dataset = Dataset(name="a", kind="path", format="parquet", location=path)
        ...     report = PolarsParquetSaver(None).save(pl.LazyFrame({"carrier": ["F9"], "delay": [21.9]}), dataset)
        ...     report.rows, pl.read_parquet(path).to_dicts()
        (1, [{'carrier': 'F9', 'delay': 21.9}])
    """

    def __init__(self, engine: PolarsEngine | None) -> None:
        del engine

    def save(self, frame: PolarsFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame; to append, a file is written anew with the rows at its end, and then replaced.

        To a folder of partitions files are added, in a copy of it that is made of links and then takes its place.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
            DataFormatError: The frame does not fit what it is appended to, or cannot be partitioned as asked.
            ColumnNotFoundError: A column to partition by is not there.
            ConfigError: An option is wrong.
        """
        options = parse_options(ParquetWriteOptions, dataset)
        # To a folder without partitions, as Spark saves one, a file is added.
        if dataset.partition_by or (dataset.mode == "append" and Path(dataset.location).is_dir()):
            return _save_folder(frame.lazy(), dataset, options)

        def write(path: Path, old: Path | None) -> Written:
            return _write_file(frame.lazy(), path, old, dataset, options)

        return save(dataset, write=write, replaces_folder=is_parquet_folder)


def _write_file(
    frame: pl.LazyFrame, path: Path, old: Path | None, dataset: Dataset, options: ParquetWriteOptions
) -> Written:
    before = 0
    if old is not None:
        if old.is_dir():  # it was none a moment ago
            raise DataFormatError(f"{subject_of(dataset)} has become a folder of files meanwhile; append again")
        source = Source(Place(str(old), dataset.location), None, dataset.name, dataset.format)
        existing = scanned([source], None, None)
        before = existing.select(pl.len()).collect().item()
        schema = _schema_of_both(existing.collect_schema(), frame.collect_schema(), subject=subject_of(dataset))
        frame = pl.concat([_fitted(existing, schema), _fitted(frame, schema)], how="vertical")
    written = _sunk_file(frame, path, options)
    return Written(rows=written.rows - before, bytes=written.bytes)


def _sunk_file(frame: pl.LazyFrame, path: Path, options: ParquetWriteOptions) -> Written:
    """Compute and write a frame; how many rows there were, the file's own footer says.

    Polars gets the open file: one that it has only the name of, it may yet create after it has failed.
    """
    with path.open("wb") as file, early_writeback(file):
        frame.sink_parquet(file, engine="streaming", **_settings(options))
    return Written(rows=pl.scan_parquet(path, glob=False).select(pl.len()).collect().item(), bytes=path.stat().st_size)


def _sunk_partitions(
    frame: pl.LazyFrame, folder: Path, keys: list[str], name: str, options: ParquetWriteOptions
) -> Written:
    files: list[Any] = []
    # Numbered through all partitions: a null and the text that stands for it have one folder.
    lock, numbers, is_over = threading.Lock(), itertools.count(), False

    def path_of(file: Any) -> Path:
        with lock:
            path = folder / _path_of(file.partition_keys, f"{name}-{next(numbers)}")
            if is_over:  # Polars may still ask when it has failed, and all that is there has been removed
                raise FileNotFoundError(str(path))
            path.parent.mkdir(parents=True, exist_ok=True)
        return path

    partitions = pl.PartitionBy(folder, key=keys, include_key=False, file_path_provider=path_of)
    try:
        frame.sink_parquet(
            partitions,
            engine="streaming",
            sinked_paths_callback=lambda sunk: files.extend(sunk.paths),
            **_settings(options),
        )
    finally:
        with lock:
            is_over = True
    return Written(rows=sum(file.num_rows for file in files), bytes=sum(file.num_bytes for file in files))


def _settings(options: ParquetWriteOptions) -> dict[str, Any]:
    return {
        "compression": "uncompressed" if options.compression == "none" else options.compression,
        "compression_level": options.compression_level,
        "row_group_size": options.row_group_size,
    }


def _save_folder(frame: pl.LazyFrame, dataset: Dataset, options: ParquetWriteOptions) -> SaveReport:
    subject = subject_of(dataset)
    keys = list(dataset.partition_by)
    schema = frame.collect_schema()
    require_columns(keys, schema.names(), subject=f"the frame for {subject}")
    _refuse_unfit_keys(keys, schema, subject=subject)
    frame = frame.with_columns(column(key).cast(pl.String) for key in keys if _is_category(schema[key]))

    def write(path: Path, old: Path | None) -> Written:
        target = frame.collect_schema()
        rows = frame
        if old is not None:
            target = _schema_of_both(_existing_schema(old, dataset, keys), target, subject=subject)
            rows = _fitted(frame, target)
            shutil.copytree(
                old, path, copy_function=_link, ignore=shutil.ignore_patterns(COMMON_METADATA), dirs_exist_ok=True
            )
        named = f"part-{uuid4().hex}"  # files of another append keep theirs
        if keys:
            written = _sunk_partitions(rows, path, keys, named, options)
        else:
            written = _sunk_file(rows, path / f"{named}-0.parquet", options)
        common = path / COMMON_METADATA
        pl.DataFrame(schema=target).write_parquet(common)
        return Written(rows=written.rows, bytes=written.bytes + common.stat().st_size)

    return save(dataset, write=write, as_folder=True, replaces_folder=is_parquet_folder)


def _path_of(keys: pl.DataFrame, name: str) -> str:
    folders = [f"{quote(key, safe='')}={_folder_text(value)}" for key, value in keys.row(0, named=True).items()]
    return "/".join([*folders, f"{name}.parquet"])


def _folder_text(value: Any) -> str:
    if value is None:
        return _NULL_PARTITION
    return quote(str(value).lower() if isinstance(value, bool) else str(value), safe="")


def _is_category(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.Categorical | pl.Enum)


def _refuse_unfit_keys(keys: Sequence[str], schema: Mapping[str, pl.DataType], *, subject: str) -> None:
    if len(keys) == len(schema):
        raise DataFormatError(f"{subject}: partition_by names every column, so that none would be left in the files")
    for key in keys:
        if not key or "/" in key or "=" in key:
            raise DataFormatError(f"{subject}: {key!r} cannot be partitioned by: the name of a folder cannot hold it")
        if is_pattern(key):
            raise DataFormatError(f"{subject}: {key!r} cannot be partitioned by: Polars takes it for a pattern")
        kind = schema[key]
        if not (kind.is_integer() or kind in {pl.Boolean, pl.Date, pl.String} or _is_category(kind)):
            raise DataFormatError(
                f"{subject}: column {key!r} is {kind}; make it integers, text, dates or truth values first"
            )


def _existing_schema(old: Path, dataset: Dataset, keys: list[str]) -> pl.Schema:
    """Return the schema of what is appended to, having checked that it is partitioned alike."""
    subject = subject_of(dataset)
    if not old.is_dir():
        raise DataFormatError(
            f"{subject} is one file, without partitions; append without partition_by, or save with mode 'overwrite'"
        )
    folder = Place(str(old), dataset.location)
    known = folder_schema(folder)
    try:
        sources = find_sources(
            replace(dataset, location=str(old)), suffixes=PARQUET_SUFFIXES, kind=Source, compression=None
        )
    except DatasetNotFoundError:
        return known if known is not None else pl.Schema()
    found = list(partition_values(folder.path, sources[0].place.path))
    if found and not keys:
        raise DataFormatError(
            f"{subject} is partitioned by {', '.join(found)}; to append to it, give the partition_by that it was "
            "saved with"
        )
    if found != keys:
        raise DataFormatError(f"{subject} is partitioned by {', '.join(found) or 'nothing'}, not by {', '.join(keys)}")
    return scanned(sources, folder, known).collect_schema()


def _schema_of_both(old: pl.Schema, new: pl.Schema, *, subject: str) -> pl.Schema:
    """Return a schema for rows that are there and rows that are added, with the columns in the order that is there."""
    if not old.names():
        return new
    if not new.names():
        return old
    require_fit(new.names(), old.names(), subject=subject)
    return unified([old, new], subject=subject)


def _fitted(frame: pl.LazyFrame, schema: pl.Schema) -> pl.LazyFrame:
    if not frame.collect_schema().names():
        return pl.LazyFrame(schema=schema)
    return frame.select(column(name).cast(kind) for name, kind in schema.items())


def _link(source: str, target: str) -> None:
    """Have a file in two folders at the cost of none; Parquet files are never written to again."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
