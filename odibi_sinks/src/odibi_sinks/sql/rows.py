r"""Records as rows of a table.

A NUL and a lone surrogate are spelled out (``\x00``, ``\ud800``), as in the CSV of `FileLogSink`: PostgreSQL takes no
NUL, SQLite's functions stop at one, and no database takes half a character. NaN and infinity become NULL, because most
databases have no word for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA, ColumnType
from odibi_sinks.stored import moment_of

__all__ = ["iso_text", "naive_utc", "same_moment", "storable_text", "to_rows"]

_all_values: Final = itemgetter(*RECORD_COLUMNS)


def to_rows(records: Sequence[Mapping[str, Any]], *, to_time: Callable[[datetime], Any]) -> list[tuple[Any, ...]]:
    r"""Return rows with the columns of the run log, in their order.

    Args:
        records: What a sink is given; missing keys become NULL.
        to_time: What the database is given for a moment, which is aware and in UTC. A naive one is taken as UTC.

    Raises:
        ValueError: A time is neither a datetime nor ISO 8601.

    Example:
        >>> row, = to_rows([{"transformation_id": "t\0", "seq": 1}], to_time=iso_text)
        >>> row[0], row[RECORD_COLUMNS.index("seq")], row[-1]
        ('t\\x00', 1, None)
    """
    # By column, because nearly every column is clean as a whole, which one look at it can tell.
    columns = zip(*map(_values, records), strict=True)
    return list(
        zip(
            *(_converted(cells, column.type, to_time) for column, cells in zip(RECORD_SCHEMA, columns, strict=True)),
            strict=True,
        )
    )


def storable_text(text: str, /) -> str:
    r"""Return a text as every database can hold it.

    Example:
        >>> storable_text("café\0\ud83d")
        'café\\x00\\ud83d'
    """
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def same_moment(moment: datetime, /) -> datetime:
    """Return a moment as it is, for a database that knows time zones."""
    return moment


def naive_utc(moment: datetime, /) -> datetime:
    """Return a moment without its zone, for a database that has none: all its times are in UTC."""
    return moment.replace(tzinfo=None)


def iso_text(moment: datetime, /) -> str:
    """Return a moment, which must be in UTC, as text that sorts by time.

    Example:
        >>> iso_text(moment_of("2026-11-21T22:30:00+01:00"))
        '2026-11-21T21:30:00.000000+00:00'
    """
    # `isoformat` takes more than twice as long, which was a third of what a batch for SQLite costs beyond the disk.
    minute = _minute(moment.toordinal(), moment.hour, moment.minute)
    return f"{minute}{moment.second:02d}.{moment.microsecond:06d}+00:00"


@lru_cache(maxsize=1024)
def _minute(day: int, hour: int, minute: int) -> str:
    return f"{date.fromordinal(day).isoformat()}T{hour:02d}:{minute:02d}:"


def _values(record: Mapping[str, Any]) -> tuple[Any, ...]:
    try:
        values: tuple[Any, ...] = _all_values(record)
    except KeyError:
        values = tuple(record.get(name) for name in RECORD_COLUMNS)
    return values


def _converted(cells: Sequence[Any], type_: ColumnType, to_time: Callable[[datetime], Any]) -> Sequence[Any]:
    if type_ == "timestamp":
        return [None if cell is None else to_time(moment_of(cell)) for cell in cells]
    return _CONVERTERS[type_](cells)


def _texts(cells: Sequence[Any]) -> Sequence[str | None]:
    try:
        text = "".join([cell for cell in cells if cell is not None])
    except TypeError:
        return _texts([cell if cell is None else str(cell) for cell in cells])
    if text.isascii() and "\0" not in text:
        return cells
    return [cell if cell is None else storable_text(cell) for cell in cells]


def _integers(cells: Sequence[Any]) -> list[Any]:
    # numpy's integers are none to a driver.
    return [
        cell if cell is None or type(cell) is int or not hasattr(cell, "__index__") else int(cell) for cell in cells
    ]


def _floats(cells: Sequence[Any]) -> list[Any]:
    return [None if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in cells]


_CONVERTERS: Final[Mapping[ColumnType, Callable[[Sequence[Any]], Sequence[Any]]]] = {
    "float": _floats,
    "integer": _integers,
    "string": _texts,
}
