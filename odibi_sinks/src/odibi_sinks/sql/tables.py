"""The table: made if it is not there, given the columns it lacks, refused if it is something else."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Index, MetaData, Table, inspect
from sqlalchemy.exc import DBAPIError, NoSuchTableError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable, ExecutableDDLElement, conv
from sqlalchemy.sql import quoted_name

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA, RunLogError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import ReflectedColumn
    from sqlalchemy.sql.compiler import DDLCompiler

    from odibi_sinks.sql.dialects import SqlDialect

__all__ = ["AddColumn", "check_is_run_log", "columns_there", "make_table", "prepare"]

_UNMISTAKABLE: Final = ("transformation_id", "project", "start_time", "status")
"""What a table has that is a run log, be it of v2 or of a version to come; the other columns can be added."""

_KEY: Final = frozenset({"run_id", "seq"})


def make_table(dialect: SqlDialect, *, name: str, schema: str | None) -> Table:
    """Return the table as SQLAlchemy describes it; the database is not asked.

    Args:
        dialect: The database's ways.
        name: The table's name.
        schema: Its schema, None for the database's default.
    """
    # Always quoted: otherwise a name with a dot in it would be taken apart by some dialects.
    metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s"})
    columns: list[Column[Any]] = [
        Column(
            column.name,
            dialect.key if column.name == "run_id" else dialect.types[column.type],
            nullable=True,
            autoincrement=False,
        )
        for column in RECORD_SCHEMA
    ]
    table = Table(
        quoted_name(name, quote=True),
        metadata,
        *columns,
        schema=None if schema is None or not dialect.has_schemas else quoted_name(schema, quote=True),
        **dialect.table_options,
    )
    if dialect.has_indexes:
        Index(None, table.c.run_id, table.c.seq, unique=True, **dialect.index_options(table))
    return table


class AddColumn(ExecutableDDLElement):
    """``ALTER TABLE ... ADD COLUMN``.

    Args:
        column: The column, of the table that lacks it.
    """

    inherit_cache = False

    def __init__(self, column: Column[Any]) -> None:
        self.column = column


@compiles(AddColumn)
def _add_column(element: AddColumn, compiler: DDLCompiler, **_: Any) -> str:
    return " ".join(_add_column_words(element, compiler, "ADD COLUMN"))


@compiles(AddColumn, "mssql")
@compiles(AddColumn, "oracle")
def _add_column_without_the_word(element: AddColumn, compiler: DDLCompiler, **_: Any) -> str:
    return " ".join(_add_column_words(element, compiler, "ADD"))


def _add_column_words(element: AddColumn, compiler: DDLCompiler, verb: str) -> Sequence[str]:
    table = compiler.preparer.format_table(element.column.table)
    return "ALTER TABLE", table, verb, compiler.get_column_specification(element.column)


def columns_there(connection: Connection, table: Table) -> Mapping[str, ReflectedColumn] | None:
    """Return the columns that a table has in the database, None if it is not there.

    Args:
        connection: To the database.
        table: The table as it should be.
    """
    try:
        columns = inspect(connection).get_columns(table.name, schema=table.schema)
    except NoSuchTableError:
        return None
    # Only PostgreSQL tells "SEQ" and "seq" apart, and there a column of another case is another column.
    is_exact = connection.dialect.name == "postgresql"
    return {column["name"] if is_exact else column["name"].lower(): column for column in columns} or None


def prepare(connection: Connection, table: Table) -> None:
    """Make the schema and the table, or add what the table lacks. What is complete is not touched.

    Args:
        connection: To the database, with no transaction begun.
        table: The table.

    Raises:
        RunLogError: The table is no run log.
        DBAPIError: The database refuses.
    """
    lack, has_own_name = _lack(connection, table), False
    while lack:
        try:
            with connection.begin():
                for statement in lack.statements(table):
                    connection.execute(statement)
        except DBAPIError:
            # Another process may have done the same at the same moment. If so, there is less to do now.
            before, lack = lack, _lack(connection, table)
            if lack == before:
                if has_own_name or not lack.index:
                    raise
                # A table that was renamed, to put it aside, keeps its index, and in SQLite, PostgreSQL and others the
                # index keeps its name from every other one.
                _rename_index(table)
                has_own_name = True
        else:
            return


def _rename_index(table: Table) -> None:
    for index in table.indexes:
        index.name = conv(f"{index.name}_{secrets.token_hex(4)}")


@dataclass(frozen=True, slots=True)
class _Lack:
    """What a database does not have of a table."""

    schema: bool
    table: bool
    columns: tuple[str, ...]
    index: bool

    def __bool__(self) -> bool:
        return self.schema or self.table or bool(self.columns) or self.index

    def statements(self, table: Table) -> list[ExecutableDDLElement]:
        """Return what makes up for it."""
        statements: list[ExecutableDDLElement] = []
        if self.schema and table.schema is not None:
            statements.append(CreateSchema(table.schema))
        if self.table:
            statements.append(CreateTable(table))
        statements += [AddColumn(table.c[name]) for name in self.columns]
        if self.index:
            statements += [CreateIndex(index) for index in table.indexes]
        return statements


def _lack(connection: Connection, table: Table) -> _Lack:
    with connection.begin():
        columns = columns_there(connection, table)
        inspector = inspect(connection)
        if columns is None:
            lacks_schema = table.schema is not None and not inspector.has_schema(table.schema)
            return _Lack(schema=lacks_schema, table=True, columns=(), index=bool(table.indexes))
        check_is_run_log(table, columns)
        missing = tuple(name for name in RECORD_COLUMNS if name not in columns)
        return _Lack(
            schema=False, table=False, columns=missing, index=bool(table.indexes) and not _is_unique(inspector, table)
        )


def _is_unique(inspector: Any, table: Table) -> bool:
    where = {"table_name": table.name, "schema": table.schema}
    keys = [inspector.get_pk_constraint(**where)["constrained_columns"]]
    keys += [index["column_names"] for index in inspector.get_indexes(**where) if index["unique"]]
    keys += [constraint["column_names"] for constraint in inspector.get_unique_constraints(**where)]
    return any({str(name).lower() for name in key} == _KEY for key in keys)


def check_is_run_log(table: Table, columns: Mapping[str, ReflectedColumn]) -> None:
    """Raise if a table is not one that records can be written to and read from.

    Args:
        table: The table as it should be.
        columns: The columns that it has.

    Raises:
        RunLogError: It lacks what makes a run log, or wants values that records do not have.
    """
    missing = [name for name in _UNMISTAKABLE if name not in columns]
    foreign = [
        column["name"]
        for name, column in columns.items()
        if name not in RECORD_COLUMNS and not column["nullable"] and _has_no_value_of_its_own(column)
    ]
    if missing:
        problem = f"it has the columns {', '.join(sorted(columns)[:12])}, and not {', '.join(missing)}"
    elif foreign:
        problem = f"it wants a value in {', '.join(sorted(foreign))}, which no record has"
    else:
        return
    raise RunLogError(
        f"The table {table.fullname!r} is no run log: {problem}. Nothing was written to it. Give the log sink another "
        "table_name, or rename that table."
    )


def _has_no_value_of_its_own(column: ReflectedColumn) -> bool:
    return (
        column.get("default") is None
        and not column.get("identity")
        and not column.get("computed")
        and column.get("autoincrement") is not True
        and not column.get("primary_key")  # said of SQLite's, where such a column numbers itself
    )
