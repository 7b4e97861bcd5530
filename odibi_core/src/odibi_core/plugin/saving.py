"""What every saver of files does alike: modes, parent folders, atomic replacement, the way to remote file systems."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from odibi_core.errors import ConfigError, DataFormatError, DatasetExistsError
from odibi_core.plugin.datasets import Dataset, SaveReport
from odibi_core.plugin.files import TargetAppearedError, locked, staged_file, staged_folder
from odibi_core.plugin.places import Place, place_of

__all__ = ["WriteContent", "Written", "refuse_folder", "save", "subject_of"]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Args:
        rows: How many rows were added.
        bytes: How large all of it is.
    """

    rows: int
    bytes: int


WriteContent: TypeAlias = Callable[[Path, Path | None], Written]
"""Writes content: called with the path to write and, to append, the path of what is there.

What a lazy frame planned is done here, so this is where it fails if it does.
"""

_MODES = ("overwrite", "append", "error", "ignore")
_numbers = itertools.count(1)


def subject_of(dataset: Dataset) -> str:
    """Return how messages call an output.

    Example:
        >>> subject_of(Dataset(name="silver.a", kind="table", format="csv", location="/data/silver/a.csv"))
        "'silver.a': /data/silver/a.csv"
    """
    return f"{dataset.name!r}: {place_of(dataset).shown}"


def refuse_folder(old: Path | None, dataset: Dataset) -> None:
    """Raise if rows are to be appended to a folder of files, as Spark saves one; it can only be replaced.

    Args:
        old: What is appended to, if anything is.
        dataset: The output.

    Raises:
        DataFormatError: It is a folder.
    """
    if old is not None and old.is_dir():
        raise DataFormatError(
            f"{subject_of(dataset)} is a folder of {dataset.format} files; append with the engine that saved it, or "
            "save with mode 'overwrite'"
        )


def save(
    dataset: Dataset,
    *,
    write: WriteContent,
    as_folder: bool = False,
    replaces_folder: Callable[[Path], bool] | None = None,
) -> SaveReport:
    """Save a dataset: afterwards all of it is there, or nothing has changed.

    Args:
        dataset: Where to, and in which mode.
        write: Writes the content.
        as_folder: Whether `write` writes a folder of files.
        replaces_folder: Says of a folder that is there whether it is nothing but such a dataset, so that it may be
            replaced or appended to; without it no folder may.

    Raises:
        DatasetExistsError: The mode is ``error`` and something is there.
        DataFormatError: What is there is a folder that must not be replaced.
        ConfigError: The mode is none of the four, or partitions are asked for and cannot be had.
    """
    if dataset.mode not in _MODES:
        raise ConfigError(f"{subject_of(dataset)}: mode {dataset.mode!r} is none of {', '.join(_MODES)}")
    place = place_of(dataset)
    if dataset.partition_by and not as_folder:
        raise ConfigError(
            f"{subject_of(dataset)}: {dataset.format} has no partitions; save as parquet, or leave out partition_by"
        )
    if not place.is_local:
        if as_folder:
            raise ConfigError(
                f"{subject_of(dataset)}: partitions can be saved on a local file system only; leave out partition_by"
            )
        return _save_remote(dataset, place, write)
    # The file that a link points to is replaced, and the link stays.
    target = Path(os.path.realpath(place.path))
    with _named(place.path):
        target.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with contextlib.suppress(TargetAppearedError), locked(target) as is_there:
                return _save_local(
                    dataset,
                    target,
                    write,
                    is_there=is_there,
                    as_folder=as_folder,
                    replaces_folder=replaces_folder,
                )


def _save_local(
    dataset: Dataset,
    target: Path,
    write: WriteContent,
    *,
    is_there: bool,
    as_folder: bool,
    replaces_folder: Callable[[Path], bool] | None,
) -> SaveReport:
    if is_there and (kept := _kept(dataset)):
        return kept
    if target.is_dir() and not (replaces_folder is not None and replaces_folder(target)):
        raise DataFormatError(
            f"{subject_of(dataset)} is a folder that holds other things than {dataset.format} files; "
            "nothing was written, so as not to lose them. Choose another path, or empty it."
        )
    old = target if is_there and dataset.mode == "append" else None
    only_if_absent = not is_there and dataset.mode != "overwrite"
    staged = staged_folder if as_folder else staged_file
    with staged(target, only_if_absent=only_if_absent) as partial:
        written = write(partial, old)
    return SaveReport(rows=written.rows, bytes=written.bytes, location=dataset.location)


def _save_remote(dataset: Dataset, place: Place, write: WriteContent) -> SaveReport:
    """Save to another file system: complete here first, then uploaded under another name, then moved.

    The move is what makes it all or nothing, as far as the store can: one step on HDFS or SFTP, a copy that appears
    when it is complete on object stores.
    """
    is_there = place.exists()
    if is_there and (kept := _kept(dataset)):
        return kept
    if place.is_folder():
        raise DataFormatError(
            f"{subject_of(dataset)} is a folder; nothing was written. Choose another path, or remove it."
        )
    filesystem, path = place.filesystem, PurePosixPath(place.path)
    partial = str(path.with_name(f".{path.name}.{os.getpid()}.{next(_numbers)}.partial"))
    with tempfile.TemporaryDirectory(prefix="odibi-") as folder:
        local, old = Path(folder, "new"), None
        if is_there and dataset.mode == "append":
            old = Path(folder, "old")
            filesystem.get_file(place.path, str(old))
        local.touch()
        written = write(local, old)
        filesystem.makedirs(str(path.parent), exist_ok=True)
        try:
            filesystem.put_file(str(local), partial)
            filesystem.mv(partial, place.path)
        except BaseException:
            with contextlib.suppress(OSError):
                filesystem.rm_file(partial)
            raise
    return SaveReport(rows=written.rows, bytes=written.bytes, location=place.shown)


def _kept(dataset: Dataset) -> SaveReport | None:
    """Return what to report, or raise, if something is there and the mode leaves it."""
    if dataset.mode == "error":
        raise DatasetExistsError(
            f"{subject_of(dataset)} exists, and the mode is 'error'; remove it, or save with another mode"
        )
    if dataset.mode == "ignore":
        return SaveReport(rows=0, bytes=0, location=place_of(dataset).shown, was_written=False)
    return None


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Have the operating system's errors name the target: some name nothing, others the partial file."""
    try:
        yield
    except OSError as error:
        is_named = error.filename is not None and not str(error.filename).endswith(".partial")
        if error.errno is None or is_named or type(error).__module__ != "builtins":
            raise
        raise OSError(error.errno, error.strerror or str(error), path) from error
