"""Decimals that delta-rs puts into the statistics of a file as floats, which are other numbers.

Whoever looks for ``100000000000000001`` passes over a file whose statistics say that it ends at ``100000000000000000``,
on Spark as well, and a merge adds the row a second time (measured with deltalake 1.6.6).
"""

# ruff: noqa: TID253  # imported when a Delta table is first read or saved, for the sake of deltalake

from __future__ import annotations

from typing import Final

import pyarrow as pa
from deltalake import ColumnProperties, WriterProperties
from pyarrow import types

__all__ = ["exact_statistics", "is_inexact"]

_EXACT_DIGITS: Final = 15
"""So many digits of any number are the same after it was a float of 64 bits."""

_NONE: Final = ColumnProperties(statistics_enabled="NONE")
_SOME: Final = ColumnProperties(statistics_enabled="PAGE")


def is_inexact(arrow: pa.DataType) -> bool:
    """Return whether delta-rs cannot tell by statistics which values of a type are in a file.

    Args:
        arrow: The type of a column.

    Example:
        >>> is_inexact(pa.decimal128(10, 2)), is_inexact(pa.decimal128(38, 0))
        (False, True)
    """
    return bool(types.is_decimal(arrow) and arrow.precision > _EXACT_DIGITS)


def exact_statistics(*schemas: pa.Schema) -> WriterProperties | None:
    """Return how files are written whose statistics leave out what they would say wrongly; None if that is nothing.

    Args:
        schemas: The columns of the files: the table's, and the frame's, which may have others.
    """
    kinds = {one.name: one.type for schema in schemas for one in schema}
    if any(types.is_struct(arrow) and _holds_inexact(arrow) for arrow in kinds.values()):
        # Delta-rs finds no column within a struct by its name.
        plain = {name: _SOME for name, arrow in kinds.items() if not _holds_inexact(arrow)}
        return WriterProperties(compression="SNAPPY", default_column_properties=_NONE, column_properties=plain)
    inexact = {name: _NONE for name, arrow in kinds.items() if is_inexact(arrow)}
    return WriterProperties(compression="SNAPPY", column_properties=inexact) if inexact else None


def _holds_inexact(arrow: pa.DataType) -> bool:
    if types.is_struct(arrow):
        return any(_holds_inexact(one.type) for one in arrow)
    return is_inexact(arrow)
