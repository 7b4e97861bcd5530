"""The plugins that make something fail are found by trying few sets of them, and only by what was tried."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.loading.bisection import Conclusion, Outcome, bisect, smallest

NAMES = [f"p{number:02}" for number in range(24)]


class Machine:
    """Works with the needed plugins, and fails if all of one of the culprits are there."""

    def __init__(self, *, needed=(), culprits=(), always=False):
        self.needed, self.culprits, self.always = frozenset(needed), [frozenset(one) for one in culprits], always
        self.tried = []

    def __call__(self, enabled):
        self.tried.append(enabled)
        if self.always:
            return Outcome.FAILS
        if not self.needed <= enabled:
            return Outcome.OTHERWISE
        return Outcome.FAILS if any(one <= enabled for one in self.culprits) else Outcome.PASSES


def found(machine, names=NAMES):
    return bisect(names, attempt=machine)


def test_one_plugin_is_found_among_many_with_few_tries():
    machine = Machine(needed=["p00"], culprits=[["p17"]])

    result = found(machine)

    assert (result.conclusion, result.culprits, result.needed) == (Conclusion.FOUND, (("p17",),), ("p00",))
    assert result.cured is Outcome.PASSES
    assert len(machine.tried) <= 24


def test_two_that_fail_only_together_are_found_as_a_pair():
    result = found(Machine(needed=["p00", "p01"], culprits=[["p05", "p20"]]))

    assert result.culprits == (("p05", "p20"),)
    assert result.cured is Outcome.PASSES


def test_two_that_each_fail_are_both_found():
    result = found(Machine(culprits=[["p05"], ["p20"]]))

    assert sorted(result.culprits) == [("p05",), ("p20",)]
    assert result.cured is Outcome.PASSES


def test_that_it_does_not_fail_is_told_after_one_try():
    machine = Machine()

    assert found(machine).conclusion is Conclusion.PASSES
    assert len(machine.tried) == 1


def test_failure_of_another_kind_is_not_what_is_looked_for():
    result = found(Machine(needed=["missing"], culprits=[["p01"]]))

    assert (result.conclusion, result.cured) == (Conclusion.PASSES, Outcome.OTHERWISE)


def test_no_plugin_is_blamed_for_what_fails_without_any():
    assert found(Machine(always=True)).conclusion is Conclusion.NO_PLUGIN


def test_culprit_that_is_needed_is_told_and_not_guessed():
    result = found(Machine(needed=["p00", "p03"], culprits=[["p03"]]))

    assert (result.conclusion, result.needed, result.culprits) == (Conclusion.NEEDED, ("p00", "p03"), ())


def test_what_fails_now_and_then_is_told():
    machine = Machine(culprits=[["p05"]])

    def attempt(enabled):
        outcome = machine(enabled)
        return Outcome.PASSES if enabled == frozenset(NAMES) and machine.tried.count(enabled) > 1 else outcome

    assert bisect(NAMES, attempt=attempt).conclusion is Conclusion.UNSTEADY


@pytest.mark.parametrize("names", [[], ["a"]])
def test_nothing_to_bisect_ends(names):
    assert bisect(names, attempt=Machine(always=True)).conclusion is Conclusion.NO_PLUGIN


SETS = st.sets(st.sampled_from(NAMES[:10]), min_size=1, max_size=3)


@given(needed=st.sets(st.sampled_from(NAMES[:10]), max_size=2), culprits=st.lists(SETS, min_size=1, max_size=3))
def test_what_is_found_is_right_whatever_the_machine(needed, culprits):
    machine = Machine(needed=needed, culprits=culprits)

    result = found(machine, NAMES[:10])

    is_needed_enough = any(one <= machine.needed for one in machine.culprits)
    if machine(frozenset()) is Outcome.FAILS:
        assert result.conclusion is Conclusion.NO_PLUGIN
    elif is_needed_enough:
        assert (result.conclusion, set(result.needed)) == (Conclusion.NEEDED, needed)
    else:
        assert result.conclusion is Conclusion.FOUND
        for culprit in result.culprits:
            # It fails with the culprit and what is needed, and with no part of the culprit.
            assert machine(machine.needed | set(culprit)) is Outcome.FAILS
            for one in culprit:
                assert machine((machine.needed | set(culprit)) - {one}) is Outcome.PASSES
        without = frozenset(NAMES[:10]) - {culprit[0] for culprit in result.culprits}
        assert machine(without) is result.cured


@given(wanted=st.sets(st.integers(0, 30), max_size=4))
def test_smallest_leaves_nothing_that_can_be_left_out(wanted):
    names = [str(number) for number in range(31)]
    target = frozenset(map(str, wanted))

    assert frozenset(smallest(names, holds=lambda some: target <= some)) == target
