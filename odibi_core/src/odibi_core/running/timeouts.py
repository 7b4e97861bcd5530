"""A limit on the time that a transformation may take before it saves.

Python cannot stop a thread, so what takes too long is given up rather than stopped: its thread runs on, whatever it
returns is thrown away, and it can no longer save. A save that has begun is waited for: half a save would be worse.
Where an engine can stop its jobs, they are stopped, a save's too.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from odibi_core.errors import TransformationTimeoutError

__all__ = ["SaveGate", "within"]

T = TypeVar("T")

_AGAIN: Final = 0.5
"""Seconds after which jobs that go on are stopped once more."""


@dataclass(slots=True)
class SaveGate:
    """Decides, once, whether an attempt still saves or was given up."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_passed: bool = False
    _is_shut: bool = False

    def passes(self) -> bool:
        """Return whether the attempt may save; from then on it cannot be given up."""
        with self._lock:
            self._is_passed = not self._is_shut
            return self._is_passed

    def shut(self) -> bool:
        """Give the attempt up; return False if it is saving already."""
        with self._lock:
            self._is_shut = not self._is_passed
            return self._is_shut

    @property
    def is_shut(self) -> bool:
        """Whether the attempt was given up."""
        return self._is_shut


@dataclass(slots=True)
class _Attempt(Generic[T]):
    work: Callable[[], T]
    returned: list[T] = field(default_factory=list)
    raised: BaseException | None = None

    def run(self) -> None:
        try:
            self.returned.append(self.work())
        except BaseException as error:  # noqa: BLE001 - raised again on the thread that waits
            self.raised = error

    def outcome(self) -> T:
        if self.raised is not None:
            raise self.raised
        return self.returned[0]


def within(
    seconds: float, work: Callable[[], T], *, gate: SaveGate, what: str, stop: Callable[[], None] | None = None
) -> T:
    """Return what a piece of work returns, unless it has not begun to save after some time.

    Args:
        seconds: How long to wait.
        work: The work; it runs on a thread of its own, in a copy of this thread's context.
        gate: What the work asks before it saves.
        what: What the work is, for the message.
        stop: Stops the jobs of the work, where the engine can.

    Raises:
        TransformationTimeoutError: It took too long, and was given up or stopped.
    """
    attempt = _Attempt(work)
    # A daemon: a function that never returns must not keep the process from ending.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(attempt.run,), name=what, daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    except BaseException:
        _end(thread, is_given_up=gate.shut(), stop=stop)
        raise
    if not thread.is_alive():
        return attempt.outcome()
    is_given_up = gate.shut()
    _end(thread, is_given_up=is_given_up, stop=stop)
    if is_given_up:
        raise TransformationTimeoutError(f"{what} took longer than its timeout of {seconds:g} s and was given up.")
    if stop is not None and isinstance(attempt.raised, Exception):
        raise TransformationTimeoutError(
            f"{what} took longer than its timeout of {seconds:g} s and was stopped while it saved."
        ) from attempt.raised
    return attempt.outcome()


def _end(thread: threading.Thread, *, is_given_up: bool, stop: Callable[[], None] | None) -> None:
    """Wait for a save to end, and stop jobs until they have: one that begins as it is stopped may go on."""
    if stop is None:
        if not is_given_up:
            thread.join()
        return
    stop()
    thread.join(_AGAIN)
    while thread.is_alive():
        stop()
        if is_given_up:
            return
        thread.join(_AGAIN)
