"""Reading Delta tables."""

# ruff: noqa: TID253  # imported when a Delta table is first read, for the sake of deltalake

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from odibi_core.plugin import (
    ColumnNotFoundError,
    ConfigError,
    Dataset,
    DatasetNotFoundError,
    ExecutionEngine,
    did_you_mean,
)
from odibi_sinks.delta_tables.commits import committed_at
from odibi_sinks.delta_tables.filters import condition, quoted
from odibi_sinks.delta_tables.locations import in_words, local_folder, open_table, shown, subject
from odibi_sinks.delta_tables.options import DeltaReadOptions, parse_options

__all__ = ["DeltaTableReader"]

_SETTINGS: Final = {
    # One file after the other: with more, the rows of a file come in another order each time (measured with 1.6.6).
    "datafusion.execution.target_partitions": "1",
    # Spark's old moments are taken for nanoseconds otherwise, of which 64 bits end in 2262: 9999 becomes 1816.
    "datafusion.execution.parquet.coerce_int96": "us",
}


class DeltaTableReader:
    """Reads Delta tables, as they are or as they were, for any engine.

    What it returns is a stream of Arrow batches that is read when it is consumed: only the files and columns that are
    needed, and never all rows at once. It is the state of the table when it was opened, whatever is committed
    meanwhile. The rows of a file are in the file's order, newer files come first.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> from deltalake import write_deltalake
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = str(pathlib.Path(folder, "a"))
        ...     write_deltalake(path, pa.table({"tail": ["007", "N1"], "seats": [2, 4]}))
        ...     options = {"columns": ["tail"], "filters": [["seats", ">", 2]]}
        ...     dataset = Dataset(name="a", kind="table", format="delta", location=path, options=options)
        ...     DeltaTableReader(None).read(dataset).read_all().to_pylist()
        [{'tail': 'N1'}]
    """

    def __init__(self, engine: ExecutionEngine | None) -> None:
        del engine

    def read(self, dataset: Dataset, /) -> pa.RecordBatchReader:
        """Return the rows of a table as a stream.

        Args:
            dataset: What to read.

        Raises:
            DatasetNotFoundError: There is no table, or it has no such version.
            DataFormatError: Something else is there.
            ColumnNotFoundError: An option names a column that is not there.
            ConfigError: An option is wrong.
            DataError: The table cannot be read; also while the stream is consumed.
        """
        if dataset.kind == "query":
            raise ConfigError(f"{subject(dataset)}: a query needs an engine that speaks SQL; name a table or a path")
        options = parse_options(DeltaReadOptions, dataset)
        with in_words(dataset, doing="read"):
            table = open_table(dataset)
            if table is None:
                raise DatasetNotFoundError(f"{subject(dataset)}: no Delta table at {shown(dataset)}.{_hint(dataset)}")
            _travel(table, options, dataset)
            schema = pa.schema(table.schema().to_arrow())
            columns = _chosen(options.columns or schema.names, schema, dataset)
            query = f"SELECT {', '.join(map(quoted, columns.names))} FROM t"  # noqa: S608  # identifiers, quoted
            if options.filters:
                query += f" WHERE {condition(options.filters, schema=schema, subject=subject(dataset))}"
            batches = QueryBuilder(_SETTINGS).register("t", table).execute(query)
        return pa.RecordBatchReader.from_batches(columns, _converted(batches, columns, dataset))


def _converted(batches: Any, columns: pa.Schema, dataset: Dataset) -> Iterator[pa.RecordBatch]:
    # Delta-rs gives views of strings, which many of pyarrow's own functions cannot take.
    with in_words(dataset, doing="read"):
        for batch in pa.RecordBatchReader.from_stream(batches):
            arrays = [
                array if array.type == one.type else array.cast(one.type)
                for array, one in zip(batch.columns, columns, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=columns)


def _travel(table: DeltaTable, options: DeltaReadOptions, dataset: Dataset) -> None:
    newest = table.version()
    if options.version is not None and options.version != newest:
        if options.version > newest:
            raise DatasetNotFoundError(
                f"{subject(dataset)}: {shown(dataset)} has no version {options.version}; its newest is {newest}"
            )
        table.load_as_version(options.version)
    if options.timestamp is not None:
        table.load_as_version(options.timestamp)
        # Before the first commit that is known, delta-rs takes the first; that is not what was asked for.
        found = committed_at(dataset, version=table.version())
        if found is not None and found > options.timestamp:
            raise DatasetNotFoundError(
                f"{subject(dataset)}: at {options.timestamp.isoformat()} there was no version of {shown(dataset)}; the "
                f"oldest that is left is version {table.version()} of {found.isoformat()}"
            )


def _chosen(names: list[str], schema: pa.Schema, dataset: Dataset) -> pa.Schema:
    for name in names:
        if name not in schema.names:
            hint = did_you_mean(name, schema.names) or f"Columns: {', '.join(schema.names)}"
            raise ColumnNotFoundError(f"{subject(dataset)}: there is no column {name!r} in {shown(dataset)}. {hint}")
    return pa.schema([pa.field(name, schema.field(name).type) for name in dict.fromkeys(names)])


def _hint(dataset: Dataset) -> str:
    folder = local_folder(dataset)
    if folder is None:
        return " Check the location and the connection, or run what makes it first."
    if folder.is_dir() and any(folder.iterdir()):
        return " The folder is there and has no _delta_log: another format, or a save that was cut off."
    beside = next((path for path in sorted(folder.parent.glob(f"{folder.name}.*")) if path.is_file()), None)
    if beside is not None:
        return f" There is {beside.name} beside it: was the warehouse's format another one before? Run what makes it."
    others = [path.parent.name for path in folder.parent.glob("*/_delta_log")]
    meant = did_you_mean(folder.name, others)
    return f" {meant}" if meant else " Run what makes it first, or correct the name."
