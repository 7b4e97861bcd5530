"""Databricks SQL: a batch is one statement, because each statement is a transaction and a commit of its table.

Parameters are few there, so the batch is one of them, a JSON document that the server takes apart.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Dialect,
    Double,
    Insert,
    String,
    Table,
    Text,
    bindparam,
    cast,
    column,
    exists,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.types import UserDefinedType

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA
from odibi_sinks.record_columns import iso_texts
from odibi_sinks.sql.dialects import SqlDialect, Writer
from odibi_sinks.sql.rows import Columns

if TYPE_CHECKING:
    from odibi_sinks.sql.urls import SqlPlace

__all__ = ["DATABRICKS", "insert_document"]

_JSON_TYPES: Final = {"string": "STRING", "integer": "BIGINT", "float": "DOUBLE", "timestamp": "STRING"}
_DOCUMENT: Final = (
    "ARRAY<STRUCT<" + ", ".join(f"{field.name}: {_JSON_TYPES[field.type]}" for field in RECORD_SCHEMA) + ">>"
)


class _Timestamp(UserDefinedType[Any]):
    """A moment. The dialect's own type for it is another one, without a time zone."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "TIMESTAMP"


def insert_document(table: Table) -> Insert:
    """Return an insert of all rows of a JSON document that are not there yet.

    Args:
        table: The table, with the columns of the run log.
    """
    rows = (
        func.inline(func.from_json(bindparam("records", type_=String()), literal(_DOCUMENT, literal_execute=True)))
        .table_valued(*(column(name, Text()) for name in RECORD_COLUMNS))
        .render_derived("records")
    )
    values = [
        cast(rows.c[field.name], table.c[field.name].type) if field.type == "timestamp" else rows.c[field.name]
        for field in RECORD_SCHEMA
    ]
    is_there = exists().where(table.c.run_id == rows.c.run_id, table.c.seq == rows.c.seq)
    return insert(table).from_select(list(RECORD_COLUMNS), select(*values).where(~is_there))


def _document_writer(table: Table, _dialect: Dialect) -> Writer:
    statement = insert_document(table)

    def write(connection: Connection, columns: Columns) -> None:
        rows = zip(*columns, strict=True)
        document = json.dumps([dict(zip(RECORD_COLUMNS, row, strict=True)) for row in rows])
        connection.execute(statement, {"records": document})

    return write


def _options(_place: SqlPlace, seconds: float) -> dict[str, Any]:
    return {"connect_args": {"_socket_timeout": seconds, "_retry_stop_after_attempts_duration": seconds}}


DATABRICKS: Final = SqlDialect(
    types={"string": Text(), "integer": BigInteger(), "float": Double(53), "timestamp": _Timestamp()},
    key=Text(),
    to_times=iso_texts,
    writer=_document_writer,
    engine_options=_options,
    has_indexes=False,
)
