"""What a library puts behind Ctrl-C, taken away again."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["interrupt_handler_kept"]

# More than a `struct sigaction` has anywhere: 152 bytes with glibc on Linux, 16 on macOS.
_ROOM = 512


@contextmanager
def interrupt_handler_kept() -> Iterator[None]:
    """Put back what Ctrl-C did before, in Python's table of handlers and in the process's own.

    PySpark's context sets a handler for as long as the process lives. A library that is not written in Python, as Sail,
    sets one past the `signal` module, which only knows its own, and which changes one in the main thread only. On
    Windows the process's own is left as it is.

    Example:
        >>> before = signal.getsignal(signal.SIGINT)
        >>> with interrupt_handler_kept():
        ...     _ = signal.signal(signal.SIGINT, signal.SIG_IGN)
        >>> signal.getsignal(signal.SIGINT) is before
        True
    """
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if is_main else None
    with _process_handler_kept():
        try:
            yield
        finally:
            if before is not None:
                signal.signal(signal.SIGINT, before)


@contextmanager
def _process_handler_kept() -> Iterator[None]:
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
