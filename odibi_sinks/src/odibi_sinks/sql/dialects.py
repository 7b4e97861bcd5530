"""What differs between databases: types, how a row that is there already is left alone, and time-outs.

What SQLAlchemy knows of a kind of database is imported when it is asked for: for all kinds that takes a third as long
as SQLAlchemy itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from sqlalchemy import (
    BigInteger,
    Connection,
    Dialect,
    Double,
    Insert,
    String,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    insert,
    literal_column,
    select,
)
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeEngine

from odibi_core.plugin import RECORD_COLUMNS, ColumnType
from odibi_sinks.record_columns import iso_texts
from odibi_sinks.sql.rows import Columns, Moments, naive_utc, same_moments

if TYPE_CHECKING:
    from odibi_sinks.sql.urls import SqlPlace

__all__ = ["SqlDialect", "Writer", "dialect_for"]

Writer: TypeAlias = Callable[[Connection, Columns], None]
"""Adds rows to a table, in the transaction that the connection is in."""

_LOCK_WAIT: Final = 10.0
"""Seconds to wait for another writer. Each holds the table for the length of one batch, milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlDialect:
    """A kind of database.

    Args:
        types: The types of columns.
        key: The type of `run_id`, which must be one that can be in an index.
        to_times: What a column of moments is given to the driver as.
        writer: Returns what adds rows and leaves those alone that are there, for a table and SQLAlchemy's dialect.
        engine_options: Arguments for `create_engine`: time-outs above all.
        on_connect: Called with each new connection of the driver.
        table_options: Arguments for `Table`.
        index_options: Arguments for the `Index` on the key of a table.
        has_schemas: Whether a table can be in a schema.
        has_indexes: Whether `(run_id, seq)` can be made unique.
    """

    types: Mapping[ColumnType, TypeEngine[Any]]
    key: TypeEngine[Any]
    to_times: Callable[[Moments], Sequence[Any]]
    writer: Callable[[Table, Dialect], Writer]
    engine_options: Callable[[SqlPlace, float], dict[str, Any]] = lambda _place, _seconds: {}
    on_connect: Callable[[Any, float], None] = lambda _connection, _seconds: None
    table_options: Mapping[str, Any] = field(default_factory=dict)
    index_options: Callable[[Table], dict[str, Any]] = lambda _table: {}
    has_schemas: bool = True
    has_indexes: bool = True


def dialect_for(name: str, /) -> SqlDialect:
    """Return how to deal with a kind of database; one that is not known is dealt with by the standard's means.

    Args:
        name: The kind, as `SqlPlace` has it.
    """
    return _DIALECTS.get(name, _other)()


def write_positional(statement: Insert, dialect: Dialect) -> Writer:
    """Return a writer that hands rows to the driver as they are.

    SQLAlchemy takes each row apart and puts it together again, which costs more than SQLite takes to store it.

    Args:
        statement: Its parameters are the columns of the run log, in their order.
        dialect: SQLAlchemy's dialect, with positional parameters.
    """
    compiled = statement.compile(dialect=dialect)
    if compiled.positiontup != list(RECORD_COLUMNS):
        raise AssertionError(f"parameters in another order: {compiled.positiontup}")
    text = str(compiled)

    def write(connection: Connection, columns: Columns) -> None:
        connection.exec_driver_sql(text, list(zip(*columns, strict=True)))

    return write


def write_named(statement: Insert) -> Writer:
    """Return a writer that gives SQLAlchemy the rows, for drivers whose values it has to convert.

    Args:
        statement: Its parameters are named after the columns.
    """

    def write(connection: Connection, columns: Columns) -> None:
        rows = zip(*columns, strict=True)
        connection.execute(statement, [dict(zip(RECORD_COLUMNS, row, strict=True)) for row in rows])

    return write


def insert_if_new(table: Table) -> Insert:
    """Return an insert of one row that does nothing if the row is there, in what every database understands.

    Args:
        table: The table, with the columns of the run log.
    """
    # A type for each value: where they are no VALUES, servers cannot infer it from the column.
    values = [cast(bindparam(name), table.c[name].type).label(name) for name in RECORD_COLUMNS]
    is_there = exists().where(
        table.c.run_id == bindparam("run_id", type_=table.c.run_id.type),
        table.c.seq == bindparam("seq", type_=table.c.seq.type),
    )
    return insert(table).from_select(list(RECORD_COLUMNS), select(*values).where(~is_there))


def _sqlite() -> SqlDialect:
    from sqlalchemy.dialects import sqlite

    return SqlDialect(
        types={"string": Text(), "integer": BigInteger(), "float": Double(), "timestamp": Text()},
        key=Text(),
        to_times=iso_texts,
        writer=lambda table, dialect: write_positional(sqlite.insert(table).on_conflict_do_nothing(), dialect),
        engine_options=_sqlite_options,
        has_schemas=False,
    )


def _sqlite_options(place: SqlPlace, seconds: float) -> dict[str, Any]:
    options: dict[str, Any] = {"connect_args": {"timeout": min(seconds, _LOCK_WAIT)}}
    if place.file is None:
        # A database in memory belongs to its connection, and the thread that delivers is another one each time.
        options |= {"poolclass": StaticPool}
        options["connect_args"] |= {"check_same_thread": False}
    return options


def _postgresql() -> SqlDialect:
    from sqlalchemy.dialects import postgresql

    return SqlDialect(
        types={
            "string": Text(),
            "integer": BigInteger(),
            "float": Double(),
            "timestamp": postgresql.TIMESTAMP(timezone=True),
        },
        key=Text(),
        to_times=same_moments,
        writer=lambda table, _: write_named(postgresql.insert(table).on_conflict_do_nothing()),
        engine_options=_postgresql_options,
        on_connect=_on_postgresql,
    )


def _postgresql_options(place: SqlPlace, seconds: float) -> dict[str, Any]:
    if place.driver != "psycopg":
        return {}
    return {
        "use_native_hstore": False,
        "connect_args": {
            "connect_timeout": max(2, round(min(seconds, _LOCK_WAIT))),
            "keepalives_idle": max(1, round(seconds / 2)),
            "keepalives_interval": max(1, round(seconds / 6)),
            "keepalives_count": 3,
            "tcp_user_timeout": round(seconds * 1000),
        },
    }


def _on_postgresql(connection: Any, seconds: float) -> None:
    # Not in the connection's `options`, which connection poolers refuse. A column without time zone gets UTC.
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', 'UTC', false)")
        for name, limit in (("statement_timeout", seconds), ("lock_timeout", min(seconds, _LOCK_WAIT))):
            cursor.execute("SELECT set_config(%s, %s, false)", (name, str(round(limit * 1000))))
    connection.commit()


def _mysql() -> SqlDialect:
    from sqlalchemy.dialects import mysql

    return SqlDialect(
        types={
            "string": mysql.LONGTEXT(),
            "integer": BigInteger(),
            "float": Double(),
            "timestamp": mysql.DATETIME(fsp=6),
        },
        key=mysql.VARCHAR(255, charset="utf8mb4", collation="utf8mb4_bin"),
        to_times=naive_utc,
        writer=lambda table, _: write_named(mysql_insert(table)),
        engine_options=_mysql_options,
        on_connect=_on_mysql,
        # Transactions, and every character there is, whatever the database's defaults are.
        table_options={
            f"{name}_{option}": value
            for name in ("mariadb", "mysql")
            for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"))
        },
    )


def _mysql_options(place: SqlPlace, seconds: float) -> dict[str, Any]:
    if place.driver != "pymysql":
        return {}
    whole = max(1, round(seconds))
    return {"connect_args": {"connect_timeout": whole, "read_timeout": whole, "write_timeout": whole}}


def _on_mysql(connection: Any, seconds: float) -> None:
    # Without the strict mode a value that does not fit is cut, and nobody is told.
    with connection.cursor() as cursor:
        cursor.execute(
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', "
            "innodb_lock_wait_timeout = %s",
            (max(1, round(min(seconds, _LOCK_WAIT))),),
        )
    connection.commit()


def mysql_insert(table: Table) -> Insert:
    """Return MySQL's and MariaDB's insert of one row that does nothing if the row is there.

    Args:
        table: The table, with the columns of the run log.
    """
    from sqlalchemy.dialects import mysql

    # INSERT IGNORE would also turn every other error into a warning. The column is not qualified, because PyMySQL up to
    # 1.1 leaves percent signs behind the values doubled.
    return mysql.insert(table).on_duplicate_key_update(run_id=literal_column("run_id"))


def _mssql() -> SqlDialect:
    from sqlalchemy.dialects import mssql

    return SqlDialect(
        types={
            "string": mssql.NVARCHAR(),
            "integer": BigInteger(),
            "float": Double(),
            "timestamp": mssql.DATETIMEOFFSET(6),  # type: ignore[no-untyped-call]  # it has no annotations
        },
        key=mssql.NVARCHAR(255, collation="Latin1_General_100_BIN2"),
        to_times=same_moments,
        writer=lambda table, _: write_named(insert_if_new(table)),
        engine_options=_mssql_options,
        on_connect=_on_mssql,
        # To SQL Server two rows without a key are equal, to the others they are not.
        index_options=lambda table: {"mssql_where": and_(table.c.run_id.is_not(None), table.c.seq.is_not(None))},
    )


def _mssql_options(place: SqlPlace, seconds: float) -> dict[str, Any]:
    return {"connect_args": {"timeout": max(1, round(seconds))}} if place.driver == "pyodbc" else {}


def _on_mssql(connection: Any, seconds: float) -> None:
    connection.timeout = max(1, round(seconds))  # of statements; the argument of that name is for connecting


def _other() -> SqlDialect:
    return SqlDialect(
        types={"string": Text(), "integer": BigInteger(), "float": Double(), "timestamp": Text()},
        key=String(255),
        to_times=iso_texts,
        writer=lambda table, _: write_named(insert_if_new(table)),
    )


def _databricks() -> SqlDialect:
    from odibi_sinks.sql.databricks import DATABRICKS

    return DATABRICKS


_DIALECTS: Final[Mapping[str, Callable[[], SqlDialect]]] = {
    "databricks": _databricks,
    "mssql": _mssql,
    "mysql": _mysql,
    "postgresql": _postgresql,
    "sqlite": _sqlite,
}
