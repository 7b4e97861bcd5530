"""Arrow tables as Spark understands them: the same values, in types that Spark has."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.types as pat

from odibi_core.plugin import DataFormatError

__all__ = ["spark_schema", "table_for_spark"]

_WIDER = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(),
    pa.null(): pa.string(),
    pa.date64(): pa.date32(),
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
}
_MOST_DIGITS = 38


def table_for_spark(stream: Any) -> pa.Table:
    """Return any object with ``__arrow_c_stream__`` as a table that Spark takes.

    What is in types of Spark already is not copied.

    Args:
        stream: A pyarrow table or reader, a Polars or DuckDB frame, and so on.

    Raises:
        DataFormatError: A column is of a type that Spark has nothing for.

    Example:
        >>> table_for_spark(pa.table({"count": pa.array([7], pa.uint8())})).schema.field("count").type
        DataType(int16)
    """
    table = _without_empty_batches(stream if isinstance(stream, pa.Table) else pa.table(stream))
    schema = spark_schema(table.schema)
    if table.schema.equals(schema):
        return table
    try:
        # Spark's times end at the microsecond; what is below is cut off.
        return table.cast(schema, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataFormatError(f"Spark cannot take this table: {error}") from error


def _without_empty_batches(table: pa.Table) -> pa.Table:
    # What comes after a batch without rows is lost (seen with PySpark 4.1.1): to its converter that is the end.
    batches = table.to_batches()
    if all(batch.num_rows for batch in batches):
        return table
    return pa.Table.from_batches([batch for batch in batches if batch.num_rows], table.schema)


def spark_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema with the types that Spark has.

    Args:
        schema: Any Arrow schema.

    Raises:
        DataFormatError: A column is of a type that Spark has nothing for.
    """
    return pa.schema([_field(field, field.name) for field in schema])


def _field(field: pa.Field, where: str) -> pa.Field:
    return pa.field(field.name, _spark_type(field.type, where), field.nullable)


def _spark_type(type_: pa.DataType, where: str) -> pa.DataType:
    if isinstance(type_, pa.BaseExtensionType):
        return _spark_type(type_.storage_type, where)
    if type_ in _WIDER:
        return _WIDER[type_]
    if pat.is_dictionary(type_) or pat.is_run_end_encoded(type_):
        return _spark_type(type_.value_type, where)
    if pat.is_timestamp(type_):
        return pa.timestamp("us", tz=type_.tz)
    if pat.is_duration(type_):
        return pa.duration("us")
    if pat.is_time(type_):
        return pa.string()
    if pat.is_fixed_size_binary(type_):
        return pa.binary()
    if pat.is_decimal(type_):
        return _decimal(type_, where)
    return _nested(type_, where)


def _decimal(type_: Any, where: str) -> pa.DataType:
    if type_.precision > _MOST_DIGITS or type_.scale < 0:
        raise DataFormatError(
            f"column {where!r} is {type_}, and Spark's decimals have up to {_MOST_DIGITS} digits and no negative "
            "scale. Cast it before it is handed over."
        )
    return pa.decimal128(type_.precision, type_.scale)


def _nested(type_: Any, where: str) -> pa.DataType:
    if pat.is_struct(type_):
        return pa.struct([_field(inner, f"{where}.{inner.name}") for inner in type_])
    if pat.is_map(type_):
        return pa.map_(_spark_type(type_.key_type, where), _field(type_.item_field, where))
    is_list = (pat.is_list, pat.is_large_list, pat.is_fixed_size_list, pat.is_list_view, pat.is_large_list_view)
    if any(test(type_) for test in is_list):
        return pa.list_(_field(type_.value_field, where))
    if pat.is_union(type_) or pat.is_interval(type_):
        raise DataFormatError(f"column {where!r} is {type_}, which Spark has no type for. Leave it out or cast it.")
    return type_
