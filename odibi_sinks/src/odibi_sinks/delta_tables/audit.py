r"""The audit columns of merged tables: ids that are the same for the same values, on every engine.

``Merge_Id`` and ``Change_Id`` are the SHA-256 of the key columns' and the change columns' texts, joined by ``||``. In a
text a backslash and a bar are escaped, and null is ``\N``: so no two lists of values have the same text. For values
without null, ``|`` and ``\`` it is the text that `concat_ws("||", ...)` gave in v2.
"""

# ruff: noqa: TID253  # imported when rows are merged; frames come as Arrow

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

__all__ = ["AUDIT_SCHEMA", "with_audit_columns"]

AUDIT_SCHEMA: Final = pa.schema(
    [
        ("Merge_Id", pa.string()),
        ("Change_Id", pa.string()),
        ("Created_Timestamp", pa.timestamp("us", tz="UTC")),
        ("Updated_Timestamp", pa.timestamp("us", tz="UTC")),
    ]
)

_NULL: Final = "\\N"
_SEPARATOR: Final = "||"
# Where Java begins to write numbers with an exponent.
_LEAST_PLAIN, _FIRST_WITH_EXPONENT = 1e-3, 1e7


def with_audit_columns(rows: pa.Table, *, keys: Sequence[str], changes: Sequence[str]) -> pa.Table:
    """Return rows with the audit columns that they have when they are inserted now.

    Args:
        rows: The rows, without audit columns.
        keys: The columns that tell them apart.
        changes: The columns that are updated.

    Example:
        >>> rows = pa.table({"plant": ["A"], "asset": [7], "load": [None]})
        >>> audited = with_audit_columns(rows, keys=["plant", "asset"], changes=["load"])
        >>> audited["Merge_Id"][0].as_py() == sha256(b"A||7").hexdigest()
        True
    """
    now = pa.repeat(pa.scalar(datetime.now(UTC), pa.timestamp("us", tz="UTC")), rows.num_rows)
    values = {
        "Merge_Id": pa.array(_ids(rows, keys), pa.string()),
        "Change_Id": pa.array(_ids(rows, changes), pa.string()),
        "Created_Timestamp": now,
        "Updated_Timestamp": now,
    }
    for one in AUDIT_SCHEMA:
        rows = rows.append_column(one, values[one.name])
    return rows


def _ids(rows: pa.Table, columns: Sequence[str]) -> list[str]:
    if not columns:
        return [sha256(b"").hexdigest()] * rows.num_rows
    texts = [pc.fill_null(_texts(rows[name]), _NULL) for name in columns]
    joined = pc.binary_join_element_wise(*texts, _SEPARATOR)
    return [sha256(text.encode()).hexdigest() for text in joined.to_pylist()]


def _escaped(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    for character in "\\|":
        texts = pc.replace_substring(texts, character, "\\" + character)
    return texts


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as Spark's cast to string has it, escaped."""
    arrow = column.type
    if types.is_string(arrow):
        return _escaped(column)
    if types.is_integer(arrow) or types.is_boolean(arrow) or types.is_date(arrow):
        return column.cast(pa.string())
    as_text: Callable[[Any], str]
    if types.is_floating(arrow):
        as_text = _text_of_double if types.is_float64(arrow) else _text_of_single
    elif types.is_timestamp(arrow):
        as_text = _text_of_moment
    elif types.is_decimal(arrow):
        as_text = _text_of_decimal
    else:
        as_text = _text_of_nested
    chunks = [[None if value is None else as_text(value) for value in chunk.to_pylist()] for chunk in column.chunks]
    texts = pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks], pa.string())
    return _escaped(texts) if types.is_nested(arrow) else texts


def _text_of_double(value: float) -> str:
    return _java_text(repr(value), value)


def _text_of_single(value: float) -> str:
    shortest = next(text for digits in range(1, 18) if _is_single(float(text := f"{value:.{digits}g}"), value))
    return _java_text(repr(float(shortest)), value)


def _is_single(rounded: float, value: float) -> bool:
    try:
        return struct.pack("f", rounded) == struct.pack("f", value)
    except OverflowError:
        return False


def _java_text(shortest: str, value: float) -> str:
    """Return a number as Java's Double.toString has it: 1.0E10 for 1e10, and 0.001 for 1e-3."""
    if value == 0 or _LEAST_PLAIN <= abs(value) < _FIRST_WITH_EXPONENT:
        return shortest  # in this range Python has no exponent either
    if "n" in shortest:
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[shortest]
    sign, digits, _ = Decimal(shortest).normalize().as_tuple()
    mantissa = "".join(map(str, digits))
    exponent = Decimal(shortest).adjusted()
    return f"{'-' if sign else ''}{mantissa[0]}.{mantissa[1:] or '0'}E{exponent}"


def _text_of_moment(value: datetime) -> str:
    text = value.isoformat(sep=" ").removesuffix("+00:00")
    return text.rstrip("0") if "." in text else text


def _text_of_decimal(value: Decimal) -> str:
    return format(value, "f")


def _text_of_nested(value: object) -> str:
    """Return the text of bytes, a list, a map or a struct. Engines have no common text for these."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}={_text_of_nested(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_text_of_nested, value)) + "]"
    return str(value)
