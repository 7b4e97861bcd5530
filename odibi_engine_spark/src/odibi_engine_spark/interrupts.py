"""Ctrl-C while Python waits for an answer of the Java machine."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

__all__ = ["interrupts_between_calls"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class _Interrupts:
    """Signals of one block.

    Args:
        stop: Stops the jobs that are waited for, if there are any; called on a thread of its own.
        befores: Who handled them before.
        held: The signal that is yet to be handled.
    """

    stop: Callable[[], None] | None
    befores: dict[int, Callable[[int, FrameType | None], Any]] = field(default_factory=dict)
    held: int | None = None

    def receive(self, number: int, frame: FrameType | None) -> None:
        # A second signal is from somebody who has waited long enough.
        if self.held is not None or not _is_in_call(frame):
            self.befores[number](number, frame)
            return
        self.held = number
        if self.stop is not None:
            threading.Thread(target=self.stop, name="odibi-spark-interrupt", daemon=True).start()

    def hand_on(self) -> None:
        if self.held is not None:
            self.befores[self.held](self.held, None)


@contextmanager
def interrupts_between_calls(stop: Callable[[], None] | None = None) -> Iterator[None]:
    """Let Ctrl-C, and SIGTERM where somebody handles it, not break off a call of the Java machine inside the block.

    What is raised in the midst of a call leaves its answer behind, to be taken for that of the next one; and PySpark's
    own handler asks Java something right there, which ends the connection: then the error of a broken connection is
    what is raised, and no interrupt. So the jobs are stopped from another thread, by which the call ends, and who
    handled the signal before gets it at the end of the block. Outside of calls they get it at once.

    Args:
        stop: Stops the jobs that the block waits for; None if there are none.

    Raises:
        KeyboardInterrupt: There was such a signal; or whatever those raise who handle it.

    Example:
        >>> with interrupts_between_calls():
        ...     pass
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    interrupts = _Interrupts(stop)
    for number in _SIGNALS:
        before = signal.getsignal(number)
        if callable(before):
            interrupts.befores[number] = before
    for handled in interrupts.befores:
        signal.signal(handled, interrupts.receive)
    try:
        try:
            yield
        finally:
            for handled, handler in interrupts.befores.items():
                signal.signal(handled, handler)
    except Exception:
        # Most likely that the jobs were stopped.
        interrupts.hand_on()
        raise
    interrupts.hand_on()


def _is_in_call(frame: FrameType | None) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith("py4j."):
            return True
        frame = frame.f_back
    return False
