"""Compressed text, opened by this process: for what Spark cannot read itself, and for a look at the first lines."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from odibi_core.plugin import DataFormatError

__all__ = ["compression_of", "opened", "plain_name"]

_BY_SUFFIX = {".bz2": "bz2", ".gz": "gzip", ".xz": "xz", ".zip": "zip", ".zst": "zstd"}


def compression_of(path: Path, asked: str) -> str:
    """Return how a file is compressed, ``none`` if it is not.

    Args:
        path: The file.
        asked: The option: ``infer`` to go by the name, or the compression itself.

    Example:
        >>> compression_of(Path("landing/flights.csv.zip"), "infer"), compression_of(Path("flights.csv"), "infer")
        ('zip', 'none')
    """
    return _BY_SUFFIX.get(path.suffix.lower(), "none") if asked == "infer" else asked


def plain_name(name: str) -> str:
    """Return a file's name without the suffix of its compression.

    Example:
        >>> plain_name("flights.csv.zip")
        'flights.csv'
    """
    return Path(name).stem if Path(name).suffix.lower() in _BY_SUFFIX else name


@contextmanager
def opened(path: Path, compression: str, *, subject: str) -> Iterator[BinaryIO]:
    """Open a file's content.

    Args:
        path: The file.
        compression: How it is compressed, or ``none``.
        subject: What is read, for messages.

    Raises:
        DataFormatError: It is not compressed like that, is cut off, or is an archive of several files.
    """
    try:
        with _stream(path, compression, subject=subject) as stream:
            yield stream
    except (EOFError, lzma.LZMAError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, pa.ArrowException) as error:
        raise DataFormatError(
            f"{subject}: {path} cannot be decompressed as {compression}: {error}; it is cut off or damaged, or the "
            "option compression is wrong"
        ) from error
    except OSError as error:
        # An error of the operating system has a number; one without is a library's about the content.
        if error.errno is not None or compression == "none":
            raise
        raise DataFormatError(
            f"{subject}: {path} cannot be decompressed as {compression}: {error}; it is cut off or damaged"
        ) from error


@contextmanager
def _stream(path: Path, compression: str, *, subject: str) -> Iterator[BinaryIO]:
    with path.open("rb") as raw:
        if compression == "gzip":
            with gzip.GzipFile(fileobj=raw) as stream:
                yield cast("BinaryIO", stream)
        elif compression == "bz2":
            with bz2.BZ2File(raw) as stream:
                yield cast("BinaryIO", stream)
        elif compression == "xz":
            with lzma.LZMAFile(raw) as stream:
                yield cast("BinaryIO", stream)
        elif compression == "zstd":
            with pa.CompressedInputStream(raw, "zstd") as native, io.BufferedReader(native) as stream:
                yield cast("BinaryIO", stream)
        elif compression == "zip":
            with zipfile.ZipFile(raw) as archive, archive.open(_only_member(archive, path, subject)) as stream:
                yield cast("BinaryIO", stream)
        else:
            yield raw


def _only_member(archive: zipfile.ZipFile, path: Path, subject: str) -> str:
    # What macOS adds to every archive is no data.
    names = sorted(
        info.filename
        for info in archive.infolist()
        if not info.is_dir() and not info.filename.startswith("__MACOSX/") and Path(info.filename).name[:1] != "."
    )
    if len(names) != 1:
        raise DataFormatError(
            f"{subject}: {path} must hold one file to be read as one dataset, and holds {len(names)} "
            f"({', '.join(names[:5]) or 'nothing'}). Unpack it and read the folder."
        )
    return names[0]
