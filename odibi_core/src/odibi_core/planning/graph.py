"""Who waits for whom: dependencies from inputs and outputs, `depends_on` and `step`, and what contradicts them."""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

__all__ = ["Edge", "Node", "connect", "find_cycle", "order_within_steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A transformation, as far as order is concerned.

    Args:
        id: The transformation's id.
        layer: The position of its layer in the layer order.
        step: Its step.
        reads: Locations that it reads; globs allowed.
        writes: Locations that it writes.
        depends_on: Ids that it names itself.
    """

    id: str
    layer: int
    step: int
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    depends_on: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """One transformation waits for another.

    Args:
        before: The position of the one that goes first.
        after: The position of the one that waits.
        location: What it reads that the other writes; empty if it names the other in ``depends_on``.
    """

    before: int
    after: int
    location: str


def connect(nodes: Sequence[Node]) -> list[Edge]:
    """Return the edges that inputs, outputs and `depends_on` make; `step` is left to the reader of the plan.

    Unknown ids in `depends_on` make no edge; the planner reports them. Linear in the nodes and their datasets, apart
    from inputs that are globs.

    Args:
        nodes: The transformations; an edge names them by position.

    Returns:
        The edges, by waiting transformation, each pair once.

    Example:
        >>> raw = Node(id="raw", layer=0, step=1, reads=(), writes=("/d/raw",), depends_on=())
        >>> clean = Node(id="clean", layer=1, step=1, reads=("/d/raw",), writes=(), depends_on=())
        >>> connect([raw, clean])
        [Edge(before=0, after=1, location='/d/raw')]
    """
    by_id = {node.id: position for position, node in enumerate(nodes)}
    writers: dict[str, list[int]] = defaultdict(list)
    folders: dict[str, list[int]] = defaultdict(list)
    for position, node in enumerate(nodes):
        for location in node.writes:
            writers[location].append(position)
            folders[os.path.dirname(location)].append(position)  # noqa: PTH120 - a location may be a URI
    edges: list[Edge] = []
    for position, node in enumerate(nodes):
        found: dict[int, str] = {}
        for location in node.reads:
            for writer in _writers_of(location, writers, folders):
                found.setdefault(writer, location)
        for id_ in node.depends_on:
            if id_ in by_id:
                found[by_id[id_]] = ""
        edges.extend(Edge(before, position, location) for before, location in sorted(found.items()))
    return edges


def _writers_of(location: str, writers: Mapping[str, list[int]], folders: Mapping[str, list[int]]) -> Iterable[int]:
    if location in writers:
        return writers[location]
    if any(character in location for character in "*?["):
        return [writer for written, those in writers.items() if fnmatchcase(written, location) for writer in those]
    return folders.get(location, ())


def find_cycle(count: int, edges: Iterable[Edge]) -> list[int] | None:
    """Return one cycle as positions in waiting order, its first repeated at its end, or None if there is none.

    Args:
        count: How many nodes there are.
        edges: The edges between their positions.

    Example:
        >>> find_cycle(2, [Edge(0, 1, "/d/a"), Edge(1, 0, "/d/b")])
        [0, 1, 0]
        >>> find_cycle(2, [Edge(0, 1, "/d/a")]) is None
        True
    """
    after: dict[int, list[int]] = defaultdict(list)
    waiting = [0] * count
    for edge in edges:
        after[edge.before].append(edge.after)
        waiting[edge.after] += 1
    ready = deque(position for position in range(count) if waiting[position] == 0)
    left = count
    while ready:
        left -= 1
        for position in after[ready.popleft()]:
            waiting[position] -= 1
            if waiting[position] == 0:
                ready.append(position)
    if left == 0:
        return None
    # Every node that still waits has a predecessor that still waits, so walking backwards must meet itself.
    before = {
        position: earlier
        for earlier, those in after.items()
        for position in those
        if waiting[earlier] and waiting[position]
    }
    walk = [next(position for position in range(count) if waiting[position])]
    seen: dict[int, int] = {}
    while walk[-1] not in seen:
        seen[walk[-1]] = len(walk) - 1
        walk.append(before[walk[-1]])
    cycle = walk[seen[walk[-1]] :][::-1]
    smallest = cycle.index(min(cycle[:-1]))
    turned = cycle[smallest:-1] + cycle[:smallest]
    return [*turned, turned[0]]


def order_within_steps(nodes: Sequence[Node]) -> list[int]:
    """Return the positions by layer, then step, then as written: the order in which a plan is shown and run."""
    return sorted(range(len(nodes)), key=lambda position: (nodes[position].layer, nodes[position].step, position))
