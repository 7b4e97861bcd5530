"""Where Delta tables are: opening them, and saying in words what went wrong there."""

# ruff: noqa: TID253  # imported when a Delta table is first read or saved, for the sake of deltalake

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from odibi_core.plugin import ConfigError, DataError, DataFormatError, Dataset, OdibiError, TransientError

__all__ = ["check_folder", "in_words", "local_folder", "open_table", "readable", "shown", "storage_options", "subject"]

_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@]*:[^/@]*(?=@)")
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*m")
_TRACE: Final = re.compile(r"^\s+(\d+: |at /|at .*:\d+$)")
_DATA: Final = "Preview of invalid data"
_INVALID: Final = re.compile(r"Invalid data found: (\d+) rows? failed validation check")
_UNREACHABLE: Final = re.compile(
    r"error sending request|timed? ?out|connection (?:reset|refused|closed)", re.IGNORECASE
)
_RACE: Final = re.compile(r"concurrent|changed since|already exists|transaction: \d+$")
_DATA_FILE: Final = re.compile(r"part-\d{5}-[0-9a-f-]{36}-c\d+\.(\w+\.)?parquet(#\d+)?")

_FSSPEC_NAMES: Final[Mapping[str, str]] = {
    # s3fs and gcsfs; those of adlfs are understood as they are
    "key": "access_key_id",
    "secret": "secret_access_key",
    "anon": "skip_signature",
    "region_name": "region",
}


def subject(dataset: Dataset) -> str:
    """Return how messages call a dataset.

    Example:
        >>> subject(Dataset(name="silver.a", kind="table", format="delta", location="/data/silver/a"))
        "'silver.a' (delta)"
    """
    return f"{dataset.name!r} ({dataset.format})"


def shown(dataset: Dataset) -> str:
    """Return a dataset's location for messages, without credentials."""
    return _CREDENTIALS.sub("***", dataset.location)


def local_folder(dataset: Dataset) -> Path | None:
    """Return the folder of a table that is on this machine, else None."""
    path = dataset.location.removeprefix("file://")
    return None if "://" in path else Path(path)


def storage_options(dataset: Dataset) -> dict[str, str] | None:
    """Return what a connection says about reaching a table, as delta-rs understands it.

    Connections speak fsspec's language. Delta-rs knows most of it; what s3fs and gcsfs name otherwise is translated.

    Args:
        dataset: The dataset.

    Raises:
        ConfigError: The connection says something that has no place in delta-rs.

    Example:
        >>> options = {"key": "AK", "secret": "SK", "client_kwargs": {"endpoint_url": "http://minio:9000"}}
        >>> dataset = Dataset(name="a", kind="table", format="delta", location="s3://b/a", storage_options=options)
        >>> storage_options(dataset)
        {'access_key_id': 'AK', 'secret_access_key': 'SK', 'endpoint_url': 'http://minio:9000'}
    """
    given = dict(dataset.storage_options)
    inner = given.pop("client_kwargs", None) or {}
    token_name = "google_service_account" if dataset.location.startswith(("gs://", "gcs://")) else "session_token"
    options = {}
    for name, value in {**given, **inner}.items():
        if value is None:
            continue
        if not isinstance(value, str | int | float):
            raise ConfigError(
                f"{subject(dataset)}: connection {dataset.connection!r} gives the storage option {name!r}, a "
                f"{type(value).__name__}; delta-rs takes text, numbers, true and false only"
            )
        text = str(value).lower() if isinstance(value, bool) else str(value)
        options[token_name if name == "token" else _FSSPEC_NAMES.get(name, name)] = text
    return options or None


def open_table(dataset: Dataset) -> DeltaTable | None:
    """Return a table as it is now; None if nothing is there, and only then.

    Args:
        dataset: Where it is.

    Raises:
        DataFormatError: Something else is there, or a table whose log is damaged.
        ConfigError: The location or the options are such that delta-rs cannot go there.
    """
    folder = local_folder(dataset)
    if folder is not None:
        if unquote(str(folder)) != str(folder):
            # Measured with 1.6.6: it decodes the path when it reads the log, and not when it writes.
            raise ConfigError(
                f"{subject(dataset)}: delta-rs takes {shown(dataset)} for {unquote(str(folder))}; rename it"
            )
        if folder.exists() and not folder.is_dir():
            raise DataFormatError(f"{subject(dataset)}: {shown(dataset)} is a file, and a Delta table is a folder")
    table, error = _opened(dataset)
    if table is None and folder is not None and _has_log(folder):
        # Somebody may have made it just now.
        table, error = _opened(dataset)
        if table is None:
            raise DataFormatError(
                f"{subject(dataset)}: the log of the Delta table {shown(dataset)} is damaged: {error}. "
                "Restore the files of its _delta_log."
            )
    return table


def check_folder(dataset: Dataset) -> None:
    """Make sure that a new table does not get mixed up with what is in its folder, or with a table around it.

    Vacuuming a table removes every file below its folder that is not its own. Data files without a log are left by a
    first save that was killed, and no reason to refuse the next one.

    Args:
        dataset: Where the new table is going to be.

    Raises:
        DataFormatError: The folder holds other things, or is inside another Delta table.
    """
    folder = local_folder(dataset)
    if folder is None:
        return
    around = next((parent for parent in folder.parents if _has_log(parent)), None)
    if around is not None:
        raise DataFormatError(
            f"{subject(dataset)}: {shown(dataset)} would be inside the Delta table {around}, whose vacuum would remove "
            "it. Nothing was written. Choose another place for one of them."
        )
    others = sorted(entry.name for entry in folder.iterdir() if not _is_left_over(entry)) if folder.is_dir() else []
    if others:
        raise DataFormatError(
            f"{subject(dataset)}: {shown(dataset)} is no Delta table and holds {others[0]!r}"
            f"{f' and {len(others) - 1} more' if others[1:] else ''}. Nothing was written. Choose another place, or "
            "remove what is there."
        )


def readable(error: BaseException) -> str:
    """Return what delta-rs says as one line: without colours, stack traces, and the rows that it quotes."""
    text = _ESCAPES.sub("", str(error)).split(_DATA, maxsplit=1)[0]
    return " ".join(" ".join(line for line in text.splitlines() if not _TRACE.match(line)).split()).rstrip(".:")


@contextmanager
def in_words(dataset: Dataset, *, doing: str) -> Iterator[None]:
    """Put into words what goes wrong in delta-rs. A lost race for a commit is left to whoever can run it again.

    Args:
        dataset: What is being read or saved.
        doing: What is being done, such as ``"read"``.

    Raises:
        TransientError: The store could not be reached.
        DataError: Anything else.
    """
    try:
        yield
    except (OdibiError, MemoryError):
        raise
    except Exception as error:
        # Most of delta-rs' errors are its own, and some are bare Exceptions.
        text = readable(error)
        if isinstance(error, CommitFailedError) and _RACE.search(text):
            raise
        said = f"{subject(dataset)} cannot be {doing} at {shown(dataset)}: {text}"
        if local_folder(dataset) is None and _UNREACHABLE.search(text):
            raise TransientError(f"{said}. Check the connection, or try again.") from error
        raise DataError(f"{said}.{_advice(text)}") from error


def _opened(dataset: Dataset) -> tuple[DeltaTable | None, str]:
    try:
        return DeltaTable(dataset.location, storage_options=storage_options(dataset)), ""
    except TableNotFoundError as error:
        if "Unknown scheme" in str(error):
            scheme = dataset.location.split("://", maxsplit=1)[0]
            raise ConfigError(f"{subject(dataset)}: delta-rs does not know the scheme {scheme}://") from error
        return None, readable(error)


def _advice(text: str) -> str:
    if (invalid := _INVALID.search(text)) is not None:
        return (
            f" {invalid[1]} of the rows break a rule of the table: a column that must not be null, a constraint, or "
            "the output's replace_where. Nothing was written."
        )
    if "column-mapped" in text:
        return " Its columns are mapped by name; change them with Spark, or save to a new table."
    if "Unsupported table features" in text:
        return " delta-rs reads tables with these features and does not write them; save this one with Spark."
    if "No space left" in text:
        return " Free some space."
    return ""


def _has_log(folder: Path) -> bool:
    try:
        with os.scandir(folder / "_delta_log") as entries:
            return any(entry.name.endswith((".json", ".parquet")) for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_left_over(entry: Path) -> bool:
    if entry.is_dir():
        # A partition's folder: it may hold what the table's own folder may.
        return entry.name == "_delta_log" or ("=" in entry.name and all(map(_is_left_over, entry.iterdir())))
    return _DATA_FILE.fullmatch(entry.name) is not None or entry.name.startswith(".")
