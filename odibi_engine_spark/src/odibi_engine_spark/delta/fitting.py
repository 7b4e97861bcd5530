"""Whether rows fit into a table: asked before anything is written, since not every flavour asks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812  # as everybody writes it
from pyspark.sql import types as T  # noqa: N812  # as everybody writes it

from odibi_core.plugin import DataFormatError
from odibi_engine_spark.columns import column, require_distinct

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["check_complete", "check_names", "matched_names", "same_columns"]

_INTEGERS = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
_DIGITS = {T.ByteType: 3, T.ShortType: 5, T.IntegerType: 10, T.LongType: 19}


def matched_names(names: Iterable[str], table: T.StructType) -> dict[str, str]:
    """Return which column of a table each name means; those that the table lacks are left out.

    Args:
        names: Column names of a frame.
        table: The table's schema.
    """
    exact = set(table.names)
    folded = {name.casefold(): name for name in table.names}
    found = {name: name if name in exact else folded.get(name.casefold()) for name in names}
    return {name: there for name, there in found.items() if there is not None}


def check_names(frame: DataFrame, table: T.StructType | None, *, subject: str, may_add: bool) -> None:
    """Make sure that a frame's columns can go into a table.

    Args:
        frame: The rows.
        table: The table's schema, None if there is no table.
        subject: The table, for messages.
        may_add: Whether columns that the table lacks may be added to it.

    Raises:
        DataFormatError: The frame has a column twice, or one that the table lacks.
    """
    require_distinct(frame.columns, subject=f"the frame for {subject}")
    if table is None or may_add:
        return
    known = matched_names(frame.columns, table)
    new = [name for name in frame.columns if name not in known]
    if new:
        raise DataFormatError(
            f"{subject} has no column {', '.join(map(repr, new))}; it has {', '.join(map(repr, table.names))}. "
            f"Leave them out, or give the option merge_schema: true to add them to the table"
        )


def check_complete(frame: DataFrame, table: T.StructType, *, subject: str) -> None:
    """Make sure that a frame has all columns of a table, which Delta on Spark would leave null without a word.

    Args:
        frame: The rows.
        table: The table's schema.
        subject: The table, for messages.

    Raises:
        DataFormatError: It lacks some.
    """
    known = set(matched_names(frame.columns, table).values())
    if lacking := [name for name in table.names if name not in known]:
        raise DataFormatError(
            f"{subject} has columns that the frame lacks: {', '.join(map(repr, lacking))}. Add them, or give the "
            f"option merge_schema: true to have them null, or what the table says of them"
        )


def same_columns(
    frame: DataFrame, table: T.StructType, *, subject: str, fill: bool = False, lenient: bool = False
) -> DataFrame:
    """Return a frame with a table's columns, in the table's order, names and types.

    Numbers become wider where that loses nothing. Columns that the table lacks come last, as they are.

    Args:
        frame: The rows.
        table: The table's schema.
        subject: The table, for messages.
        fill: Whether columns that the frame lacks are added as nulls.
        lenient: Whether columns of other types stay as they are, for Delta to judge.

    Raises:
        DataFormatError: A column has another type than in the table.
    """
    known = matched_names(frame.columns, table)
    by_target = {there: name for name, there in known.items()}
    types = {field.name: field.dataType for field in frame.schema.fields}
    wrong, columns = [], []
    for field in table.fields:
        name = by_target.get(field.name)
        if name is None:
            if fill:
                columns.append(F.lit(None).cast(field.dataType).alias(field.name))
            continue
        has, wanted = types[name], field.dataType
        fits = _is_wider(wanted, has)
        if not fits and not lenient:
            wrong.append(f"{name!r} is {has.simpleString()}, and {wanted.simpleString()} in the table")
        columns.append(
            (column(name).cast(wanted) if fits and not _is_same(wanted, has) else column(name)).alias(field.name)
        )
    if wrong:
        raise DataFormatError(f"{subject}: {'; '.join(wrong)}. Cast them in the transformation")
    columns += [column(name) for name in frame.columns if name not in known]
    return frame.select(*columns)


def _is_same(wanted: T.DataType, has: T.DataType) -> bool:
    # Whether nulls are allowed is not part of this text, and no matter here.
    return wanted.simpleString() == has.simpleString()


def _is_wider(wanted: T.DataType, has: T.DataType) -> bool:
    """Return whether every value of one type is a value of another."""
    if isinstance(has, T.NullType) or _is_same(wanted, has):
        return True
    if isinstance(wanted, T.StructType) and isinstance(has, T.StructType):
        pairs = zip(wanted.fields, has.fields, strict=False)
        return wanted.names == has.names and all(_is_wider(one.dataType, two.dataType) for one, two in pairs)
    if isinstance(wanted, T.ArrayType) and isinstance(has, T.ArrayType):
        return _is_wider(wanted.elementType, has.elementType)
    if isinstance(wanted, T.StringType):
        return isinstance(has, (T.StringType, T.CharType, T.VarcharType))
    return _is_wider_number(wanted, has)


def _is_wider_number(wanted: T.DataType, has: T.DataType) -> bool:
    if isinstance(wanted, T.DoubleType):
        return isinstance(has, (T.FloatType, T.ByteType, T.ShortType, T.IntegerType))
    if isinstance(has, _INTEGERS):
        digits = _DIGITS[type(has)]
        if isinstance(wanted, T.DecimalType):
            return wanted.precision - wanted.scale >= digits
        return isinstance(wanted, _INTEGERS) and _DIGITS[type(wanted)] > digits
    if isinstance(has, T.DecimalType) and isinstance(wanted, T.DecimalType):
        return wanted.scale >= has.scale and wanted.precision - wanted.scale >= has.precision - has.scale
    return False
