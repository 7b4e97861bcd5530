"""Frames to Arrow tables and back."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from odibi_core.plugin import DataFormatError
from odibi_engine_pandas.columns import flat_frame

__all__ = ["frame_of_table", "table_of_frame"]

_NULLABLE = {
    pa.bool_(): pd.BooleanDtype(),
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}


def table_of_frame(frame: pd.DataFrame, *, subject: str) -> pa.Table:
    """Return a frame as an Arrow table that shares numbers, times and text with it; nothing of these is copied.

    Args:
        frame: The frame; what becomes of its index says `flat_frame`.
        subject: What it is to become, for messages.

    Raises:
        DataFormatError: A column holds what Arrow has no type for, such as text and numbers mixed.

    Example:
        >>> table_of_frame(pd.DataFrame({"a": [1, 2]}), subject="x").schema.field("a").type
        DataType(int64)
    """
    flat = flat_frame(frame, subject=subject)
    try:
        return pa.Table.from_pandas(flat, preserve_index=False)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DataFormatError(f"{subject}: {_unfit_column(flat)}") from error


def frame_of_table(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as a frame that may be written to.

    Numbers, truth values and times are NumPy's, and copied; text stays in Arrow's memory, as pandas' ``str``. Integers
    and truth values with nulls, for which NumPy has no type, come as ``Int64`` and the like and ``boolean``, unless the
    table remembers that they were objects of pandas. An index that it remembers becomes columns.

    Args:
        table: The table.

    Raises:
        DataFormatError: Two columns have one name.

    Example:
        >>> frame_of_table(pa.table({"id": [9007199254740993, None]})).dtypes.astype(str).to_dict()
        {'id': 'Int64'}
    """
    frame = flat_frame(_to_pandas(table), subject="the Arrow table")
    remembered = {column["field_name"] for column in (table.schema.pandas_metadata or {}).get("columns", ())}
    exact = {}
    for field in table.schema:
        nullable = _NULLABLE.get(field.type)
        if nullable is None or field.name not in frame.columns:
            continue
        became_float = nullable.kind in "iu" and frame[field.name].dtype.kind == "f"
        became_object = nullable.kind == "b" and frame[field.name].dtype == object and field.name not in remembered
        if became_float or became_object:
            exact[field.name] = nullable.__from_arrow__(table[field.name])  # type: ignore[attr-defined]  # pandas-stubs lack it
    return frame.assign(**exact) if exact else frame


def _to_pandas(table: pa.Table) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = table.to_pandas()
    except TypeError:
        # pandas cannot read all that it writes down of its own columns, such as list<item: int64>[pyarrow].
        frame = table.replace_schema_metadata(None).to_pandas()
    return frame


def _unfit_column(frame: pd.DataFrame) -> str:
    for name in frame.columns:
        try:
            pa.array(frame[name], from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            types = sorted({type(value).__name__ for value in frame[name].dropna()})
            return (
                f"column {name!r} has values of the type {' and '.join(types)}, for which Arrow has no one type; "
                f"convert it first, as with astype ({error})"
            )
    return "the frame cannot be converted to Arrow"
