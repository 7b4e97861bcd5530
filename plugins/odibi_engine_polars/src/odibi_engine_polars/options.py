"""The options of the engine and of all formats but CSV, under the pandas engine's names where it has them, too.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AliasChoices, Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from odibi_engine_polars.csv_options import TextReadOptions
from odibi_engine_polars.option_models import Compression, PolarsOptions

__all__ = [
    "AvroWriteOptions",
    "ColumnOptions",
    "ExcelReadOptions",
    "ExcelWriteOptions",
    "IpcWriteOptions",
    "JsonLinesReadOptions",
    "JsonReadOptions",
    "JsonWriteOptions",
    "ParquetReadOptions",
    "ParquetWriteOptions",
    "PolarsEngineOptions",
]


class PolarsEngineOptions(PolarsOptions):
    """The manifest's ``engines.polars``."""

    mode: Literal["lazy", "eager"] = "lazy"
    """``lazy``: functions get lazy frames, and what they plan is done when an output is saved. ``eager``: they get data
    frames, read before they are called."""


class ColumnOptions(PolarsOptions):
    """Options of an Arrow IPC or Avro input."""

    columns: list[str] | None = None
    """The columns to read, in this order."""
    nrows: NonNegativeInt | None = None
    """Read this many rows and no more."""


class IpcWriteOptions(PolarsOptions):
    """Options of an Arrow IPC output."""

    compression: Literal["lz4", "zstd", "none"] = "none"
    """The codec; files without one are read without a copy."""


class AvroWriteOptions(PolarsOptions):
    """Options of an Avro output."""

    compression: Literal["snappy", "deflate", "none"] = "none"
    """The codec."""


class ExcelReadOptions(ColumnOptions):
    """Options of an Excel input."""

    sheet: str | None = Field(default=None, validation_alias=AliasChoices("sheet", "sheet_name"))
    """The sheet; the first one if not given."""
    header: bool = True
    """Whether the first row has the column names."""


class ExcelWriteOptions(PolarsOptions):
    """Options of an Excel output."""

    sheet: str = Field(
        default="Sheet1", min_length=1, max_length=31, validation_alias=AliasChoices("sheet", "sheet_name")
    )
    """The sheet."""


class JsonLinesReadOptions(TextReadOptions):
    """Options of a JSON lines input."""


class JsonReadOptions(TextReadOptions):
    """Options of a JSON input."""

    orient: Literal["records", "columns"] | None = None
    """What the document must be: an array of records, or an object of columns; found out if not given."""
    record_path: str | list[str] | None = None
    """The key, or the path of keys, under which the records are."""


class JsonWriteOptions(PolarsOptions):
    """Options of a JSON or JSON lines output."""

    orient: Literal["records"] = "records"
    """Always an array (or lines) of records."""
    compression: Compression | None = "infer"
    """How to compress; ``infer`` goes by the name, null means not at all."""
    index: Literal[False] = False
    """Always false: Polars has no index."""


class ParquetReadOptions(PolarsOptions):
    """Options of a Parquet input."""

    columns: list[str] | None = None
    """The columns to read, in this order."""
    filters: list[list[Any]] | None = None
    """The rows to read: ``[[column, operator, value], ...]`` if all must hold, a list of such lists if one must."""


class ParquetWriteOptions(PolarsOptions):
    """Options of a Parquet output."""

    compression: Literal["snappy", "zstd", "gzip", "lz4", "brotli", "none"] = "snappy"
    """The codec of the column chunks."""
    compression_level: int | None = None
    """The codec's level, for zstd, gzip and brotli."""
    row_group_size: PositiveInt | None = None
    """How many rows a row group holds at most; Polars' own choice if not given."""
    index: Literal[False] = Field(default=False)
    """Always false: Polars has no index."""

    @field_validator("compression", mode="before")
    @classmethod
    def _null_is_none(cls, compression: object) -> object:
        return "none" if compression is None else compression

    @model_validator(mode="after")
    def _has_levels(self) -> ParquetWriteOptions:
        if self.compression_level is not None and self.compression not in {"brotli", "gzip", "zstd"}:
            raise ValueError(f"compression {self.compression!r} has no compression_level; leave it out, or take zstd")
        return self
