"""Mode ``merge``: rows are inserted or updated by key, and what does not change is not touched."""

# ruff: noqa: TID253  # imported when rows are merged, for the sake of deltalake

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from odibi_core.plugin import ColumnNotFoundError, DataFormatError, DataQualityError, did_you_mean
from odibi_sinks.delta_tables.audit import AUDIT_SCHEMA, with_audit_columns
from odibi_sinks.delta_tables.columns import FrameStream, fit_columns
from odibi_sinks.delta_tables.commits import BY_US
from odibi_sinks.delta_tables.filters import quoted
from odibi_sinks.delta_tables.options import DeltaWriteOptions
from odibi_sinks.delta_tables.statistics import exact_statistics, is_inexact

__all__ = ["MergeSource", "merge_into", "merge_source"]

_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeSource:
    """Rows that are ready to be merged.

    Args:
        rows: The rows in the types of the table, audit columns included; no two have the same key.
        keys: The columns that tell them apart.
        changes: The columns that are compared and updated.
    """

    rows: pa.Table
    keys: tuple[str, ...]
    changes: tuple[str, ...]


def merge_source(frame: pa.Table, *, options: DeltaWriteOptions, table: pa.Schema | None, subject: str) -> MergeSource:
    """Return a frame as rows to be merged.

    Args:
        frame: The frame.
        options: The output's options.
        table: The table's columns, None if there is no table yet.
        subject: How messages call the dataset.

    Raises:
        ColumnNotFoundError: An option names a column that is not there.
        DataFormatError: The frame does not fit the table.
        DataQualityError: Several rows have the same key.
    """
    if options.audit_columns:
        frame = frame.drop_columns([name for name in AUDIT_SCHEMA.names if name in frame.column_names])
    keys = tuple(dict.fromkeys(options.merge_keys or ()))
    changes = _changes(frame, keys=keys, options=options)
    for option, names in (("merge_keys", keys), ("change_columns", changes)):
        for name in names:
            if name not in frame.column_names:
                hint = did_you_mean(name, frame.column_names) or f"Columns: {', '.join(frame.column_names)}"
                raise ColumnNotFoundError(f"{subject}: {option} names {name!r}, which the frame does not have. {hint}")
    added = list(AUDIT_SCHEMA) if options.audit_columns else []
    target = fit_columns(
        pa.schema([*frame.schema, *added]),
        table=table,
        evolution="merge" if options.merge_schema else "none",
        may_lack=True,
        subject=subject,
    )
    for name in keys:
        if table is not None and name not in table.names:
            raise ColumnNotFoundError(f"{subject}: merge_keys names {name!r}, which the table does not have")
        if pa.types.is_nested(target.field(name).type):
            raise DataFormatError(f"{subject}: column {name!r} is {target.field(name).type} and cannot be a merge key")
    stream = FrameStream(frame.to_reader(), pa.schema(list(target)[: len(frame.column_names)]), subject)
    rows = stream.reader().read_all()
    _check_keys(rows, keys, subject)
    if options.audit_columns:
        rows = with_audit_columns(rows, keys=keys, changes=changes)
    return MergeSource(rows=rows, keys=keys, changes=changes)


def merge_into(table: DeltaTable, source: MergeSource, *, options: DeltaWriteOptions) -> int:
    """Merge rows into a table, in one commit; in none if nothing is new.

    Args:
        table: The table; afterwards at the version of the commit.
        source: The rows.
        options: The output's options.

    Returns:
        How many rows were inserted or updated.
    """
    there = {one.name for one in table.schema().fields}
    merger = table.merge(
        source.rows,
        " AND ".join(_matches(name, source.rows[name]) for name in source.keys),
        source_alias="source",
        target_alias="target",
        merge_schema=options.merge_schema,
        # With the least and greatest key at hand, files in which no row can match are not read.
        streamed_exec=False,
        writer_properties=exact_statistics(pa.schema(table.schema().to_arrow()), source.rows.schema),
        post_commithook_properties=BY_US,
    )
    if source.changes:
        updated = [*source.changes, *(("Change_Id", "Updated_Timestamp") if options.audit_columns else ())]
        merger.when_matched_update(
            {quoted(name): f"source.{quoted(name)}" for name in updated},
            predicate=" OR ".join(_differs(name, is_there=name in there) for name in source.changes),
        )
    merger.when_not_matched_insert({quoted(name): f"source.{quoted(name)}" for name in source.rows.column_names})
    done = merger.execute()
    return int(done["num_target_rows_inserted"]) + int(done["num_target_rows_updated"])


def _changes(frame: pa.Table, *, keys: Sequence[str], options: DeltaWriteOptions) -> tuple[str, ...]:
    if options.change_columns is not None:
        return tuple(dict.fromkeys(options.change_columns))
    return tuple(name for name in frame.column_names if name not in keys)


def _check_keys(rows: pa.Table, keys: Sequence[str], subject: str) -> None:
    numbered = rows.select(list(keys)).rename_columns([str(position) for position in range(len(keys))])
    counted = numbered.group_by(numbered.column_names, use_threads=False).aggregate([([], "count_all")])
    repeated = counted.filter(pc.greater(counted["count_all"], 1))
    if repeated.num_rows:
        examples = [
            ", ".join(f"{key}={row[str(position)]!r}" for position, key in enumerate(keys))
            + f" ({row['count_all']} rows)"
            for row in repeated.slice(0, _EXAMPLES).to_pylist()
        ]
        raise DataQualityError(
            f"{subject}: {repeated.num_rows} {'key is' if repeated.num_rows == 1 else 'keys are'} there more than once "
            f"in the rows to merge by {', '.join(keys)}: {'; '.join(examples)}"
            f"{' ...' if repeated.num_rows > _EXAMPLES else ''}. Nothing was written. Keep one row of each, or add the "
            "column to merge_keys that tells them apart."
        )


def _matches(name: str, values: pa.ChunkedArray) -> str:
    # Where no key of the source is null, plain equality says the same, and delta-rs can tell files apart by it.
    # By what the statistics say of long decimals, it would tell wrongly.
    operator = "IS NOT DISTINCT FROM" if values.null_count or is_inexact(values.type) else "="
    return f"(target.{quoted(name)} {operator} source.{quoted(name)})"


def _differs(name: str, *, is_there: bool) -> str:
    if not is_there:
        return f"(source.{quoted(name)} IS NOT NULL)"
    return f"(target.{quoted(name)} IS DISTINCT FROM source.{quoted(name)})"
