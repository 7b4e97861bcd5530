"""Where things are in a project's `.odibi` folder, and how runs are named.

::

    .odibi/
      .gitignore              *
      runs/<run_id>.jsonl     the journal of a run: the truth
      runs/<run_id>.open      there from before the journal until after its end line: a hint where recovery has to look
      index.sqlite3           derived from the journals; may be deleted at any time
      leases/<name>.json      which run of a project and environment has the lease, or had it last
      leases/<name>.lock      locked by that run for as long as it lives
      delivery/<sink>/        one cursor per run that a log sink does not have completely, the sink's lock and place
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from odibi_core.errors import RunLogError

__all__ = [
    "check_run_id",
    "delivery_folder",
    "discard_journal",
    "index_path",
    "journal_path",
    "lease_path",
    "make_folder",
    "make_state_dir",
    "marker_path",
    "new_run_id",
    "run_ids",
    "runs_folder",
]

_RUN_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_TIME_FORMAT: Final = "%Y%m%dT%H%M%S.%f"
_TICK: Final = timedelta(microseconds=1)
_NOT_IN_A_FOLDER_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")


def new_run_id(state_dir: Path | None = None) -> str:
    """Return an id for a run that starts now; ids sort by the order in which their runs started.

    What is the newest run, and what has been put right since something failed, is told by the ids. So an id is greater
    than those of all runs before it, also after a clock that was fast was put right, or on a machine whose clock is
    behind that of the last one.

    Args:
        state_dir: The project's `.odibi` folder, with the runs before; None looks at the clock only.

    Returns:
        UTC to the microsecond and eight random hexadecimal digits, such as ``20261121T213000.123456-1a2b3c4d``.

    Raises:
        RunLogError: The folder is there and cannot be read.

    Example:
        >>> len(new_run_id())
        31
    """
    moment = datetime.now(UTC)
    newest = None if state_dir is None else _newest_moment(state_dir)
    if newest is not None and newest >= moment:
        moment = newest + _TICK
    return f"{moment:{_TIME_FORMAT}}-{secrets.token_hex(4)}"


def _newest_moment(state_dir: Path) -> datetime | None:
    for run_id in reversed(run_ids(state_dir)):
        try:
            return datetime.fromisoformat(run_id.rpartition("-")[0]).replace(tzinfo=UTC)
        except ValueError:
            continue  # a journal that somebody has named otherwise
    return None


def check_run_id(run_id: str) -> str:
    """Return a run id that is safe as a file name, or raise ValueError."""
    if _RUN_ID.fullmatch(run_id) is None:
        raise ValueError(
            f"Run id {run_id!r} cannot name a journal: letters, digits, '.', '_' and '-' are allowed, starting with a "
            f"letter or digit, 121 at most. Use new_run_id()."
        )
    return run_id


def runs_folder(state_dir: Path) -> Path:
    """Return the folder of the journals."""
    return state_dir / "runs"


def journal_path(state_dir: Path, run_id: str) -> Path:
    """Return the file of a run's journal."""
    return runs_folder(state_dir) / f"{run_id}.jsonl"


def marker_path(journal: Path) -> Path:
    """Return the file that says that a journal may still be without its end line."""
    return journal.with_suffix(".open")


def discard_journal(journal: Path) -> None:
    """Remove a journal that has no header: a run without one did nothing, so nothing is lost with it."""
    journal.unlink(missing_ok=True)
    marker_path(journal).unlink(missing_ok=True)


def index_path(state_dir: Path) -> Path:
    """Return the file of the derived index."""
    return state_dir / "index.sqlite3"


def delivery_folder(state_dir: Path, key: str) -> Path:
    """Return the folder of a log sink's cursors.

    Args:
        state_dir: The project's `.odibi` folder.
        key: The sink's stable key; any text. Keys that differ have folders that differ.
    """
    return state_dir / "delivery" / _name_of(key, otherwise="sink")


def lease_path(state_dir: Path, *, project: str, env: str) -> Path:
    """Return the file that says which run of a project and environment has the lease.

    Args:
        state_dir: The project's `.odibi` folder.
        project: The project's name, as `fold` returns it.
        env: The environment, as `fold` returns it.
    """
    return state_dir / "leases" / f"{_name_of(f'{env}/{project}', otherwise='run')}.json"


def _name_of(key: str, *, otherwise: str) -> str:
    readable = _NOT_IN_A_FOLDER_NAME.sub("_", key).strip("._")[:40]
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{readable or otherwise}-{digest}"


def run_ids(state_dir: Path, *, suffix: str = ".jsonl") -> tuple[str, ...]:
    """Return the runs that have a file with a suffix in the folder of the journals, oldest first.

    Args:
        state_dir: The project's `.odibi` folder; one that does not exist has no runs.
        suffix: ``".jsonl"`` for all journals, ``".open"`` for those that may be without an end line.

    Raises:
        RunLogError: The folder is there and cannot be read.
    """
    folder = runs_folder(state_dir)
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise RunLogError(
            f"Cannot list the run log's folder {folder}: {error.strerror}. Whether there were runs is not known. "
            f"Check that it is a folder and that this user may read it."
        ) from error
    found = (name[: -len(suffix)] for name in names if name.endswith(suffix))
    return tuple(sorted(run_id for run_id in found if _RUN_ID.fullmatch(run_id)))


def make_state_dir(state_dir: Path) -> None:
    """Make the folders that a run needs, and keep them out of version control.

    Args:
        state_dir: The project's `.odibi` folder.

    Raises:
        RunLogError: A folder cannot be made.
    """
    make_folder(runs_folder(state_dir))
    ignore = state_dir / ".gitignore"
    try:
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise RunLogError(f"Cannot write {ignore}: {error.strerror}. A run needs to write to this folder.") from error


def make_folder(folder: Path) -> None:
    """Make a folder of the run log with its parents, or raise RunLogError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunLogError(
            f"Cannot make the run log's folder {folder}: {error.strerror}. A run needs to write there; check the "
            f"permissions, and that no file has that name."
        ) from error
