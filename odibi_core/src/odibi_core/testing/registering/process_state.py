"""What of a process a plugin must leave as it was: compared before and after something of a plugin has run.

Imported by a bare child process as well, so it needs nothing but the standard library.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

__all__ = ["ProcessState", "describe_changes", "process_state"]

ProcessState: TypeAlias = Mapping[str, Any]
"""What `process_state` saw, by what it is called in messages."""

_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGALRM", "SIGUSR1", "SIGUSR2")
_RUNNERS_OWN: Final = "PYTEST_CURRENT_TEST"


def process_state() -> ProcessState:
    """Return what a plugin must leave as it was.

    Example:
        >>> before = process_state()
        >>> logging.getLogger().addHandler(handler := logging.NullHandler())
        >>> describe_changes(before, process_state())
        ['the handlers of the root logger: <NullHandler (NOTSET)> is new']
        >>> logging.getLogger().removeHandler(handler)
    """
    root = logging.getLogger()
    return {
        "the handlers of the root logger": [repr(handler) for handler in root.handlers],
        "the level of the root logger": logging.getLevelName(root.level),
        "the level that logging is disabled at": logging.root.manager.disable,
        "the threads": sorted(thread.name for thread in threading.enumerate() if not _is_dummy(thread)),
        "the environment variables": {name: value for name, value in os.environ.items() if name != _RUNNERS_OWN},
        "the working folder": _folder(),
        "sys.path": list(sys.path),
        "sys.excepthook": repr(sys.excepthook),
        "threading.excepthook": repr(threading.excepthook),
        "the signal handlers": {name: repr(signal.getsignal(getattr(signal, name))) for name in _known_signals()},
        "the filters of warnings": [repr(one) for one in warnings.filters],
        "the recursion limit": sys.getrecursionlimit(),
    }


def describe_changes(before: ProcessState, after: ProcessState) -> list[str]:
    """Return what differs, one phrase each, without the values of environment variables, which may be secrets.

    Args:
        before: What was seen first.
        after: What was seen then.
    """
    return [
        f"{what}: {', '.join(_differences(before[what], after[what]))}"
        for what in before
        if before[what] != after[what]
    ]


def _differences(before: Any, after: Any) -> list[str]:
    if isinstance(before, dict):
        return [
            f"{name} {'is new' if name not in before else 'is gone' if name not in after else 'is another'}"
            for name in sorted({*before, *after})
            if before.get(name) != after.get(name)
        ]
    if isinstance(before, list):
        new = [f"{one} is new" for one in after if after.count(one) > before.count(one)]
        gone = [f"{one} is gone" for one in before if before.count(one) > after.count(one)]
        return list(dict.fromkeys(new + gone)) or ["the order is another"]
    return [f"was {before}, is {after}"]


def _is_dummy(thread: threading.Thread) -> bool:
    # What stands for a thread of somebody's C library, which nobody has started in Python.
    return isinstance(thread, threading._DummyThread)  # noqa: SLF001 - it has no other name


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - a folder that is gone is an answer too
    except FileNotFoundError:
        return "(gone)"


def _known_signals() -> list[str]:
    return [name for name in _SIGNALS if hasattr(signal, name)]
