"""The options that a row may give to an input or output in a Delta table.

This module is imported while a project is planned, so it imports no data library. The names are those of Delta's own
documentation, in either spelling: ``merge_schema`` or ``mergeSchema``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self, TypeVar

from pydantic import (  # noqa: TID253  # this module is pydantic models; the kernel imports it when a row needs it
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from odibi_core.plugin import ConfigError, Dataset, did_you_mean

__all__ = ["AUDIT_COLUMNS", "DeltaReadOptions", "DeltaWriteOptions", "parse_options"]

AUDIT_COLUMNS = ("Merge_Id", "Change_Id", "Created_Timestamp", "Updated_Timestamp")
"""What ``audit_columns`` adds to a table."""


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[Annotated[str, Field(min_length=1)]], BeforeValidator(_as_list), Field(min_length=1)]
"""One column name or several."""


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class DeltaReadOptions(_Options):
    """Options of an input that is a Delta table.

    Example:
        >>> DeltaReadOptions.model_validate({"versionAsOf": 3, "columns": "id"}).model_dump(exclude_unset=True)
        {'version': 3, 'columns': ['id']}
    """

    version: NonNegativeInt | None = Field(default=None, validation_alias=AliasChoices("version", "versionAsOf"))
    """The version of the table to read; the newest if not given."""
    timestamp: datetime | None = Field(default=None, validation_alias=AliasChoices("timestamp", "timestampAsOf"))
    """Read the table as it was at this moment; in UTC if it has no zone."""
    columns: Names | None = None
    """The columns to read, in this order."""
    filters: list[list[Any]] | None = Field(default=None, min_length=1)
    """The rows to read: ``[[column, operator, value], ...]`` if all must hold, a list of such lists if one must."""

    @field_validator("timestamp")
    @classmethod
    def _in_a_zone(cls, timestamp: datetime | None) -> datetime | None:
        return timestamp.replace(tzinfo=UTC) if timestamp is not None and timestamp.tzinfo is None else timestamp

    @model_validator(mode="after")
    def _at_one_moment(self) -> Self:
        if self.version is not None and self.timestamp is not None:
            raise ValueError("version and timestamp both say which state of the table to read; keep one")
        return self


class DeltaWriteOptions(_Options):
    """Options of an output that is a Delta table.

    Validated with ``context={"mode": mode}``, options that the mode lacks or cannot use are errors.

    Example:
        >>> DeltaWriteOptions.model_validate({"keys": "id", "auditColumns": True}).merge_keys
        ['id']
    """

    merge_keys: Names | None = Field(default=None, validation_alias=AliasChoices("merge_keys", "mergeKeys", "keys"))
    """The columns that tell rows apart, for mode ``merge``; null equals null."""
    change_columns: Names | None = Field(default=None, validation_alias=AliasChoices("change_columns", "changeColumns"))
    """The columns that ``merge`` compares and updates; if not given, all but the keys and the audit columns."""
    audit_columns: bool = Field(default=False, validation_alias=AliasChoices("audit_columns", "auditColumns"))
    """Have ``merge`` keep Merge_Id, Change_Id, Created_Timestamp and Updated_Timestamp."""
    replace_where: str | None = Field(
        default=None, min_length=1, validation_alias=AliasChoices("replace_where", "replaceWhere")
    )
    """A condition in SQL: mode ``overwrite`` replaces the rows for which it holds, and takes no others."""
    merge_schema: bool = Field(default=False, validation_alias=AliasChoices("merge_schema", "mergeSchema"))
    """Add the frame's new columns to the table; columns that the frame lacks become null."""
    overwrite_schema: bool = Field(default=False, validation_alias=AliasChoices("overwrite_schema", "overwriteSchema"))
    """Have mode ``overwrite`` replace the table's columns, types and partitions too."""
    table_properties: dict[str, str] = Field(
        default={}, validation_alias=AliasChoices("table_properties", "tableProperties")
    )
    """Properties that a new table gets, such as ``delta.enableChangeDataFeed``."""

    @field_validator("table_properties", mode="before")
    @classmethod
    def _as_delta_writes_it(cls, properties: object) -> object:
        if not isinstance(properties, Mapping):
            return properties
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in properties.items()
        }

    @field_validator("table_properties")
    @classmethod
    def _only_properties(cls, properties: dict[str, str]) -> dict[str, str]:
        wrong = sorted(name for name in properties if not name.startswith("delta."))
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no property of a Delta table; their names begin with 'delta.'")
        return properties

    @model_validator(mode="after")
    def _fit_together(self, info: ValidationInfo) -> Self:
        for_merge = ", ".join(sorted({"merge_keys", "change_columns", "audit_columns"} & self.model_fields_set))
        mode = (info.context or {}).get("mode")
        if mode == "merge" and self.merge_keys is None:
            raise ValueError("mode 'merge' needs the option merge_keys: the columns that tell rows apart")
        if mode not in {None, "merge"} and for_merge:
            raise ValueError(f"{for_merge}: only mode 'merge' has a use for it, and the mode is {mode!r}")
        if mode not in {None, "overwrite"} and (self.replace_where is not None or self.overwrite_schema):
            wrong = "replace_where" if self.replace_where is not None else "overwrite_schema"
            raise ValueError(f"{wrong}: only mode 'overwrite' has a use for it, and the mode is {mode!r}")
        if self.overwrite_schema and (self.merge_schema or self.replace_where is not None):
            other = "merge_schema" if self.merge_schema else "replace_where"
            raise ValueError(f"overwrite_schema and {other} contradict each other; keep one")
        both = sorted(set(self.merge_keys or ()) & set(self.change_columns or ()))
        if both:
            raise ValueError(f"{', '.join(both)}: a column is one of merge_keys or of change_columns, not both")
        return self


OptionsT = TypeVar("OptionsT", DeltaReadOptions, DeltaWriteOptions)


def parse_options(model: type[OptionsT], dataset: Dataset) -> OptionsT:
    """Return a dataset's options, checked.

    Args:
        model: The options model of the reader or saver.
        dataset: The dataset whose options are meant; its mode decides which are needed.

    Raises:
        ConfigError: An option does not exist or has a value that it cannot have; names all of them.

    Example:
        >>> wrong = Dataset(name="s.a", kind="table", format="delta", location="/s/a", options={"merge_key": "id"})
        >>> parse_options(DeltaWriteOptions, wrong)
        Traceback (most recent call last):
            ...
        odibi_core.errors.ConfigError: 's.a' (delta): unknown option 'merge_key'. Did you mean 'merge_keys'? ...
    """
    try:
        return model.model_validate(dict(dataset.options), context={"mode": dataset.mode})
    except ValidationError as error:
        wrong: dict[str, list[str]] = {}
        for problem in error.errors(include_url=False, include_input=False):
            name = str(problem["loc"][0]) if problem["loc"] else ""
            wrong.setdefault(name, []).append(_in_words(name, problem["type"], problem["msg"], model))
        shown = "; ".join(" or ".join(dict.fromkeys(words)) for words in wrong.values())
        raise ConfigError(f"{dataset.name!r} ({dataset.format}): {shown}") from error


def _in_words(name: str, kind: str, message: str, model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        known = sorted(model.model_fields)
        parts = [f"unknown option {name!r}.", did_you_mean(name, known), f"Options: {', '.join(known)}"]
        return " ".join(filter(None, parts))
    message = message.removeprefix("Value error, ")
    return f"option {name!r}: {message}" if name else message
