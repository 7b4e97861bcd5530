"""Filters: equality, membership, predicates, and what is compared without regard to case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.events import HookManager
from odibi_core.events.callbacks import compile_filters
from odibi_core.functions import Engine

PAYLOAD = {"project": "Energy", "env": "qat", "layer": "Silver_1", "engine": "pandas", "step": 2, "module": "silver.F"}


@pytest.mark.parametrize(
    ("filters", "is_called"),
    [
        ({"layer": "Silver_1"}, True),
        ({"layer": "silver_1"}, True),
        ({"layer": " SILVER_1 "}, True),
        ({"layer": "Silver"}, False),
        ({"project": "ENERGY", "env": "QAT", "engine": "Pandas"}, True),
        ({"project": "Energy", "layer": "Gold"}, False),
        ({"engine": Engine.PANDAS}, True),
        ({"engine": {Engine.SPARK, Engine("Polars")}}, False),
        ({"module": "silver.F"}, True),
        ({"module": "silver.f"}, False),
        ({"step": 2}, True),
        ({"step": "2"}, False),
        ({"layer": {"silver_1", "gold"}}, True),
        ({"layer": frozenset({"gold"})}, False),
        ({"layer": ("Gold", "SILVER_1")}, True),
        ({"layer": ["Gold"]}, False),
        ({"layer": ()}, False),
        ({"step": (1, 2)}, True),
        ({"step": lambda step: step > 1}, True),
        ({"step": lambda step: step > 2}, False),
        ({"step": lambda step: step > 1, "layer": "silver_1"}, True),
        ({"step": lambda step: step > 1, "layer": "gold"}, False),
        ({}, True),
    ],
)
def test_all_filters_must_hold(filters, is_called):
    seen = []
    hooks = HookManager()
    hooks.register("transform_start", seen.append, filters)

    hooks.emit("transform_start", PAYLOAD)

    assert seen == ([PAYLOAD] if is_called else [])


def test_missing_key_equals_none_as_in_v2_and_never_meets_a_predicate():
    assert compile_filters({"score": None})({}) is True
    assert compile_filters({"score": 1})({}) is False
    assert compile_filters({"score": lambda score: True})({}) is False


def test_value_that_cannot_be_hashed_is_a_member_of_no_set():
    assert compile_filters({"tables": {"a"}})({"tables": ["a"]}) is False


def test_members_that_cannot_be_hashed_are_compared_one_by_one():
    test = compile_filters({"tables": (["a"], ["b"])})

    assert test({"tables": ["b"]}) is True
    assert test({"tables": ["c"]}) is False


def test_no_filters_need_no_test():
    assert compile_filters({}) is None


VALUES = st.one_of(st.integers(-2, 2), st.sampled_from(["A", "a", "b", ""]), st.none())
KEYS = st.sampled_from(["layer", "engine", "module", "step"])


def fold(key, value):
    return value.strip().casefold() if key in {"layer", "engine"} and isinstance(value, str) else value


@given(
    st.dictionaries(KEYS, st.one_of(VALUES, st.frozensets(VALUES), st.lists(VALUES).map(tuple))),
    st.dictionaries(KEYS, VALUES),
)
def test_filters_mean_what_their_plain_definition_says(filters, payload):
    def holds(key, wanted):
        value = fold(key, payload.get(key))
        if isinstance(wanted, frozenset | tuple):
            return any(value == fold(key, one) for one in wanted)
        return value == fold(key, wanted)

    test = compile_filters(filters)

    assert (test is None or test(payload)) == all(holds(key, wanted) for key, wanted in filters.items())
