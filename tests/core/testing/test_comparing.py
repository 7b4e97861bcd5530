"""Tables that came back are compared as their users would: nothing that matters passes, and nothing else fails."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from odibi_core.testing.data.comparing import difference
from odibi_core.testing.data.tables import AWKWARD, awkward_table, plain_table

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("word", AWKWARD)
def test_every_awkward_table_is_itself(word):
    assert difference(awkward_table(word), awkward_table(word), in_order=True) is None


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (plain_table(4), "5 rows were given and 4 came back: the row with id 4 is missing"),
        (plain_table(3), "the rows with ids 3, 4 are missing"),
        (pa.concat_tables([plain_table(), plain_table(1)]), "ids 0 are there more often than they were given"),
        (plain_table().select(["value", "text", "id"]), "the columns came back in another order: 'id', 'text', 'value'"),
        (plain_table().drop_columns(["text"]), "columns are missing: 'text'"),
        (plain_table().append_column("index", pa.array(range(5))), "columns came back that were not given: 'index'"),
        (plain_table().set_column(2, "value", plain_table()["value"].cast("float32")), "'value' was double and came back as float"),
        (plain_table().set_column(1, "text", pa.array(["row 0", "row 1", "row X", "row 3", "row 4"])), "column 'text', row 2: 'row 2' was given and 'row X' came back"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)  # fmt: skip
def test_what_differs_is_said(found, said):
    assert said in difference(plain_table(), found)


def test_order_of_rows_counts_only_where_it_is_asked_for():
    turned = plain_table().take([4, 3, 2, 1, 0])

    assert difference(plain_table(), turned) is None
    assert "row 0" in difference(plain_table(), turned, in_order=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([float("nan")], [None]),
        ([0.0], [-0.0]),
        ([float("inf")], [1.7976931348623157e308]),
    ],
    ids=["NaN and null", "signs of zero", "infinity"],
)
def test_values_that_look_alike_are_told_apart(one, other):
    assert difference(pa.table({"x": pa.array(one)}), pa.table({"x": pa.array(other, pa.float64())}))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.array(["a"]), pa.array(["a"], pa.large_string())),
        (pa.array(["a"]), pa.array(["a"]).cast(pa.string_view())),
        (pa.array(["a"]), pa.array(["a"]).dictionary_encode()),
        (pa.array([[1]]), pa.array([[1]], pa.large_list(pa.field("element", pa.int64(), nullable=False)))),
        (pa.array([NOON], pa.timestamp("us", "UTC")), pa.array([NOON], pa.timestamp("ms", "+00:00"))),
    ],
    ids=["large text", "view", "dictionary", "list", "unit"],
)
def test_what_is_a_matter_of_memory_is_the_same(one, other):
    assert difference(pa.table({"x": one}), pa.table({"x": other})) is None


def test_a_time_with_a_zone_is_no_time_without_one():
    zoned, naive = pa.array([NOON], pa.timestamp("us", "UTC")), pa.array([NOON], pa.timestamp("us"))

    assert difference(pa.table({"x": zoned}), pa.table({"x": naive}))
