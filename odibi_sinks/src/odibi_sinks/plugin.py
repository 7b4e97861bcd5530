"""What this distribution provides; the only module that the kernel imports at start-up."""

from __future__ import annotations

from collections.abc import Iterable

from odibi_core.plugin import Capability, LogSinkSpec, ReaderSpec, SaverSpec, hookimpl

__all__ = ["odibi_register_log_sinks", "odibi_register_readers", "odibi_register_savers"]


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


@hookimpl
def odibi_register_readers() -> Iterable[ReaderSpec]:
    """Yield the readers of this distribution, for engines that have none of their own."""
    yield ReaderSpec(
        engine="any",
        format="delta",
        factory="odibi_sinks.delta_tables.reader:DeltaTableReader",
        requires=("odibi-sinks[delta]",),
        summary="Delta tables by way of delta-rs, as they are or as they were",
        options_model="odibi_sinks.delta_tables.options:DeltaReadOptions",
    )


@hookimpl
def odibi_register_savers() -> Iterable[SaverSpec]:
    """Yield the savers of this distribution, for engines that have none of their own."""
    yield SaverSpec(
        engine="any",
        format="delta",
        factory="odibi_sinks.delta_tables.saver:DeltaTableSaver",
        modes=("overwrite", "append", "error", "ignore", "merge"),
        requires=("odibi-sinks[delta]",),
        summary="Delta tables by way of delta-rs, each save in one commit",
        options_model="odibi_sinks.delta_tables.options:DeltaWriteOptions",
        supports_partitions=True,
        capabilities={
            word: Capability(supported=False, note=note)
            for word, note in {
                "append_order": "files of a table have no order",
                "case_names": "refused: names that differ only by case are one column",
                "other_columns": "refused, unless the option overwrite_schema says so",
                "unsigned": "the next larger type that has a sign; refused where a value does not fit",
                "zone_names": "a moment is kept, as UTC; the name of its zone is not",
            }.items()
        },
    )
