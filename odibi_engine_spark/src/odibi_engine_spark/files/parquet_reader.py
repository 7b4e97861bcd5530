"""Reading Parquet that Spark wrote, and Parquet that others wrote."""

from __future__ import annotations

import functools
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import functions as F  # noqa: N812 - as everybody writes it
from pyspark.sql.types import StructType

from odibi_core.plugin import DataFormatError, Dataset, DatasetNotFoundError
from odibi_engine_spark.arrow_types import has_nanoseconds, sail_refuses, spark_schema
from odibi_engine_spark.columns import column, quoted, require_same
from odibi_engine_spark.files.options import ParquetReadOptions
from odibi_engine_spark.files.prepared import copy_of
from odibi_engine_spark.files.sources import NULL_PARTITION, Files, find_files
from odibi_engine_spark.places import uri_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["COMMON_METADATA", "PARQUET_SUFFIXES", "read_local_parquet"]

PARQUET_SUFFIXES = (".parquet", ".pq")

COMMON_METADATA = "_common_metadata"
"""The file of a folder that holds the schema of all its files, partitions included; other readers pass over it."""

_BY_SPARK = b"org.apache.spark.sql.parquet.row.metadata"
_ESCAPED = re.compile("%[89A-Fa-f]")
_THREADS = 8


def read_local_parquet(dataset: Dataset, path: Path, options: ParquetReadOptions, engine: SparkEngine) -> DataFrame:
    """Return the rows of Parquet files that this process sees.

    What Spark wrote, Spark reads as it wrote it. Of files of others the schema is found here, from all of them: Spark
    refuses times in nanoseconds (they come in microseconds), takes the first file's types for those of all, and
    guesses the types of partitions.

    Args:
        dataset: What is read.
        path: Where it is.
        options: The options.
        engine: The engine.

    Raises:
        DatasetNotFoundError: Nothing is there.
        DataFormatError: A file is no Parquet, or columns have types that do not go together.
    """
    subject = f"{dataset.name!r}"
    if (path / "_delta_log").is_dir():
        raise DataFormatError(
            f"{subject}: {path} is a Delta table, some of whose files no longer count; read it with the format delta"
        )
    known = pq.read_schema(path / COMMON_METADATA) if (path / COMMON_METADATA).is_file() else None
    try:
        files = find_files(dataset, path, suffixes=PARQUET_SUFFIXES)
    except DatasetNotFoundError:
        if known is None or (schema := spark_schema(known)) is None:
            raise
        return engine.session.createDataFrame([], schema)  # partitions without rows have no files, and still columns
    with ThreadPoolExecutor(_THREADS) as pool:
        schemas = list(pool.map(lambda file: _schema_of(file, subject), files.paths))
    if not options.merge_schema:
        _require_same_columns(schemas, files, subject)
    whole = known if known is not None else _promoted(schemas, subject)
    is_foreign = any(_BY_SPARK not in (schema.metadata or {}) for schema in schemas) or known is not None
    is_foreign = is_foreign or len({tuple(schema.types) for schema in schemas}) > 1
    if engine.flavour.kind == "sail" or any(_ESCAPED.search(str(path)) for path in files.paths if files.keys):
        return _by_parts(dataset, files, whole, engine)
    reader = engine.session.read
    if files.folder is not None:
        reader = reader.option("basePath", uri_of(files.folder, engine=engine, is_output=True))
    uris = [uri_of(file, engine=engine) for file in files.paths]
    schema = spark_schema(whole, nanoseconds="bigint") if is_foreign else _remembered(schemas)
    if schema is None:
        return reader.option("mergeSchema", str(options.merge_schema).lower()).parquet(*uris)
    if not is_foreign:
        return reader.schema(schema).parquet(*uris)
    frame = reader.schema(schema).parquet(*uris)
    if any(has_nanoseconds(field.type) and not pa.types.is_timestamp(field.type) for field in whole):
        names = [field.name for field in whole if has_nanoseconds(field.type)]
        raise DataFormatError(
            f"{subject}: {path} has times in nanoseconds inside {', '.join(map(repr, names))}, which Spark cannot "
            "read; save them in microseconds"
        )
    return frame.select(*(_from_nanoseconds(name, whole) for name in frame.columns))


def _remembered(schemas: list[pa.Schema]) -> StructType | None:
    """Return the schema that Spark left in the footers of its files, if it is the same in all of them.

    To look for it, Spark itself starts a job, which takes longer than reading a small table.
    """
    texts = {schema.metadata[_BY_SPARK] for schema in schemas}
    return StructType.fromJson(json.loads(texts.pop())) if len(texts) == 1 else None


def _schema_of(path: Path, subject: str) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise DataFormatError(f"{subject}: {path} cannot be read as parquet: {error}") from error


def _require_same_columns(schemas: list[pa.Schema], files: Files, subject: str) -> None:
    for schema, path in zip(schemas, files.paths, strict=True):
        require_same(
            schema.names,
            schemas[0].names,
            subject=f"{subject}: {path}",
            other=f"{files.paths[0]}. Say merge_schema: true to have those of all, or read the files apart",
        )


def _promoted(schemas: list[pa.Schema], subject: str) -> pa.Schema:
    try:
        return pa.unify_schemas([schema.remove_metadata() for schema in schemas], promote_options="permissive")
    except (pa.ArrowException, TypeError) as error:
        raise DataFormatError(f"{subject}: the files have columns of types that do not go together: {error}") from error


def _from_nanoseconds(name: str, whole: pa.Schema) -> Any:
    if name not in whole.names or not has_nanoseconds(kind := whole.field(name).type):
        return column(name)
    # Rounded down, as pandas does it, also before 1970; `div` alone rounds towards zero.
    ticks = quoted(name)
    moment = F.expr(f"timestamp_micros(({ticks} - pmod({ticks}, 1000)) div 1000)")
    return (moment if kind.tz is not None else moment.cast("timestamp_ntz")).alias(name)


def _by_parts(dataset: Dataset, files: Files, whole: pa.Schema, engine: SparkEngine) -> DataFrame:
    """Read files of one schema and one partition together.

    Sail finds no partitions when it is given files, and Spark takes the bytes of a name that others have escaped for
    characters. What Sail cannot read even so is written anew, once per file.
    """
    parts: dict[tuple[Any, ...], list[Path]] = {}
    schemas: dict[tuple[Any, ...], pa.Schema] = {}
    is_sail = engine.flavour.kind == "sail"
    nanoseconds: Literal["bigint", "timestamp"] = "timestamp" if is_sail else "bigint"
    for path in files.paths:
        own = _schema_of(path, f"{dataset.name!r}")
        key = (tuple(files.partition_of(path).items()), tuple(own.names), tuple(own.types))
        schemas[key] = own
        parts.setdefault(key, []).append(
            _rewritten(path, own, engine) if is_sail and any(map(sail_refuses, own.types)) else path
        )
    wanted = spark_schema(whole)
    frames: list[DataFrame] = []
    for key, paths in parts.items():
        reader, schema = engine.session.read, spark_schema(schemas[key], nanoseconds=nanoseconds)
        if schema is not None:
            reader = reader.schema(schema)
        frame = reader.parquet(*(uri_of(path, engine=engine) for path in paths))
        if not is_sail and schema is not None:
            frame = frame.select(*(_from_nanoseconds(name, schemas[key]) for name in frame.columns))
        for name, value in key[0]:
            kind = wanted[name].dataType if wanted is not None and name in wanted.names else _kind_of(files, name)
            frame = frame.withColumn(name, F.lit(value).cast(kind))
        if wanted is not None:
            kinds = {field.name: field.dataType for field in wanted.fields}
            frame = frame.select(
                *(
                    column(name).cast(kinds[name]).alias(name) if name in kinds else column(name)
                    for name in [name for name in wanted.names if name in frame.columns]
                    + [name for name in frame.columns if name not in kinds]
                )
            )
        frames.append(frame)
    return functools.reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), frames)


def _kind_of(files: Files, name: str) -> str:
    """Return the type of a partition column as Spark would find it: integers, else text."""
    values = {files.partition_of(path)[name] for path in files.paths} - {None, NULL_PARTITION}
    return "int" if all(value is not None and value.lstrip("-").isdigit() for value in values) else "string"


def _rewritten(path: Path, schema: pa.Schema, engine: SparkEngine) -> Path:
    plain = pa.schema(
        [
            field.with_type(field.type.value_type if pa.types.is_dictionary(field.type) else field.type)
            for field in schema
        ]
    )

    def write(target: Path) -> None:
        with pq.ParquetFile(path) as source, pq.ParquetWriter(target, plain) as sink:
            for batch in source.iter_batches():
                sink.write_table(pa.Table.from_batches([batch]).cast(plain))

    return copy_of(path, name=path.name, kind="without dictionaries", write=write, engine=engine)
