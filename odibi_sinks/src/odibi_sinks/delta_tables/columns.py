"""What becomes of a frame's columns in a Delta table: their types, and whether they fit a table that is there.

Delta has fewer types than Arrow. Dictionaries, large and fixed-size types become plain ones, unsigned integers the next
larger signed one, times get microseconds, and no value is ever changed on the way: what does not fit is an error that
names the column.
"""

# ruff: noqa: TID253  # imported when a Delta table is first read or saved; frames come and go as Arrow

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import pyarrow as pa
from pyarrow import types

from odibi_core.plugin import DataFormatError

__all__ = ["Evolution", "FrameStream", "fit_columns", "plain_type"]

Evolution: TypeAlias = Literal["none", "merge", "overwrite"]
"""What may become of a table's columns: nothing; new ones are added; the frame's take their place."""

_MOST_NAMED: Final = 8
_SIGNED: Final = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.int64(),
}
_DECIMAL_DIGITS: Final = 38


def plain_type(arrow: pa.DataType) -> pa.DataType | None:
    """Return the type that a column of an Arrow type has in a Delta table; None if there is none.

    Args:
        arrow: The column's type. The null type is returned as it is: what it becomes depends on the table.

    Example:
        >>> [str(plain_type(arrow)) for arrow in (pa.large_string(), pa.uint8(), pa.timestamp("ns", "Asia/Tokyo"))]
        ['string', 'int16', 'timestamp[us, tz=UTC]']
        >>> plain_type(pa.duration("s")) is None
        True
    """
    if types.is_dictionary(arrow):
        return plain_type(arrow.value_type)
    if arrow in _SIGNED:
        return _SIGNED[arrow]
    if types.is_timestamp(arrow):
        return pa.timestamp("us", tz=None if arrow.tz is None else "UTC")
    if types.is_large_string(arrow) or types.is_string_view(arrow):
        return pa.string()
    if types.is_large_binary(arrow) or types.is_binary_view(arrow) or types.is_fixed_size_binary(arrow):
        return None if types.is_decimal(arrow) else pa.binary()
    if types.is_float16(arrow):
        return pa.float32()
    if types.is_date(arrow):
        return pa.date32()
    if types.is_decimal(arrow):
        return pa.decimal128(arrow.precision, arrow.scale) if arrow.precision <= _DECIMAL_DIGITS else None
    is_plain = types.is_integer(arrow) or types.is_floating(arrow) or types.is_boolean(arrow)
    if is_plain or types.is_string(arrow) or types.is_binary(arrow) or types.is_null(arrow):
        return arrow
    return _plain_nested(arrow)


def fit_columns(
    schema: pa.Schema, *, table: pa.Schema | None, evolution: Evolution, may_lack: bool = False, subject: str
) -> pa.Schema:
    """Return the types that a frame's columns are to have for a table, in the frame's order.

    Args:
        schema: The frame's columns.
        table: The table's, None if there is no table yet.
        evolution: What may become of the table's columns.
        may_lack: Whether the frame may lack columns of the table.
        subject: How messages call the dataset.

    Raises:
        DataFormatError: The frame cannot be stored, or does not fit the table; names every column and what to do.
    """
    names = schema.names
    twice = [name for name, times in Counter(name.casefold() for name in names).items() if times > 1]
    if not names or twice:
        found = f"two columns that differ at most in case: {_listed(twice)}" if names else "no columns"
        raise DataFormatError(f"{subject}: the frame has {found}, which a Delta table cannot have")
    known = {} if table is None or evolution == "overwrite" else {one.name: one.type for one in table}
    folded = {name.casefold(): name for name in known}
    targets, wrong, is_new = {}, [], []
    for one in schema:
        there = known.get(one.name)
        if there is None and one.name.casefold() in folded:
            wrong.append(f"{one.name!r} is {folded[one.name.casefold()]!r} in the table; rename it")
        elif there is None and known:
            is_new.append(one.name)
        target = _fitted(one.type, there) if there is not None else plain_type(one.type)
        if target is None or _has_null_type(target):
            wrong.append(_misfit(one, there, has_type=target is not None))
        targets[one.name] = target
    lacking = [] if may_lack else [name for name in known if name not in targets]
    if wrong:
        raise DataFormatError(f"{subject}: {'; '.join(wrong[:_MOST_NAMED])}. Nothing was written.")
    if evolution == "none" and (is_new or lacking):
        differs = [f"has new columns {_listed(is_new)}"] if is_new else []
        differs += [f"lacks columns {_listed(lacking)}"] if lacking else []
        raise DataFormatError(
            f"{subject}: the frame {' and '.join(differs)}, compared with the table. Nothing was written. The option "
            "merge_schema: true adds what is new and leaves null what is lacking; overwrite_schema: true, with mode "
            "overwrite, gives the table the frame's columns."
        )
    return pa.schema([pa.field(name, target) for name, target in targets.items()])


@dataclass(slots=True)
class FrameStream:
    """A frame's rows on their way into a table: batch by batch, in the types of the table.

    Args:
        source: The frame's rows.
        schema: The types that `fit_columns` gave.
        subject: How messages call the dataset.
        rows: How many rows were read so far.
    """

    source: pa.RecordBatchReader
    schema: pa.Schema
    subject: str
    rows: int = 0
    _failure: DataFormatError | None = field(default=None)

    def reader(self) -> pa.RecordBatchReader:
        """Return the rows, to be read once."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Raise what went wrong here, and not what whoever was reading made of it.

        Raises:
            DataFormatError: A value does not fit its column.
        """
        try:
            yield
        except Exception as error:
            if self._failure is None:
                raise
            raise self._failure from error

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for batch in self.source:
            arrays = [self._converted(array, one) for array, one in zip(batch.columns, self.schema, strict=True)]
            self.rows += batch.num_rows
            yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _converted(self, array: pa.Array, one: pa.Field) -> pa.Array:
        if array.type == one.type:
            return array
        try:
            return array.cast(one.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            advice = " Round it to microseconds." if types.is_timestamp(one.type) else ""
            self._failure = DataFormatError(
                f"{self.subject}: column {one.name!r} is {array.type} and would be {one.type} in the table, but has "
                f"values that do not fit: {error}.{advice} Nothing was written."
            )
            raise self._failure from error


def _plain_nested(arrow: pa.DataType) -> pa.DataType | None:
    if types.is_list(arrow) or types.is_large_list(arrow) or types.is_fixed_size_list(arrow):
        item = plain_type(arrow.value_type)
        return None if item is None else pa.list_(item)
    if types.is_map(arrow):
        key, value = plain_type(arrow.key_type), plain_type(arrow.item_type)
        return None if key is None or value is None else pa.map_(key, value)
    if types.is_struct(arrow):
        inner = [(one.name, plain_type(one.type)) for one in arrow]
        return pa.struct(inner) if inner and all(plain is not None for _, plain in inner) else None
    # Times of day, durations and intervals; views of lists, which pyarrow converts wrongly (measured with 26.0.1);
    # unions, and types of extensions, whose meaning would be lost.
    return None


def _fitted(arrow: pa.DataType, there: pa.DataType) -> pa.DataType | None:
    """Return the type with which a column goes into a column that is there; None if it cannot without loss."""
    plain = plain_type(arrow)
    if plain is None or plain == there:
        return plain
    if types.is_null(plain):
        return there
    if types.is_list(plain) and types.is_list(there):
        item = _fitted(plain.value_type, there.value_type)
        return None if item is None else pa.list_(item)
    if types.is_map(plain) and types.is_map(there):
        key, value = _fitted(plain.key_type, there.key_type), _fitted(plain.item_type, there.item_type)
        return None if key is None or value is None else pa.map_(key, value)
    if types.is_struct(plain) and types.is_struct(there):
        known = {one.name: one.type for one in there}
        if {one.name for one in plain} != set(known):
            return None
        inner = [(one.name, _fitted(one.type, known[one.name])) for one in plain]
        return pa.struct(inner) if all(fitted is not None for _, fitted in inner) else None
    return there if _is_checked(plain, there) else None


def _is_checked(plain: pa.DataType, there: pa.DataType) -> bool:
    """Return whether pyarrow converts the one into the other, and raises if a value would not be the same."""
    if types.is_integer(plain):
        return bool(types.is_integer(there) or types.is_floating(there) or types.is_decimal(there))
    if types.is_floating(plain):
        # 64 bits into 32 are not checked. Integers with nulls are floats in NumPy.
        return bool(types.is_integer(there) or types.is_float64(there))
    return bool(types.is_decimal(plain) and types.is_decimal(there))


def _has_null_type(target: pa.DataType) -> bool:
    if types.is_null(target):
        return True
    if types.is_nested(target):
        return any(_has_null_type(target.field(position).type) for position in range(target.num_fields))
    return False


def _misfit(one: pa.Field, there: pa.DataType | None, *, has_type: bool) -> str:
    if there is not None:
        return f"column {one.name!r} is {one.type}, and {there} in the table; convert it"
    if has_type:
        return (
            f"column {one.name!r} ({one.type}) has nothing but nulls to tell its type by; give it one, as with "
            "astype('string'), or leave it out"
        )
    return f"column {one.name!r} is {one.type}, for which Delta has no type; convert it, to text or a number"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(repr, names[:_MOST_NAMED])) + more
