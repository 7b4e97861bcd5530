"""A log sink that keeps records in a table of a database."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from odibi_sinks.sql.names import check_names
from odibi_sinks.sql.urls import check_driver, read_place

if TYPE_CHECKING:
    from sqlalchemy import URL

    from odibi_sinks.sql.store import SqlStore

__all__ = ["SQLTableLogSink"]


class SQLTableLogSink:
    """Keeps run-log records in a table: SQLite, PostgreSQL, MariaDB, MySQL, SQL Server, Databricks SQL and others.

    The table is made, with its schema, when the first records come; one of v2 or of an earlier version gets the columns
    that it lacks. A batch is one transaction, and a record that the table has is left as it is: no batch that comes
    again changes anything. The connection stays open between batches.

    Args:
        url_or_connection_string: A URL as SQLAlchemy has them, such as ``sqlite:///logs/runs.db`` or
            ``postgresql://user:password@host/database``, or an ODBC connection string for SQL Server.
        table_name: The table.
        schema: Its schema; None is the database's default. SQLite has none and takes no notice.
        timeout_seconds: How long the database may take to connect, or for a statement. A database that hangs must not
            hang the program.

    Raises:
        ConfigError: The URL is malformed, or the database cannot have a table of that name.
        PluginError: SQLAlchemy or the database's driver is not installed.

    Example:
        >>> sink = SQLTableLogSink("sqlite://")
        >>> record = {"transformation_id": "t1", "project": "P", "status": "SUCCESS", "run_id": "r1", "seq": 1}
        >>> sink.write([record])
        >>> sink.write([record])
        >>> [(found["transformation_id"], found["seq"]) for found in sink.read_records()], sink.last_seq("r1")
        ([('t1', 1)], 1)
        >>> sink.close()
    """

    def __init__(  # the first three are v2's
        self,
        url_or_connection_string: str | URL,
        table_name: str = "TransformationRunLog",
        schema: str | None = None,
        *,
        timeout_seconds: float = 20.0,
    ) -> None:
        text = (
            url_or_connection_string
            if isinstance(url_or_connection_string, str)
            else url_or_connection_string.render_as_string(hide_password=False)
        )
        self._place = read_place(text)
        check_names(self._place.dialect, table_name=table_name, schema=schema)
        check_driver(self._place)
        name = table_name if schema is None else f"{schema}.{table_name}"
        self.path = f"{self._place.where}#{name}"
        """Where the records are, without secrets and without the user: the same for whoever brings them there."""
        self._table_name = table_name
        self._schema = schema
        self._timeout_seconds = timeout_seconds
        self._opened: SqlStore | None = None
        self._lock = threading.Lock()

    def write(self, records: Sequence[Mapping[str, Any]], /) -> None:
        """Store records, all of them or none. Those that the table has are left as they are.

        Args:
            records: Mappings with the columns of the run log. Other keys are ignored, missing ones are NULL.

        Raises:
            RunLogError: The database cannot be reached or refuses; nothing of these records is in it. The next call
                connects anew.
        """
        if records:
            with self._lock:
                self._store().insert(records)

    def last_seq(self, run_id: str, /) -> int:
        """Return the highest ``seq`` that the table has of a run, 0 if there is none.

        Raises:
            RunLogError: The table cannot be read.
        """
        with self._lock:
            return self._store().last_seq(run_id)

    def read_records(self, *, project: str | None = None, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Return the records of the table, those of a run together and in the order of their ``seq``.

        Args:
            project: Only of this project, whatever its case and the blanks around it.
            since: Only of runs with a record whose ``start_time`` is not before this aware moment, and of these all.

        Raises:
            RunLogError: The table cannot be read, or is not there.
        """
        with self._lock:
            store = self._store()
        return store.read(project=project, since=since)

    def close(self) -> None:
        """Close the connection. It is also closed when nobody has the sink any more, and opened again if need be."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()

    def _store(self) -> SqlStore:
        if self._opened is None:
            # SQLAlchemy takes longer to import than a small run takes, so it is imported by whoever delivers.
            from odibi_sinks.sql.store import SqlStore

            self._opened = SqlStore(
                self._place,
                table_name=self._table_name,
                schema=self._schema,
                timeout_seconds=self._timeout_seconds,
            )
            weakref.finalize(self, self._opened.close)
        return self._opened
