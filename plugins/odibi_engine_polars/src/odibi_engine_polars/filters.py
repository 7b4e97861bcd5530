"""The option ``filters`` as an expression, which Polars pushes down into the scan."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any

import polars as pl

from odibi_core.plugin import ConfigError
from odibi_engine_polars.columns import column, require_columns

__all__ = ["row_filter"]

_COMPARISONS: Mapping[str, Callable[[Any, Any], pl.Expr]] = {
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "==": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda column, values: column.is_in(values),
    "not in": lambda column, values: ~column.is_in(values),
}
_PARSERS: tuple[tuple[Any, Callable[[str], Any]], ...] = (
    (pl.Date, date.fromisoformat),
    (pl.Datetime, datetime.fromisoformat),
    (pl.Time, time.fromisoformat),
)


def row_filter(filters: Sequence[Any] | None, schema: pl.Schema, *, subject: str) -> pl.Expr | None:
    """Return what rows must fulfil: a list of conditions, or a list of such lists of which one must hold.

    Null fulfils no condition.

    Args:
        filters: ``[[column, operator, value], ...]``, or a list of such lists.
        schema: The columns that there are.
        subject: What is read, for messages.

    Raises:
        ConfigError: A condition is none, or compares what cannot be compared.
        ColumnNotFoundError: A condition names a column that is not there.

    Example:
        >>> condition = row_filter([["seats", ">", 2]], pl.Schema({"seats": pl.Int64}), subject="a.parquet")
        >>> pl.DataFrame({"seats": [2, 4, None]}).filter(condition)["seats"].to_list()
        [4]
    """
    if not filters:
        return None
    is_nested = isinstance(filters[0], list | tuple) and bool(filters[0]) and isinstance(filters[0][0], list | tuple)
    alternatives = [list(part) for part in filters] if is_nested else [list(filters)]
    for condition in (condition for alternative in alternatives for condition in alternative):
        is_condition = isinstance(condition, list | tuple) and len(condition) == len(("column", "operator", "value"))
        if not is_condition or condition[1] not in _COMPARISONS:
            raise ConfigError(
                f"{subject}: a filter is [column, operator, value], with an operator of {', '.join(_COMPARISONS)}; "
                f"not {condition!r}"
            )
        require_columns([condition[0]], schema.names(), subject=subject)
    try:
        expression = functools.reduce(
            operator.or_,
            (
                functools.reduce(
                    operator.and_,
                    (
                        _COMPARISONS[compared](column(name), _typed(value, schema[name]))
                        for name, compared, value in alternative
                    ),
                )
                for alternative in alternatives
            ),
        )
        schema.to_frame().filter(expression)  # whether the types can be compared shows only now
    except (pl.exceptions.PolarsError, ValueError, TypeError) as error:
        detail = str(error).partition("\n")[0]
        raise ConfigError(f"{subject}: the filters {filters!r} cannot be used: {detail}") from error
    return expression


def _typed(value: Any, kind: pl.DataType) -> Any:
    """Return a filter's value as the type of its column: a manifest has no dates, only their text."""
    if isinstance(value, list | tuple | set):
        return [_typed(part, kind) for part in value]
    if isinstance(value, str):
        for temporal, parse in _PARSERS:
            if kind == temporal:
                return parse(value)
    return value
