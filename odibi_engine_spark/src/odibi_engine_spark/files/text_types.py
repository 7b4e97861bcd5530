"""Columns of text to columns of types: found from all values, or asked for.

Spark's own inference knows one text for null, takes ``1d`` for a number and text that looks like a time for a time.
This one finds what pandas finds, so that the same file is the same table on both engines.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - as everybody writes it

from odibi_core.plugin import ConfigError, DataFormatError
from odibi_engine_spark.columns import column
from odibi_engine_spark.files.date_formats import has_zone

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = [
    "FRACTION",
    "INTEGER",
    "LONG_INTEGER",
    "NUMBER",
    "TEXT",
    "TRUTH",
    "TextFormat",
    "inferred",
    "retyped",
    "spark_type",
    "type_of",
]

INTEGER, LONG_INTEGER, FRACTION, TRUTH, _DATE, _TIME, TEXT = (1 << bit for bit in range(7))
_LONG = 19
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:inf(inity)?)$"
_ZONE = r"\d:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}(:?\d{2})?)$"

_PANDAS_TYPES = {
    "bool": "boolean",
    "category": "string",
    "datetime64[ns, utc]": "timestamp",
    "datetime64[ns]": "timestamp_ntz",
    "datetime64[us, utc]": "timestamp",
    "datetime64[us]": "timestamp_ntz",
    "float": "double",
    "float32": "float",
    "float64": "double",
    "int": "bigint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "int8": "tinyint",
    "object": "string",
    "str": "string",
    "uint16": "int",
    "uint32": "bigint",
    "uint64": "decimal(20,0)",
    "uint8": "smallint",
}
_SPARK_TYPE = re.compile(
    r"string|boolean|tinyint|smallint|int|bigint|float|double|date|timestamp|timestamp_ntz|binary|decimal\(\d+,\s*\d+\)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFormat:
    """How a file spells what is no text.

    Args:
        true: Texts that mean true, lower case.
        false: Texts that mean false, lower case.
        decimal: The decimal point.
        thousands: The separator of thousands, if there is one.
        date_formats: The pattern of dates by column name; that of the name None is for all others.
        time_format: The pattern of times, if it is not ISO 8601.
    """

    true: frozenset[str] = frozenset({"true"})
    false: frozenset[str] = frozenset({"false"})
    decimal: str = "."
    thousands: str | None = None
    date_formats: Mapping[str | None, str] = field(default_factory=dict)
    time_format: str | None = None

    def date_format(self, name: str) -> str | None:
        """Return the pattern of a column of dates, None for ISO 8601."""
        return self.date_formats.get(name, self.date_formats.get(None))

    def plain_number(self, text: Column) -> Column:
        """Return the text of numbers as Spark spells them."""
        if self.thousands is not None:
            text = F.replace(text, F.lit(self.thousands), F.lit(""))
        return text if self.decimal == "." else F.replace(text, F.lit(self.decimal), F.lit("."))


def spark_type(name: str, *, subject: str) -> str:
    """Return a type's name on Spark for one of pandas or Spark.

    Args:
        name: The type's name.
        subject: Where it is asked for, for messages.

    Raises:
        ConfigError: Neither knows it, or text cannot become it.

    Example:
        >>> spark_type("Int64", subject="a"), spark_type("decimal(10,2)", subject="a")
        ('bigint', 'decimal(10,2)')
    """
    plain = name.strip().lower()
    found = _PANDAS_TYPES.get(plain, {"integer": "int", "long": "bigint"}.get(plain, plain))
    if not _SPARK_TYPE.fullmatch(found):
        raise ConfigError(
            f"{subject}: {name!r} is no type that text can be read as; use string, boolean, bigint, double, "
            "decimal(10,2), date, timestamp, timestamp_ntz or the like"
        )
    return found


def inferred(
    frame: DataFrame,
    names: Sequence[str],
    text_format: TextFormat,
    *,
    times: Sequence[str] = (),
    subject: str,
) -> dict[str, str]:
    """Return the types that hold all values of columns of text; one job finds those of all columns.

    Args:
        frame: A frame of text.
        names: The columns to look at.
        text_format: How the file spells things.
        times: Columns that hold times, whatever they look like.
        subject: What is read, for messages.

    Raises:
        DataFormatError: Some times of a column have a zone and some have none.
    """
    if not names and not times:
        return {}
    looks = [F.bit_or(_kind(name, text_format)).alias(f"k{number}") for number, name in enumerate(names)]
    zones = [
        F.bit_or(
            F.when(column(name).isNotNull(), F.when(F.trim(column(name)).rlike(_ZONE), F.lit(1)).otherwise(F.lit(2)))
        ).alias(f"z{number}")
        for number, name in enumerate(times)
    ]
    row = frame.agg(*looks, *zones).collect()[0]
    types = {name: type_of(row[number]) for number, name in enumerate(names)}
    for number, name in enumerate(times, start=len(names)):
        if row[number] == 3:  # noqa: PLR2004 - both bits
            raise DataFormatError(
                f"{subject}: column {name!r} has times with a zone and times without; make them alike first"
            )
        types[name] = "timestamp" if row[number] == 1 else "timestamp_ntz"
    return types


def retyped(
    frame: DataFrame,
    types: Mapping[str, str],
    text_format: TextFormat,
    *,
    on_misfit: str,
    subject: str,
    certain: Container[str] = (),
) -> DataFrame:
    """Return a frame in which columns of text have types.

    Args:
        frame: The frame; columns that are not named stay as they are.
        types: The types by column name.
        text_format: How the file spells things.
        on_misfit: What to do with a value that does not fit: ``FAILFAST`` to stop, with its column and text, when it
            is come upon; ``DROPMALFORMED`` to leave the row out; ``PERMISSIVE`` for null.
        subject: What is read, for messages.
        certain: Columns of which every value is known to fit.
    """
    wanted = {name: kind for name, kind in types.items() if kind != "string"}
    if not wanted:
        return frame
    values = {name: _value(name, kind, text_format) for name, kind in wanted.items()}
    if on_misfit == "DROPMALFORMED":
        for name, value in values.items():
            if name in certain:
                continue
            frame = frame.where(column(name).isNull() | value.isNotNull())
    selected = []
    for name in frame.columns:
        if name not in values:
            selected.append(column(name))
            continue
        value = values[name]
        if on_misfit == "FAILFAST" and name not in certain:
            message = F.concat(
                F.lit(f"{subject}: column {name!r} has '"),
                F.substring(column(name), 1, 100),
                F.lit(f"', which is no {wanted[name]}. Correct it, read the column as string, or say mode: PERMISSIVE"),
            )
            value = F.when(column(name).isNotNull() & value.isNull(), F.raise_error(message)).otherwise(value)
        selected.append(value.alias(name))
    return frame.select(*selected)


def _kind(name: str, text_format: TextFormat) -> Column:
    # Most cells are told apart by their first character: a pattern costs a microsecond, and a cast that is tried on a
    # word an exception with a long message.
    text = F.trim(column(name))
    number = text_format.plain_number(text)
    may_be_number = F.ascii(number).isin(*map(ord, "+-.0123456789Ii"))
    is_long = may_be_number & (F.length(number) >= _LONG) & number.rlike(r"^[+-]?\d{19,38}$")
    kind = (
        F.when(text.isNull(), F.lit(None))
        .when(may_be_number & number.rlike(r"^[+-]?\d{1,18}$"), F.lit(INTEGER))
        .when(is_long, F.when(number.try_cast("bigint").isNull(), F.lit(LONG_INTEGER)).otherwise(F.lit(INTEGER)))
        .when(may_be_number & number.rlike(NUMBER), F.lit(FRACTION))
        .when(F.lower(text).isin(*text_format.true, *text_format.false), F.lit(TRUTH))
    )
    if text_format.date_format(name) is not None:
        kind = kind.when(_value(name, "date", text_format).isNotNull(), F.lit(_DATE))
    if text_format.time_format is not None:
        kind = kind.when(_value(name, "timestamp", text_format).isNotNull(), F.lit(_TIME))
    return kind.otherwise(F.lit(TEXT))


def type_of(kinds: int | None) -> str:
    """Return the type that holds values of kinds, which are given as bits; none at all are text."""
    if not kinds:
        return "string"
    if kinds == INTEGER:
        return "bigint"
    if kinds & ~(INTEGER | LONG_INTEGER) == 0:
        return "decimal(38,0)"
    if kinds & ~(INTEGER | LONG_INTEGER | FRACTION) == 0:
        return "double"
    return {TRUTH: "boolean", _DATE: "date", _TIME: "timestamp"}.get(kinds, "string")


def _value(name: str, kind: str, text_format: TextFormat) -> Column:
    """Return what a column's text means, null where it means nothing."""
    text = F.trim(column(name))
    if kind == "boolean":
        return F.when(F.lower(text).isin(*text_format.true), F.lit(True)).when(
            F.lower(text).isin(*text_format.false), F.lit(False)
        )
    if kind == "binary":
        return column(name).cast("binary")
    if kind == "date" and (pattern := text_format.date_format(name)) is not None:
        return F.try_to_timestamp(text, F.lit(pattern)).cast("date")
    if kind in {"timestamp", "timestamp_ntz"}:
        pattern = text_format.time_format or text_format.date_format(name)
        if pattern is None:
            return text.try_cast(kind)
        moment = F.try_to_timestamp(text, F.lit(pattern))
        return moment if kind == "timestamp" and has_zone(pattern) else moment.cast(kind)
    return (text if kind == "date" else text_format.plain_number(text)).try_cast(kind)
