"""Whether a transformation runs or what it made stands, decided for a whole plan before anything runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from odibi_core.planning import Plan, PlannedTransformation

__all__ = ["Decider", "Decision", "Decisions", "decide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to become of one transformation, and why.

    Args:
        is_reused: Whether it does not run because what it made stands.
        reason: Why, in a few words.
        saved: Positions of outputs that an earlier run has saved already and that are not to be saved again.
        doubtful: Positions of outputs of which nobody can tell whether an earlier run has saved them.
        refusal: Why it can neither run nor be reused: it fails with this message.
        warning: What its user should know about running it again.
    """

    is_reused: bool
    reason: str
    saved: frozenset[int] = frozenset()
    doubtful: frozenset[int] = frozenset()
    refusal: str | None = None
    warning: str | None = None


@dataclass(slots=True)
class Decisions:
    """The decisions on a plan, as far as they have been made.

    Args:
        plan: The plan.
    """

    plan: Plan
    _by_index: dict[int, Decision] = field(default_factory=dict)
    _runs_in_earlier_step: PlannedTransformation | None = None

    def of(self, planned: PlannedTransformation) -> Decision:
        """Return the decision on a transformation."""
        return self._by_index[planned.index]

    def warnings(self) -> tuple[str, ...]:
        """Return what the user should know, in the order of the plan."""
        return tuple(warning for one in self.plan if (warning := self.of(one).warning) is not None)

    def runs_before(self, planned: PlannedTransformation) -> PlannedTransformation | None:
        """Return a transformation that runs and that this one may read from; None if there is none.

        That is one that it depends on. A v2-style function reads by itself: one whose row names no inputs may read
        whatever earlier steps and layers made.

        Args:
            planned: A transformation, all that it depends on having been decided.
        """
        for index in planned.dependencies:
            if not self._by_index[index].is_reused:
                return self.plan.transformations[index]
        is_v2 = str(planned.function.signature.style) == "v2"
        return self._runs_in_earlier_step if is_v2 and not planned.inputs else None

    def add_step(self, decided: Sequence[tuple[PlannedTransformation, Decision]]) -> None:
        """Note that all transformations of a step have been decided."""
        if self._runs_in_earlier_step is None:
            self._runs_in_earlier_step = next((one for one, decision in decided if not decision.is_reused), None)

    def add(self, planned: PlannedTransformation, decision: Decision) -> None:
        """Note what was decided about a transformation."""
        self._by_index[planned.index] = decision


class Decider(Protocol):
    """Somebody who knows whether a transformation may be reused."""

    def decide(self, planned: PlannedTransformation, decisions: Decisions, /) -> Decision:
        """Decide about a transformation; all that it depends on has been decided."""


def decide(plan: Plan, *, deciders: Sequence[Decider]) -> Decisions:
    """Decide about every transformation of a plan: it is reused if anybody says so.

    Args:
        plan: The plan.
        deciders: Those who know; where all say that it runs, the word of the first one stands.
    """
    decisions = Decisions(plan)
    # No transformation waits for one of a later layer or step, which the planner has seen to.
    for _, step in groupby(plan, key=lambda one: (one.layer, one.step)):
        decided = []
        for planned in _in_waiting_order(list(step)):
            opinions = (decider.decide(planned, decisions) for decider in deciders)
            first = next(opinions)
            decision = first if first.is_reused else next((one for one in opinions if one.is_reused), first)
            decisions.add(planned, decision)
            decided.append((planned, decision))
        decisions.add_step(decided)
    return decisions


def _in_waiting_order(step: Sequence[PlannedTransformation]) -> Iterator[PlannedTransformation]:
    by_index = {one.index: one for one in step}
    missing = {one.index: sum(other in by_index for other in one.dependencies) for one in step}
    followers: dict[int, list[int]] = {}
    for one in step:
        for other in one.dependencies:
            followers.setdefault(other, []).append(one.index)
    ready = deque(index for index, count in missing.items() if count == 0)
    while ready:
        index = ready.popleft()
        yield by_index[index]
        for follower in followers.get(index, ()):
            missing[follower] -= 1
            if missing[follower] == 0:
                ready.append(follower)
