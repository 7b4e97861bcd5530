"""Threads that take turns so often that what they share by mistake is found out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["frequent_switches"]

_INTERVAL: Final = 1e-5
"""Seconds; the interpreter's own are 0.005, in which a small function ends before another thread has its turn."""


@contextmanager
def frequent_switches() -> Iterator[None]:
    """Let threads take turns about every ten microseconds inside the ``with`` block.

    Example:
        >>> before = sys.getswitchinterval()
        >>> with frequent_switches():
        ...     sys.getswitchinterval() < before
        True
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
