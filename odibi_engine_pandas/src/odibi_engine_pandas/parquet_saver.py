"""Saving Parquet."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from odibi_core.plugin import DataFormatError, Dataset, DatasetNotFoundError, ExecutionEngine, SaveReport
from odibi_core.plugin.places import Place
from odibi_core.plugin.saving import Written, save, subject_of
from odibi_core.plugin.sources import find_sources
from odibi_engine_pandas.arrow import table_of_frame
from odibi_engine_pandas.columns import require_columns, require_fit
from odibi_engine_pandas.options import ParquetWriteOptions, parse_options
from odibi_engine_pandas.parquet_files import (
    COMMON_METADATA,
    PARQUET_SUFFIXES,
    arrow_dataset,
    folder_schema,
    is_parquet_folder,
    open_parquet,
    partition_keys,
    promoted,
    schema_of,
)
from odibi_engine_pandas.sources import Source

__all__ = ["PandasParquetSaver"]

_KEY_KINDS = (
    pa.types.is_boolean,
    pa.types.is_date32,
    pa.types.is_integer,
    pa.types.is_large_string,
    pa.types.is_string,
)


class PandasParquetSaver:
    """Saves frames as a Parquet file or, with ``partition_by``, as a folder of hive partitions.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = str(pathlib.Path(folder, "a.parquet"))
        ...     dataset = Dataset(name="a", kind="path", format="parquet", location=path)
        ...     _ = PandasParquetSaver(None).save(pd.DataFrame({"carrier": ["F9"], "delay": [21.9]}), dataset)
        ...     pd.read_parquet(path).to_dict("list")
        {'carrier': ['F9'], 'delay': [21.9]}
    """

    def __init__(self, engine: ExecutionEngine | None) -> None:
        del engine

    def save(self, frame: pd.DataFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame; to append, a file is written anew with the rows at its end, and then replaced.

        To a folder of partitions files are added, in a copy of it that is made of links and then takes its place.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
            DataFormatError: The frame cannot be held by Parquet, or does not fit what it is appended to.
            ColumnNotFoundError: A column to partition by is not there.
            ConfigError: An option is wrong.
        """
        options = parse_options(ParquetWriteOptions, dataset)
        table = table_of_frame(frame, subject=subject_of(dataset))
        # To a folder without partitions, as Spark saves one, a file is added.
        if dataset.partition_by or (dataset.mode == "append" and Path(dataset.location).is_dir()):
            return _save_folder(table, dataset, options)

        def write(path: Path, old: Path | None) -> Written:
            return Written(table.num_rows, _write_file(table, path, old, dataset, options))

        return save(dataset, write=write, replaces_folder=is_parquet_folder)


def _write_file(table: pa.Table, path: Path, old: Path | None, dataset: Dataset, options: ParquetWriteOptions) -> int:
    subject = subject_of(dataset)
    if old is None:
        _write(path, table.schema, [table], options, subject=subject)
    elif old.is_dir():  # it was none a moment ago
        raise DataFormatError(f"{subject} has become a folder of files meanwhile; append again")
    else:
        source = Source(Place(str(old), dataset.location), None, dataset.name, dataset.format)
        schema = _schema_of_both(schema_of(source), table, subject=subject)
        with open_parquet(source.place) as existing:
            groups = (existing.read_row_group(number) for number in range(existing.num_row_groups))
            _write(path, schema, chain(groups, [table]), options, subject=subject)
    return path.stat().st_size


def _write(
    path: Path, schema: pa.Schema, tables: Iterable[pa.Table], options: ParquetWriteOptions, *, subject: str
) -> None:
    """Write tables one behind the other, as row groups of one file."""
    with (
        _arrow_errors(subject),
        pq.ParquetWriter(
            path, schema, compression=options.compression, compression_level=options.compression_level
        ) as writer,
    ):
        for table in tables:
            writer.write_table(_fitted(table, schema), row_group_size=options.row_group_size)


def _save_folder(table: pa.Table, dataset: Dataset, options: ParquetWriteOptions) -> SaveReport:
    subject = subject_of(dataset)
    keys = list(dataset.partition_by)
    require_columns(keys, table.column_names, subject=f"the frame for {subject}")
    table = _with_plain_keys(table, keys, subject=subject)

    def write(path: Path, old: Path | None) -> Written:
        schema = table.schema
        if old is not None:
            schema = _schema_of_both(_existing_schema(old, dataset, keys), table, subject=subject)
            shutil.copytree(
                old, path, copy_function=_link, ignore=shutil.ignore_patterns(COMMON_METADATA), dirs_exist_ok=True
            )
        sizes: list[int] = []
        with _arrow_errors(subject):
            parquet = ds.ParquetFileFormat()
            ds.write_dataset(
                _fitted(table, schema),
                path,
                basename_template=f"part-{uuid4().hex}-{{i}}.parquet",  # files of another append keep theirs
                format=parquet,
                file_options=parquet.make_write_options(
                    compression=options.compression, compression_level=options.compression_level
                ),
                partitioning=ds.partitioning(pa.schema([schema.field(key) for key in keys]), flavor="hive"),
                filesystem=LocalFileSystem(),
                existing_data_behavior="overwrite_or_ignore",
                preserve_order=True,
                max_partitions=max(table.num_rows, 1),
                max_rows_per_group=options.row_group_size,
                file_visitor=lambda file: sizes.append(file.size),
            )
            pq.write_metadata(schema, path / COMMON_METADATA)
        return Written(table.num_rows, sum(sizes) + (path / COMMON_METADATA).stat().st_size)

    return save(dataset, write=write, as_folder=True, replaces_folder=is_parquet_folder)


def _with_plain_keys(table: pa.Table, keys: list[str], *, subject: str) -> pa.Table:
    """Return a table with partition columns of types that a folder's name can hold; categories become their values."""
    if len(keys) == len(table.column_names):
        raise DataFormatError(f"{subject}: partition_by names every column, so that none would be left in the files")
    for key in keys:
        if not key or "/" in key or "=" in key:
            raise DataFormatError(f"{subject}: {key!r} cannot be partitioned by: the name of a folder cannot hold it")
        position = table.column_names.index(key)
        column = table[key].combine_chunks()
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
            table = table.set_column(position, key, column)
        kind = column.type
        if not any(is_kind(kind) for is_kind in _KEY_KINDS):
            raise DataFormatError(
                f"{subject}: column {key!r} is {kind}; make it integers, text, dates or truth values first"
            )
    return table


def _existing_schema(old: Path, dataset: Dataset, keys: list[str]) -> pa.Schema:
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
        return known if known is not None else pa.schema([])
    found = list(partition_keys(folder.path, sources[0].place.path))
    if found and not keys:
        raise DataFormatError(
            f"{subject} is partitioned by {', '.join(found)}; to append to it, give the partition_by that it was "
            "saved with"
        )
    if found != keys:
        raise DataFormatError(f"{subject} is partitioned by {', '.join(found) or 'nothing'}, not by {', '.join(keys)}")
    return arrow_dataset(sources, folder, known).schema


def _schema_of_both(old: pa.Schema, table: pa.Table, *, subject: str) -> pa.Schema:
    """Return a schema for rows that are there and rows that are added, with the columns in the order that is there."""
    if not old.names:
        return table.schema
    if not table.column_names:
        return old
    require_fit(table.column_names, old.names, subject=subject)
    new = pa.schema([table.schema.field(name) for name in old.names])
    schema = promoted([old, new], subject=subject)
    # What pandas remembers of its columns would be wrong for other types than the frame's own.
    return schema.with_metadata(table.schema.metadata if schema.types == new.types else None)


def _fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return table.select(schema.names).cast(schema) if table.column_names else schema.empty_table()


@contextmanager
def _arrow_errors(subject: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise DataFormatError(f"{subject}: cannot be written as parquet: {error}") from error


def _link(source: str, target: str) -> None:
    """Have a file in two folders at the cost of none; Parquet files are never written to again."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
