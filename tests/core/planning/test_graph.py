"""Dependencies, cycles and order."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from odibi_core.planning.graph import Edge, Node, connect, find_cycle, order_within_steps


def node(id_, *, layer=0, step=1, reads=(), writes=(), depends_on=()):
    return Node(id=id_, layer=layer, step=step, reads=reads, writes=writes, depends_on=depends_on)


def test_reader_waits_for_writer_of_the_same_location():
    assert connect([node("a", writes=("/d/x",)), node("b", reads=("/d/x",))]) == [Edge(0, 1, "/d/x")]


def test_glob_waits_for_every_writer_that_it_matches():
    nodes = [node("a", writes=("/d/1.csv",)), node("b", writes=("/d/2.csv",)), node("c", reads=("/d/*.csv",))]

    assert [(edge.before, edge.after) for edge in connect(nodes)] == [(0, 2), (1, 2)]


def test_reader_of_a_folder_waits_for_writers_into_it():
    nodes = [node("a", writes=("/d/parts/1.csv",)), node("b", reads=("/d/parts",))]

    assert connect(nodes) == [Edge(0, 1, "/d/parts")]


def test_depends_on_is_an_edge_and_a_pair_is_one_edge():
    nodes = [node("a", writes=("/d/x",)), node("b", reads=("/d/x",), depends_on=("a",))]

    assert connect(nodes) == [Edge(0, 1, "")]


def test_cycle_is_returned_as_a_closed_path():
    cycle = find_cycle(4, [Edge(0, 1, ""), Edge(1, 2, ""), Edge(2, 1, ""), Edge(2, 3, "")])

    assert cycle == [1, 2, 1]


def test_self_dependency_is_a_cycle():
    assert find_cycle(1, [Edge(0, 0, "")]) == [0, 0]


def test_order_is_layer_then_step_then_as_written():
    nodes = [node("d", layer=1), node("b", step=2), node("a"), node("c", step=2)]

    assert [nodes[i].id for i in order_within_steps(nodes)] == ["a", "b", "c", "d"]


EDGES = st.integers(1, 12).flatmap(
    lambda count: st.tuples(
        st.just(count),
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=30, unique=True),
    )
)


@given(EDGES)
def test_find_cycle_finds_one_exactly_when_a_topological_order_is_impossible(case):
    count, pairs = case
    edges = [Edge(before, after, "") for before, after in pairs]

    cycle = find_cycle(count, edges)

    if cycle is None:
        assert _has_topological_order(count, pairs)
    else:
        assert cycle[0] == cycle[-1]
        assert all((before, after) in set(pairs) for before, after in pairwise(cycle))


def _has_topological_order(count, pairs):
    left = set(range(count))
    while left:
        free = {n for n in left if not any(after == n and before in left for before, after in pairs)}
        if not free:
            return False
        left -= free
    return True
