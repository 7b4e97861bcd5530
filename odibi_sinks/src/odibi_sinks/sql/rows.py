r"""Records as columns of a table: nearly every column is clean as a whole, which one look at it can tell.

A NUL and a lone surrogate are spelled out (``\x00``, ``\ud800``), as in the CSV of `FileLogSink`: PostgreSQL takes no
NUL, SQLite's functions stop at one, and no database takes half a character. NaN and infinity become NULL, because most
databases have no word for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from odibi_core.plugin import RECORD_SCHEMA, ColumnType
from odibi_sinks.record_columns import are_in_utc, columns_of, without_nan
from odibi_sinks.stored import moment_of

__all__ = ["Columns", "Moments", "naive_utc", "same_moments", "storable_text", "to_columns"]

Columns: TypeAlias = Sequence[Sequence[Any]]
"""The columns of the run log, in their order, with a value for each record."""

Moments: TypeAlias = Sequence[datetime | None]
"""A column of moments; all are in UTC and know it."""

_INTEGERS: Final = {int, type(None)}


def to_columns(records: Sequence[Mapping[str, Any]], *, to_times: Callable[[Moments], Sequence[Any]]) -> Columns:
    r"""Return the columns of the run log, in their order.

    Args:
        records: What a sink is given; missing keys become NULL. At least one.
        to_times: What the database is given for a column of moments. One without a zone is taken to be in UTC.

    Raises:
        ValueError: A time is neither a datetime nor ISO 8601.

    Example:
        >>> columns = to_columns([{"transformation_id": "t\0", "seq": 1}], to_times=same_moments)
        >>> columns[0][0], columns[11][0], columns[-1][0]
        ('t\\x00', 1, None)
    """
    return [
        to_times(_moments(cells)) if column.type == "timestamp" else _CONVERTERS[column.type](cells)
        for column, cells in zip(RECORD_SCHEMA, columns_of(records), strict=True)
    ]


def storable_text(text: str, /) -> str:
    r"""Return a text as every database can hold it.

    Example:
        >>> storable_text("café\0\ud83d")
        'café\\x00\\ud83d'
    """
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def same_moments(moments: Moments, /) -> Moments:
    """Return moments as they are, for a database that knows time zones."""
    return moments


def naive_utc(moments: Moments, /) -> Moments:
    """Return moments without their zone, for a database that has none: all its times are in UTC."""
    return [None if moment is None else moment.replace(tzinfo=None) for moment in moments]


def _moments(cells: Sequence[Any]) -> Moments:
    return cells if are_in_utc(cells) else [None if cell is None else moment_of(cell) for cell in cells]


def _texts(cells: Sequence[Any]) -> Sequence[str | None]:
    try:
        different = set(cells)
        different.discard(None)
        text = "".join(different)
    except TypeError:
        return _texts([cell if cell is None else str(cell) for cell in cells])
    if text.isascii() and "\0" not in text:
        return cells
    return [cell if cell is None else storable_text(cell) for cell in cells]


def _integers(cells: Sequence[Any]) -> Sequence[Any]:
    if set(map(type, cells)) <= _INTEGERS:
        return cells
    # numpy's integers are none to a driver.
    return [cell if cell is None or not hasattr(cell, "__index__") else int(cell) for cell in cells]


_CONVERTERS: Final[Mapping[ColumnType, Callable[[Sequence[Any]], Sequence[Any]]]] = {
    "float": without_nan,
    "integer": _integers,
    "string": _texts,
}
