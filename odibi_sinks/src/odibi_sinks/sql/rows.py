r"""Records as columns of a table: nearly every column is clean as a whole, which one look at it can tell.

A NUL and a lone surrogate are spelled out (``\x00``, ``\ud800``), as in the CSV of `FileLogSink`: PostgreSQL takes no
NUL, SQLite's functions stop at one, and no database takes half a character. NaN and infinity become NULL, because most
databases have no word for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, TypeAlias

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA, ColumnType
from odibi_sinks.stored import moment_of

__all__ = ["Columns", "Moments", "iso_texts", "naive_utc", "same_moments", "storable_text", "to_columns"]

Columns: TypeAlias = Sequence[Sequence[Any]]
"""The columns of the run log, in their order, with a value for each record."""

Moments: TypeAlias = Sequence[datetime | None]
"""A column of moments; all are in UTC and know it."""

_all_values: Final = itemgetter(*RECORD_COLUMNS)
_INTEGERS: Final = {int, type(None)}


def to_columns(records: Sequence[Mapping[str, Any]], *, to_times: Callable[[Moments], Sequence[Any]]) -> Columns:
    r"""Return the columns of the run log, in their order.

    Args:
        records: What a sink is given; missing keys become NULL. At least one.
        to_times: What the database is given for a column of moments. One without a zone is taken to be in UTC.

    Raises:
        ValueError: A time is neither a datetime nor ISO 8601.

    Example:
        >>> columns = to_columns([{"transformation_id": "t\0", "seq": 1}], to_times=iso_texts)
        >>> columns[0][0], columns[RECORD_COLUMNS.index("seq")][0], columns[-1][0]
        ('t\\x00', 1, None)
    """
    return [
        to_times(_moments(cells)) if column.type == "timestamp" else _CONVERTERS[column.type](cells)
        for column, cells in zip(RECORD_SCHEMA, _columns(records), strict=True)
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


def iso_texts(moments: Moments, /) -> list[str | None]:
    """Return moments as texts that sort by time.

    Example:
        >>> iso_texts([moment_of("2026-11-21T22:30:00+01:00"), None])
        ['2026-11-21T21:30:00.000000+00:00', None]
    """
    # Times are most of what a batch costs beyond the database. `isoformat` takes twice as long, an f-string a quarter
    # more.
    return [
        None
        if one is None
        else "%s%02d.%06d+00:00"  # noqa: UP031
        % (_minute(one.toordinal(), one.hour, one.minute), one.second, one.microsecond)
        for one in moments
    ]


@lru_cache(maxsize=1024)
def _minute(day: int, hour: int, minute: int) -> str:
    return f"{date.fromordinal(day).isoformat()}T{hour:02d}:{minute:02d}:"


def _columns(records: Sequence[Mapping[str, Any]]) -> Iterable[Sequence[Any]]:
    try:
        return zip(*map(_all_values, records), strict=True)
    except KeyError:
        return ([record.get(name) for record in records] for name in RECORD_COLUMNS)


def _moments(cells: Sequence[Any]) -> Moments:
    others = [cell for cell in cells if cell is not None and (type(cell) is not datetime or cell.tzinfo is not UTC)]
    return [None if cell is None else moment_of(cell) for cell in cells] if others else cells


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


def _floats(cells: Sequence[Any]) -> Sequence[Any]:
    try:
        are_finite = all(map(math.isfinite, filter(None, cells)))
    except (TypeError, OverflowError):  # texts, or integers beyond every float
        are_finite = False
    if are_finite:
        return cells
    return [None if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in cells]


_CONVERTERS: Final[Mapping[ColumnType, Callable[[Sequence[Any]], Sequence[Any]]]] = {
    "float": _floats,
    "integer": _integers,
    "string": _texts,
}
