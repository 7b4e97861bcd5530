"""From a location to the files that it stands for, where this process sees them."""

from __future__ import annotations

import difflib
import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from odibi_core.plugin import DataFormatError, Dataset, DatasetNotFoundError
from odibi_engine_spark.files.compression import plain_name

__all__ = ["NULL_PARTITION", "Files", "find_files"]

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""The name of the folder of rows whose partition column is null."""

_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files of a dataset, sorted by path.

    Args:
        paths: The files; at least one.
        folder: The folder that they are below, if one was asked for.
        keys: The partition columns in their paths, outermost first.
    """

    paths: tuple[Path, ...]
    folder: Path | None = None
    keys: tuple[str, ...] = ()

    def partition_of(self, path: Path) -> dict[str, str | None]:
        """Return the values of the partition columns in the path of a file."""
        if self.folder is None:
            return {}
        named = [part.partition("=") for part in path.relative_to(self.folder).parts[:-1] if "=" in part]
        return {unquote(key): None if value in {NULL_PARTITION, ""} else unquote(value) for key, _, value in named}


def find_files(dataset: Dataset, path: Path, *, suffixes: Sequence[str]) -> Files:
    """Return the files that a path stands for.

    A folder stands for all files of the format below it, without names that start with a dot or an underscore. A glob
    is the shell's: ``**`` stands for any number of folders, and only a name that starts with a dot must be asked for.

    Args:
        dataset: What is to be read.
        path: Its absolute path.
        suffixes: The suffixes of the format, without those of compressions.

    Raises:
        DatasetNotFoundError: Nothing is there; says what is near.
        DataFormatError: The files below a folder are partitioned in different ways.
    """
    if path.is_file():
        return Files(paths=(path,))
    if path.is_dir():
        return _files_below(dataset, path, suffixes)
    matches = glob.glob(str(path), recursive=True) if glob.has_magic(str(path)) else []  # noqa: PTH207 - as pandas has it
    found = sorted(file for match in matches if (file := Path(match)).is_file())
    if not found:
        raise DatasetNotFoundError(f"{dataset.name!r}: {_not_found(path)}")
    return Files(paths=tuple(found))


def _files_below(dataset: Dataset, folder: Path, suffixes: Sequence[str]) -> Files:
    found = sorted(
        path
        for path in folder.rglob("*")
        if not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
        and plain_name(path.name).lower().endswith(tuple(suffixes))
        and path.is_file()
    )
    if not found:
        raise DatasetNotFoundError(
            f"{dataset.name!r}: the folder {folder} has no {dataset.format} files ({', '.join(suffixes)})"
        )
    files = Files(paths=tuple(found), folder=folder)
    ways = {tuple(files.partition_of(path)) for path in found}
    if len(ways) > 1:
        shown = "; ".join(sorted("/".join(way) or "none" for way in ways))
        raise DataFormatError(
            f"{dataset.name!r}: the files below {folder} have different partitions ({shown}); read them apart"
        )
    return Files(paths=files.paths, folder=folder, keys=ways.pop())


def _not_found(path: Path) -> str:
    """Say what is missing and what is near it: the first folder that is there, and its names that are most alike."""
    folder, missing = path.parent, path.name
    while folder != folder.parent and not folder.is_dir():
        folder, missing = folder.parent, folder.name
    headline = f"no file matches {path}" if glob.has_magic(str(path)) else f"{path} does not exist"
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    near = difflib.get_close_matches(missing, names, n=_NAMES_SHOWN, cutoff=0.5) or names[:_NAMES_SHOWN]
    if not near:
        return f"{headline}; the folder {folder} is empty"
    rest = len(names) - len(near)
    return f"{headline}; {folder} has {', '.join(near)}" + (f" and {rest} more" if rest else "")
