"""What this distribution provides; the only module that the kernel imports at start-up."""

from __future__ import annotations

from collections.abc import Iterable

from odibi_core.plugin import LogSinkSpec, hookimpl

__all__ = ["odibi_register_log_sinks"]


@hookimpl
def odibi_register_log_sinks() -> Iterable[LogSinkSpec]:
    """Yield the log sinks of this distribution."""
    yield LogSinkSpec(
        name="console",
        factory="odibi_sinks.console:ConsoleLogSink",
        summary="One line per record, on stderr or stdout",
        options_model="odibi_sinks.options:ConsoleSinkOptions",
    )
    yield LogSinkSpec(
        name="delta",
        factory="odibi_sinks.delta.sink:DeltaLogSink",
        requires=("odibi-sinks[delta]",),
        summary="A Delta table, in a folder or in a store",
        options_model="odibi_sinks.delta.options:DeltaSinkOptions",
    )
    yield LogSinkSpec(
        name="file",
        factory="odibi_sinks.files:FileLogSink",
        summary="A CSV or JSON-lines file, by its suffix",
        options_model="odibi_sinks.options:FileSinkOptions",
    )
    yield LogSinkSpec(
        name="sql",
        factory="odibi_sinks.sql.sink:SQLTableLogSink",
        requires=("sqlalchemy>=2.0,<3",),
        summary="A table of a database: SQLite, PostgreSQL, MariaDB, SQL Server, Databricks SQL",
        options_model="odibi_sinks.sql.options:SqlSinkOptions",
    )
