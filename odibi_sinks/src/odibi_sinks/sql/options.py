"""What can be said about the SQL log sink in a manifest, besides its ``type``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from odibi_sinks.sql.names import check_names
from odibi_sinks.sql.urls import read_place

__all__ = ["SqlSinkOptions"]


class SqlSinkOptions(BaseModel):
    """Options of ``type: sql``.

    Validated with ``context={"project_root": folder}``, the relative path of an SQLite file is taken from that folder.

    Example:
        >>> options = SqlSinkOptions.model_validate({"url": "sqlite:///runs.db"}, context={"project_root": "/srv/p"})
        >>> options.model_dump(exclude_unset=True)
        {'url_or_connection_string': 'sqlite:////srv/p/runs.db'}
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: str = Field(
        repr=False,
        description=(
            "A URL, such as sqlite:///logs/runs.db or postgresql://user:password@host/database, or an ODBC connection "
            "string for SQL Server."
        ),
    )
    table_name: str = Field(default="TransformationRunLog", description="The table; it is made if it is not there.")
    schema_name: str | None = Field(
        default=None, alias="schema", description="The table's schema, made if it is not there. SQLite has none."
    )
    timeout_seconds: float = Field(default=20.0, gt=0, description="How long the database may keep a caller waiting.")

    @field_validator("url")
    @classmethod
    def _checked_url(cls, url: str, info: ValidationInfo) -> str:
        root = (info.context or {}).get("project_root")
        return read_place(url, root=None if root is None else Path(root)).url

    @model_validator(mode="after")
    def _check_names(self) -> SqlSinkOptions:
        check_names(read_place(self.url).dialect, table_name=self.table_name, schema=self.schema_name)
        return self

    @model_serializer(mode="wrap")
    def _as_arguments(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # As the constructor calls them. A field cannot be called schema, which every model has a method of that name.
        names = {"url": "url_or_connection_string", "schema_name": "schema"}
        return {names.get(name, name): value for name, value in handler(self).items()}
