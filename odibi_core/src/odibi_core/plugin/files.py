"""Replacing a file or folder so that, whatever happens, the old one or the new one is there, whole.

New content is written beside its target as ``.<name>.<pid>.<n>.partial`` and put in its place in one step. What a
process that was killed left behind is removed by the next save of the same target.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import importlib
import itertools
import os
import re
import shutil
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

fcntl: Any
try:
    fcntl = importlib.import_module("fcntl")
except ImportError:  # Windows: saves stay atomic, but appends of two processes to one file are not queued
    fcntl = None

__all__ = ["TargetAppearedError", "early_writeback", "locked", "staged_file", "staged_folder"]

_numbers = itertools.count(1)
_ours: set[str] = set()
_ours_lock = threading.Lock()

_ROOM = 200

# <fcntl.h> and <linux/fs.h>
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_SYNC_FILE_RANGE_WRITE = 2

_SECONDS_BETWEEN_WRITEBACKS = 0.1


class TargetAppearedError(Exception):
    """Something was to be created only if nothing was there, and something has come to be there."""


@contextmanager
def locked(target: Path) -> Iterator[bool]:
    """Let one saver at a time replace what is there, so that no append is lost to another.

    It is the file itself that is locked (no lock file is left in a folder of data), so a lock that was waited for may
    be that of a file which has been replaced meanwhile; then the new one is waited for. Nothing is locked if nothing
    is there: whoever creates it first wins, and the others find that out.

    Args:
        target: The file or folder.

    Yields:
        Whether something is there. Only this answer goes with the lock; asked again, somebody may have created it.
    """
    while True:
        handle, is_there = None, True
        try:
            handle = os.open(target, os.O_RDONLY)
        except FileNotFoundError:
            is_there = False
        except OSError:
            is_there = target.exists()  # and is not to be opened: a folder on Windows, or a file without permission
        if handle is None:
            yield is_there
            return
        try:
            if _is_locked(handle) and not _is_still(handle, target):
                continue
            yield True
            return
        finally:
            os.close(handle)


@contextmanager
def staged_file(target: Path, *, only_if_absent: bool = False) -> Iterator[Path]:
    """Give a path to write to; when the block ends without an exception, that file is the target.

    The permissions of a file that is replaced are kept.

    Args:
        target: What to replace or create; its folder exists.
        only_if_absent: Create it, or fail if something is there by now.

    Raises:
        TargetAppearedError: `only_if_absent`, and something is there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     target = Path(folder, "a.txt")
        ...     with staged_file(target) as partial:
        ...         _ = partial.write_text("all of it")
        ...     target.read_text(), [path.name for path in Path(folder).iterdir()]
        ('all of it', ['a.txt'])
    """
    with _partial(target) as partial:
        handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            # Held as long as this process lives, so that nobody takes the file for left behind.
            _is_locked(handle)
            yield partial
            os.fsync(handle)
        finally:
            os.close(handle)
        if only_if_absent:
            _create(partial, target)
        else:
            _replace(partial, target)


@contextmanager
def early_writeback(file: IO[bytes]) -> Iterator[None]:
    """Have Linux send a file to the disk while more is written, so that little is left for the fsync at the end.

    It pays for files that take longer than a tenth of a second to write, and costs a thread, 0.1 ms. Nothing is
    awaited, and errors stay for the fsync to tell. Other systems do all of it at the end.

    Args:
        file: A file that is open for writing.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryFile() as file, early_writeback(file):
        ...     file.write(b"much")
        4
    """
    sync_file_range = _function_of_libc("sync_file_range", ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    if sync_file_range is None:
        yield
        return
    handle, is_over = file.fileno(), threading.Event()

    def send() -> None:
        while not is_over.wait(_SECONDS_BETWEEN_WRITEBACKS):
            sync_file_range(handle, 0, 0, _SYNC_FILE_RANGE_WRITE)

    sender = threading.Thread(target=send, name="odibi-writeback", daemon=True)
    sender.start()
    try:
        yield
    finally:
        is_over.set()
        sender.join()


@contextmanager
def staged_folder(target: Path, *, only_if_absent: bool = False) -> Iterator[Path]:
    """Give a new folder to write into; when the block ends without an exception, that folder is the target.

    Args:
        target: What to replace or create, a file or a folder; its parent exists.
        only_if_absent: Create it, or fail if something is there by now.

    Raises:
        TargetAppearedError: `only_if_absent`, and something is there.
    """
    with _partial(target) as partial:
        partial.mkdir()
        yield partial
        for path in partial.rglob("*"):
            if path.is_file():
                _fsync(path)
        if _is_moved(partial, target):
            return
        if only_if_absent:
            raise TargetAppearedError(target)
        _swap(partial, target)


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """Give an unused name beside the target, and see to it that nothing of that name is left."""
    _remove_left_behind(target)
    partial = target.with_name(f".{_short(target.name)}.{os.getpid()}.{next(_numbers)}.partial")
    with _ours_lock:
        _ours.add(partial.name)
    try:
        yield partial
    finally:
        _remove(partial)
        with _ours_lock:
            _ours.discard(partial.name)


def _short(name: str) -> str:
    """Return a name that leaves room for what is added to it: file systems stop at 255 bytes."""
    return name if len(os.fsencode(name)) <= _ROOM else f"{name[:40]}~{zlib.crc32(os.fsencode(name)):08x}"


def _replace(partial: Path, target: Path) -> None:
    if target.is_dir():
        _swap(partial, target)
        return
    with contextlib.suppress(FileNotFoundError):
        partial.chmod(target.stat().st_mode & 0o7777)
    partial.replace(target)


def _create(partial: Path, target: Path) -> None:
    """Move a file to a name that nothing has; unlike a rename, a link never replaces."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise TargetAppearedError(target) from None
    except OSError:
        # A file system without links: the check and the rename are two steps, which is the best it can do.
        if target.exists():
            raise TargetAppearedError(target) from None
        partial.replace(target)


def _swap(partial: Path, target: Path) -> None:
    """Replace a folder, or with a folder; what was there is at `partial` afterwards, to be removed."""
    if _exchanged(partial, target):
        return
    # Where the operating system cannot exchange two names, there are two renames, and between them no target.
    aside = partial.with_name(partial.name.removesuffix(".partial") + ".old.partial")
    target.rename(aside)
    try:
        partial.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    _remove(aside)


def _is_moved(partial: Path, target: Path) -> bool:
    """Move a folder to a name that nothing has; return False if something has it."""
    if target.exists():
        return False
    try:
        partial.rename(target)
    except OSError:
        if target.exists():
            return False
        raise
    return True


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names in one step, as Linux can on most file systems; return whether it was done."""
    names = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    renameat2 = _function_of_libc("renameat2", *names)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


def _function_of_libc(name: str, *types: Any) -> Callable[..., int] | None:
    """Return a function of the C library that Python has no name for, or None where there is none."""
    found = getattr(ctypes.CDLL(None, use_errno=True), name, None) if os.name == "posix" else None
    if found is not None:
        found.argtypes = types
    return cast("Callable[..., int] | None", found)


def _remove_left_behind(target: Path) -> None:
    """Remove partial files of this target whose process is gone."""
    pattern = re.compile(re.escape(f".{_short(target.name)}.") + r"(\d+)\.\d+(\.old)?\.partial")
    with os.scandir(target.parent) as entries:
        found = [(match, Path(entry.path)) for entry in entries if (match := pattern.fullmatch(entry.name))]
    for match, path in found:
        if _is_alive(int(match[1]), path):
            continue
        if match[2] and not target.exists():
            path.rename(target)  # its process died between the two renames of a swap
        else:
            _remove(path)


def _is_alive(pid: int, path: Path) -> bool:
    """Return whether whoever writes a partial file may still be at it.

    A process id alone does not tell: in a container every process may have the same one, and on a shared folder it may
    be another machine's. So a file counts as left behind only if its lock is free, too.
    """
    if pid == os.getpid():
        with _ours_lock:
            return path.name in _ours
    if fcntl is None:
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        pass
    except PermissionError:
        return True
    else:
        return True
    if path.is_dir():
        return False
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _is_locked(handle: int) -> bool:
    """Wait for the lock of an open file; return False where files cannot be locked."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        return False
    return True


def _is_still(handle: int, path: Path) -> bool:
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    opened = os.fstat(handle)
    return (opened.st_dev, opened.st_ino) == (now.st_dev, now.st_ino)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
