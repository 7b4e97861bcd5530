"""How far a log sink has got with a run: one small file per sink and run, replaced as a whole."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from odibi_core.runlog.disk import write_atomically
from odibi_core.runlog.liveness import LockOutcome, lock_file

__all__ = [
    "Cursor",
    "forget_cursor",
    "load_cursor",
    "note_owner",
    "owner_of",
    "pending_runs",
    "save_cursor",
    "sole_delivery",
]

_SUFFIX: Final = ".json"
_OWNER: Final = "sink"
_POLL: Final = 0.01
"""Seconds between looks at a lock that another process holds for the length of one batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """What a sink has of a run.

    Args:
        seq: The last record that it acknowledged.
        offset: The place in the journal behind that record.
        intent: The last record of a batch that it was given and has not acknowledged; None if there is none. After a
            crash it says that the sink may have more than `seq`.
    """

    seq: int
    offset: int
    intent: int | None = None


def load_cursor(folder: Path, run_id: str) -> Cursor | None:
    """Return a run's cursor, or None if the sink has nothing to catch up on.

    A file that a power failure has emptied is a cursor that knows nothing: the sink has to be asked.

    Args:
        folder: The sink's folder.
        run_id: The run.

    Raises:
        OSError: It is there and cannot be read.
    """
    try:
        content = json.loads((folder / f"{run_id}{_SUFFIX}").read_bytes())
        return Cursor(seq=int(content["seq"]), offset=int(content["offset"]), intent=content["intent"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return Cursor(seq=0, offset=0, intent=0)


def save_cursor(folder: Path, run_id: str, cursor: Cursor) -> None:
    """Replace a run's cursor.

    Args:
        folder: The sink's folder.
        run_id: The run.
        cursor: The new one.

    Raises:
        OSError: It cannot be written; the old one is still there.
    """
    write_atomically(folder / f"{run_id}{_SUFFIX}", json.dumps(asdict(cursor)).encode("ascii"))


def forget_cursor(folder: Path, run_id: str) -> None:
    """Remove the cursor of a run that the sink has completely."""
    (folder / f"{run_id}{_SUFFIX}").unlink(missing_ok=True)


def pending_runs(folder: Path) -> tuple[str, ...]:
    """Return the runs that a sink does not have completely, oldest first; none if the folder is not there."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except FileNotFoundError:
        return ()
    return tuple(sorted(name[: -len(_SUFFIX)] for name in names if name.endswith(_SUFFIX) and name[0] != "."))


def note_owner(folder: Path, owner: str) -> None:
    """Write down, for people, whose cursors a folder has.

    Args:
        folder: The sink's folder.
        owner: What the sink is called and where it is, without secrets.

    Raises:
        OSError: It cannot be written.
    """
    if not (folder / _OWNER).exists():
        write_atomically(folder / _OWNER, owner.encode("utf-8", "backslashreplace"))


def owner_of(folder: Path) -> str:
    """Return whose cursors a folder has; the folder's own name if nobody has written that down."""
    try:
        return (folder / _OWNER).read_text(encoding="utf-8") or folder.name
    except (OSError, ValueError):
        return folder.name


_locks_of_this_process: dict[Path, threading.Lock] = {}
_locks_guard: Final = threading.Lock()


@contextmanager
def sole_delivery(folder: Path, *, until: float) -> Iterator[None]:
    """Keep every other thread and process from delivering to the same sink of the same project.

    Where the filesystem has no locks, only threads of this process are kept away.

    Args:
        folder: The sink's folder.
        until: When to give up, on the clock of `time.monotonic`.

    Raises:
        TimeoutError: Somebody else was delivering until then.
        OSError: The lock file cannot be opened.
    """
    with _locks_guard:
        own = _locks_of_this_process.setdefault(folder, threading.Lock())
    if not own.acquire(timeout=max(0.0, until - time.monotonic())):
        raise TimeoutError("another thread of this process is delivering to it")
    try:
        with (folder / "lock").open("ab") as file:
            while lock_file(file.fileno()) is LockOutcome.BUSY:
                if time.monotonic() >= until:
                    raise TimeoutError("another process is delivering to it")
                time.sleep(_POLL)
            yield
    finally:
        own.release()
