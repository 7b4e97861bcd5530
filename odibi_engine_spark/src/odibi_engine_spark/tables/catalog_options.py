"""The options of tables of a catalog.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, NonNegativeInt, model_validator

from odibi_engine_spark.option_models import SparkOptions

__all__ = ["CatalogReadOptions", "CatalogWriteOptions"]


class CatalogReadOptions(SparkOptions):
    """Options of an input that is a table of a catalog."""

    columns: list[str] | None = None
    """The columns to read, in this order."""
    filters: list[list[Any]] | None = None
    """The rows to read: ``[[column, operator, value], ...]`` if all must hold, a list of such lists if one must."""
    version_as_of: NonNegativeInt | None = None
    """The version of the table to read, where its format keeps versions."""
    timestamp_as_of: str | None = None
    """The moment as of which to read the table, where its format keeps versions."""

    @model_validator(mode="after")
    def _one_moment(self) -> CatalogReadOptions:
        if self.version_as_of is not None and self.timestamp_as_of is not None:
            raise ValueError("versionAsOf and timestampAsOf exclude each other; keep one")
        return self


class CatalogWriteOptions(SparkOptions):
    """Options of an output that is a table of a catalog."""

    other_names: ClassVar[Mapping[str, str]] = {"keys": "merge_keys"}

    format: str | None = None
    """The format of a table that is created: delta, parquet, iceberg, ...; the session's default if not given."""
    overwrite_schema: bool = False
    """Mode overwrite: give the table the columns of the frame."""
    create_schema: bool = True
    """Create the schema (the part before the table's name) if it is not there."""
    table_properties: dict[str, str] = Field(default={})
    """Properties of a table that is created by a merge."""
    merge_keys: list[str] | None = Field(default=None, min_length=1)
    """Mode merge: the columns that say which row is which."""
    change_columns: list[str] | None = None
    """Mode merge: the columns that are compared and updated; all others if not given."""
    audit_columns: bool = False
    """Mode merge: keep Merge_Id, Change_Id, Created_Timestamp and Updated_Timestamp."""
    merge_schema: bool = False
    """Mode merge: add columns that the table lacks."""
