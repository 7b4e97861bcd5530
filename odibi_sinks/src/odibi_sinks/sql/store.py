"""A table of run-log records, and the connection to it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, Engine, Select, create_engine, event, func, make_url, null, or_, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool

from odibi_core.plugin import RECORD_COLUMNS, RunLogError
from odibi_sinks.sql.dialects import Writer, dialect_for
from odibi_sinks.sql.failures import explained, is_race
from odibi_sinks.sql.rows import Columns, storable_text, to_columns
from odibi_sinks.sql.tables import check_is_run_log, columns_there, make_table, prepare
from odibi_sinks.stored import folded, moment_of, record_of

if TYPE_CHECKING:
    from odibi_sinks.sql.urls import SqlPlace

__all__ = ["SqlStore"]

_BULK_FROM: Final = 50
"""Rows from which on COPY is quicker than INSERT, which takes fewer messages."""

_ATTEMPTS: Final = 4
"""How often a batch is tried that others write too, at the same moment."""

_PAGE: Final = 1000
"""Rows fetched at once."""


class SqlStore:
    """Keeps records in a table. Connects when it is first used, and again if the connection was lost.

    Args:
        place: The database.
        table_name: The table.
        schema: Its schema, None for the database's default.
        timeout_seconds: How long the database may keep a caller waiting.

    Raises:
        RunLogError: SQLAlchemy can make nothing of the URL, or the driver cannot be imported.
    """

    def __init__(self, place: SqlPlace, *, table_name: str, schema: str | None, timeout_seconds: float) -> None:
        self._place = place
        self._dialect = dialect_for(place.dialect)
        self._table = make_table(self._dialect, name=table_name, schema=schema)
        self._errors: tuple[type[Exception], ...] = (SQLAlchemyError,)
        self._timeout = timeout_seconds
        with self._explained("reach"):
            self._engine = self._new_engine()
        self._errors = (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error)
        self._write = self._dialect.writer(self._table, self._engine.dialect)
        self._write_many: Writer | None = None
        if self._engine.driver == "psycopg":
            from odibi_sinks.sql.postgresql import connect_impatiently, copy_writer

            self._write_many = copy_writer(self._table)
            connect_impatiently(self._engine, seconds=timeout_seconds)
        self._process = os.getpid()
        self._is_ready = False

    def insert(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Add records in one transaction; those that are there already are left alone.

        Args:
            records: Mappings with the columns of the run log; at least one.

        Raises:
            RunLogError: They cannot be stored, and none of them was.
        """
        with self._explained("write to"):
            columns = to_columns(records, to_times=self._dialect.to_times)
            try:
                self._prepare()
                self._insert(columns)
            except BaseException:
                self._is_ready = False  # perhaps somebody has dropped the table or a column
                raise

    def last_seq(self, run_id: str) -> int:
        """Return the highest ``seq`` of a run, 0 if there is none, or no table.

        Raises:
            RunLogError: The table cannot be read.
        """
        key, seq = self._table.c.run_id, self._table.c.seq
        with self._explained("read"), self._connected() as connection:
            if not self._is_ready and not {"run_id", "seq"} <= (columns_there(connection, self._table) or {}).keys():
                return 0
            return connection.scalar(select(func.max(seq)).where(key == storable_text(run_id))) or 0

    def read(self, *, project: str | None, since: datetime | None) -> Iterator[dict[str, Any]]:
        """Yield records, those of a run together and in the order of their ``seq``.

        Args:
            project: Only of this project, whatever its case.
            since: Only of runs with a record that began at this moment or later.

        Raises:
            RunLogError: The table cannot be read, or is not there.
        """
        with self._explained("read"), self._connected() as connection:
            query = self._query(connection, project=project, since=since)
            result = connection.execution_options(stream_results=True, max_row_buffer=_PAGE).execute(query)
            while page := result.fetchmany(_PAGE):
                yield from (record_of(dict(zip(RECORD_COLUMNS, row, strict=True))) for row in page)

    def close(self) -> None:
        """Close the connection; what is used again connects again."""
        self._engine.dispose()

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine."""
        return self._engine

    def _new_engine(self) -> Engine:
        url = make_url(self._place.url)
        options = self._dialect.engine_options(self._place, self._timeout)
        # What the URL says of time-outs is what its writer wants.
        arguments = {key: value for key, value in options.pop("connect_args", {}).items() if key not in url.query}
        if options.get("poolclass") is not StaticPool:
            # Somebody who goes through records while others are written has the second connection.
            options |= {"pool_size": 1, "max_overflow": 1, "pool_timeout": self._timeout}
        engine = create_engine(url, connect_args=arguments, pool_pre_ping=True, hide_parameters=True, **options)
        event.listen(engine, "connect", lambda connection, _: self._dialect.on_connect(connection, self._timeout))
        return engine

    def _connected(self) -> Connection:
        if self._process != os.getpid():
            # The connection that came with a fork is the parent's.
            self._engine.dispose(close=False)
            self._process = os.getpid()
        if self._place.file is not None:
            self._place.file.parent.mkdir(parents=True, exist_ok=True)
        return self._engine.connect()

    def _prepare(self) -> None:
        if not self._is_ready:
            with self._connected() as connection:
                prepare(connection, self._table)
            self._is_ready = True

    def _insert(self, columns: Columns) -> None:
        writer = self._write_many if self._write_many and len(columns[0]) >= _BULK_FROM else self._write
        for is_last in (*(_ATTEMPTS - 1) * [False], True):
            try:
                self._transact(writer, columns)
            except self._errors as error:
                if is_last or not is_race(error):
                    raise
                writer = self._write
            else:
                return

    def _transact(self, writer: Writer, columns: Columns) -> None:
        with self._connected() as connection:
            transaction = connection.begin()
            try:
                writer(connection, columns)
                transaction.commit()
            except BaseException:
                # On a connection that was dropped this fails too, and would hide why.
                with contextlib.suppress(*self._errors):
                    transaction.rollback()
                raise

    def _query(self, connection: Connection, *, project: str | None, since: datetime | None) -> Select[Any]:
        columns = columns_there(connection, self._table)
        if columns is None:
            raise RunLogError(
                f"There is no table {self._table.fullname!r} at {self._place.shown} yet. The first run that delivers "
                "to this log sink makes it. If there should be one, check the URL, the table's name and its schema."
            )
        check_is_run_log(self._table, columns)
        own = self._table.c
        has_key = {"run_id", "seq"} <= columns.keys()
        query = select(*(own[name] if name in columns else null().label(name) for name in RECORD_COLUMNS))
        if project is not None:
            # Python says what is the same whatever its case. Databases have different opinions of that.
            wanted = folded(project)
            names = connection.scalars(select(own.project).distinct())
            query = query.where(own.project.in_([name for name in names if name and folded(name) == wanted]))
        if since is not None and has_key:
            (moment,) = self._dialect.to_times([moment_of(since)])
            recent = select(own.run_id).where(own.start_time >= moment, own.run_id.is_not(None))
            query = query.where(or_(own.run_id.is_(None), own.run_id.in_(recent)))
        return query.order_by(own.run_id, own.seq) if has_key else query

    def _explained(self, what: str) -> AbstractContextManager[None]:
        return explained(what, place=self._place, table_name=self._table.fullname, errors=self._errors)
