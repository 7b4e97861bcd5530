"""Notices when code waits for something: a network, a sleep, another program.

A clock cannot tell a quick network from a slow computer; the interpreter's audit events can.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

__all__ = ["noticed_waits"]

_WAITS: Final = {
    "socket.connect": "connects to a network",
    "socket.getaddrinfo": "looks a host up",
    "socket.gethostbyname": "looks a host up",
    "socket.sendto": "sends to a network",
    "subprocess.Popen": "starts a program",
    "os.system": "starts a program",
    "os.fork": "starts a process",
    "time.sleep": "sleeps",
}

_watching = threading.local()
_is_installed = threading.Lock()
_installed: list[bool] = []


@contextmanager
def noticed_waits() -> Iterator[list[str]]:
    """Note what the current thread waits for inside the ``with`` block; other threads may wait.

    A sleep is told by the interpreter from Python 3.13 on.

    Yields:
        What was noticed so far, such as ``"looks a host up"``, one entry for each kind.

    Example:
        >>> import socket
        >>> with noticed_waits() as waits:
        ...     _ = socket.getaddrinfo("127.0.0.1", 80)
        >>> waits
        ['looks a host up']
    """
    _install()
    waits: list[str] = []
    before = getattr(_watching, "waits", None)
    _watching.waits = waits
    try:
        yield waits
    finally:
        _watching.waits = before


def _install() -> None:
    # A hook cannot be taken out again, so there is one for the process, which does nothing while nobody watches.
    with _is_installed:
        if not _installed:
            sys.addaudithook(_hear)
            _installed.append(True)


def _hear(event: str, _arguments: tuple[Any, ...]) -> None:
    what = _WAITS.get(event)
    if what is not None:
        waits = getattr(_watching, "waits", None)
        if waits is not None and what not in waits:
            waits.append(what)
