"""Runs a set of nodes on a few threads, each node when those that it waits for have succeeded.

The thread that calls takes part in the work, and a thread that finishes a node takes the next one itself: a chain
never changes threads, and a plan without parallelism never starts one. Nodes that are over at once stay on the calling
thread too: handing Python code of a few microseconds to another thread costs more than it saves, measured 130 against
75 microseconds per node. The other threads look on, and join in as soon as a node takes its time.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

__all__ = ["Scheduler"]

_AGAIN: Final = 0.5
"""Seconds after which what other threads are at is cancelled once more."""

_PATIENCE: Final = 0.000_5
"""Seconds. A node that takes less is over before another thread could have helped."""


class Scheduler:
    """Runs nodes, each once, none before those that it waits for have succeeded.

    Args:
        waits_for: For each node, the nodes that must succeed first; those that are not keys count as done.
        run: Runs a node and returns whether it succeeded; it must not raise an `Exception`.
        skip: Told of each node that will not run and of the node that failed, on the thread that found out.
        max_workers: How many nodes may run at once, the calling thread included; at least 1.
        cancelled: Set when the work is cancelled, by whoever cancels it; nodes may look at it.
        on_cancel: Called when the work is cancelled, to stop what the nodes that run are waiting for.
    """

    def __init__(
        self,
        waits_for: Mapping[int, Sequence[int]],
        *,
        run: Callable[[int], bool],
        skip: Callable[[int, int], None],
        max_workers: int,
        cancelled: threading.Event | None = None,
        on_cancel: Callable[[], None] = lambda: None,
    ) -> None:
        self._run = run
        self._skip = skip
        self._max_workers = max(1, max_workers)
        self._missing = {node: sum(other in waits_for for other in others) for node, others in waits_for.items()}
        self._followers: dict[int, list[int]] = {}
        for node, others in waits_for.items():
            for other in others:
                if other in waits_for:
                    self._followers.setdefault(other, []).append(node)
        self._ready = deque(node for node, missing in self._missing.items() if missing == 0)
        self._changed = threading.Condition()
        self._context = contextvars.copy_context()
        self._running = 0
        self._idle = 0
        self._watching = 0
        self._taken_at = 0.0
        self._is_quick = False
        self._cancelled = cancelled or threading.Event()
        self._on_cancel = on_cancel
        self._skipped: set[int] = set()
        self._threads: list[threading.Thread] = []
        self._crash: BaseException | None = None

    def execute(self) -> None:
        """Run every node; return when all have run or were skipped, or when the work was cancelled.

        Raises:
            BaseException: What a node raised that is no `Exception`, such as KeyboardInterrupt; the other threads
                have finished what they were at. A second KeyboardInterrupt while they do is raised at once.
        """
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - raised again when the other threads have finished
            self.cancel()
            # What this thread was at may have been broken off only because another thread had crashed.
            if self._crash is None or isinstance(error, KeyboardInterrupt):
                self._crash = error
        finally:
            for thread in self._threads:
                # One that an interrupt kept from starting cannot be joined; if it starts yet, it finds nothing to do.
                while thread.is_alive():
                    thread.join(_AGAIN)
                    if self._cancelled.is_set() and thread.is_alive():
                        # What was begun in the moment of the first call may not have been stopped by it.
                        self._on_cancel()
        if self._crash is not None:
            raise self._crash

    def cancel(self) -> None:
        """Start no further node."""
        self._cancelled.set()  # before the lock: an interrupt while that is waited for must not undo the cancelling
        with self._changed:
            self._changed.notify_all()
        self._on_cancel()

    def _work(self, *, is_helper: bool = False) -> None:
        while (node := self._take(is_helper=is_helper)) is not None:
            succeeded = False
            started = time.perf_counter()
            try:
                succeeded = self._run(node)
            finally:
                skipped = self._settle(node, succeeded=succeeded, seconds=time.perf_counter() - started)
            for one in skipped:
                self._skip(one, node)

    def _help(self) -> None:
        try:
            self._work(is_helper=True)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that called execute
            self._crash = self._crash or error
            self.cancel()

    def _take(self, *, is_helper: bool) -> int | None:
        with self._changed:
            while not self._cancelled.is_set():
                if self._ready:
                    if is_helper and self._is_quick and time.perf_counter() - self._taken_at < _PATIENCE:
                        self._watch()
                        continue
                    node = self._ready.popleft()
                    self._running += 1
                    self._taken_at = time.perf_counter()
                    if self._ready:
                        self._share()
                    return node
                if self._running == 0:
                    break
                self._idle += 1
                try:
                    self._changed.wait()
                finally:
                    self._idle -= 1
            self._changed.notify_all()
            return None

    def _watch(self) -> None:
        self._watching += 1
        try:
            self._changed.wait(_PATIENCE)
        finally:
            self._watching -= 1

    def _share(self) -> None:
        if self._watching:
            return
        if self._idle:
            self._changed.notify()
        elif len(self._threads) + 1 < self._max_workers:
            # A copy of the caller's context: what holds for the run, such as its log level, holds on all its threads.
            thread = threading.Thread(
                target=self._context.copy().run, args=(self._help,), name=f"odibi-{len(self._threads) + 1}"
            )
            self._threads.append(thread)
            thread.start()

    def _settle(self, node: int, *, succeeded: bool, seconds: float) -> list[int]:
        with self._changed:
            self._running -= 1
            self._is_quick = seconds < _PATIENCE
            if succeeded:
                for follower in self._followers.get(node, ()):
                    self._missing[follower] -= 1
                    if self._missing[follower] == 0 and follower not in self._skipped:
                        self._ready.append(follower)
                return []
            return self._give_up_on_followers(node)

    def _give_up_on_followers(self, node: int) -> list[int]:
        found: list[int] = []
        waiting = deque([node])
        while waiting:
            for follower in self._followers.get(waiting.popleft(), ()):
                if follower not in self._skipped:
                    self._skipped.add(follower)
                    found.append(follower)
                    waiting.append(follower)
        return found
