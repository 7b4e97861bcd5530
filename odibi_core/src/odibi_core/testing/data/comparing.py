"""What differs between the table that was given and the one that came back, in words for the plugin's author."""

# ruff: noqa: TID253  # the kit's tables are Arrow's; no command of the kernel imports them

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.types as kinds

__all__ = ["difference", "plain_type"]

_SHOWN: Final = 6
"""Names or rows that a message lists."""


def difference(given: pa.Table, found: pa.Table, *, in_order: bool = False) -> str | None:
    """Return the first thing that differs, None if nothing does.

    Text, binary and lists of either offset size are the same type, so is a dictionary and its values; a time is its
    instant, whatever the unit. NaN is not null, and -0.0 is not 0.0.

    Args:
        given: The table that was saved or handed over.
        found: The table that came back.
        in_order: Whether the order of rows counts.

    Example:
        >>> difference(pa.table({"id": [1, 2]}), pa.table({"id": [1]}))
        '2 rows were given and 1 came back: the row with id 2 is missing'
    """
    if given.column_names != found.column_names:
        return _names_differ(given.column_names, found.column_names)
    if given.num_rows != found.num_rows:
        return _rows_differ(given, found)
    for field, other in zip(given.schema, found.schema, strict=True):
        if plain_type(field.type) != plain_type(other.type):
            return f"column {_short(field.name)} was {field.type} and came back as {other.type}"
    places, others = (range(given.num_rows), range(found.num_rows)) if in_order else (_by_id(given), _by_id(found))
    for name, expected, got in zip(given.column_names, given.columns, found.columns, strict=True):
        before, after = expected.to_pylist(), got.to_pylist()
        for number, (one, other) in enumerate(zip(places, others, strict=True)):
            if not _same(before[one], after[other]):
                values = f"{_short(before[one])} was given and {_short(after[other])} came back"
                return f"column {_short(name)}, row {number}: {values}"
    return None


def _by_id(table: pa.Table) -> Sequence[int]:
    # Not by Arrow's own sorting: it has none for the views that some libraries hand over.
    if "id" not in table.column_names or plain_type(table.schema.field("id").type) not in {"int64", "string"}:
        return range(table.num_rows)
    ids = table.column("id").to_pylist()
    return sorted(range(len(ids)), key=lambda place: (ids[place] is None, ids[place]))


def plain_type(kind: pa.DataType) -> str:
    """Return a type without what is a matter of memory only.

    Args:
        kind: An Arrow type.

    Example:
        >>> plain_type(pa.large_string()), plain_type(pa.list_(pa.field("element", pa.int64())))
        ('string', 'list<int64>')
    """
    if kinds.is_dictionary(kind):
        return plain_type(kind.value_type)
    if kinds.is_large_string(kind) or kinds.is_string_view(kind):
        return "string"
    if kinds.is_large_binary(kind) or kinds.is_binary_view(kind) or kinds.is_fixed_size_binary(kind):
        return "binary"
    if kinds.is_struct(kind):
        return f"struct<{', '.join(f'{field.name}: {plain_type(field.type)}' for field in kind)}>"
    if kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_list_view(kind) or kinds.is_large_list_view(kind):
        return f"list<{plain_type(kind.value_type)}>"
    if kinds.is_timestamp(kind):
        return f"timestamp[{_zone(kind.tz)}]" if kind.tz else "timestamp"
    return str(kind)


def _zone(name: str) -> str:
    return "UTC" if name in {"UTC", "Etc/UTC", "+00:00", "Z"} else name


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        if math.isnan(one) or math.isnan(other):
            return math.isnan(one) and math.isnan(other)
        return one == other and math.copysign(1, one) == math.copysign(1, other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one == other
    return type(one) is type(other) and bool(one == other)


def _names_differ(given: Sequence[str], found: Sequence[str]) -> str:
    before, after = set(given), set(found)
    missing = [name for name in given if name not in after]
    extra = [name for name in found if name not in before]
    if not missing and not extra:
        return f"the columns came back in another order: {_listed(given)} were given and {_listed(found)} came back"
    parts = [f"columns are missing: {_listed(missing)}"] if missing else []
    if extra:
        parts.append(f"columns came back that were not given: {_listed(extra)}")
    return "; ".join(parts)


def _rows_differ(given: pa.Table, found: pa.Table) -> str:
    text = f"{given.num_rows:,} rows were given and {found.num_rows:,} came back"
    if "id" not in given.column_names or "id" not in found.column_names:
        return text
    before, after = (Counter(table.column("id").to_pylist()) for table in (given, found))
    lost = list(before - after)
    if lost:
        many = f"rows with ids {_listed(lost)} are" if len(lost) > 1 else f"row with id {lost[0]} is"
        return f"{text}: the {many} missing"
    return f"{text}: ids {_listed(list(after - before))} are there more often than they were given"


def _listed(values: Sequence[Any]) -> str:
    more = f" and {len(values) - _SHOWN:,} more" if len(values) > _SHOWN else ""
    return ", ".join(map(_short, values[:_SHOWN])) + more


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - what fits beside the rest of a sentence
