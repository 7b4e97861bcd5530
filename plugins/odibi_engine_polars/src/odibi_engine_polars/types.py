"""Types by the names that people give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from odibi_core.plugin import ConfigError, did_you_mean

__all__ = ["polars_type"]

_TYPES: Mapping[str, Any] = {
    "binary": pl.Binary,
    "bool": pl.Boolean,
    "boolean": pl.Boolean,
    "category": pl.Categorical,
    "categorical": pl.Categorical,
    "date": pl.Date,
    "datetime": pl.Datetime("us"),
    "datetime64[ms]": pl.Datetime("ms"),
    "datetime64[ns]": pl.Datetime("ns"),
    "datetime64[us]": pl.Datetime("us"),
    "double": pl.Float64,
    "float": pl.Float64,
    "float32": pl.Float32,
    "float64": pl.Float64,
    "int": pl.Int64,
    "int8": pl.Int8,
    "int16": pl.Int16,
    "int32": pl.Int32,
    "int64": pl.Int64,
    "int128": pl.Int128,
    "object": pl.String,
    "str": pl.String,
    "string": pl.String,
    "time": pl.Time,
    "uint8": pl.UInt8,
    "uint16": pl.UInt16,
    "uint32": pl.UInt32,
    "uint64": pl.UInt64,
    "utf8": pl.String,
}


def polars_type(name: str, *, subject: str) -> pl.DataType:
    """Return the type that a name of pandas or Polars means; case does not matter.

    Args:
        name: The name.
        subject: What is to have the type, for messages.

    Raises:
        ConfigError: There is no such type.

    Example:
        >>> polars_type("Int16", subject="a"), polars_type("str", subject="b")
        (Int16, String)
    """
    found = _TYPES.get(name.strip().lower())
    if found is None:
        hint = did_you_mean(name.lower(), _TYPES) or f"Types: {', '.join(sorted(_TYPES))}"
        raise ConfigError(f"{subject}: the dtype {name!r} is none that Polars has. {hint}")
    kind: pl.DataType = found() if isinstance(found, type) else found
    return kind
