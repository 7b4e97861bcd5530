"""Ctrl-C and SIGTERM during a run: once to end it in order, twice to leave at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final

from odibi_core.cli.exits import ExitCode

__all__ = ["Terminated", "interruptible", "leave_at_once_if_busy"]

_SECONDS_TO_LEAVE: Final = 2.0
"""After the second signal the run is told again after this time, and after as much again the process is left."""


class Terminated(KeyboardInterrupt):
    """SIGTERM: ends a run as Ctrl-C does, with another exit code."""


@contextmanager
def interruptible(*, tell: Callable[[KeyboardInterrupt], None], leave: Callable[[], None]) -> Iterator[None]:
    """Raise KeyboardInterrupt on Ctrl-C and `Terminated` on SIGTERM inside the block.

    The first signal ends the run in order, which takes as long as what is running. The second one does not wait for
    that, and the third not even for the journal: the next start closes it then.

    Args:
        tell: Called at the first signal with what is about to be raised, in the handler, so it may neither print nor
            lock.
        leave: Called in the handler before the process is left without further ado.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only, so they are its business
        return
    # A signal that is ignored, as after nohup, stays so.
    numbers = [one for one in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(one) is not signal.SIG_IGN]
    interrupts = _Interrupts(tell, leave)
    before = {number: signal.signal(number, interrupts.receive) for number in numbers}
    try:
        yield
    finally:
        interrupts.stop_insisting()
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(slots=True)
class _Interrupts:
    tell: Callable[[KeyboardInterrupt], None]
    leave: Callable[[], None]
    received: int = 0
    reminders: int = 0
    is_term: bool = False
    was_alarm: Any = None

    def receive(self, number: int, _frame: FrameType | None) -> None:
        self.received += 1
        self.is_term = number == signal.SIGTERM
        if self.received == 1:
            self.tell(self._interrupt())
        elif self.received == 2:  # noqa: PLR2004 - the second signal
            self._insist()
        else:
            self._leave()
        raise self._interrupt()

    def _insist(self) -> None:
        # A second signal may hit what the first one has set going, and would then break off nothing but that.
        if hasattr(signal, "setitimer"):
            self.was_alarm = signal.signal(signal.SIGALRM, self._remind)
            signal.setitimer(signal.ITIMER_REAL, _SECONDS_TO_LEAVE, _SECONDS_TO_LEAVE)

    def _remind(self, _number: int, _frame: FrameType | None) -> None:
        self.reminders += 1
        if self.reminders > 1:
            self._leave()
        raise self._interrupt()

    def stop_insisting(self) -> None:
        if self.received > 1 and hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self.was_alarm or signal.SIG_DFL)

    def _interrupt(self) -> KeyboardInterrupt:
        return Terminated() if self.is_term else KeyboardInterrupt()

    def _leave(self) -> None:
        self.leave()
        os._exit(ExitCode.TERMINATED if self.is_term else ExitCode.INTERRUPTED)


def leave_at_once_if_busy(code: int, *, others: Collection[threading.Thread]) -> None:
    """Leave the process without waiting for threads that an interrupted command has left at work, if there are any.

    Args:
        code: The exit code.
        others: Threads that were there before the command, and are none of its business.
    """
    busy = [thread for thread in threading.enumerate() if not thread.daemon and thread not in others]
    if busy:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
