"""Run-log records as Arrow tables, and back."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import types as T  # noqa: N812  # as everybody writes it

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA, ColumnType, RecordColumn, RunLogError

__all__ = ["check_columns", "records_of", "table_of"]

_ARROW: Final[Mapping[ColumnType, pa.DataType]] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "timestamp": pa.timestamp("us", "UTC"),
}
_FITTING: Final[Mapping[ColumnType, tuple[type[T.DataType], ...]]] = {
    "string": (T.StringType,),
    "integer": (T.LongType, T.IntegerType, T.ShortType),
    "float": (T.DoubleType, T.FloatType),
    "timestamp": (T.TimestampType,),
}
"""What a column of an existing table may be. v2's table has `duration_seconds` as ``float``."""


def check_columns(schema: T.StructType, *, where: str) -> None:
    """Make sure that records fit into an existing table.

    Columns that the table lacks can be added, and further columns stay empty. What cannot be put right without changing
    what is there is refused.

    Args:
        schema: The table's schema.
        where: The table, for the message.

    Raises:
        RunLogError: A column has another type, or its name another case.
    """
    found = {field.name: field.dataType for field in schema.fields}
    folded = {name.casefold(): name for name in found if name not in RECORD_COLUMNS}
    wrong = []
    for column in RECORD_SCHEMA:
        there = found.get(column.name)
        if there is None:
            if column.name in folded:
                wrong.append(f"{folded[column.name]!r} differs from {column.name!r} only in case")
        elif not isinstance(there, _FITTING[column.type]):
            wrong.append(f"{column.name!r} is {there.simpleString()}, which holds no {column.type}")
    if wrong:
        raise RunLogError(
            f"The Delta table {where} does not fit run-log records: {'; '.join(wrong)}. Nothing was written to it. "
            f"Give the log sink another table, or rename these columns."
        )


def table_of(records: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return records as an Arrow table of every column of the run log.

    Args:
        records: Mappings with the columns of the run log; other keys are ignored, missing ones are null.

    Raises:
        RunLogError: A value does not fit its column.
    """
    return pa.table(
        {column.name: _array([record.get(column.name) for record in records], column) for column in RECORD_SCHEMA}
    )


def records_of(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield an Arrow table's rows as records, in the table's order.

    Args:
        table: Rows with any of the run log's columns; what it lacks is None.
    """
    wanted = [column for column in RECORD_SCHEMA if column.name in table.column_names]
    none = dict.fromkeys(RECORD_COLUMNS)
    casts = [table[column.name].cast(_ARROW[column.type]) for column in wanted]
    names = [column.name for column in wanted]
    times = [column.type == "timestamp" for column in wanted]
    for batch in pa.table(casts, names=names).to_batches(max_chunksize=1000):
        for row in zip(*(array.to_pylist() for array in batch.columns), strict=True):
            values = (_in_utc(value) if is_time else value for value, is_time in zip(row, times, strict=True))
            yield none | dict(zip(names, values, strict=True))


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _array(values: Iterable[Any], column: RecordColumn) -> pa.Array:
    plain = _PLAIN[column.type]
    try:
        return pa.array([None if value is None else plain(value) for value in values], _ARROW[column.type])
    except (TypeError, ValueError, OverflowError, pa.ArrowException) as error:
        raise RunLogError(
            f"A record cannot be stored: column {column.name!r} takes {column.type} values ({error})."
        ) from error


def _text(value: object) -> str:
    text = str(value)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _integer(value: Any) -> int:
    return int(value) if isinstance(value, str) else operator.index(value)


def _float(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise TypeError(f"{moment!r} is no time")
    return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment


_PLAIN: Final[Mapping[ColumnType, Callable[[Any], Any]]] = {
    "string": _text,
    "integer": _integer,
    "float": _float,
    "timestamp": _moment,
}
"""How a value of each kind becomes what Arrow takes. A time without a zone is taken to be UTC."""
