"""Columns as text, many cells at a time: what the CSV and JSON savers write.

pandas writes cell by cell; done by Arrow the same takes a fraction of the time, floats keep every digit, and a lone
carriage return gets its quotes. What Arrow has no text for (objects of mixed types) is still done cell by cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from odibi_core.plugin import DataFormatError

__all__ = ["TEXT", "Cells", "Notation", "cells_of", "column_named", "joined", "row_blocks"]

TEXT = pa.large_string()
"""The type of all text arrays: with 64-bit offsets, so that no block of rows is too long."""

_NOTHING = pa.scalar("", TEXT)

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SECONDS_PER_DAY = 86_400

# Large enough for Arrow to be quick, small enough for the text of a block to be nothing beside the frame.
_BLOCK_ROWS = 65_536

Texts: TypeAlias = Callable[[pd.Series], pa.Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notation:
    """How a format spells what is no text.

    Args:
        true: Its word for true.
        false: Its word for false.
        time_separator: What stands between date and time.
        dates_alone: Whether a column of midnights without a zone is written as dates.
        other: The text of an object that is neither text, number, truth value nor time.
        float_text: Replaces the shortest exact text of a float, or None.
        date_format: The format of dates and times as for strftime, or None for ISO 8601.
    """

    true: str
    false: str
    time_separator: str
    dates_alone: bool
    other: Callable[[Any], str]
    float_text: Callable[[float], str] | None = None
    date_format: str | None = None


@dataclass(frozen=True, slots=True)
class Cells:
    """A column that can be written.

    Args:
        texts: Makes an Arrow array of text, null where a value is missing, from a slice of the column.
        kind: ``number`` for numbers and truth values, ``text`` for text and times, ``other`` for what the notation's
            `other` made.
    """

    texts: Texts
    kind: Literal["number", "text", "other"]


def row_blocks(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Return a frame in blocks of rows, each as a view."""
    for start in range(0, len(frame), _BLOCK_ROWS):
        yield frame.iloc[start : start + _BLOCK_ROWS]


@contextmanager
def column_named(name: str, *, subject: str) -> Iterator[None]:
    """Turn what is wrong with the values of a column into a `DataFormatError` that names it.

    Args:
        name: The column.
        subject: What is written.
    """
    try:
        yield
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DataFormatError(f"{subject}: column {name!r} {_reason(error)}") from error


def joined(parts: list[Any]) -> memoryview:
    """Return the text of rows, one after the other, each the concatenation of its parts, as UTF-8.

    Args:
        parts: Arrays of text of one length without nulls, and scalars for what is the same in each row.
    """
    rows = pc.binary_join_element_wise(*parts, _NOTHING)
    rows = rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows
    offsets = np.frombuffer(rows.buffers()[1], dtype=np.int64)[rows.offset : rows.offset + len(rows) + 1]
    # Arrow keeps the texts of an array one after the other: what is to be written is there already.
    return memoryview(rows.buffers()[2])[offsets[0] : offsets[-1]]


def cells_of(column: pd.Series, notation: Notation) -> Cells:
    """Return how a column is written.

    Args:
        column: The whole column: whether it has only midnights, say, decides how all of it is written.
        notation: How the format spells things.

    Raises:
        DataFormatError: A text format cannot hold such values (binary data).
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _category_cells(column.dtype, notation)
    if column.dtype == object:
        return _object_cells(column, notation)
    try:
        arrow_type = _arrow(column.iloc[:0]).type
    except (pa.ArrowException, TypeError):  # complex numbers, intervals: they have a text of their own
        return _one_by_one(notation.other, "other")
    if pa.types.is_boolean(arrow_type):
        return Cells(
            lambda part: pc.if_else(_arrow(part), pa.scalar(notation.true, TEXT), pa.scalar(notation.false, TEXT)),
            "number",
        )
    if pa.types.is_integer(arrow_type) or pa.types.is_decimal(arrow_type):
        return Cells(lambda part: _arrow(part).cast(TEXT), "number")
    if pa.types.is_floating(arrow_type):
        return (
            Cells(_float_texts, "number") if notation.float_text is None else _one_by_one(notation.float_text, "number")
        )
    if pa.types.is_timestamp(arrow_type):
        return _time_cells(column, notation)
    if _is_text(arrow_type) or pa.types.is_date(arrow_type) or pa.types.is_null(arrow_type):
        return Cells(lambda part: _arrow(part).cast(TEXT), "text")
    return _one_by_one(notation.other, "other")


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, DataFormatError) else f"cannot be written: {error}"


def _arrow(part: pd.Series) -> pa.Array:
    array = pa.array(part, from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _is_text(arrow_type: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(arrow_type) or pa.types.is_large_string(arrow_type) or pa.types.is_string_view(arrow_type)
    )


def _one_by_one(text_of: Callable[[Any], str], kind: Literal["number", "text", "other"]) -> Cells:
    def texts(part: pd.Series) -> pa.Array:
        missing = part.isna().to_numpy()
        values = [None if is_missing else text_of(value) for value, is_missing in zip(part, missing, strict=True)]
        return pa.array(values, TEXT)

    return Cells(texts, kind)


def _float_texts(part: pd.Series) -> pa.Array:
    texts = _arrow(part).cast(TEXT)
    # Arrow writes 5.0 as 5, which would be read as an integer.
    has_mark = pc.match_substring_regex(texts, "[.en]")
    return pc.if_else(has_mark, texts, pc.binary_join_element_wise(texts, pa.scalar(".0", TEXT), _NOTHING))


def _object_cells(column: pd.Series, notation: Notation) -> Cells:
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in {"string", "empty"}:
        return Cells(lambda part: pa.array(part, TEXT, from_pandas=True), "text")
    if kind == "boolean":
        return _one_by_one(lambda value: notation.true if value else notation.false, "number")
    if kind in {"integer", "decimal"}:
        return _one_by_one(str, "number")
    if kind in {"floating", "mixed-integer-float"}:
        float_text = notation.float_text or str
        return _one_by_one(lambda value: float_text(float(value)) if isinstance(value, float) else str(value), "number")
    if kind == "bytes":
        raise DataFormatError(
            "holds binary data, which a text format cannot; save as parquet, or decode it to text first"
        )
    return _one_by_one(notation.other, "other")


def _category_cells(dtype: pd.CategoricalDtype, notation: Notation) -> Cells:
    categories = pd.Series(dtype.categories)
    inner = cells_of(categories, notation)
    known = inner.texts(categories)

    def texts(part: pd.Series) -> pa.Array:
        codes = part.cat.codes.to_numpy()
        return pc.take(known, pa.array(codes, mask=codes < 0))

    return Cells(texts, inner.kind)


def _time_cells(column: pd.Series, notation: Notation) -> Cells:
    if (pattern := notation.date_format) is not None:
        return Cells(lambda part: pa.array(part.dt.strftime(pattern), TEXT, from_pandas=True), "text")
    zone = column.dt.tz
    if zone is not None and np.nan_to_num(_seconds_ahead(column) % 60).any():
        zone = "UTC"  # local mean times of the 19th century are ahead by seconds, which pandas cannot read
    finest = _finest_unit(_arrow(column if zone is None else column.dt.tz_localize(None)))
    if finest == "D":
        finest = "D" if notation.dates_alone and zone is None else "s"

    def texts(part: pd.Series) -> pa.Array:
        part = part if zone is None else part.dt.tz_convert(zone)
        local = _arrow(part if zone is None else part.dt.tz_localize(None))
        if finest == "D":
            return local.cast(pa.date32()).cast(TEXT)
        written = local.cast(pa.timestamp(finest)).cast(TEXT)
        if notation.time_separator != " ":
            written = pc.replace_substring(written, " ", notation.time_separator, max_replacements=1)
        return written if zone is None else pc.binary_join_element_wise(written, _offsets(part), _NOTHING)

    return Cells(texts, "text")


def _finest_unit(times: pa.Array) -> str:
    """Return the coarsest of day, s, ms, us and ns that holds all times; one for all, so that they read alike."""
    ticks = times.drop_null().cast(pa.int64()).to_numpy()
    per_second = _PER_SECOND[times.type.unit]
    if not (ticks % (per_second * _SECONDS_PER_DAY)).any():
        return "D"
    candidates = [unit for unit, per in _PER_SECOND.items() if per < per_second]
    return next((unit for unit in candidates if not (ticks % (per_second // _PER_SECOND[unit])).any()), times.type.unit)


def _offsets(part: pd.Series) -> pa.Array:
    """Return the offset from UTC of each time, as +01:00.

    By pandas and not by Arrow, which needs a zone database of the operating system and strftime for it.
    """
    codes, known = pd.factorize(_seconds_ahead(part))
    texts = [_offset_text(int(seconds)) for seconds in known]
    return pc.take(pa.array(texts, TEXT), pa.array(codes, mask=codes < 0))


def _seconds_ahead(part: pd.Series) -> Any:
    ahead = part.dt.tz_localize(None) - part.dt.tz_convert("UTC").dt.tz_localize(None)
    return ahead.dt.total_seconds().to_numpy(dtype="float64", na_value=np.nan)


def _offset_text(seconds: int) -> str:
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}"
