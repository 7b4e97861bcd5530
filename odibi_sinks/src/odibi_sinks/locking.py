"""One writer at a time: a lock on the file itself, which the system lets go of however its holder ends."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["locked", "try_lock"]

_PAUSES: Final = (0.0005, 0.001, 0.002, 0.005, 0.01)
"""Seconds between looks. A batch is written in well under a millisecond; the last pause is repeated."""

_BUSY: Final = frozenset({errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK})
_REFUSED: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL})

if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> None:
        # Windows locks bytes against reading too, so it is one far behind the end of any log.
        os.lseek(descriptor, 1 << 62, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _release(descriptor: int) -> None:
        os.lseek(descriptor, 1 << 62, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _try(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _release(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


@contextmanager
def locked(descriptor: int, *, seconds: float = 10.0) -> Iterator[None]:
    """Hold the lock of an open file, against other threads and other processes.

    Where the filesystem has no locks there is none: then only one process may write to a file.

    Args:
        descriptor: The open file; each writer opens it for itself.
        seconds: How long to wait for another writer.

    Raises:
        TimeoutError: Another writer held it all that time.
    """
    until = time.monotonic() + seconds
    pauses = iter(_PAUSES)
    is_held = False
    while not is_held:
        try:
            _try(descriptor)
            is_held = True
        except OSError as error:
            if error.errno in _REFUSED:
                break
            if error.errno not in _BUSY:
                raise
            if time.monotonic() >= until:
                raise TimeoutError(errno.ETIMEDOUT, f"another process has kept it locked for {seconds:g} s") from error
            time.sleep(next(pauses, _PAUSES[-1]))
    try:
        yield
    finally:
        if is_held:
            _release(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file until it is closed, if that can be done at once.

    Args:
        descriptor: The open file.

    Returns:
        Whether it is held now: False if another writer holds it, and also where the filesystem has no locks.
    """
    try:
        _try(descriptor)
    except OSError as error:
        if error.errno not in _BUSY | _REFUSED:
            raise
        return False
    return True
