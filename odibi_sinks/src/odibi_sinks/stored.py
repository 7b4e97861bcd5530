"""What was stored, as the record that it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from odibi_core.plugin import RECORD_SCHEMA, ColumnType

__all__ = ["folded", "moment_of", "record_of"]


def record_of(stored: Mapping[str, Any], /) -> dict[str, Any]:
    """Return a record with every column of the run log, in its types.

    Args:
        stored: What a file or table has, be it typed or as text. What is missing, or is an empty text in a column
            that is none, is None.

    Raises:
        ValueError: A number or a time is none.

    Example:
        >>> record = record_of({"transformation_id": "t1", "seq": "7", "start_time": "2026-11-21T21:30:00+00:00"})
        >>> record["seq"], record["start_time"].year, record["end_time"]
        (7, 2026, None)
    """
    return {column.name: _typed(stored.get(column.name), column.type) for column in RECORD_SCHEMA}


def moment_of(value: datetime | str, /) -> datetime:
    """Return a moment in UTC. One without a zone is taken to be in UTC.

    Args:
        value: A datetime, or ISO 8601.

    Raises:
        ValueError: It is neither.
    """
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment.astimezone(UTC)


def folded(name: str, /) -> str:
    """Return a project's name as it is compared: without case and surrounding blanks, and as it can be stored.

    Example:
        >>> folded(" Flights ") == folded("FLIGHTS")
        True
    """
    return name.strip().casefold().encode("utf-8", "backslashreplace").decode("utf-8")


def _typed(value: Any, type_: ColumnType) -> Any:
    return None if value is None or value == "" else _TYPES[type_](value)


_TYPES: Final[Mapping[ColumnType, Callable[[Any], Any]]] = {
    "float": float,
    "integer": int,
    "string": str,
    "timestamp": moment_of,
}
