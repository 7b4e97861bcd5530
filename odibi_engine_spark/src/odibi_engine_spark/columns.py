"""Columns by name, whatever is in the name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - as everybody writes it

from odibi_core.plugin import ColumnNotFoundError, DataFormatError, did_you_mean

if TYPE_CHECKING:
    from pyspark.sql import Column

__all__ = ["column", "quoted", "require_columns", "require_distinct", "require_same"]

_NAMES_SHOWN = 8


def quoted(name: str) -> str:
    """Return a name as an identifier of Spark SQL.

    Example:
        >>> quoted("a.b`c")
        '`a.b``c`'
    """
    return f"`{name.replace('`', '``')}`"


def column(name: str) -> Column:
    """Return the column of that name; a dot in it is part of the name."""
    return F.col(quoted(name))


def require_columns(wanted: Iterable[str], columns: Sequence[str], *, subject: str) -> None:
    """Raise if one of the columns is not there.

    Args:
        wanted: The columns that are asked for.
        columns: Those that are there.
        subject: Where they are looked for, for messages.

    Raises:
        ColumnNotFoundError: Names what is missing and what is near it.
    """
    missing = [name for name in dict.fromkeys(wanted) if name not in columns]
    if missing:
        hint = did_you_mean(missing[0], columns)
        raise ColumnNotFoundError(
            f"{subject} has no column {_listed(missing)}. It has {_listed(columns)}.{f' {hint}' if hint else ''}"
        )


def require_distinct(columns: Sequence[str], *, subject: str) -> None:
    """Raise if columns have one name, or names that differ in case only, which Spark cannot tell apart.

    Raises:
        DataFormatError: Names them.
    """
    by_folded: dict[str, list[str]] = {}
    for name in columns:
        by_folded.setdefault(name.lower(), []).append(name)
    if doubled := [name for names in by_folded.values() if len(names) > 1 for name in names]:
        raise DataFormatError(
            f"{subject} has the columns {_listed(doubled)}, which Spark cannot tell apart: it does not look at upper "
            "and lower case. Rename them, in CSV with the options names and header: 0."
        )


def require_same(columns: Sequence[str], expected: Sequence[str], *, subject: str, other: str) -> None:
    """Raise if columns are not those of something else, in any order.

    Args:
        columns: The columns.
        expected: Those of the other.
        subject: Whose columns they are, for messages.
        other: What they are compared with.

    Raises:
        DataFormatError: Names what is missing and what is too much.
    """
    missing = [name for name in expected if name not in columns]
    extra = [name for name in columns if name not in expected]
    if missing or extra:
        found = [f"lacks {_listed(missing)}"] if missing else []
        found += [f"has {_listed(extra)} besides"] if extra else []
        raise DataFormatError(f"{subject} {' and '.join(found)}, compared with {other}")


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_NAMES_SHOWN]))
    return shown + (f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else "")
