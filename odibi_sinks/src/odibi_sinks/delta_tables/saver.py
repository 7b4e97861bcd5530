"""Saving Delta tables."""

# ruff: noqa: TID253  # imported when a Delta table is first saved, for the sake of deltalake

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from odibi_core.plugin import (
    ColumnNotFoundError,
    ConfigError,
    Dataset,
    DatasetExistsError,
    ExecutionEngine,
    SaveReport,
    TransientError,
    did_you_mean,
)
from odibi_sinks.delta_tables.columns import Evolution, FrameStream, fit_columns
from odibi_sinks.delta_tables.commits import BY_US, report, tidy_up
from odibi_sinks.delta_tables.locations import (
    check_folder,
    in_words,
    open_table,
    readable,
    shown,
    storage_options,
    subject,
)
from odibi_sinks.delta_tables.merging import merge_into, merge_source
from odibi_sinks.delta_tables.options import DeltaWriteOptions, parse_options
from odibi_sinks.delta_tables.statistics import exact_statistics

__all__ = ["DeltaTableSaver"]

_ATTEMPTS: Final = 5
"""Lost races in a row before it is an error. An append loses none of them: delta-rs tries it again by itself."""


class DeltaTableSaver:
    """Saves frames of any engine as Delta tables, each save in one commit.

    Of saves at the same time, each sees what the others committed: appends are all kept, of overwrites the last one
    wins, and a merge compares with what is there then.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = str(pathlib.Path(folder, "a"))
        ...     dataset = Dataset(name="a", kind="table", format="delta", location=path, mode="append")
        ...     saver = DeltaTableSaver(None)
        ...     [saver.save(pa.table({"id": [1, 2]}), dataset).rows for _ in range(2)]
        ...     DeltaTable(path).version()
        [2, 2]
        1
    """

    def __init__(self, engine: ExecutionEngine | None) -> None:
        del engine

    def save(self, frame: Any, dataset: Dataset, /) -> SaveReport:
        """Save a frame: afterwards all of it is in the table, or nothing has changed.

        Args:
            frame: Anything with ``__arrow_c_stream__``.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and a table is there.
            DataFormatError: The frame does not fit the table, or something else is there.
            ColumnNotFoundError: An option or ``partition_by`` names a column that is not there.
            DataQualityError: Rows to merge have the same key.
            ConfigError: An option is wrong.
            TransientError: Others committed faster each time, or the store cannot be reached.
            DataError: The table cannot be written.
        """
        options = parse_options(DeltaWriteOptions, dataset)
        attempts = 1
        if dataset.mode == "merge" or hasattr(type(frame), "__len__"):
            # What is in memory can be tried again. In one piece, because delta-rs writes batches in any order (measured
            # with 1.6.6), and rows that come back in another order at each run are no use to pandas.
            frame, attempts = pa.table(frame).combine_chunks(), _ATTEMPTS
        for left in reversed(range(attempts)):
            try:
                with in_words(dataset, doing="saved"):
                    return _save(frame, dataset, options)
            except CommitFailedError as error:
                if not left:
                    raise TransientError(
                        f"{subject(dataset)}: others write to {shown(dataset)} at the same time and were faster "
                        f"({attempts} of {attempts} attempts): {readable(error)}. Nothing was written; try again."
                    ) from error
        raise AssertionError("unreachable")


def _save(frame: Any, dataset: Dataset, options: DeltaWriteOptions) -> SaveReport:
    table = open_table(dataset)
    if table is not None and dataset.mode == "error":
        raise DatasetExistsError(
            f"{subject(dataset)}: {shown(dataset)} exists, and the mode is 'error'. "
            "Remove it, or save with another mode."
        )
    if table is not None and dataset.mode == "ignore":
        return SaveReport(rows=0, bytes=0, location=shown(dataset), was_written=False)
    known = None if table is None else pa.schema(table.schema().to_arrow())
    if table is not None:
        _check_partitions(table, dataset, options)
    if dataset.mode == "merge":
        source = merge_source(frame, options=options, table=known, subject=subject(dataset))
        if table is None:
            stream = FrameStream(source.rows.to_reader(), source.rows.schema, subject(dataset))
            return _create(stream, dataset, options)
        before = table.version()
        rows = merge_into(table, source, options=options)
        if table.version() == before:
            return SaveReport(rows=0, bytes=0, location=shown(dataset))
        tidy_up(table, dataset, before=before)
        return report(dataset, rows=rows, version=table.version())
    reader = pa.RecordBatchReader.from_stream(frame)
    evolution: Evolution = "merge" if options.merge_schema else "overwrite" if options.overwrite_schema else "none"
    target = fit_columns(reader.schema, table=known, evolution=evolution, subject=subject(dataset))
    stream = FrameStream(reader, target, subject(dataset))
    if table is None:
        return _create(stream, dataset, options)
    before = table.version()
    _write(
        table,
        stream,
        known=known,
        mode="append" if dataset.mode == "append" else "overwrite",
        predicate=options.replace_where,
        schema_mode=None if evolution == "none" else evolution,
        # Without overwrite_schema they are the table's own, which was checked.
        partition_by=list(dataset.partition_by) if options.overwrite_schema else None,
    )
    tidy_up(table, dataset, before=before)
    return report(dataset, rows=stream.rows, version=table.version())


def _create(stream: FrameStream, dataset: Dataset, options: DeltaWriteOptions) -> SaveReport:
    """Save to a table that is not there; never to one that somebody else has made meanwhile."""
    check_folder(dataset)
    _check_partition_columns(stream.schema.names, dataset)
    try:
        _write(
            dataset.location,
            stream,
            # With a condition delta-rs checks the rows, which it does for no other mode.
            mode="error" if options.replace_where is None else "overwrite",
            predicate=options.replace_where,
            partition_by=list(dataset.partition_by) or None,
            configuration=options.table_properties or None,
            storage_options=storage_options(dataset),
            # No retries: of two makers, the second one would put its table into the first one's log.
            commit_properties=CommitProperties(max_commit_retries=0),
        )
    except CommitFailedError:
        raise
    except DeltaError as error:
        if open_table(dataset) is None:
            raise
        raise CommitFailedError(readable(error)) from error
    return report(dataset, rows=stream.rows, version=0)


def _write(where: DeltaTable | str, stream: FrameStream, *, known: pa.Schema | None = None, **how: Any) -> None:
    # With a condition, rows that stay are copied, with all columns of the table.
    if (properties := exact_statistics(known or pa.schema([]), stream.schema)) is not None:
        how["writer_properties"] = properties
    with stream.failures():
        write_deltalake(where, stream.reader(), post_commithook_properties=BY_US, **how)


def _check_partitions(table: DeltaTable, dataset: Dataset, options: DeltaWriteOptions) -> None:
    if options.overwrite_schema:
        return
    there = table.metadata().partition_columns
    if dataset.partition_by and list(dataset.partition_by) != there:
        found = f"is partitioned by {', '.join(there)}" if there else "has no partitions"
        raise ConfigError(
            f"{subject(dataset)}: {shown(dataset)} {found}, and partition_by says {', '.join(dataset.partition_by)}. "
            "Nothing was written. To change it, save once with mode overwrite and the option overwrite_schema: true."
        )


def _check_partition_columns(columns: Sequence[str], dataset: Dataset) -> None:
    for name in dataset.partition_by:
        if name not in columns:
            hint = did_you_mean(name, columns) or f"Columns: {', '.join(columns)}"
            raise ColumnNotFoundError(
                f"{subject(dataset)}: partition_by names {name!r}, which the frame does not have. {hint}"
            )
    if set(dataset.partition_by) == set(columns):
        raise ConfigError(f"{subject(dataset)}: partition_by names every column; one that holds data must be left")
