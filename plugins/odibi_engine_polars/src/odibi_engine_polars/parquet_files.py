"""What is known of Parquet files and folders before their rows are read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import polars as pl

from odibi_core.plugin import DataFormatError
from odibi_core.plugin.places import Place
from odibi_core.plugin.sources import errors_explained, is_folder_of
from odibi_engine_polars.columns import column, listed, unified
from odibi_engine_polars.sources import Source

__all__ = [
    "COMMON_METADATA",
    "PARQUET_SUFFIXES",
    "common_schema",
    "folder_schema",
    "is_parquet_folder",
    "partition_values",
    "scanned",
]

PARQUET_SUFFIXES = (".parquet", ".pq")

COMMON_METADATA = "_common_metadata"
"""The file of a folder that holds the schema of all its files, partitions included; other readers pass over it."""

_BY_SPARK = "org.apache.spark.sql.parquet.row.metadata"
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_MOST_INT32 = 2**31 - 1


@dataclass(frozen=True, slots=True)
class _Part:
    """One file, with what its footer says."""

    source: Source
    content: str | bytes
    schema: pl.Schema
    moments: frozenset[str]


def folder_schema(folder: Place) -> pl.Schema | None:
    """Return the schema that was saved for a folder as a whole, partitions included, if there is one."""
    common = folder.at(f"{folder.path.rstrip('/')}/{COMMON_METADATA}")
    if not common.is_file():
        return None
    with common.open() as stream:
        return pl.Schema(pl.read_parquet_schema(stream.read()))


def is_parquet_folder(folder: Path) -> bool:
    """Return whether a folder holds Parquet files and nothing else, so that replacing it loses nothing else.

    The folder of a Delta table, say, holds more.
    """
    return is_folder_of(folder, PARQUET_SUFFIXES)


def partition_values(folder: str, file: str) -> dict[str, str | None]:
    """Return the partition columns in the path of a file below a folder, and their values.

    Example:
        >>> partition_values("/data/flights", "/data/flights/year=2013/month=1/part-0.parquet")
        {'year': '2013', 'month': '1'}
    """
    parts = PurePosixPath(Path(file).as_posix()).relative_to(Path(folder).as_posix()).parts[:-1]
    named = [part.partition("=") for part in parts if "=" in part]
    return {unquote(name): None if value == _NULL_PARTITION else unquote(value) for name, _, value in named}


def common_schema(sources: Sequence[Source]) -> pl.Schema:
    """Return a schema that holds for all files, without partitions.

    Raises:
        DataFormatError: A file is no Parquet, or the files have different columns.
    """
    return _schema_of_all([_part(source) for source in sources])


def scanned(sources: Sequence[Source], folder: Place | None, known: pl.Schema | None) -> pl.LazyFrame:
    """Return files as one lazy frame, with a schema that holds for all of them.

    Args:
        sources: The files.
        folder: The folder that they are below, if it is one that was asked for: its subfolders may be partitions.
        known: The schema of the folder as a whole, if one was saved.

    Raises:
        DataFormatError: A file is no Parquet, or the files have different columns or partitions.
    """
    values = [partition_values(folder.path, source.place.path) if folder else {} for source in sources]
    keys = {tuple(each) for each in values}
    if len(keys) > 1:
        raise DataFormatError(
            f"{sources[0].name!r}: the files below {folder.shown if folder else ''} have different partitions "
            f"({'; '.join(sorted('/'.join(key) or 'none' for key in keys))}); read them apart"
        )
    (partitions,) = keys
    parts = [_part(source) for source in sources]
    found = _schema_of_all(parts)
    types = {name: _partition_type([each[name] for each in values]) for name in partitions}
    schema = known if known is not None else pl.Schema({**found, **types})
    hive = {name: schema[name] for name in partitions}
    is_alike = all(part.schema == parts[0].schema and part.moments == parts[0].moments for part in parts)
    is_plain = is_alike and all(part.source.place.is_local for part in parts) and not parts[0].moments
    if is_plain and (not partitions or all(source.place.path.isascii() for source in sources)):
        paths = [part.source.place.path for part in parts]
        frame = pl.scan_parquet(paths, glob=False, hive_partitioning=bool(partitions), hive_schema=hive or None)
        return _shaped(frame, frame.collect_schema(), schema)
    frames = []
    for part, of_part in zip(parts, values, strict=True):
        frame = _in_utc(pl.scan_parquet(part.content, glob=False, hive_partitioning=False), part)
        literals = [pl.lit(value, pl.String).cast(hive[name]).alias(name) for name, value in of_part.items()]
        frame = frame.with_columns(literals)
        frames.append(_shaped(frame, frame.collect_schema(), schema))
    return pl.concat(frames, how="vertical")


def _part(source: Source) -> _Part:
    content = source.scannable()
    with errors_explained(source):
        schema = pl.Schema(pl.read_parquet_schema(content))
        naive = {name for name, kind in schema.items() if isinstance(kind, pl.Datetime) and kind.time_zone is None}
        moments = frozenset(naive & _moments_of_spark(content)) if naive else frozenset[str]()
    schema = pl.Schema({name: pl.Datetime("us", "UTC") if name in moments else kind for name, kind in schema.items()})
    return _Part(source, content, schema, moments)


def _moments_of_spark(content: str | bytes) -> set[str]:
    """Return the columns that Spark wrote as INT96, which has no zone, and that are in UTC."""
    written = json.loads(pl.read_parquet_metadata(content).get(_BY_SPARK, "{}"))
    return {field["name"] for field in written.get("fields", ()) if field["type"] == "timestamp"}


def _in_utc(frame: pl.LazyFrame, part: _Part) -> pl.LazyFrame:
    return frame.with_columns(column(name).dt.replace_time_zone("UTC").dt.cast_time_unit("us") for name in part.moments)


def _schema_of_all(parts: Sequence[_Part]) -> pl.Schema:
    first = parts[0]
    for part in parts:
        missing = [name for name in first.schema if name not in part.schema]
        extra = [name for name in part.schema if name not in first.schema]
        if missing or extra:
            said = [f"lacks {listed(missing)}"] if missing else []
            said += [f"has {listed(extra)} besides"] if extra else []
            raise DataFormatError(
                f"{part.source.name!r}: {part.source.shown} {' and '.join(said)}, compared with {first.source.shown}. "
                "Files that are read as one have the same columns; choose those that all have with the option columns, "
                "or read them apart."
            )
    return unified([part.schema for part in parts], subject=f"{first.source.name!r}")


def _shaped(frame: pl.LazyFrame, found: pl.Schema, schema: pl.Schema) -> pl.LazyFrame:
    """Return a frame with the columns of a schema, in its order and its types; nothing is added to the plan in vain."""
    if found == schema and found.names() == schema.names():
        return frame
    return frame.select(
        column(name) if found[name] == kind else column(name).cast(kind) for name, kind in schema.items()
    )


def _partition_type(values: Sequence[str | None]) -> Any:
    """Return what the values of a partition are; those of the pandas engine, so that both read the same."""
    known = [value for value in values if value is not None]
    if not known or not all(re.fullmatch(r"-?\d{1,18}", value) for value in known):
        return pl.String()
    return pl.Int32() if all(abs(int(value)) <= _MOST_INT32 for value in known) else pl.Int64()
