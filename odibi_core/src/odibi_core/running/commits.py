"""Where an output is, told apart before and after a save: what must not be saved twice, and what was not saved at all.

A process can be killed between the moment at which a saver puts an output in its place and the record that says so. For
an output that is overwritten that does not matter: the next run overwrites it again. For one that is appended to it
does. So before such a save the run log gets a note of what was there, and after it a note that it is done; if only the
first is there, what is there now says which of the two it was, because savers replace what they save in one step.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from odibi_core.plugin import Dataset
from odibi_core.runlog.records import NoteKind

if TYPE_CHECKING:
    from odibi_core.planning import PlannedTransformation
    from odibi_core.runlog import Journal

__all__ = ["MISSING", "UNKNOWN", "SaveNotes", "identify", "local_path"]

MISSING: Final = "missing"
"""The identity of a place where nothing is."""

UNKNOWN: Final = "unknown"
"""The identity of a place that cannot be looked at from here."""

_NOTED_MODES: Final = frozenset({"append", "error"})
"""Saving twice does not give what saving once gives; for all other modes it does."""

_LOG_OF_TABLE: Final = {"delta": "_delta_log", "iceberg": "metadata"}
"""Formats in which data files mean nothing until a file of the table's own log names them."""


def local_path(location: str) -> str | None:
    """Return a dataset's location as a path of this machine's file system; None if it is something else.

    Args:
        location: A path, a URI, or whatever else a reader understands.

    Example:
        >>> local_path("s3://bucket/orders.parquet") is None, local_path("silver.orders") is None
        (True, True)
    """
    path = location.removeprefix("file://")
    return path if "://" not in path and os.path.isabs(path) else None  # noqa: PTH117 - locations are text


def identify(dataset: Dataset, *, inode: bool = True) -> str:
    """Return what tells the present content of a dataset's place from its content at another time, without reading it.

    Args:
        dataset: A table or a path that is no glob.
        inode: Whether a copy with the same size and time counts as something else.

    Returns:
        A short text to be compared with an earlier one; `MISSING`, or `UNKNOWN` for what is not local.
    """
    path = local_path(dataset.location)
    if path is None or dataset.kind == "query":
        return UNKNOWN
    log = _LOG_OF_TABLE.get(dataset.format)
    try:
        if log is not None:
            return _identity_of_log(os.path.join(path, log))  # noqa: PTH118 - locations are text
        state = os.stat(path)  # noqa: PTH116 - see above
        return _identity_of_folder(path, inode=inode) if stat.S_ISDIR(state.st_mode) else _mark(state, inode=inode)
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    except OSError:
        return UNKNOWN


@dataclass(frozen=True, slots=True)
class SaveNotes:
    """Writes the notes on the saves of one transformation.

    Args:
        planned: The transformation.
        journal: Where they go.
    """

    planned: PlannedTransformation
    journal: Journal

    def before(self, position: int) -> None:
        """Note, if saving twice would matter, what is there before an output is saved."""
        dataset = self.planned.outputs[position].dataset
        if dataset.mode in _NOTED_MODES:
            self.journal.note(NoteKind.SAVING, **self._names(position), before=identify(dataset))

    def after(self, position: int) -> None:
        """Note, if saving twice would matter, that an output was saved; then make the run log durable."""
        if self.planned.outputs[position].dataset.mode in _NOTED_MODES:
            self.journal.note(NoteKind.SAVED, **self._names(position))
        self.journal.barrier()

    def failed(self, position: int) -> None:
        """Note, if saving twice would matter, that the saver raised."""
        if self.planned.outputs[position].dataset.mode in _NOTED_MODES:
            self.journal.note(NoteKind.UNSAVED, **self._names(position))

    def _names(self, position: int) -> dict[str, object]:
        location = self.planned.outputs[position].dataset.location
        return {"transformation_id": self.planned.transformation_id, "output": position, "location": location}


def _mark(state: os.stat_result, *, inode: bool) -> str:
    mark = f"{state.st_size}-{state.st_mtime_ns}"
    return f"{mark}-{state.st_ino}" if inode else mark


def _identity_of_folder(path: str, *, inode: bool) -> str:
    digest = blake2b(digest_size=12)
    for name, state in _files(path, ""):
        digest.update(f"{name}\0{_mark(state, inode=inode)}\0".encode("utf-8", "surrogateescape"))
    return f"folder-{digest.hexdigest()}"


def _files(folder: str, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.name.startswith((".", "_")):
            continue  # what is being written, and what readers of folders leave out too
        if entry.is_dir():
            yield from _files(entry.path, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name, entry.stat()


def _identity_of_log(folder: str) -> str:
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.name.endswith(".json") and entry.name[0] not in "._")
    return f"log-{blake2b('/'.join(names).encode(), digest_size=12).hexdigest()}" if names else MISSING
