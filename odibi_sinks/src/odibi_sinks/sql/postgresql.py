"""What only psycopg can do: COPY, and an end to waiting for a server that has stopped answering."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import event

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA
from odibi_sinks.record_columns import iso_texts
from odibi_sinks.sql.rows import Columns

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

__all__ = ["connect_impatiently", "copy_writer"]

_GRACE: Final = 1.5
"""How much longer than its own time-out a server is waited for: what it ends itself leaves the connection alive."""

_PART: Final = 100
"""Rows that are sent at once."""

_NULL: Final = r"\N"
_NUMBERS: Final = {int, float, type(None)}
_TEXTS: Final = {str, type(None)}


def copy_writer(table: Table) -> Callable[[Connection, Columns], None]:
    """Return a function that adds rows with COPY, inside the transaction that the connection is in.

    Args:
        table: The table, with the columns of the run log.
    """
    names = [name for name in (table.schema, table.name) if name is not None]
    command = SQL("COPY {} ({}) FROM STDIN").format(
        Identifier(*names), SQL(", ").join(Identifier(name) for name in RECORD_COLUMNS)
    )

    def write(connection: Connection, columns: Columns) -> None:
        driver_connection: Any = connection.connection.driver_connection
        with driver_connection.cursor() as cursor, cursor.copy(command) as copy:
            # The server takes in one part while the next is made.
            for begin in range(0, len(columns[0]), _PART):
                copy.write(copy_text([values[begin : begin + _PART] for values in columns]))

    return write


def copy_text(columns: Columns) -> str:
    r"""Return rows as COPY reads them. psycopg's `write_row` takes each value by itself, which takes twice as long.

    Args:
        columns: The columns of the run log, with moments in UTC. What is no value of its column's type is written as
            text, which the server takes or refuses.

    Example:
        >>> empty = [[None]] * (len(RECORD_COLUMNS) - 2)
        >>> copy_text([["a\tb"], *empty, [7]]).split("\t")[::20]
        ['a\\tb', '7\n']
    """
    cells = [
        _cells(iso_texts(values) if column.type == "timestamp" else values)
        for column, values in zip(RECORD_SCHEMA, columns, strict=True)
    ]
    return "".join([f"{row}\n" for row in map("\t".join, zip(*cells, strict=True))])


def _cells(values: Sequence[Any]) -> Sequence[str]:
    types = set(map(type, values))
    if types <= _NUMBERS:
        return [_NULL if value is None else str(value) for value in values]
    different = set(map(str, values)) if types - _TEXTS else set(values) - {None}
    text = "".join(different)
    if not text.isprintable() or "\\" in text:
        return [_NULL if value is None else _escaped(str(value)) for value in values]
    return values if types == {str} else [_NULL if value is None else str(value) for value in values]


def _escaped(text: str) -> str:
    # Twenty times as quick as `str.translate`, which long error messages were most of the work for.
    return text.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


def connect_impatiently(engine: Engine, *, seconds: float) -> None:
    """Make an engine's connections give up a server that says nothing.

    A server's own time-outs end a statement that takes long, and the system's keep-alives a connection whose other end
    is gone. Neither helps if the server's process hangs.

    Args:
        engine: An engine on psycopg.
        seconds: The server's own time-out.
    """

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, positional: Sequence[Any], named: dict[str, Any]) -> _Impatient:
        connection = _Impatient.connect(*positional, **named)
        connection.patience = seconds * _GRACE
        return connection


class _Impatient(psycopg.Connection[Any]):
    patience = float("inf")

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        return super().wait(self._limited(gen), *args, **kwargs)

    def _limited(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        heard = time.monotonic()
        try:
            request = next(gen)
            while True:
                is_ready = yield request
                if is_ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.patience:
                    # Whatever the server is doing, it can no longer be asked to stop.
                    self.close()
                    raise psycopg.OperationalError(f"the server said nothing for {self.patience:g} s")
                request = gen.send(is_ready)
        except StopIteration as stop:
            return stop.value
