"""The one MERGE: by keys, null-safe, touching only rows in which something differs.

No value ever stands in a statement: the new rows are a temporary view with a name of their own, and names are quoted.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F  # noqa: N812  # as everybody writes it
from pyspark.sql import types as T  # noqa: N812  # as everybody writes it

from odibi_core.plugin import ConfigError, DataFormatError, DataQualityError, DatasetExistsError
from odibi_engine_spark.columns import column, quoted, require_columns
from odibi_engine_spark.delta.audit import (
    CHANGE_ID,
    UPDATED,
    with_audit_columns,
    without_audit_columns,
)
from odibi_engine_spark.delta.creating import create
from odibi_engine_spark.delta.failures import failures
from odibi_engine_spark.delta.fitting import check_names, matched_names, same_columns
from odibi_engine_spark.delta.limits import is_sail

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

    from odibi_engine_spark.delta.targets import DeltaTarget

__all__ = ["MergeReport", "MergeRules", "merge"]

_OLD, _NEW = "odibi_old", "odibi_new"
_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRules:
    """What is merged by what.

    Args:
        keys: The columns that say which row is which.
        changes: The columns that are compared and updated; None for all that are no keys.
        has_audit: Whether the table has the audit columns.
        may_add: Whether columns that the table lacks are added to it.
        partition_by: The columns that a new table is partitioned by.
        properties: Properties of a new table.
    """

    keys: Sequence[str]
    changes: Sequence[str] | None = None
    has_audit: bool = False
    may_add: bool = False
    partition_by: Sequence[str] = ()
    properties: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeReport:
    """What a merge did.

    Args:
        created: Whether the table was made of the new rows.
        inserted: How many rows were added; None if the session does not say.
        updated: How many rows were changed; None if the session does not say.
    """

    created: bool = False
    inserted: int | None = None
    updated: int | None = None


def merge(
    frame: DataFrame, target: DeltaTarget, rules: MergeRules, *, subject: str, local: Path | None = None
) -> MergeReport:
    """Merge a frame into a table, which is made of it if there is none.

    Args:
        frame: The new rows.
        target: The table.
        rules: By which columns, and what is updated.
        subject: The table, for messages.
        local: The table's folder, if this process sees it.

    Raises:
        ConfigError: A key is also to be changed.
        ColumnNotFoundError: The frame lacks a column that the rules name.
        DataFormatError: The frame does not fit into the table.
        DataQualityError: Several rows of the frame have the same keys; nothing was written.
        TransientError: Somebody else changed the table at the same time.
    """
    session = frame.sparkSession
    check_names(frame, None, subject=subject, may_add=True)
    keys, changes = _columns_of(frame, rules, subject=subject)
    source = with_audit_columns(frame, keys=keys, changes=changes) if rules.has_audit else frame
    with failures(subject), _read_once(source) as rows:
        _check_duplicates(rows, keys, subject=subject)
        table = target.schema(session)
        if table is None:
            try:
                create(
                    rows,
                    target,
                    subject=subject,
                    partition_by=rules.partition_by,
                    properties=rules.properties,
                    local=local,
                )
            except DatasetExistsError:
                # Somebody was faster. A folder that holds something else is found out below.
                table = target.schema(session)
                if table is None:
                    raise
            else:
                return MergeReport(created=True)
        return _merged(rows, target, table, keys, changes, rules, subject)


def _columns_of(frame: DataFrame, rules: MergeRules, *, subject: str) -> tuple[list[str], list[str]]:
    """Return the keys and the columns to compare, as the frame has them."""
    what = f"the frame for {subject}"
    keys = _found(rules.keys, frame.columns, what=what)
    if not keys:
        raise ConfigError(f"{subject}: mode merge needs merge_keys, the columns that say which row is which")
    if rules.changes is None:
        names = without_audit_columns(frame.columns) if rules.has_audit else frame.columns
        return keys, [name for name in names if name not in keys]
    changes = _found(rules.changes, frame.columns, what=what)
    both = [name for name in changes if name in keys]
    if both:
        raise ConfigError(
            f"{subject}: {', '.join(map(repr, both))} is among the merge_keys and the change_columns; keys never change"
        )
    return keys, changes


def _found(wanted: Sequence[str], columns: Sequence[str], *, what: str) -> list[str]:
    folded = {name.casefold(): name for name in columns}
    names = [name if name in columns else folded.get(name.casefold(), name) for name in wanted]
    require_columns(names, columns, subject=what)
    return list(dict.fromkeys(names))


@contextmanager
def _read_once(source: DataFrame) -> Iterator[DataFrame]:
    """Keep rows while they are looked at twice: what was checked is what is merged. Sail keeps nothing."""
    if is_sail(source.sparkSession) or source.storageLevel.useMemory or source.storageLevel.useDisk:
        # What somebody else keeps is theirs to let go.
        yield source
        return
    kept = source.persist()
    try:
        yield kept
    finally:
        kept.unpersist()


def _check_duplicates(rows: DataFrame, keys: Sequence[str], *, subject: str) -> None:
    count = "odibi_rows"
    several = rows.groupBy(*[column(key) for key in keys]).agg(F.count(F.lit(1)).alias(count)).where(F.col(count) > 1)
    found = several.limit(_EXAMPLES).collect()
    if found:
        shown = "; ".join(_shown(row, keys) for row in found)
        raise DataQualityError(
            f"{subject}: several rows to merge have the same {', '.join(keys)}, so that nothing says which holds: "
            f"{shown}{' ...' if len(found) == _EXAMPLES else ''}. Nothing was written. Remove duplicates before, or "
            f"add a column to merge_keys"
        )


def _shown(row: Row, keys: Sequence[str]) -> str:
    *values, count = tuple(row)
    named = (f"{key}={_value_shown(value)}" for key, value in zip(keys, values, strict=True))
    return f"{', '.join(named)} ({count} rows)"


def _value_shown(value: object) -> str:
    return "NULL" if value is None else repr(value)


def _merged(  # noqa: PLR0917  # private: the steps of `merge`
    rows: DataFrame,
    target: DeltaTarget,
    table: T.StructType,
    keys: Sequence[str],
    changes: Sequence[str],
    rules: MergeRules,
    subject: str,
) -> MergeReport:
    session = rows.sparkSession
    check_names(rows, table, subject=subject, may_add=rules.may_add)
    fitting = same_columns(rows, table, subject=subject)
    known = matched_names(rows.columns, table)
    if len(known) < len(rows.columns):
        # An empty append adds the columns on every flavour; MERGE itself does not on all.
        target.save(fitting.limit(0).write.mode("append").option("mergeSchema", "true"))
    names = {name: known.get(name, name) for name in rows.columns}
    statement = merge_statement(
        target.sql,
        view := f"odibi_merge_{uuid.uuid4().hex}",
        keys=[names[key] for key in keys],
        changes=_comparable([names[name] for name in changes], fitting.schema, subject=subject),
        updates=[CHANGE_ID, UPDATED] if rules.has_audit else [],
        inserts=fitting.columns,
    )
    fitting.createOrReplaceTempView(view)
    try:
        answer = session.sql(statement).collect()
    finally:
        session.catalog.dropTempView(view)
    return _report(answer)


def merge_statement(
    table: str,
    view: str,
    *,
    keys: Sequence[str],
    changes: Sequence[str],
    updates: Sequence[str],
    inserts: Sequence[str],
) -> str:
    """Return a MERGE of a view's rows into a table that has the same columns.

    Args:
        table: The table, quoted.
        view: The view's name.
        keys: The columns that rows are matched by.
        changes: The columns of which one has to differ, and which are updated.
        updates: Further columns that are updated then.
        inserts: The columns of a new row.

    Example:
        >>> print(merge_statement("`t`", "v", keys=["id"], changes=["a b"], updates=[], inserts=["id", "a b"]))
        MERGE INTO `t` AS odibi_old USING `v` AS odibi_new ON odibi_old.`id` <=> odibi_new.`id`
        WHEN MATCHED AND (NOT (odibi_old.`a b` <=> odibi_new.`a b`)) THEN UPDATE SET odibi_old.`a b` = odibi_new.`a b`
        WHEN NOT MATCHED THEN INSERT (`id`, `a b`) VALUES (odibi_new.`id`, odibi_new.`a b`)
    """
    same = " AND ".join(_pair(key, "<=>") for key in keys)
    lines = [f"MERGE INTO {table} AS {_OLD} USING {quoted(view)} AS {_NEW} ON {same}"]
    if changes:
        differs = " OR ".join(f"NOT ({_pair(name, '<=>')})" for name in changes)
        values = ", ".join(_pair(name, "=") for name in [*changes, *updates])
        lines.append(f"WHEN MATCHED AND ({differs}) THEN UPDATE SET {values}")
    columns = ", ".join(map(quoted, inserts))
    values = ", ".join(f"{_NEW}.{quoted(name)}" for name in inserts)
    # Identifiers only, each of them quoted.
    lines.append(f"WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values})")  # noqa: S608
    return "\n".join(lines)


def _pair(name: str, operator: str) -> str:
    return f"{_OLD}.{quoted(name)} {operator} {_NEW}.{quoted(name)}"


def _comparable(names: Sequence[str], schema: T.StructType, *, subject: str) -> Sequence[str]:
    maps = [name for name in names if _holds_map(schema[name].dataType)]
    if maps:
        raise DataFormatError(
            f"{subject}: {', '.join(map(repr, maps))} holds a map, and Spark cannot compare maps. "
            f"Leave it out of change_columns, or make it text with to_json"
        )
    return names


def _holds_map(kind: T.DataType) -> bool:
    if isinstance(kind, T.StructType):
        return any(_holds_map(field.dataType) for field in kind.fields)
    return isinstance(kind, T.MapType) or (isinstance(kind, T.ArrayType) and _holds_map(kind.elementType))


def _report(answer: Sequence[Row]) -> MergeReport:
    counts = answer[0].asDict() if answer else {}
    return MergeReport(inserted=counts.get("num_inserted_rows"), updated=counts.get("num_updated_rows"))
