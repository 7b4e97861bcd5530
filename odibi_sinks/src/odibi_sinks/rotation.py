"""The older files of a log that is kept in several: ``runs.csv`` is written to, ``runs.000001.csv`` was the first.

A file that is full gets the next number, once and for all: nothing else is renamed, so whoever reads an older file is
not disturbed, and a program that ships logs sees each file once.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from odibi_core.plugin import ConfigError

__all__ = ["check_rotation", "older_files", "put_away"]


def check_rotation(*, append: bool, max_bytes: int | None, keep: int | None) -> None:
    """Refuse options of rotation that do not go together.

    Args:
        append: Whether the log keeps more than one run.
        max_bytes: The size that a file may have.
        keep: The number of older files.

    Raises:
        ConfigError: They do not.

    Example:
        >>> check_rotation(append=True, max_bytes=1_000_000, keep=5)
    """
    for name, number in (("max_bytes", max_bytes), ("keep", keep)):
        if number is not None and number < 1:
            raise ConfigError(f"The file log sink's {name} is {number}. It is 1 at least; leave it out for no limit.")
    if max_bytes is None:
        if keep is not None:
            raise ConfigError("The file log sink keeps older files only if max_bytes says when a file is full.")
    elif not append:
        raise ConfigError("The file log sink has one file per run with append=False, so max_bytes cannot divide it.")
    elif sys.platform == "win32":
        raise ConfigError("The file log sink cannot rename a file that is open on Windows: leave max_bytes out there.")


def older_files(path: Path, /) -> list[Path]:
    """Return the older files of a log, oldest first.

    Args:
        path: The file that is written to; it need not exist.

    Raises:
        OSError: Its folder cannot be read.

    Example:
        >>> older_files(Path("a-folder-that-is-not-there/runs.csv"))
        []
    """
    return [path.with_name(name) for _, name in _numbered(path)]


def put_away(path: Path, /, *, keep: int | None) -> None:
    """Give a full file its number, and remove the oldest ones. The caller holds the lock of the file.

    Args:
        path: The file.
        keep: How many older files there may be; None for any number.

    Raises:
        OSError: It cannot be renamed.
    """
    numbered = _numbered(path)
    last = numbered[-1][0] if numbered else 0
    path.rename(path.with_name(f"{path.stem}.{last + 1:06}{path.suffix}"))
    if keep is not None:
        for _, name in numbered[: max(0, len(numbered) + 1 - keep)]:
            path.with_name(name).unlink(missing_ok=True)


def _numbered(path: Path) -> list[tuple[int, str]]:
    pattern = re.compile(rf"{re.escape(path.stem)}\.([0-9]{{6,}}){re.escape(path.suffix)}")
    try:
        with os.scandir(path.parent) as entries:
            found = [(match, entry.name) for entry in entries if (match := pattern.fullmatch(entry.name))]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted((int(match[1]), name) for match, name in found)
