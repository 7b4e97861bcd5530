"""Run-log records as columns of a Delta table, and back."""

# ruff: noqa: TID253  # imported when a Delta sink is first used, for the sake of deltalake

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table
from deltalake.schema import PrimitiveType
from deltalake.schema import Schema as DeltaSchema

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA, ColumnType, RecordColumn, RunLogError
from odibi_sinks.record_columns import columns_of

__all__ = ["STATISTICS", "batch_of", "check_columns", "lacks_columns", "records_of", "table_schema"]

STATISTICS: Final = ("run_id", "seq", "start_time")
"""Columns whose least and greatest value per file are kept, so that readers skip files. Never the error messages: these
may be megabytes, and statistics stand in the table's own log."""

_ARROW: Final[Mapping[ColumnType, DataType]] = {
    "string": DataType.utf8(),
    "integer": DataType.int64(),
    "float": DataType.float64(),
    "timestamp": DataType.timestamp("us", tz="UTC"),
}
_FITTING: Final[Mapping[ColumnType, Mapping[str, DataType]]] = {
    "string": {"string": DataType.utf8()},
    "integer": {"long": DataType.int64(), "integer": DataType.int32(), "short": DataType.int16()},
    "float": {"double": DataType.float64(), "float": DataType.float32()},
    "timestamp": {"timestamp": DataType.timestamp("us", tz="UTC")},
}
"""What a column of an existing table may be, by its Delta type. v2's table has `duration_seconds` as ``float``."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def table_schema() -> Schema:
    """Return the schema of a new table. Nothing is NOT NULL: a record that lacks a value is better than no record."""
    return Schema([Field(column.name, _ARROW[column.type]) for column in RECORD_SCHEMA])


def check_columns(schema: DeltaSchema, *, where: str) -> None:
    """Make sure that records fit into an existing table.

    Columns that the table lacks can be added, and further columns stay empty. What cannot be put right without changing
    what is there is refused.

    Args:
        schema: The table's schema.
        where: The table, for the message.

    Raises:
        RunLogError: A column has another type, or its name another case.
    """
    found = {field.name: field.type for field in schema.fields}
    known = {column.name for column in RECORD_SCHEMA}
    folded = {name.casefold(): name for name in found if name not in known}
    wrong = []
    for column in RECORD_SCHEMA:
        there = found.get(column.name)
        if there is None:
            if column.name in folded:
                wrong.append(f"{folded[column.name]!r} differs from {column.name!r} only in case")
        elif not isinstance(there, PrimitiveType) or there.type not in _FITTING[column.type]:
            shown = there.type if isinstance(there, PrimitiveType) else type(there).__name__
            wrong.append(f"{column.name!r} is {shown}, not {' or '.join(_FITTING[column.type])}")
    if wrong:
        raise RunLogError(
            f"The Delta table {where} does not fit run-log records: {'; '.join(wrong)}. Nothing was written to it. "
            f"Give the log sink another path, or rename these columns."
        )


def lacks_columns(schema: DeltaSchema) -> bool:
    """Return whether table and records differ in their columns, so that an append has to merge the two."""
    return {field.name for field in schema.fields} != set(RECORD_COLUMNS)


def batch_of(records: Sequence[Mapping[str, Any]], *, schema: DeltaSchema) -> RecordBatch:
    """Return records as Arrow, with the types that a table has.

    Args:
        records: Mappings with the columns of the run log; other keys are ignored, missing ones are empty.
        schema: The table's schema, checked by `check_columns`.

    Raises:
        RunLogError: A value does not fit its column.
    """
    there = {field.name: field.type.type for field in schema.fields if isinstance(field.type, PrimitiveType)}
    arrays, fields = [], []
    for column, values in zip(RECORD_SCHEMA, columns_of(records), strict=True):
        fitting = _FITTING[column.type]
        target = fitting[there[column.name]] if column.name in there else _ARROW[column.type]
        try:
            arrays.append(_array_of(values, column=column, target=target))
        except (TypeError, ValueError, OverflowError) as error:
            raise RunLogError(
                f"A record cannot be stored: column {column.name!r} takes {column.type} values ({error})."
            ) from error
        fields.append(Field(column.name, target))
    return RecordBatch.from_arrays(arrays, schema=Schema(fields))


def _array_of(values: Sequence[Any], *, column: RecordColumn, target: DataType) -> Array:
    # Nearly every column is as Arrow wants it, which is much cheaper to find out by trying than value by value.
    try:
        return _built(_READY[column.type](values), target)
    except (TypeError, ValueError, OverflowError, AttributeError):
        plain = _PLAIN[column.type]
        return _built([None if value is None else plain(value) for value in values], target)


def _built(values: Sequence[Any], target: DataType) -> Array:
    if target == _ARROW["timestamp"]:
        # Arrow's constructor takes no times.
        return Array(values, type=DataType.int64()).cast(target)
    return Array(values, type=target)


def records_of(table: Table, *, sizes: int = 1000) -> Iterator[dict[str, Any]]:
    """Yield what a table holds as records, run by run in the order of ``seq``.

    Args:
        table: Rows with any of the run log's columns, in any order.
        sizes: How many records to make at a time.
    """
    names = set(table.column_names)
    keys = list(
        zip(
            (run_id or "" for run_id in _values(table, "run_id", names)),
            (seq or 0 for seq in _values(table, "seq", names)),
            strict=True,
        )
    )
    order = sorted(range(len(keys)), key=keys.__getitem__)
    chunks = table.combine_chunks().to_batches()
    for begin in range(0, len(order), sizes):
        part = chunks[0].take(Array(order[begin : begin + sizes], type=DataType.int64()))
        yield from _records(part, names)


def _values(table: Table, name: str, names: Iterable[str]) -> list[Any]:
    return list(table.column(name).to_pylist()) if name in names else [None] * table.num_rows


def _records(batch: RecordBatch, names: Iterable[str]) -> Iterator[dict[str, Any]]:
    columns: list[list[Any]] = []
    for column in RECORD_SCHEMA:
        if column.name not in names:
            columns.append([None] * batch.num_rows)
            continue
        array = batch.column(column.name)
        if column.type == "timestamp":
            instants = array.cast(DataType.int64()).to_pylist()
            columns.append([None if one is None else _EPOCH + one * _MICROSECOND for one in instants])
        else:
            columns.append(list(array.to_pylist()))
    for row in zip(*columns, strict=True):
        yield dict(zip(RECORD_COLUMNS, row, strict=True))


def _text(value: object) -> str:
    text = str(value)
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _integer(value: Any) -> int:
    return int(value) if isinstance(value, str) else operator.index(value)


def _float(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None


def _microseconds(value: Any) -> int:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime):
        raise TypeError(f"{moment!r} is no time")
    aware = moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment
    return _in_microseconds(aware - _EPOCH)


def _finite(values: Sequence[Any]) -> Sequence[Any]:
    if not math.isfinite(sum(value for value in values if value is not None)):
        raise ValueError("there is a NaN or an infinity")
    return values


def _all_microseconds(values: Sequence[Any]) -> Sequence[int | None]:
    return [None if value is None else _in_microseconds(value - _EPOCH) for value in values]


def _in_microseconds(span: timedelta) -> int:
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


_READY: Final[Mapping[ColumnType, Callable[[Sequence[Any]], Sequence[Any]]]] = {
    "string": list,
    "integer": list,
    "float": _finite,
    "timestamp": _all_microseconds,
}
"""What is done with a column of which every value is as the kernel hands it over; anything else raises."""

_PLAIN: Final[Mapping[ColumnType, Callable[[Any], Any]]] = {
    "string": _text,
    "integer": _integer,
    "float": _float,
    "timestamp": _microseconds,
}
"""How a value of each kind becomes what Arrow takes. A time without a zone is taken to be UTC."""
