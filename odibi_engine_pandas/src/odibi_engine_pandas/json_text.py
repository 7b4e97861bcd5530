"""A frame as the text of JSON records."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from odibi_core.plugin import DataFormatError
from odibi_engine_pandas.cells import TEXT, Cells, Notation, cells_of, column_named, joined, row_blocks

__all__ = ["json_rows"]

_NULL = pa.scalar("null", TEXT)
_QUOTE = pa.scalar('"', TEXT)
_NOTHING = pa.scalar("", TEXT)

# RFC 8259: what a string must not hold as it is.
_ESCAPED = r'["\\\x00-\x1f]'


def json_rows(frame: pd.DataFrame, *, before: str, after: str, subject: str) -> Iterator[memoryview]:
    """Return the rows of a frame as JSON objects, in blocks.

    Args:
        frame: A flat frame.
        before: What goes before each object.
        after: What goes behind each object.
        subject: What is written, for messages.

    Raises:
        DataFormatError: A column has values that JSON does not have: infinities, binary data.

    Example:
        >>> frame = pd.DataFrame({"a": [1.5, None], "b": ["x", "é"]})
        >>> b"".join(json_rows(frame, before="", after=";", subject="a.json")).decode()
        '{"a":1.5,"b":"x"};{"a":null,"b":"é"};'
    """
    columns = frame.columns.tolist()
    cells = {}
    for name in columns:
        with column_named(name, subject=subject):
            cells[name] = cells_of(frame[name], _NOTATION)
            _refuse_infinities(frame[name])
    heads = [
        f"{before if not position else ''}{'{' if not position else ','}{json.dumps(name, ensure_ascii=False)}:"
        for position, name in enumerate(columns)
    ]
    for block in row_blocks(frame):
        parts: list[Any] = []
        for name, head in zip(columns, heads, strict=True):
            with column_named(name, subject=subject):
                parts += [pa.scalar(head, TEXT), _values(block[name], cells[name])]
        yield joined([*parts, pa.scalar("}" + after, TEXT)])


def _values(part: pd.Series, cells: Cells) -> pa.Array:
    texts = cells.texts(part)
    if cells.kind == "text":
        texts = pc.binary_join_element_wise(_QUOTE, _escaped(texts), _QUOTE, _NOTHING)
    return pc.fill_null(texts, _NULL) if texts.null_count else texts


def _escaped(texts: pa.Array) -> pa.Array:
    needs = pc.match_substring_regex(texts, _ESCAPED)
    if not pc.any(needs).as_py():
        return texts
    escaped = [json.dumps(text, ensure_ascii=False)[1:-1] for text in texts.filter(needs).to_pylist()]
    return pc.replace_with_mask(texts, pc.fill_null(needs, fill_value=False), pa.array(escaped, TEXT))


def _refuse_infinities(column: pd.Series) -> None:
    if not pd.api.types.is_float_dtype(column.dtype):
        return
    count = int(np.isinf(column.to_numpy(dtype="float64", na_value=math.nan)).sum())
    if count:
        raise DataFormatError(
            f"has {count} infinite values, which JSON does not have; replace them, or save as parquet"
        )


def _object_text(value: Any) -> str:
    """Return the JSON of what has no common type with its column."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what is missing, however deep, is null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(part) for part in value]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float | Decimal) and value != value):  # noqa: PLR0124  # NaN
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        raise DataFormatError(
            "holds binary data, which JSON does not have; save as parquet, or decode it to text first"
        )
    if isinstance(value, pd.Timedelta | datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, str | int | float) else str(value)


_NOTATION = Notation(true="true", false="false", time_separator="T", dates_alone=False, other=_object_text)
