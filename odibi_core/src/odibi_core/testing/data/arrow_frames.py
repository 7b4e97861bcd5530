"""Arrow as an engine of its own, for readers and savers of any engine, and streams in every wrapping."""

# ruff: noqa: TID253  # the kit's tables are Arrow's; no command of the kernel imports them

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa

__all__ = ["STREAMS", "ArrowEngine", "table_of"]


class ArrowEngine:
    """Frames are whatever has ``__arrow_c_stream__``; the kernel gives these to readers and savers for any engine.

    Example:
        >>> ArrowEngine().is_frame(pa.table({"a": [1]}))
        True
    """

    def is_frame(self, value: object, /) -> bool:
        """Return whether a value is an Arrow stream."""
        return hasattr(type(value), "__arrow_c_stream__")

    def count_rows(self, frame: Any, /) -> int | None:
        """Return the number of rows of a table; a stream does not know."""
        return frame.num_rows if isinstance(frame, pa.Table) else None

    def to_arrow(self, frame: Any, /) -> Any:
        """Return a frame as it is."""
        return frame

    def from_arrow(self, stream: Any, /) -> pa.Table:
        """Return a stream as a table."""
        return table_of(stream)

    def close(self) -> None:
        """Do nothing: nothing was started."""


class _OnlyAStream:
    """What another library hands over: nothing but the protocol."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def _batches(table: pa.Table) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=2))


def _cut(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table.slice(0, 1), table]).combine_chunks().slice(min(1, table.num_rows))


def _categories(table: pa.Table) -> pa.Table:
    schema = [
        field.with_type(pa.dictionary(pa.int32(), field.type)) if pa.types.is_string(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(schema))


STREAMS: Final[Mapping[str, Callable[[pa.Table], Any]]] = MappingProxyType(
    {"table": lambda table: table, "reader": _batches, "foreign": _OnlyAStream, "categories": _categories, "cut": _cut}
)
"""What `ExecutionEngine.from_arrow` and savers for any engine may be given: a table, a reader of batches, no more than
the protocol, or text as categories, or a part of a larger table."""


def table_of(stream: Any) -> pa.Table:
    """Return a stream's rows as one table, in memory.

    Args:
        stream: Anything with ``__arrow_c_stream__``.
    """
    if isinstance(stream, pa.Table):
        return stream
    # A reader of our own process raises its own errors; as a C stream it would hand on their text only.
    return stream.read_all() if isinstance(stream, pa.RecordBatchReader) else pa.table(stream)
