"""Is the process that writes a journal still there?

The process holds an operating-system lock on its journal for as long as it lives; the system lets go of it when the
process ends, however it ends. Where a filesystem refuses locks, the journal's header names host, process id and start
time of the process, and that is compared instead: on another host it cannot be known, and then the run counts as alive.
"""

from __future__ import annotations

import errno
import functools
import os
import socket
import sys
import weakref
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

__all__ = [
    "LockOutcome",
    "abandoned_by",
    "is_abandoned",
    "kernel_version",
    "let_go_when_forked",
    "lock_file",
    "process_mark",
    "process_runs",
    "unlock_file",
]

if sys.platform == "win32":
    import msvcrt

    _FAR: Final = 1 << 62
    """Windows locks bytes against reading too, so the byte that is locked is one that no journal reaches."""

    def _lock(descriptor: int, *, shared: bool, wait: bool) -> None:  # noqa: ARG001  # Windows has no shared kind here
        place = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, place, os.SEEK_SET)

    def _unlock(descriptor: int) -> None:
        place = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        finally:
            os.lseek(descriptor, place, os.SEEK_SET)

    _BUSY: Final = frozenset({errno.EACCES, errno.EDEADLK})
else:
    # flock, not lockf: a POSIX record lock is lost as soon as the process closes any descriptor of the file, and a
    # process that asks for the status of its own project does that.
    import fcntl

    def _lock(descriptor: int, *, shared: bool, wait: bool) -> None:
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    _BUSY: Final = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES})

_REFUSED: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL})


class LockOutcome(StrEnum):
    """What came of asking for a lock."""

    HELD = "held"
    BUSY = "busy"
    """Somebody else holds it."""
    UNSUPPORTED = "unsupported"
    """The filesystem has no locks."""


def lock_file(descriptor: int, *, shared: bool = False, wait: bool = False) -> LockOutcome:
    """Lock an open file until it is closed, or the process ends.

    Args:
        descriptor: The open file.
        shared: Only ask whether nobody holds it alone; many may hold it like that.
        wait: Wait until it is free.

    Raises:
        OSError: Something other than a lock that is held, or a filesystem without locks.
    """
    try:
        _lock(descriptor, shared=shared, wait=wait)
    except OSError as error:
        if error.errno in _BUSY:
            return LockOutcome.BUSY
        if error.errno in _REFUSED:
            return LockOutcome.UNSUPPORTED
        raise
    return LockOutcome.HELD


def unlock_file(descriptor: int, /) -> None:
    """Let go of a lock that is held."""
    _unlock(descriptor)


_holders: Final[weakref.WeakKeyDictionary[Any, Callable[[Any], None]]] = weakref.WeakKeyDictionary()

T = TypeVar("T")


def let_go_when_forked(holder: T, /, let_go: Callable[[T], None]) -> None:
    """Have a forked worker close its copy of a locked file.

    It would share the lock with its parent, and keep a killed run looking alive for as long as it lives itself.

    Args:
        holder: What holds the lock; it is not kept alive by this.
        let_go: Closes the file, also if it is closed already.
    """
    _holders[holder] = let_go


def _let_go_of_all() -> None:
    for holder, let_go in list(_holders.items()):
        let_go(holder)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_of_all)


@functools.cache
def kernel_version() -> str:
    """Return the version of odibi-core that this process runs."""
    from importlib.metadata import version

    return version("odibi-core")


def process_mark() -> dict[str, Any]:
    """Return what tells this process from every other one: ``host``, ``pid`` and ``process_start``.

    ``process_start`` is None where the system does not say when a process started.
    """
    pid = os.getpid()
    return {"host": _host(), "pid": pid, "process_start": _process_start(pid)}


def process_runs(mark: Mapping[str, Any], /) -> bool | None:
    """Return whether the process of a mark is still there, None if that cannot be known from here.

    Args:
        mark: What `process_mark` returned in that process.
    """
    pid = mark.get("pid")
    if mark.get("host") != _host() or not isinstance(pid, int) or sys.platform == "win32":
        # Windows: os.kill(pid, 0) would end the process, and locks are not refused there.
        return None
    if not _pid_exists(pid):
        return False
    started = _process_start(pid)
    return started != _ENDED and (started is None or mark.get("process_start") in (None, started))


def _pid_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


def is_abandoned(journal: Path, header: Mapping[str, Any]) -> bool:
    """Return whether a journal's process is certainly gone; changes nothing.

    Args:
        journal: The journal.
        header: Its header, for filesystems without locks.

    Raises:
        OSError: The journal cannot be opened.
    """
    with journal.open("rb") as file:
        outcome = lock_file(file.fileno(), shared=True)
        if outcome is LockOutcome.HELD:
            unlock_file(file.fileno())
    return abandoned_by(outcome, header)


def abandoned_by(outcome: LockOutcome, header: Mapping[str, Any]) -> bool:
    """Return whether a process is certainly gone, from its journal's header and what came of asking for its lock."""
    if outcome is LockOutcome.BUSY:
        return False
    if outcome is LockOutcome.HELD and header.get("lock") != LockOutcome.UNSUPPORTED:
        return True
    return process_runs(header) is False


@functools.cache
def _host() -> str:
    return socket.gethostname()


_ENDED: Final = "ended"


def _process_start(pid: int) -> str | None:
    # proc(5): the state is field 3 and the start time, in ticks since boot, field 22. The name in parentheses before
    # them may hold blanks and parentheses, so fields are counted from behind the last one.
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    if state in (b"Z", b"X"):
        return _ENDED
    return f"{boot}/{int(fields[18])}"
