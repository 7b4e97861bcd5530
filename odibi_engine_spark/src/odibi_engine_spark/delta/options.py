"""The options of Delta inputs and outputs, and of the log sink ``spark_delta``.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from odibi_engine_spark.option_models import SparkOptions

__all__ = ["DeltaReadOptions", "DeltaWriteOptions", "SparkDeltaLogSinkOptions"]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class DeltaReadOptions(SparkOptions):
    """Options of a Delta input.

    Example:
        >>> DeltaReadOptions.model_validate({"versionAsOf": 3}).version
        3
        >>> DeltaReadOptions.model_validate({"timestamp": "2026-11-22"}).timestamp
        '2026-11-22 00:00:00'
    """

    other_names: ClassVar[Mapping[str, str]] = {"versionasof": "version", "timestampasof": "timestamp"}

    version: NonNegativeInt | None = None
    """The table as of this version."""
    timestamp: str | None = None
    """The table as of this time: ``2026-11-22 03:20:00``, in the session's time zone."""
    columns: list[str] | None = None
    """The columns to read, in this order."""
    read_change_feed: bool = False
    """The changes between two versions or times instead of the rows; the table must record them."""
    starting_version: NonNegativeInt | None = None
    """The first version whose changes are read."""
    ending_version: NonNegativeInt | None = None
    """The last version whose changes are read; if not given, the newest."""
    starting_timestamp: str | None = None
    """The time from which changes are read."""
    ending_timestamp: str | None = None
    """The time up to which changes are read."""

    @field_validator("timestamp", "starting_timestamp", "ending_timestamp", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        # YAML makes a date or a time of what is not quoted; and Sail takes no date for a time.
        if isinstance(value, str) and _DAY.fullmatch(value.strip()):
            return f"{value.strip()} 00:00:00"
        if isinstance(value, datetime):
            return value.isoformat(sep=" ")
        return f"{value.isoformat()} 00:00:00" if isinstance(value, date) else value

    @model_validator(mode="after")
    def _one_moment(self) -> DeltaReadOptions:
        if self.version is not None and self.timestamp is not None:
            raise ValueError("version and timestamp exclude each other; keep one")
        bounds = [self.starting_version, self.ending_version, self.starting_timestamp, self.ending_timestamp]
        if not self.read_change_feed:
            if any(bound is not None for bound in bounds):
                raise ValueError("startingVersion and its like go with readChangeFeed: true")
        elif self.version is not None or self.timestamp is not None:
            raise ValueError(
                "readChangeFeed goes with startingVersion or startingTimestamp, not with version or timestamp"
            )
        elif (self.starting_version is None) == (self.starting_timestamp is None):
            raise ValueError("readChangeFeed needs startingVersion or startingTimestamp")
        return self


class DeltaWriteOptions(SparkOptions):
    """Options of a Delta output.

    Example:
        >>> DeltaWriteOptions.model_validate({"keys": "id", "changeColumns": ["name"]}).merge_keys
        ['id']
    """

    other_names: ClassVar[Mapping[str, str]] = {"keys": "merge_keys"}

    merge_schema: bool = False
    """Add columns that the table lacks; modes append, overwrite and merge."""
    overwrite_schema: bool = False
    """Let mode overwrite change the table's columns and partitions."""
    replace_where: str | None = Field(default=None, min_length=1)
    """A condition in SQL: mode overwrite replaces the rows for which it is true, and all new rows must fulfil it."""
    merge_keys: list[str] | None = Field(default=None, min_length=1)
    """Mode merge: the columns that say which row is which; null is a value like any other."""
    change_columns: list[str] | None = None
    """Mode merge: the columns that are compared and updated; if not given, all that are no keys."""
    audit_columns: bool = False
    """Mode merge: keep Merge_Id, Change_Id, Created_Timestamp and Updated_Timestamp."""
    table_properties: dict[str, str] = Field(default={})
    """Properties that a new table gets, such as ``delta.enableChangeDataFeed``."""

    @field_validator("merge_keys", "change_columns", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("table_properties", mode="before")
    @classmethod
    def _as_delta_writes_it(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {key: str(one).lower() if isinstance(one, bool) else str(one) for key, one in value.items()}

    @field_validator("table_properties")
    @classmethod
    def _only_properties(cls, value: dict[str, str]) -> dict[str, str]:
        for key in value:
            if not key.startswith("delta."):
                raise ValueError(f"{key!r} is no property of a Delta table; their names begin with 'delta.'")
        return value

    @model_validator(mode="after")
    def _no_contradiction(self) -> DeltaWriteOptions:
        if self.replace_where is not None and self.overwrite_schema:
            raise ValueError("replaceWhere keeps a part of the table, so overwriteSchema cannot change its columns")
        return self


class SparkDeltaLogSinkOptions(BaseModel):
    """Options of ``type: spark_delta``.

    Validated with ``context={"project_root": folder}``, a relative path is taken from that folder.

    Example:
        >>> SparkDeltaLogSinkOptions().table_name
        'config_driven.TransformationRunLog'
    """

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    table_name: str = Field(default="config_driven.TransformationRunLog", min_length=1)
    """The table: one to three parts, of the session's catalogs."""
    path: str | None = Field(default=None, min_length=1)
    """The table's folder, in place of a name."""

    @field_validator("path")
    @classmethod
    def _absolute(cls, path: str | None, info: ValidationInfo) -> str | None:
        root = (info.context or {}).get("project_root")
        return path if root is None or path is None or ":/" in path else str(Path(root) / path)

    @model_validator(mode="after")
    def _one_place(self) -> SparkDeltaLogSinkOptions:
        if {"path", "table_name"} <= self.model_fields_set and self.path is not None:
            raise ValueError("table_name and path exclude each other; keep one")
        return self
