"""What a library puts behind Ctrl-C, taken away again."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["interrupt_handler_kept"]

# More than a `struct sigaction` has anywhere: 152 bytes with glibc on Linux, 16 on macOS.
_ROOM = 512


@contextmanager
def interrupt_handler_kept() -> Iterator[None]:
    """Put back what Ctrl-C did before, in the process's own table rather than in Python's.

    A library that is not written in Python sets its handler past the `signal` module, which only knows its own, and
    which changes one in the main thread only. On Windows this does nothing.

    Example:
        >>> before = signal.getsignal(signal.SIGINT)
        >>> with interrupt_handler_kept():
        ...     _ = signal.signal(signal.SIGINT, signal.SIG_IGN)
        >>> _ = signal.signal(signal.SIGINT, before)
    """
    if os.name != "posix":
        yield
        return
    sigaction = ctypes.CDLL(None, use_errno=True).sigaction
    before = ctypes.create_string_buffer(_ROOM)
    if sigaction(int(signal.SIGINT), None, before) != 0:
        raise OSError(ctypes.get_errno(), "cannot read what Ctrl-C does")
    try:
        yield
    finally:
        if sigaction(int(signal.SIGINT), before, None) != 0:
            raise OSError(ctypes.get_errno(), "cannot put back what Ctrl-C did")
