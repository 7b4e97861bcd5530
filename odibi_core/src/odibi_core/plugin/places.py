"""Where data is: a path of this machine, or a path of a file system that fsspec knows.

fsspec is needed for the latter only, and is a matter of the distribution that reads or saves there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from odibi_core.errors import ConfigError
from odibi_core.plugin.datasets import Dataset

__all__ = ["Place", "is_url", "place_of", "without_secrets"]

_CREDENTIALS = re.compile(r"(?<=://)[^/@]*:[^/@]*(?=@)")


@dataclass(frozen=True, slots=True)
class Place:
    """A file, folder or glob, and how to reach it.

    Args:
        path: The path, as this machine or the file system understands it.
        shown: The location for messages, without credentials.
        filesystem: The fsspec file system, or None for this machine's own files.
    """

    path: str
    shown: str
    filesystem: Any = None

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine."""
        return self.filesystem is None

    def exists(self) -> bool:
        """Return whether something is there."""
        return Path(self.path).exists() if self.is_local else bool(self.filesystem.exists(self.path))

    def is_file(self) -> bool:
        """Return whether a file is there."""
        return Path(self.path).is_file() if self.is_local else bool(self.filesystem.isfile(self.path))

    def is_folder(self) -> bool:
        """Return whether a folder is there."""
        return Path(self.path).is_dir() if self.is_local else bool(self.filesystem.isdir(self.path))

    def open(self) -> BinaryIO:
        """Open the file for reading, as it is: still compressed."""
        if self.is_local:
            return Path(self.path).open("rb")
        return cast("BinaryIO", self.filesystem.open(self.path, "rb"))

    def at(self, path: str) -> Place:
        """Return another place of the same file system."""
        shown = path if self.is_local else without_secrets(str(self.filesystem.unstrip_protocol(path)))
        return Place(path, shown, self.filesystem)


def is_url(location: str) -> bool:
    """Return whether a location is for fsspec rather than a plain path.

    Example:
        >>> is_url("s3://lake/a.parquet"), is_url("/data/a.parquet")
        (True, False)
    """
    return "://" in location or "::" in location


def without_secrets(location: str) -> str:
    """Return a location without the user and password that a URL may hold.

    Example:
        >>> without_secrets("sftp://me:secret@host/a.csv")
        'sftp://***@host/a.csv'
    """
    return _CREDENTIALS.sub("***", location)


def place_of(dataset: Dataset) -> Place:
    """Return where a dataset is.

    Args:
        dataset: A dataset of kind ``table`` or ``path``.

    Raises:
        ConfigError: The dataset is a query, or its scheme is unknown or needs a package that is not installed.

    Example:
        >>> place_of(Dataset(name="a.csv", kind="path", format="csv", location="/data/a.csv")).path
        '/data/a.csv'
    """
    if dataset.kind == "query":
        raise ConfigError(f"{dataset.name!r} is a query, which this engine cannot run; read tables or files instead")
    location = dataset.location
    if not is_url(location):
        return Place(location, location)
    shown = without_secrets(location)
    if location.startswith("file://"):
        from urllib.request import url2pathname  # which brings ssl and http, for paths of files

        path = url2pathname(urlsplit(location).path)
        return Place(path, path)
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise ConfigError(
            f"{dataset.name!r}: {shown} is not on this machine, and fsspec is not installed. "
            "It needs: pip install fsspec"
        ) from error
    try:
        filesystem, path = url_to_fs(location, **dataset.storage_options)
    except ImportError as error:
        raise ConfigError(f"{dataset.name!r}: {shown} needs a package that is not installed: {error}") from error
    except ValueError as error:
        raise ConfigError(f"{dataset.name!r}: {shown} is no location that fsspec knows: {error}") from error
    if "file" in ((filesystem.protocol,) if isinstance(filesystem.protocol, str) else filesystem.protocol):
        return Place(path, path)
    # A listing that was cached before another process wrote would hide what is there now.
    filesystem.invalidate_cache()
    return Place(path, shown, filesystem)
