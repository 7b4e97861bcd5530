"""Arrow's types as Spark's."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
from pyspark.sql import types as st

__all__ = ["arrow_schema", "has_nanoseconds", "sail_refuses", "spark_schema"]

_PLAIN: tuple[tuple[pa.DataType, st.DataType], ...] = (
    (pa.bool_(), st.BooleanType()),
    (pa.int8(), st.ByteType()),
    (pa.int16(), st.ShortType()),
    (pa.int32(), st.IntegerType()),
    (pa.int64(), st.LongType()),
    (pa.uint8(), st.ShortType()),
    (pa.uint16(), st.IntegerType()),
    (pa.uint32(), st.LongType()),
    (pa.uint64(), st.DecimalType(20, 0)),
    (pa.float32(), st.FloatType()),
    (pa.float64(), st.DoubleType()),
    (pa.string(), st.StringType()),
    (pa.large_string(), st.StringType()),
    (pa.string_view(), st.StringType()),
    (pa.binary(), st.BinaryType()),
    (pa.large_binary(), st.BinaryType()),
    (pa.date32(), st.DateType()),
)


def spark_schema(
    schema: pa.Schema, *, nanoseconds: Literal["bigint", "timestamp"] = "timestamp"
) -> st.StructType | None:
    """Return a schema of Parquet files as Spark's, or None if it has a type that Spark has no counterpart for.

    Args:
        schema: The schema.
        nanoseconds: What to read times in nanoseconds as: numbers, since Spark refuses anything else, or times.

    Example:
        >>> spark_schema(pa.schema([("a", pa.int64()), ("t", pa.timestamp("us"))])).simpleString()
        'struct<a:bigint,t:timestamp_ntz>'
    """
    fields = [(field.name, _type(field.type, nanoseconds)) for field in schema]
    known = [st.StructField(name, kind) for name, kind in fields if kind is not None]
    return st.StructType(known) if len(known) == len(fields) else None


def has_nanoseconds(kind: pa.DataType) -> bool:
    """Return whether a type is, or holds, times in nanoseconds."""
    if pa.types.is_timestamp(kind):
        return bool(kind.unit == "ns")
    return any(has_nanoseconds(kind.field(number).type) for number in range(kind.num_fields))


def sail_refuses(kind: pa.DataType) -> bool:
    """Return whether Sail cannot read columns of a type: Arrow's dictionaries, pandas' categories."""
    return bool(pa.types.is_dictionary(kind))


def _type(kind: pa.DataType, nanoseconds: str) -> st.DataType | None:
    for arrow, spark in _PLAIN:
        if kind == arrow:
            return spark
    if pa.types.is_decimal(kind) and kind.precision <= 38:  # noqa: PLR2004 - what Spark's decimals hold
        return st.DecimalType(kind.precision, kind.scale)
    if pa.types.is_timestamp(kind):
        if kind.unit == "ns" and nanoseconds == "bigint":
            return st.LongType()
        return st.TimestampNTZType() if kind.tz is None else st.TimestampType()
    if pa.types.is_dictionary(kind):
        return _type(kind.value_type, nanoseconds)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        element = _type(kind.value_type, nanoseconds)
        return None if element is None else st.ArrayType(element)
    if pa.types.is_map(kind):
        key, item = _type(kind.key_type, nanoseconds), _type(kind.item_type, nanoseconds)
        return None if key is None or item is None else st.MapType(key, item)
    return spark_schema(pa.schema(list(kind)), nanoseconds=nanoseconds) if pa.types.is_struct(kind) else None  # type: ignore[arg-type]  # of the two literals


def arrow_schema(schema: st.StructType) -> pa.Schema | None:
    """Return a schema of Spark as that of Parquet files, or None if Arrow has no counterpart for a type.

    Args:
        schema: The schema.

    Example:
        >>> arrow_schema(st.StructType([st.StructField("a", st.LongType())])).types
        [DataType(int64)]
    """
    fields = [(field.name, _arrow(field.dataType)) for field in schema.fields]
    return None if any(kind is None for _, kind in fields) else pa.schema(fields)


def _arrow(kind: st.DataType) -> pa.DataType | None:
    if isinstance(kind, st.TimestampType):
        return pa.timestamp("us", "UTC")
    if isinstance(kind, st.TimestampNTZType):
        return pa.timestamp("us")
    if isinstance(kind, st.DecimalType):
        return pa.decimal128(kind.precision, kind.scale)
    if isinstance(kind, st.ArrayType):
        element = _arrow(kind.elementType)
        return None if element is None else pa.list_(element)
    if isinstance(kind, st.MapType):
        key, item = _arrow(kind.keyType), _arrow(kind.valueType)
        return None if key is None or item is None else pa.map_(key, item)
    if isinstance(kind, st.StructType):
        inner = arrow_schema(kind)
        return None if inner is None else pa.struct(list(inner))
    # Of the types that mean one of Spark's, the first is the plain one.
    wanted = {"ByteType": pa.int8(), "ShortType": pa.int16(), "IntegerType": pa.int32(), "LongType": pa.int64()}
    if (found := wanted.get(type(kind).__name__)) is not None:
        return found
    return next((arrow for arrow, spark in _PLAIN if type(spark) is type(kind)), None)
