"""Conditions of a row as SQL for delta-rs, which takes conditions as text only."""

# ruff: noqa: TID253  # imported when a Delta table is first read; literals depend on Arrow's types

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
from pyarrow import types

from odibi_core.plugin import ColumnNotFoundError, ConfigError, did_you_mean
from odibi_sinks.delta_tables.statistics import is_inexact

__all__ = ["condition", "quoted"]

_COMPARISONS: Final = {"=": "=", "==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_MEMBERSHIP: Final = {"in": "IN", "not in": "NOT IN"}
_PARTS: Final = 3
_MOST_DIGITS: Final = 38


def quoted(name: str) -> str:
    """Return a name as an identifier: exactly this column, whatever is in its name.

    Example:
        >>> quoted('net "price".eur')
        '"net ""price"".eur"'
    """
    return '"' + name.replace('"', '""') + '"'


def condition(filters: Sequence[Sequence[Any]], *, schema: pa.Schema, subject: str) -> str:
    r"""Return filters as a condition in SQL.

    Args:
        filters: ``[[column, operator, value], ...]`` if all must hold, a list of such lists if one must.
        schema: The table's columns.
        subject: How messages call the dataset.

    Raises:
        ConfigError: A filter is none, or its value can be compared with no value of its column.
        ColumnNotFoundError: A filter is about a column that is not there.

    Example:
        >>> columns = pa.schema([("id", pa.int64()), ("name", pa.string())])
        >>> condition([["id", ">", 5], ["name", "in", ["O'Hara", "Ng"]]], schema=columns, subject="x")
        '("id" > 5) AND ("name" IN (\'O\'\'Hara\', \'Ng\'))'
    """
    is_nested = all(len(one) > 0 and isinstance(one[0], list | tuple) for one in filters)
    groups = filters if is_nested else [filters]
    alternatives = [" AND ".join(_member(one, schema, subject) for one in group) for group in groups]
    return alternatives[0] if len(alternatives) == 1 else " OR ".join(f"({one})" for one in alternatives)


def _member(one: Sequence[Any], schema: pa.Schema, subject: str) -> str:
    comparison = f"({_comparison(one, schema, subject)})"
    # What is written like this, delta-rs does not look up in the statistics of files.
    return f"({comparison} IS TRUE)" if is_inexact(schema.field(one[0]).type) else comparison


def _comparison(one: Sequence[Any], schema: pa.Schema, subject: str) -> str:
    if not isinstance(one, list | tuple) or len(one) != _PARTS or not isinstance(one[0], str):
        raise ConfigError(f"{subject}: filter {one!r} is not of the form [column, operator, value]")
    name, operator, value = one
    if name not in schema.names:
        hint = did_you_mean(name, schema.names) or f"Columns: {', '.join(schema.names)}"
        raise ColumnNotFoundError(f"{subject}: filters name the column {name!r}, which is not there. {hint}")
    arrow = schema.field(name).type
    column, folded = quoted(name), operator.strip().casefold() if isinstance(operator, str) else ""
    if folded in _MEMBERSHIP:
        if not isinstance(value, list | tuple) or not value:
            raise ConfigError(f"{subject}: filter on {name!r}: {folded!r} needs a list of values, not {value!r}")
        literals = ", ".join(_literal(member, arrow, name, subject) for member in value)
        return f"{column} {_MEMBERSHIP[folded]} ({literals})"
    if folded not in _COMPARISONS:
        known = ", ".join([*_COMPARISONS, *_MEMBERSHIP])
        raise ConfigError(f"{subject}: filter on {name!r} has the operator {operator!r}; known are {known}")
    if value is None and _COMPARISONS[folded] in {"=", "<>"}:
        return f"{column} IS {'NOT ' if folded == '!=' else ''}NULL"
    return f"{column} {_COMPARISONS[folded]} {_literal(value, arrow, name, subject)}"


def _literal(value: object, arrow: pa.DataType, name: str, subject: str) -> str:
    if isinstance(value, bool):
        fits, text = types.is_boolean(arrow), str(value).upper()
    elif isinstance(value, int | float | Decimal):
        is_number = types.is_integer(arrow) or types.is_floating(arrow) or types.is_decimal(arrow)
        fits, text = is_number and math.isfinite(value), str(value)
        if fits and types.is_decimal(arrow):
            text = _decimal(Decimal(text))
    elif isinstance(value, date):
        is_moment = types.is_timestamp(arrow) or (types.is_date(arrow) and not isinstance(value, datetime))
        fits, text = is_moment, f"'{value.isoformat()}'"
    elif isinstance(value, str):
        fits = types.is_string(arrow) or types.is_timestamp(arrow) or types.is_date(arrow)
        text = "'" + value.replace("'", "''") + "'"
    else:
        fits, text = False, ""
    if not fits:
        raise ConfigError(f"{subject}: filter on {name!r}: {value!r} cannot be compared with a column of type {arrow}")
    return text


def _decimal(value: Decimal) -> str:
    """Return a number that stays a decimal; as digits alone it would be a float."""
    text = f"{value:f}"
    scale = len(text.partition(".")[2])
    digits = len(text.strip("-").replace(".", ""))
    return f"CAST('{text}' AS DECIMAL({digits}, {scale}))" if digits <= _MOST_DIGITS else str(value)
