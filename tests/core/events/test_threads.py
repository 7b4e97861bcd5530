"""64 threads that register, emit, dispatch and list at once lose nothing (A-31)."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from odibi_core.events import Dispatcher, HookManager

THREADS = 64
ROUNDS = 12


@pytest.fixture(autouse=True)
def eager_switching():
    """Threads change places as often as the interpreter can, so that a missing lock shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def together():
    """Run a function in 64 threads that start at the same moment; its exceptions come back."""

    def run(function):
        barrier = threading.Barrier(THREADS, timeout=60)

        def work(number):
            barrier.wait()
            return function(number)

        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(work, range(THREADS)))

    return run


def test_no_registration_is_lost(together):
    hooks = HookManager()
    events = ("layer_start", "layer_end", "transform_success")

    def work(number):
        for round_ in range(ROUNDS):
            hooks.declare(f"custom_{number}_{round_}", "x")
            hooks.on(events[round_ % 3], lambda payload: None, filters={"layer": "Silver"})
            hooks.on(f"custom_{number}_{round_}", lambda payload: None)
            hooks.list_hooks()

    together(work)

    listed = hooks.list_hooks()
    assert sum(len(listed[event]) for event in events) == THREADS * ROUNDS
    assert sum(event.startswith("custom_") for event in listed) == THREADS * ROUNDS


def test_every_event_reaches_a_callback_that_was_there_before_while_others_come_and_go(together, build):
    hooks = HookManager()
    dispatcher = Dispatcher(hooks=hooks)
    heard = []
    hooks.register("transform_success", lambda payload: heard.append(payload["transformation_id"]))

    def work(number):
        def passing(payload):
            pass

        for round_ in range(ROUNDS):
            hooks.register("transform_success", passing)
            dispatcher.dispatch(build("transform_success", transformation_id=f"{number}-{round_}"))
            hooks.emit("transform_success", {"transformation_id": f"{number}-{round_}-by-hand"})
            assert hooks.unregister("transform_success", passing)

    together(work)

    assert len(heard) == len(set(heard)) == 2 * THREADS * ROUNDS
    assert len(hooks.list_hooks()["transform_success"]) == 1
    assert dispatcher.accidents == ()


def test_no_accident_is_lost(together, build):
    hooks = HookManager()

    def fail(payload):
        raise ValueError(payload["transformation_id"])

    hooks.register("transform_start", fail)
    dispatcher = Dispatcher(hooks=hooks)

    together(lambda number: dispatcher.dispatch(build("transform_start", transformation_id=str(number))))

    assert sorted(accident.error for accident in dispatcher.accidents) == sorted(
        f"ValueError: {number}" for number in range(THREADS)
    )
