"""Where data is: files that this process and Spark both see, or a location that only Spark reaches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from odibi_core.plugin import ConfigError, Dataset
from odibi_engine_spark.storage import reachable

if TYPE_CHECKING:
    from odibi_engine_spark.engine import SparkEngine

__all__ = ["Place", "place_of", "uri_of", "without_secrets"]

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:/")
_CREDENTIALS = re.compile(r"(?<=://)[^/@]*:[^/@]*(?=@)")
_GLOB = re.compile(r"([\\*?\[\]{}])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A file, folder or glob.

    Args:
        path: Its path, if this process and Spark both see it.
        uri: What Spark is given, if only Spark reaches it.
        shown: The location for messages, without credentials.
        options: What Spark has to be told to reach it; holds secrets.
    """

    path: Path | None
    uri: str
    shown: str
    options: dict[str, str]


def place_of(dataset: Dataset, *, engine: SparkEngine) -> Place:
    """Return where a dataset is.

    Args:
        dataset: A dataset of kind ``table`` or ``path``.
        engine: The engine, which knows whether Spark sees the files of this process.

    Raises:
        ConfigError: The dataset is a query, or its connection says what cannot be said to Spark.
    """
    if dataset.kind == "query":
        raise ConfigError(f"{dataset.name!r} is a query; read it with the format sql, not {dataset.format}")
    location = dataset.location
    if location.startswith("file:"):
        location = "/" + location.removeprefix("file:").lstrip("/")
    if not _SCHEME.match(location):
        path = Path(location) if engine.flavour.shares_files else None
        return Place(path=path, uri=location, shown=location, options={})
    shown = without_secrets(location)
    uri, options = reachable(location, dataset.storage_options, subject=f"{dataset.name!r}: {shown}")
    if options and engine.flavour.kind == "sail":
        raise ConfigError(
            f"{dataset.name!r}: {shown}: Sail takes what it needs to reach a store from environment variables "
            "(AWS_ACCESS_KEY_ID, AZURE_STORAGE_ACCOUNT_NAME, ...); set them, and leave it out of the connection"
        )
    return Place(path=None, uri=uri, shown=shown, options=options)


def uri_of(path: Path, *, engine: SparkEngine, is_output: bool = False) -> str:
    """Return the URI by which Spark opens a local file: it would look on its default file system otherwise.

    Spark takes a URI's text as it is, and what is to be read for a glob; Sail decodes percent signs.

    Args:
        path: An absolute path.
        engine: The engine.
        is_output: Whether it is to be written.
    """
    text = path.as_posix()
    if engine.flavour.kind == "sail":
        text = quote(text)
    elif not is_output:
        text = _GLOB.sub(r"\\\1", text)
    return f"file:///{text.lstrip('/')}"


def without_secrets(location: str) -> str:
    """Return a location without the user and password that a URL may hold.

    Example:
        >>> without_secrets("s3a://key:secret@bucket/a.csv")
        's3a://***@bucket/a.csv'
    """
    return _CREDENTIALS.sub("***", location)
