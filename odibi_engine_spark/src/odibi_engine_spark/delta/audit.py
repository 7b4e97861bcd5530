"""The four columns that say which row is which, which state it is in, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812  # as everybody writes it

from odibi_engine_spark.columns import column

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["AUDIT_COLUMNS", "CHANGE_ID", "UPDATED", "with_audit_columns", "without_audit_columns"]

MERGE_ID, CHANGE_ID = "Merge_Id", "Change_Id"
CREATED, UPDATED = "Created_Timestamp", "Updated_Timestamp"

AUDIT_COLUMNS = (MERGE_ID, CHANGE_ID, CREATED, UPDATED)
"""In the order in which a new table gets them, behind its own columns."""

_FOLDED = frozenset(name.casefold() for name in AUDIT_COLUMNS)


def without_audit_columns(names: Sequence[str]) -> list[str]:
    """Return column names but those of the audit columns, in any case.

    Args:
        names: Column names.

    Example:
        >>> without_audit_columns(["id", "merge_id", "name"])
        ['id', 'name']
    """
    return [name for name in names if name.casefold() not in _FOLDED]


def with_audit_columns(frame: DataFrame, *, keys: Sequence[str], changes: Sequence[str]) -> DataFrame:
    """Return a frame with its audit columns anew.

    Args:
        frame: The rows.
        keys: The columns that `MERGE_ID` is made of.
        changes: The columns that `CHANGE_ID` is made of.
    """
    own = [column(name) for name in without_audit_columns(frame.columns)]
    now = F.current_timestamp()
    return frame.select(
        *own,
        _hashed(keys).alias(MERGE_ID),
        _hashed(changes).alias(CHANGE_ID),
        now.alias(CREATED),
        now.alias(UPDATED),
    )


def _hashed(names: Sequence[str]) -> Column:
    # Without nulls, bars and backslashes this is the text that was always hashed, so ids in old tables stay right.
    return F.sha2(F.concat_ws("||", *[_unmistakable(name) for name in names]), 256)


def _unmistakable(name: str) -> Column:
    text = column(name).cast("string")
    escaped = F.replace(F.replace(text, F.lit("\\"), F.lit("\\\\")), F.lit("|"), F.lit("\\|"))
    return F.coalesce(escaped, F.lit("\\N"))
