"""Bytes on a disk: all of them or none, and what survives a power failure."""

from __future__ import annotations

import errno
import os
import secrets
from pathlib import Path

__all__ = ["open_for_appending", "sync_folder", "what_to_do", "write_atomically", "write_whole"]


def open_for_appending(path: str, flags: int) -> int:
    """Return the descriptor of a file that is written at its end wherever that is; an ``opener`` of `open`."""
    return os.open(path, flags | os.O_APPEND, 0o666)


def write_whole(descriptor: int, data: bytes | memoryview, /) -> None:
    """Write all of some bytes, also if the system takes them in pieces.

    Raises:
        OSError: It took only a part, or nothing.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(folder: Path) -> None:
    """Wait until a folder's entries are on the disk; without it a power failure can forget a file that was synced."""
    if os.name == "nt":
        return  # Windows has nothing like it
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, content: bytes, *, sync: bool = False) -> None:
    """Replace a small file so that a reader, or the next start after a crash, sees the old or the new content.

    Args:
        path: The file; its folder exists.
        content: All of the new content.
        sync: Wait for the disk, so that a power failure does not bring the old content back.

    Raises:
        OSError: It cannot be written; the old content is still there.
    """
    # The name is the process's and thread's own, so two writers cannot mix; the last one to replace wins.
    draft = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}")
    try:
        with draft.open("wb", buffering=0) as file:
            write_whole(file.fileno(), content)
            if sync:
                os.fsync(file.fileno())
        draft.replace(path)
        if sync:
            sync_folder(path.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def what_to_do(error: OSError, /) -> str:
    """Return the sentence that tells somebody what to do about a file that cannot be written.

    Args:
        error: What the system said.

    Example:
        >>> what_to_do(OSError(errno.ENOSPC, "No space left on device"))
        'Free some space.'
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "Free some space."
    return "Check that a run may write to this folder, and that its disk is in order."
