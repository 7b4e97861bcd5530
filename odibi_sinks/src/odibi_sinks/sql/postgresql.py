"""What only psycopg can do: COPY, and an end to waiting for a server that has stopped answering."""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from odibi_core.plugin import RECORD_COLUMNS

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

__all__ = ["Watch", "copy_writer"]


def copy_writer(table: Table) -> Callable[[Connection, Sequence[tuple[Any, ...]]], None]:
    """Return a function that adds rows with COPY, inside the transaction that the connection is in.

    Args:
        table: The table, with the columns of the run log.
    """
    from psycopg.sql import SQL, Identifier

    names = [name for name in (table.schema, table.name) if name is not None]
    command = SQL("COPY {} ({}) FROM STDIN").format(
        Identifier(*names), SQL(", ").join(Identifier(name) for name in RECORD_COLUMNS)
    )

    def write(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        driver_connection: Any = connection.connection.driver_connection
        with driver_connection.cursor() as cursor, cursor.copy(command) as copy:
            for row in rows:
                copy.write_row(row)

    return write


class Watch:
    """Cuts the connection of an engine that waits too long.

    A server's own time-outs end a statement that takes long, and the system's keep-alives a connection whose other end
    is gone. Neither helps if the server's process hangs.

    Args:
        engine: An engine on psycopg.
        seconds: How long to wait.
    """

    def __init__(self, engine: Engine, *, seconds: float) -> None:
        self._seconds = seconds
        self._connections: weakref.WeakSet[Any] = weakref.WeakSet()
        event.listen(engine, "connect", lambda connection, _: self._connections.add(connection))

    @contextlib.contextmanager
    def limit(self) -> Iterator[None]:
        """Limit how long anything in the block waits for the server.

        Raises:
            TimeoutError: It took longer, and what was being done has failed.
        """
        is_done, was_cut = threading.Event(), threading.Event()

        def watch() -> None:
            while not is_done.wait(self._seconds):
                was_cut.set()
                for connection in list(self._connections):
                    _cut(connection)

        thread = threading.Thread(target=watch, name="odibi-sql-watch")
        # An interpreter that is shutting down starts no more threads. The last batch is then written unwatched.
        with contextlib.suppress(RuntimeError):
            thread.start()
        try:
            yield
        except Exception as error:
            if was_cut.is_set():
                raise TimeoutError(f"the server did not answer within {self._seconds:g} s") from error
            raise
        finally:
            is_done.set()
            if thread.ident is not None:
                thread.join()


def _cut(connection: Any) -> None:
    # Not closed: the thread that waits for it would find another file under the number that it waits for.
    with (
        contextlib.suppress(OSError, connection.Error),
        socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as twin,
    ):
        twin.shutdown(socket.SHUT_RDWR)
