"""Records as columns: what has to be done to them is mostly the same for all values of a column, and mostly nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

from odibi_core.plugin import RECORD_COLUMNS

__all__ = ["are_in_utc", "columns_of", "iso_texts", "without_nan"]

_all_values: Final = itemgetter(*RECORD_COLUMNS)


def columns_of(records: Sequence[Mapping[str, Any]], /) -> Iterable[Sequence[Any]]:
    """Return the columns of the run log, in their order, each with a value for each record.

    Args:
        records: What a sink is given, at least one; what they lack is None.

    Example:
        >>> next(iter(columns_of([{"transformation_id": "t1"}, {"seq": 2}])))
        ['t1', None]
    """
    try:
        return zip(*map(_all_values, records), strict=True)
    except KeyError:
        return ([record.get(name) for record in records] for name in RECORD_COLUMNS)


def without_nan(cells: Sequence[Any], /) -> Sequence[Any]:
    """Return a column with None for NaN and infinity, for which most places have no word.

    Example:
        >>> without_nan([1.5, float("nan"), None])
        [1.5, None, None]
    """
    try:
        are_finite = all(map(math.isfinite, filter(None, cells)))
    except (TypeError, OverflowError):  # texts, or integers beyond every float
        are_finite = False
    if are_finite:
        return cells
    return [None if isinstance(cell, float) and not math.isfinite(cell) else cell for cell in cells]


def are_in_utc(cells: Sequence[Any], /) -> bool:
    """Return whether a column holds nothing but moments in UTC that know it, and None.

    Example:
        >>> are_in_utc([datetime(2026, 11, 21, tzinfo=UTC), None]), are_in_utc([datetime(2026, 11, 21)])
        (True, False)
    """
    return not [cell for cell in cells if cell is not None and (type(cell) is not datetime or cell.tzinfo is not UTC)]


def iso_texts(moments: Sequence[datetime | None], /) -> list[str | None]:
    """Return moments as texts that sort by time.

    Args:
        moments: All of them in UTC, with or without knowing it.

    Example:
        >>> iso_texts([datetime(2026, 11, 21, 21, 30, tzinfo=UTC), None])
        ['2026-11-21T21:30:00.000000+00:00', None]
    """
    # Times are most of what a batch costs beyond where it goes. `isoformat` takes twice as long, an f-string a quarter
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
