"""The options of files on Spark: Spark's own names, and those of the pandas engine with the same meaning.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from odibi_engine_spark.files.csv_options import Compression, CsvReadOptions, CsvWriteOptions, Pattern, TypedOptions
from odibi_engine_spark.option_models import Encoding, SparkOptions

__all__ = [
    "AvroReadOptions",
    "AvroWriteOptions",
    "CsvReadOptions",
    "CsvWriteOptions",
    "JsonLinesReadOptions",
    "JsonLinesWriteOptions",
    "JsonReadOptions",
    "JsonWriteOptions",
    "OrcReadOptions",
    "OrcWriteOptions",
    "ParquetReadOptions",
    "ParquetWriteOptions",
    "TextReadOptions",
    "TextWriteOptions",
]


def _none_is_none(value: object) -> object:
    return "none" if value is None else value


def _uncompressed(value: object) -> object:
    return "uncompressed" if value in {None, "none"} else value


class JsonLinesReadOptions(TypedOptions):
    """Options of a JSON lines input."""

    other_names: ClassVar[Mapping[str, str]] = {
        "charset": "encoding",
        "limit": "nrows",
        "rows": "nrows",
        "usecols": "columns",
    }

    primitives_as_string: bool = False
    """Read numbers and truth values as text."""
    prefers_decimal: bool = False
    """Read numbers with a fraction as decimals."""
    drop_field_if_all_null: bool = False
    """Leave out columns without a single value."""
    allow_comments: bool = False
    """Pass over Java's and C++'s comments."""
    allow_single_quotes: bool = True
    """Take single quotes for double ones."""
    allow_unquoted_field_names: bool = False
    """Take names without quotes."""
    dayfirst: Literal[False] = False
    """Always false: say ``date_format: dd/MM/yyyy``."""


class JsonReadOptions(JsonLinesReadOptions):
    """Options of a JSON input."""

    orient: Literal["records"] | None = None
    """What the document must be: an array of records."""
    record_path: str | list[str] | None = None
    """The key, or the path of keys, under which the records are."""


class ParquetReadOptions(SparkOptions):
    """Options of a Parquet input."""

    columns: list[str] | None = None
    """The columns to read, in this order."""
    filters: list[list[Any]] | None = None
    """The rows to read: ``[[column, operator, value], ...]`` if all must hold, a list of such lists if one must."""
    merge_schema: bool = False
    """Let files have different columns, and give each those of all."""


class OrcReadOptions(ParquetReadOptions):
    """Options of an ORC input."""


class AvroReadOptions(SparkOptions):
    """Options of an Avro input."""

    columns: list[str] | None = None
    """The columns to read, in this order."""
    filters: list[list[Any]] | None = None
    """The rows to read: ``[[column, operator, value], ...]`` if all must hold, a list of such lists if one must."""
    avro_schema: str | None = None
    """The schema to read with, as Avro's JSON."""


class TextReadOptions(SparkOptions):
    """Options of a text input."""

    whole_text: bool = False
    """One row per file instead of one per line."""
    line_sep: str | None = Field(default=None, min_length=1)
    """What ends a line, if it is no line end."""
    encoding: Encoding = "utf-8"
    """The text's encoding."""
    compression: Annotated[Compression, BeforeValidator(_none_is_none)] = "infer"
    """How the files are compressed; ``infer`` goes by the name, null means not at all."""


class JsonLinesWriteOptions(SparkOptions):
    """Options of a JSON lines output."""

    compression: Annotated[Literal["infer", "bz2", "gzip", "none"], BeforeValidator(_none_is_none)] = "infer"
    """How to compress; ``infer`` goes by the name, null means not at all."""
    orient: Literal["records"] = "records"
    """Always records."""
    ignore_null_fields: bool = False
    """Leave out what is null instead of writing it."""
    date_format: Pattern | None = None
    """The pattern of dates, as Spark or as strftime has it; ISO 8601 if not given."""
    timestamp_format: Pattern | None = None
    """The pattern of times, as Spark or as strftime has it; ISO 8601 if not given."""
    index: Literal[False] = False
    """Always false: Spark's frames have none."""


class JsonWriteOptions(JsonLinesWriteOptions):
    """Options of a JSON output."""


class ParquetWriteOptions(SparkOptions):
    """Options of a Parquet output."""

    not_here: ClassVar[Mapping[str, str]] = {
        "compressionlevel": "set parquet.compression.codec.zstd.level in the session",
        "rowgroupsize": "set parquet.block.size in the session; Spark measures row groups in bytes",
    }

    compression: Annotated[
        Literal["snappy", "zstd", "gzip", "lz4", "brotli", "none"], BeforeValidator(_none_is_none)
    ] = "snappy"
    """The codec of the column chunks."""
    index: Literal[False] = False
    """Always false: Spark's frames have none."""


class OrcWriteOptions(SparkOptions):
    """Options of an ORC output."""

    compression: Annotated[
        Literal["zstd", "snappy", "zlib", "lz4", "brotli", "none"], BeforeValidator(_none_is_none)
    ] = "zstd"
    """The codec of the columns."""


class AvroWriteOptions(SparkOptions):
    """Options of an Avro output."""

    compression: Annotated[
        Literal["snappy", "deflate", "bzip2", "xz", "zstandard", "uncompressed"], BeforeValidator(_uncompressed)
    ] = "snappy"
    """The codec of the blocks."""
    avro_schema: str | None = None
    """The schema to write with, as Avro's JSON."""
    record_name: str | None = None
    """The name of the record in the schema."""
    record_namespace: str | None = None
    """The namespace of the record in the schema."""


class TextWriteOptions(SparkOptions):
    """Options of a text output: the frame has one column of text."""

    compression: Annotated[Literal["infer", "bz2", "gzip", "none"], BeforeValidator(_none_is_none)] = "infer"
    """How to compress; ``infer`` goes by the name, null means not at all."""
    line_sep: str | None = Field(default=None, min_length=1)
    """What ends a line; a line feed if not given."""
