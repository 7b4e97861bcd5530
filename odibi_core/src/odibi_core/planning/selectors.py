"""Which transformations of a plan are meant: ids, ``tag:``, ``layer:``, and what comes before or after them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final, Protocol

from odibi_core.errors import SelectionError, did_you_mean
from odibi_core.planning.graph import Edge

__all__ = ["Selectable", "select"]

_SHOWN: Final = 20


class Selectable(Protocol):
    """What a selector looks at."""

    @property
    def transformation_id(self) -> str:
        """The id."""

    @property
    def layer(self) -> str:
        """The layer."""

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags."""


def select(rows: Sequence[Selectable], *, edges: Iterable[Edge], expressions: Iterable[str]) -> set[int]:
    """Return the positions that any of the expressions selects.

    An expression is an id (``*`` and ``?`` allowed), ``tag:nightly`` or ``layer:Silver``; a leading ``+`` adds
    everything that it depends on, a trailing ``+`` everything that depends on it. Several, separated by blanks or
    commas, add up.

    Args:
        rows: The transformations.
        edges: The dependencies between their positions.
        expressions: What was asked for.

    Raises:
        SelectionError: An expression that selects nothing.
    """
    edges = list(edges)
    before: dict[int, list[int]] = defaultdict(list)
    after: dict[int, list[int]] = defaultdict(list)
    for edge in edges:
        before[edge.after].append(edge.before)
        after[edge.before].append(edge.after)
    by_id = {row.transformation_id: position for position, row in enumerate(rows)}
    chosen: set[int] = set()
    for text in expressions:
        if text in by_id:
            chosen.add(by_id[text])  # whatever it looks like: an id may hold blanks, commas, '+' and '*'
            continue
        for expression in text.replace(",", " ").split():
            core = expression.removeprefix("+").removesuffix("+")
            found = _match(rows, core)
            if not found:
                raise SelectionError(_nothing_selected(rows, core))
            chosen |= found
            if expression.startswith("+"):
                chosen |= _reach(found, before)
            if expression.endswith("+"):
                chosen |= _reach(found, after)
    return chosen


def _match(rows: Sequence[Selectable], core: str) -> set[int]:
    kind, colon, value = core.partition(":")
    if colon and kind == "tag":
        return {position for position, row in enumerate(rows) if value in row.tags}
    if colon and kind == "layer":
        return {position for position, row in enumerate(rows) if row.layer.casefold() == value.casefold()}
    exact = {position for position, row in enumerate(rows) if row.transformation_id == core}
    return exact or {position for position, row in enumerate(rows) if fnmatchcase(row.transformation_id, core)}


def _nothing_selected(rows: Sequence[Selectable], core: str) -> str:
    kind, _, value = core.partition(":")
    if kind == "tag" and value:
        what, word, known = "tag", value, sorted({tag for row in rows for tag in row.tags})
    elif kind == "layer" and value:
        what, word, known = "layer", value, sorted({row.layer for row in rows})
    else:
        what, word, known = "transformation", core, sorted(row.transformation_id for row in rows)
    left_out = f", ... {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    shown = ", ".join(known[:_SHOWN]) + left_out or "none"
    return f"No {what} {word!r} in this plan. There are: {shown}. {did_you_mean(word, known)}".rstrip()


def _reach(start: Iterable[int], neighbours: Mapping[int, list[int]]) -> set[int]:
    reached: set[int] = set()
    waiting = deque(start)
    while waiting:
        for position in neighbours.get(waiting.popleft(), ()):
            if position not in reached:
                reached.add(position)
                waiting.append(position)
    return reached
