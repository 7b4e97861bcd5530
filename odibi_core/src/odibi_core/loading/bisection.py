"""Finds which plugins make something fail, by trying it with some of them at a time (delta debugging)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Bisection", "Conclusion", "Outcome", "bisect", "smallest"]

_MOST_CULPRITS = 4


class Outcome(StrEnum):
    """What became of a try."""

    PASSES = "passes"
    FAILS = "fails"
    """In the way that is looked for."""
    OTHERWISE = "fails otherwise"
    """In another way: something that it needs is not there, or another fault came to light."""


class Conclusion(StrEnum):
    """What was found."""

    PASSES = "passes"
    """It does not fail with all plugins, so there is nothing to find."""
    NO_PLUGIN = "no plugin"
    """It fails in the same way without any plugin."""
    NEEDED = "needed"
    """It fails with the plugins alone that it needs to work at all, so which of them it is cannot be told."""
    FOUND = "found"
    """The culprits were found, and without them it does not fail in this way any more."""
    UNSTEADY = "unsteady"
    """It does not fail every time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bisection:
    """What was found, and on what evidence.

    Args:
        conclusion: What was found.
        needed: The plugins without which it fails in another way.
        culprits: Each of them makes it fail by itself: one plugin, or several that do so only together.
        cured: What becomes of it without the culprits, with everything else.
    """

    conclusion: Conclusion
    needed: tuple[str, ...] = ()
    culprits: tuple[tuple[str, ...], ...] = ()
    cured: Outcome | None = None


@dataclass(slots=True)
class _Tries:
    """Remembers what became of each set of plugins, so that none is tried twice."""

    run: Callable[[frozenset[str]], Outcome]
    known: dict[frozenset[str], Outcome] = field(default_factory=dict)

    def of(self, plugins: frozenset[str]) -> Outcome:
        if plugins not in self.known:
            self.known[plugins] = self.run(plugins)
        return self.known[plugins]


def bisect(plugins: Sequence[str], *, attempt: Callable[[frozenset[str]], Outcome]) -> Bisection:
    """Find the plugin, or the plugins together, that make something fail.

    First it must fail with all plugins. Then the least set is looked for with which it works at all: with none, or with
    those whose absence is a failure of another kind, such as the engine. If it passes with these, as few as possible of
    the others are looked for that make it fail again; and so on, as long as it still fails without what was found.

    Args:
        plugins: All plugins that may be left out.
        attempt: Tries it with these plugins and no other.

    Returns:
        What was found.

    Example:
        >>> def attempt(enabled):
        ...     if "engine" not in enabled:
        ...         return Outcome.OTHERWISE
        ...     return Outcome.FAILS if "audit" in enabled else Outcome.PASSES
        >>> found = bisect(["audit", "engine", "sinks"], attempt=attempt)
        >>> found.culprits, found.needed, found.cured.value
        ((('audit',),), ('engine',), 'passes')
    """
    tries, everything = _Tries(attempt), frozenset(plugins)
    if tries.of(everything) is not Outcome.FAILS:
        return Bisection(conclusion=Conclusion.PASSES, cured=tries.of(everything))
    if tries.of(frozenset()) is Outcome.FAILS:
        return Bisection(conclusion=Conclusion.NO_PLUGIN)
    needed = frozenset(smallest(sorted(everything), holds=lambda those: tries.of(those) is not Outcome.OTHERWISE))
    if tries.of(needed) is Outcome.FAILS:
        return Bisection(conclusion=Conclusion.NEEDED, needed=tuple(sorted(needed)))
    culprits: list[tuple[str, ...]] = []
    left = everything
    while tries.of(left) is Outcome.FAILS and len(culprits) < _MOST_CULPRITS:
        found = smallest(sorted(left - needed), holds=lambda those: tries.of(needed | those) is Outcome.FAILS)
        culprits.append(found)
        # Of several that fail only together, one less is enough.
        left -= {found[0]}
    # Asked anew, whatever is remembered: what fails now and then would have led anywhere.
    if attempt(everything) is not Outcome.FAILS:
        return Bisection(conclusion=Conclusion.UNSTEADY, needed=tuple(sorted(needed)))
    return Bisection(
        conclusion=Conclusion.FOUND,
        needed=tuple(sorted(needed)),
        culprits=tuple(culprits),
        cured=tries.of(left),
    )


def smallest(items: Sequence[str], *, holds: Callable[[frozenset[str]], bool]) -> tuple[str, ...]:
    """Return some of these for which something holds, and of which none can be left out (ddmin).

    Args:
        items: All of them, for which it holds.
        holds: Whether it holds for some of them.

    Example:
        >>> smallest(list("abcdefgh"), holds=lambda some: {"b", "g"} <= some)
        ('b', 'g')
    """
    if holds(frozenset()):
        return ()
    left, parts = tuple(items), 2
    while len(left) > 1:
        size = -(-len(left) // parts)
        chunks = [left[start : start + size] for start in range(0, len(left), size)]
        chunk = next((one for one in chunks if holds(frozenset(one))), None)
        if chunk is not None:
            left, parts = chunk, 2
            continue
        rests = (tuple(item for item in left if item not in one) for one in chunks)
        rest = next((one for one in rests if len(chunks) > 1 and holds(frozenset(one))), None)
        if rest is not None:
            left, parts = rest, max(parts - 1, 2)
        elif parts < len(left):
            parts = min(parts * 2, len(left))
        else:
            break
    return left
