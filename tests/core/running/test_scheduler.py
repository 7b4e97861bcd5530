"""The scheduler: order, skips, limits and interruption, on real threads."""

from __future__ import annotations

import contextvars
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odibi_core.running.scheduler import Scheduler


@st.composite
def graphs(draw):
    """Return what each node waits for, always earlier nodes, and which nodes fail."""
    count = draw(st.integers(1, 25))
    waits = {
        node: tuple(sorted(draw(st.sets(st.integers(0, node - 1), max_size=4)))) if node else ()
        for node in range(count)
    }
    return waits, draw(st.sets(st.integers(0, count - 1), max_size=4)), draw(st.integers(1, 5))


@settings(deadline=None)
@given(graphs())
def test_each_node_runs_once_after_its_dependencies_or_is_skipped_with_its_cause(case):
    waits_for, failing, workers = case
    lock = threading.Lock()
    started, succeeded, skipped = [], set(), {}

    def run(node):
        with lock:
            started.append(node)
            assert set(waits_for[node]) <= succeeded
        if node in failing:
            return False
        with lock:
            succeeded.add(node)
        return True

    def skip(node, cause):
        with lock:
            assert node not in skipped
            skipped[node] = cause

    Scheduler(waits_for, run=run, skip=skip, max_workers=workers).execute()

    assert len(started) == len(set(started))
    assert set(started) | set(skipped) == set(waits_for)
    assert not set(started) & set(skipped)
    assert succeeded == _expected_successes(waits_for, failing)
    assert all(cause in failing for cause in skipped.values())


def _expected_successes(waits_for, failing):
    good = set()
    for node, others in waits_for.items():
        if node not in failing and set(others) <= good:
            good.add(node)
    return good


def test_never_more_than_max_workers_at_once():
    lock, at_once, most = threading.Lock(), 0, 0
    meet = threading.Barrier(3, timeout=20)

    def run(_):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        meet.wait()
        with lock:
            at_once -= 1
        return True

    Scheduler(dict.fromkeys(range(9), ()), run=run, skip=_unexpected, max_workers=3).execute()

    assert most == 3


def test_a_chain_stays_on_the_calling_thread():
    threads = set()

    def run(_):
        threads.add(threading.get_ident())
        return True

    Scheduler({0: (), 1: (0,), 2: (1,)}, run=run, skip=_unexpected, max_workers=4).execute()

    assert threads == {threading.get_ident()}


def test_waiting_for_a_node_outside_counts_as_done():
    ran = []

    Scheduler({5: (1, 2)}, run=lambda node: not ran.append(node), skip=_unexpected, max_workers=1).execute()

    assert ran == [5]


def test_interrupt_on_the_calling_thread_starts_nothing_more():
    ran, skipped = [], []

    def run(node):
        ran.append(node)
        raise KeyboardInterrupt

    scheduler = Scheduler({0: (), 1: (0,), 2: ()}, run=run, skip=lambda *pair: skipped.append(pair), max_workers=1)

    with pytest.raises(KeyboardInterrupt):
        scheduler.execute()
    assert ran == [0]
    assert skipped == []


def test_exit_on_another_thread_reaches_the_caller_and_stops_the_rest():
    main = threading.get_ident()
    met = threading.Barrier(2, timeout=20)
    left = threading.Event()

    def run(node):
        if node < 2:
            met.wait()
        if threading.get_ident() != main:
            left.set()
            raise SystemExit("from a worker")
        assert left.wait(20)
        return True

    with pytest.raises(SystemExit, match="from a worker"):
        Scheduler({0: (), 1: ()}, run=run, skip=_unexpected, max_workers=2).execute()


def test_context_of_the_caller_holds_on_every_thread():
    variable = contextvars.ContextVar("variable", default="nothing")
    met = threading.Barrier(3, timeout=20)
    seen = []

    def run(node):
        met.wait()
        seen.append(variable.get())
        variable.set(f"left behind by {node}")
        return True

    token = variable.set("the caller's")
    Scheduler(dict.fromkeys(range(3), ()), run=run, skip=_unexpected, max_workers=3).execute()

    assert seen == ["the caller's"] * 3
    variable.reset(token)


def _unexpected(*pair):
    raise AssertionError(f"skipped {pair}")
