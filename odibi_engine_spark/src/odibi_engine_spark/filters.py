"""Filters as the pandas engine has them: ``[[column, operator, value], ...]``."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from odibi_core.plugin import ConfigError, did_you_mean
from odibi_engine_spark.columns import column, require_columns

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["filtered"]

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "==": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda one, values: one.isin(*values),
    "not in": lambda one, values: ~one.isin(*values),
}


def filtered(frame: DataFrame, filters: Sequence[Sequence[Any]] | None, *, subject: str) -> DataFrame:
    """Return the rows of a frame that fulfil a list of conditions, or one of several such lists.

    Args:
        frame: The frame.
        filters: The conditions.
        subject: What is read, for messages.

    Raises:
        ConfigError: A condition is no condition.
        ColumnNotFoundError: A condition names a column that is not there.
    """
    if not filters:
        return frame
    alternatives = filters if isinstance(filters[0][0], (list, tuple)) else [filters]
    return frame.where(functools.reduce(operator.or_, (_all_of(frame, one, subject=subject) for one in alternatives)))


def _all_of(frame: DataFrame, conditions: Sequence[Any], *, subject: str) -> Column:
    columns = []
    for condition in conditions:
        if not (isinstance(condition, (list, tuple)) and len(condition) == len(("column", "operator", "value"))):
            raise ConfigError(f"{subject}: a filter is [column, operator, value], not {condition!r}")
        name, sign, value = condition
        require_columns([name], frame.columns, subject=subject)
        if sign not in _OPERATORS:
            known = f"{', '.join(sorted(_OPERATORS))}. {did_you_mean(str(sign), _OPERATORS)}".rstrip()
            raise ConfigError(f"{subject}: a filter's operator is one of {known}; {sign!r} is none")
        if sign.endswith("in") and not isinstance(value, (list, tuple, set)):
            raise ConfigError(f"{subject}: the filter {condition!r} needs a list of values")
        columns.append(_OPERATORS[sign](column(name), value))
    return cast("Column", functools.reduce(operator.and_, columns))
