"""JSON lines by Arrow's parser: several times as fast as the standard library's, where it comes to the same.

Where it might not (nested values, integers beyond 64 bits or among floats, records of differing keys, several records
on a line, anything malformed), `None` says so, and the standard library decides.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

__all__ = ["table_of_lines"]

_BLOCK_BYTES = 8 << 20
_EXACT_IN_FLOAT = 2.0**53
_FLAT = frozenset({pa.bool_(), pa.int64(), pa.float64(), pa.string(), pa.null()})


def table_of_lines(data: bytes) -> pa.Table | None:
    r"""Return JSON lines as a table with the columns in the order of the first record; None if in doubt.

    Args:
        data: The lines, in UTF-8.

    Example:
        >>> table_of_lines(b'{"at":"2013-01-01","n":1}\n{"at":"2013-01-02","n":null}\n').to_pydict()
        {'at': ['2013-01-01', '2013-01-02'], 'n': [1, None]}
        >>> table_of_lines(b'{"n":1}{"n":2}\n') is None
        True
    """
    first = _first_record(data)
    if not first or any(isinstance(value, dict | list) for value in first.values()):
        return None
    # Arrow makes times of texts that look like times; a column that is said to be text stays text.
    texts = {name for name, value in first.items() if isinstance(value, str)}
    table = _parsed(data, texts)
    if table is not None and (times := {field.name for field in table.schema if pa.types.is_timestamp(field.type)}):
        table = _parsed(data, texts | times)
    return table.select(list(first)) if table is not None and _is_certain(table, data, set(first)) else None


def _first_record(data: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(data[: data.find(b"\n")] if b"\n" in data else data)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _parsed(data: bytes, texts: set[str]) -> pa.Table | None:
    try:
        return pj.read_json(
            pa.BufferReader(data),
            read_options=pj.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pj.ParseOptions(explicit_schema=pa.schema([(name, pa.string()) for name in sorted(texts)])),
        )
    except pa.ArrowException:
        return None


def _is_certain(table: pa.Table, data: bytes, names: set[str]) -> bool:
    """Return whether the standard library would have found the same."""
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if table.num_rows != lines or set(table.column_names) != names or not _FLAT.issuperset(table.schema.types):
        return False
    floats = [table[field.name] for field in table.schema if field.type == pa.float64()]
    # An integer among floats, or one of more than 64 bits, has been rounded to a float.
    if any((pc.max(pc.abs(column)).as_py() or 0.0) >= _EXACT_IN_FLOAT for column in floats):
        return False
    try:
        table.validate(full=True)  # Arrow takes text for UTF-8 without looking
    except pa.ArrowException:
        return False
    return True
