"""Tables of what goes wrong: each holds one kind of value that formats and engines lose, under the sheet's word for it.

Every table has a column ``id``, by which rows are told apart where their order is not kept: 0, 1, 2, ..., or text and
nulls in the one table that has no other column to put a null into.
"""

# ruff: noqa: TID253  # the kit's tables are Arrow's; no command of the kernel imports them

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import pyarrow as pa
from hypothesis import strategies as st

__all__ = [
    "AWKWARD",
    "MANY_ROWS",
    "NAMES_THAT_HURT",
    "awkward_table",
    "hostile_names",
    "pieced_table",
    "plain_table",
    "wide_table",
]

_NOON: Final = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)
_OLD: Final = datetime(1850, 7, 4, 1, 2, 3, tzinfo=UTC)

MANY_ROWS: Final = 140_001
"""More rows than libraries put into one piece: DuckDB has 122,880 and Arrow 131,072, pages have rounder numbers."""

NAMES_THAT_HURT: Final = (
    "with space",
    " blanks around ",
    "dot.ted",
    "com,ma",
    "semi;colon",
    'quo"te',
    "apos'trophe",
    "back`tick",
    "back\\slash",
    "per%cent",
    "cur{ly}",
    "equal=s",
    "(bracket)",
    "select",
    "größe",
    "列",
    "\U0001f600",
    "0",
    "_",
    "x" * 200,
)
"""Names of columns that are text and unique in any case; SQL, JSON paths and file names each choke on some."""


def plain_table(rows: int = 5, *, start: int = 0) -> pa.Table:
    """Return a table that every format holds: integers, floats and text, without nulls.

    Args:
        rows: How many.
        start: The first ``id``.

    Example:
        >>> plain_table(2, start=7).to_pylist()[1]
        {'id': 8, 'text': 'row 8', 'value': 8.5}
    """
    numbers = range(start, start + rows)
    return pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "text": pa.array([f"row {number}" for number in numbers], pa.string()),
            "value": pa.array([number + 0.5 for number in numbers], pa.float64()),
        }
    )


def pieced_table() -> pa.Table:
    """Return the rows 0 to 6 of `plain_table` in several batches, each cut out of a larger one, and one without rows.

    Example:
        >>> pieced_table().column("id").to_pylist()
        [0, 1, 2, 3, 4, 5, 6]
    """
    whole = plain_table(9, start=-1)
    return pa.concat_tables([whole.slice(1, 2), whole.slice(3, 3), whole.slice(5, 0), whole.slice(6, 2)])


def wide_table(columns: int) -> pa.Table:
    """Return a table of two rows and many columns.

    Args:
        columns: How many, beside ``id``.
    """
    arrays = [pa.array([number, -number], pa.int64()) for number in range(columns)]
    return pa.table([pa.array([0, 1]), *arrays], names=["id", *(f"column {number}" for number in range(columns))])


def awkward_table(word: str) -> pa.Table:
    """Return the table that holds what a word of the capability sheet means.

    Args:
        word: One of `AWKWARD`.

    Example:
        >>> awkward_table("nan").column("value").to_pylist()
        [nan, None, 1.5]
    """
    return AWKWARD[word]()


def hostile_names(*, most: int = 6) -> st.SearchStrategy[list[str]]:
    """Return a Hypothesis strategy for lists of column names: any text without control characters, unique in any case.

    Args:
        most: The largest number of names.
    """
    # NFKC-equal or case-equal names are different names of a table, and the same to some catalogs: a case of its own.
    characters = st.characters(exclude_categories=("Cc", "Cs", "Co", "Cn", "Zl", "Zp"))
    name = st.text(characters, min_size=1, max_size=12).filter(lambda text: text.casefold() != "id")
    return st.lists(name, min_size=1, max_size=most, unique_by=str.casefold)


def _table(**columns: Any) -> pa.Table:
    length = len(next(iter(columns.values())))
    return pa.table({"id": pa.array(range(length), pa.int64()), **columns})


def _integers() -> pa.Table:
    return _table(value=pa.array([-(2**63), 2**63 - 1, 2**53 + 1, 0]))


def _integers_with_nulls() -> pa.Table:
    return _table(value=pa.array([2**53 + 1, None, -1], pa.int64()))


def _small_numbers() -> pa.Table:
    return _table(
        byte=pa.array([-128, 127], pa.int8()),
        short=pa.array([-32_768, 32_767], pa.int16()),
        integer=pa.array([-(2**31), 2**31 - 1], pa.int32()),
        single=pa.array([1.5, -0.25], pa.float32()),
    )


def _unsigned() -> pa.Table:
    return _table(value=pa.array([0, 2**64 - 1], pa.uint64()), small=pa.array([0, 255], pa.uint8()))


def _floats() -> pa.Table:
    return _table(value=pa.array([0.1, -0.0, 5e-324, 1.7976931348623157e308, None], pa.float64()))


def _infinities() -> pa.Table:
    return _table(value=pa.array([float("inf"), float("-inf"), 1.5], pa.float64()))


def _nan() -> pa.Table:
    return _table(value=pa.array([float("nan"), None, 1.5], pa.float64()))


def _booleans() -> pa.Table:
    return _table(value=pa.array([True, False, True]))


def _booleans_with_nulls() -> pa.Table:
    return _table(value=pa.array([True, None, False]))


def _text() -> pa.Table:
    hard = ["größe \U0001f600", 'quo"te', "com,ma", "semi;colon", "new\nline", "tab\there", " blanks ", "e\u0301"]
    return _table(value=pa.array([*hard, "'", "\\", "\\N", "x" * 70_000], pa.string()))


def _text_with_nulls() -> pa.Table:
    return _table(value=pa.array(["a", None, "b"], pa.string()))


def _empty_text() -> pa.Table:
    return _table(value=pa.array(["", None, "a"], pa.string()))


def _text_like_values() -> pa.Table:
    return _table(
        value=pa.array(["007", "1e5", "00.50"], pa.string()),
        null=pa.array(["NA", "null", "NaN"], pa.string()),
        truth=pa.array(["true", "False", "yes"], pa.string()),
        day=pa.array(["2026-03-01", "2026-03-02", "2026-03-03"], pa.string()),
    )


def _binary() -> pa.Table:
    return _table(value=pa.array([b"\x00\xff", None, b""], pa.binary()))


def _dates() -> pa.Table:
    return _table(value=pa.array([date(2026, 3, 1), None, date(1850, 7, 4)], pa.date32()))


def _times() -> pa.Table:
    return _table(value=pa.array([_NOON, None, _OLD], pa.timestamp("us")))


def _zones() -> pa.Table:
    return _table(value=pa.array([_NOON, None, _OLD], pa.timestamp("us", "UTC")))


def _zone_names() -> pa.Table:
    # The hour that there was twice, when clocks were set back.
    twice = [datetime(2025, 10, 26, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    return _table(value=pa.array([*twice, None], pa.timestamp("us", "Europe/Berlin")))


def _decimals() -> pa.Table:
    return _table(
        price=pa.array([Decimal("1.50"), None, Decimal("-99999999.99")], pa.decimal128(10, 2)),
        large=pa.array([Decimal("1234567890123456789012345678.0000000001"), None, Decimal("-0.5")]).cast(
            pa.decimal128(38, 10)
        ),
    )


def _lists() -> pa.Table:
    return _table(value=pa.array([[1, 2], None, []], pa.list_(pa.int64())), words=pa.array([["a"], [""], None]))


def _structs() -> pa.Table:
    kind = pa.struct([("x", pa.int64()), ("y", pa.struct([("z", pa.string())]))])
    return _table(value=pa.array([{"x": 1, "y": {"z": "a"}}, {"x": 2, "y": {"z": ""}}], kind))


def _nested_nulls() -> pa.Table:
    kind = pa.struct([("x", pa.int64()), ("y", pa.string())])
    return _table(
        struct=pa.array([None, {"x": None, "y": None}, {"x": 1, "y": ""}], kind),
        items=pa.array([[1, None], [None], None], pa.list_(pa.int64())),
        lists=pa.array([[[1], None], [[]], [[None, 2]]], pa.list_(pa.list_(pa.int64()))),
    )


def _nested_times() -> pa.Table:
    kind = pa.struct([("at", pa.timestamp("us", "UTC")), ("day", pa.date32()), ("price", pa.decimal128(10, 2))])
    value = {"at": _NOON, "day": date(2026, 3, 1), "price": Decimal("1.50")}
    return _table(
        struct=pa.array([value, {**value, "at": _OLD}], kind),
        structs=pa.array([[value, value], []], pa.list_(kind)),
        moments=pa.array([[_NOON, _OLD], [_NOON]], pa.list_(pa.timestamp("us", "UTC"))),
    )


def _all_null() -> pa.Table:
    return _table(number=pa.array([None, None], pa.int64()), text=pa.array([None, None], pa.string()))


def _empty() -> pa.Table:
    return plain_table(0)


def _one_row() -> pa.Table:
    return plain_table(1)


def _one_column() -> pa.Table:
    return plain_table(3).select(["id"])


def _one_column_with_nulls() -> pa.Table:
    # A row of it is nothing in CSV, and a line of nothing is no row for many that read it.
    return pa.table({"id": pa.array(["a", None, "c", None], pa.string())})


def _names() -> pa.Table:
    return _table(**{name: pa.array([number, -number]) for number, name in enumerate(NAMES_THAT_HURT)})


def _case_names() -> pa.Table:
    return _table(value=pa.array([1, 2]), Value=pa.array([3, 4]), VALUE=pa.array([5, 6]))


AWKWARD: Final[Mapping[str, Callable[[], pa.Table]]] = MappingProxyType(
    {
        function.__name__.removeprefix("_"): functools.cache(function)
        for function in (
            _all_null,
            _binary,
            _booleans,
            _booleans_with_nulls,
            _case_names,
            _dates,
            _decimals,
            _empty,
            _empty_text,
            _floats,
            _infinities,
            _integers,
            _integers_with_nulls,
            _lists,
            _names,
            _nan,
            _nested_nulls,
            _nested_times,
            _one_column,
            _one_column_with_nulls,
            _one_row,
            _small_numbers,
            _structs,
            _text,
            _text_like_values,
            _text_with_nulls,
            _times,
            _unsigned,
            _zone_names,
            _zones,
        )
    }
)
"""The awkward tables by the word of the capability sheet that says whether one comes back."""
