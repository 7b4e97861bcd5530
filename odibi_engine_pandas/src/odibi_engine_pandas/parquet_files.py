"""What is known of Parquet files and folders before their rows are read."""

from __future__ import annotations

import contextlib
import functools
import json
import operator
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.fs import LocalFileSystem

from odibi_core.plugin import DataFormatError
from odibi_core.plugin.places import Place
from odibi_core.plugin.sources import errors_explained, is_folder_of
from odibi_engine_pandas.parts import require_same_columns
from odibi_engine_pandas.sources import Source

__all__ = [
    "COMMON_METADATA",
    "PARQUET_SUFFIXES",
    "arrow_dataset",
    "filesystem_of",
    "folder_schema",
    "is_parquet_folder",
    "open_parquet",
    "partition_keys",
    "promoted",
    "schema_of",
]

PARQUET_SUFFIXES = (".parquet", ".pq")

COMMON_METADATA = "_common_metadata"
"""The file of a folder that holds the schema of all its files, partitions included; other readers pass over it."""


# In INT96, the type of Spark, Hive and Impala for moments, a day of the year 9999 says "for good". Arrow reads it in
# nanoseconds, which end in 2262 and then begin again. Spark and Polars read it in microseconds.
_INT96_UNIT = "us"
_BY_SPARK = b"org.apache.spark.sql.parquet.row.metadata"
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"


def filesystem_of(place: Place) -> Any:
    """Return the file system for Arrow: it would otherwise take a path with a colon for a URL."""
    return LocalFileSystem() if place.is_local else place.filesystem


def schema_of(source: Source) -> pa.Schema:
    """Return the schema in a file's footer.

    Raises:
        DataFormatError: It is no Parquet file.
    """
    with errors_explained(source), open_parquet(source.place) as file:
        return _with_zones(file.schema_arrow)


def open_parquet(place: Place) -> pq.ParquetFile:
    """Open a file, which the caller closes."""
    return pq.ParquetFile(place.path, filesystem=filesystem_of(place), coerce_int96_timestamp_unit=_INT96_UNIT)


def folder_schema(folder: Place) -> pa.Schema | None:
    """Return the schema that was saved for a folder as a whole, partitions included, if there is one."""
    common = folder.at(f"{folder.path.rstrip('/')}/{COMMON_METADATA}")
    return pq.read_schema(common.path, filesystem=filesystem_of(common)) if common.is_file() else None


def partition_keys(folder: str, file: str) -> tuple[str, ...]:
    """Return the partition columns in the path of a file below a folder.

    Example:
        >>> partition_keys("/data/flights", "/data/flights/year=2013/month=1/part-0.parquet")
        ('year', 'month')
    """
    return tuple(_partition_values(folder, file))


def promoted(schemas: Sequence[pa.Schema], *, subject: str) -> pa.Schema:
    """Return one schema for files of several: integers become floats where one of them has floats, and so on.

    Args:
        schemas: Schemas with the same columns; the first gives their order.
        subject: What they are of, for messages.

    Raises:
        DataFormatError: A column has types that do not go together, such as numbers and text; names it and them.
    """
    try:
        return pa.unify_schemas(list(schemas), promote_options="permissive")
    except (pa.ArrowException, TypeError):
        fields = [_promoted_field([schema.field(name) for schema in schemas], subject) for name in schemas[0].names]
        return pa.schema(fields, metadata=schemas[0].metadata)


def arrow_dataset(sources: list[Source], folder: Place | None, known: pa.Schema | None) -> ds.Dataset:
    """Return files as one Arrow dataset, with a schema that holds for all of them.

    Args:
        sources: The files.
        folder: The folder that they are below, if it is one that was asked for: its subfolders may be partitions.
        known: The schema of the folder as a whole, if one was saved.

    Raises:
        DataFormatError: A file is no Parquet, or the files have different columns or partitions.
    """
    keys = {partition_keys(folder.path, source.place.path) for source in sources} if folder is not None else {()}
    if len(keys) > 1:
        raise DataFormatError(
            f"{sources[0].name!r}: the files below {folder.shown if folder else ''} have different partitions "
            f"({'; '.join(sorted('/'.join(key) or 'none' for key in keys))}); read them apart"
        )
    (partitions,) = keys
    paths = [source.place.path for source in sources]
    where = {
        "format": _file_format(),
        "filesystem": filesystem_of(sources[0].place),
        "partition_base_dir": folder.path if folder else None,
    }
    hive = ds.HivePartitioning.discover() if partitions else None
    if known is not None:
        hive = (
            ds.partitioning(pa.schema([known.field(name) for name in partitions]), flavor="hive")
            if partitions
            else None
        )
        return _dataset(paths, known, hive, folder, where)
    schemas = [schema_of(source) for source in sources]
    for source, schema in zip(sources, schemas, strict=True):
        require_same_columns(schema.names, schemas[0].names, source=source, first=sources[0])
    common = promoted(schemas, subject=f"{sources[0].name!r}")
    if partitions:
        found = ds.dataset(paths, partitioning=hive, **where).schema
        for name in partitions:
            common = common if name in common.names else common.append(found.field(name))
    return _dataset(paths, common, hive, folder, where)


def _file_format() -> ds.ParquetFileFormat:
    return ds.ParquetFileFormat(read_options=ds.ParquetReadOptions(coerce_int96_timestamp_unit=_INT96_UNIT))


def is_parquet_folder(folder: Path) -> bool:
    """Return whether a folder holds Parquet files and nothing else, so that replacing it loses nothing else.

    The folder of a Delta table, say, holds more.
    """
    return is_folder_of(folder, PARQUET_SUFFIXES)


def _with_zones(schema: pa.Schema) -> pa.Schema:
    """Return a schema in which moments that Spark wrote as INT96, which has no zone, are in UTC, which they are."""
    written = json.loads((schema.metadata or {}).get(_BY_SPARK, b"{}"))
    moments = {field["name"] for field in written.get("fields", ()) if field["type"] == "timestamp"}
    for position, field in enumerate(schema):
        if field.name in moments and pa.types.is_timestamp(field.type) and field.type.tz is None:
            schema = schema.set(position, field.with_type(pa.timestamp("us", "UTC")))
    return schema


def _dataset(paths: list[str], schema: pa.Schema, hive: Any, folder: Place | None, where: dict[str, Any]) -> ds.Dataset:
    """Return files as a dataset, with partitions whose folders Spark has named, too.

    Arrow escapes all but ASCII in such names, and takes what Spark left as it is for Latin-1.
    """
    if folder is None or hive is None or all(path.removeprefix(folder.path).isascii() for path in paths):
        return ds.dataset(paths, schema=schema, partitioning=hive, **where)
    parquet = where["format"]
    fragments = []
    for path in paths:
        conditions = [
            ds.field(name).is_null()
            if value is None
            else ds.field(name) == pa.scalar(value).cast(schema.field(name).type)
            for name, value in _partition_values(folder.path, path).items()
        ]
        expression = functools.reduce(operator.and_, conditions)
        fragments.append(parquet.make_fragment(path, filesystem=where["filesystem"], partition_expression=expression))
    return ds.FileSystemDataset(fragments, schema, parquet, where["filesystem"])


def _partition_values(folder: str, file: str) -> dict[str, str | None]:
    parts = PurePosixPath(Path(file).as_posix()).relative_to(Path(folder).as_posix()).parts[:-1]
    named = [part.partition("=") for part in parts if "=" in part]
    return {unquote(name): None if value == _NULL_PARTITION else unquote(value) for name, _, value in named}


def _promoted_field(fields: Sequence[pa.Field], subject: str) -> pa.Field:
    types = [field.type for field in fields]
    plain = [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in types]
    name = fields[0].name
    for kinds in (types, plain):
        with contextlib.suppress(pa.ArrowException, TypeError):
            return pa.unify_schemas([pa.schema([(name, kind)]) for kind in kinds], promote_options="permissive").field(
                0
            )
    found = " and ".join(dict.fromkeys(str(kind) for kind in types))
    raise DataFormatError(f"{subject}: column {name!r} is {found}, which do not go together; make it one type first")
