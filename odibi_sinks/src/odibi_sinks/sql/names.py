"""Names of tables and schemas: any that the database can have; the others are refused before it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from odibi_core.plugin import ConfigError

__all__ = ["check_names"]

_LONGEST: Final[Mapping[str, int]] = {"mssql": 128, "mysql": 64, "postgresql": 63}
"""PostgreSQL counts bytes, and cuts a longer name off without an error: the table would never be found again."""


def check_names(dialect: str, *, table_name: str, schema: str | None) -> None:
    """Raise if a database cannot have a table of this name.

    Args:
        dialect: The kind of database, as `SqlPlace` has it.
        table_name: The table.
        schema: Its schema, None for the database's default.

    Raises:
        ConfigError: It cannot, or a schema was put into the table's name.

    Example:
        >>> check_names("postgresql", table_name='runs "of" Zürich', schema=None)
    """
    if schema is None and "." in table_name:
        before, _, after = table_name.rpartition(".")
        raise ConfigError(
            f"The SQL log sink's table name {table_name!r} has a dot in it. The schema is an option of its own: "
            f"schema: {before}, table_name: {after}"
        )
    for what, name in (("table name", table_name), ("schema", schema)):
        problem = "" if name is None else _problem(name, dialect)
        if problem:
            raise ConfigError(f"The SQL log sink cannot use the {what} {name!r}: {problem}. Choose another one.")


def _problem(name: str, dialect: str) -> str:
    if not name.strip():
        return "it is empty"
    if not name.isprintable():
        return "it has characters in it that cannot be printed"
    longest = _LONGEST.get(dialect)
    if longest is not None and len(name.encode() if dialect == "postgresql" else name) > longest:
        unit = "bytes" if dialect == "postgresql" else "characters"
        return f"it is longer than {longest} {unit}"
    if dialect == "databricks" and any(c in "./ " for c in name):
        return "Databricks allows no dots, slashes and blanks"
    if dialect == "mysql" and (name.endswith(" ") or any(c in "/\\." or c > "\uffff" for c in name)):
        return "MariaDB and MySQL allow no dots, slashes, characters beyond U+FFFF and blanks at the end"
    if dialect == "sqlite" and name.lower().startswith("sqlite_"):
        return "names that begin with sqlite_ are SQLite's own"
    return ""
