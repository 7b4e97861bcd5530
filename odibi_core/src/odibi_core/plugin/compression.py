"""Compressed files, read and written.

The standard library knows all kinds but zstd, which it has from Python 3.14 on; an engine brings that of its library.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO, Literal, TypeAlias, cast

from odibi_core.errors import ConfigError, DataFormatError

__all__ = ["Codec", "Compression", "compressed", "compression_of", "decompressed", "plain_name"]

Compression: TypeAlias = Literal["bz2", "gzip", "xz", "zip", "zstd"]

Codec: TypeAlias = Callable[[BinaryIO], AbstractContextManager[BinaryIO]]
"""Turns a compressed file into its content while it is read, or written."""

_BY_SUFFIX: dict[str, Compression] = {".bz2": "bz2", ".gz": "gzip", ".xz": "xz", ".zip": "zip", ".zst": "zstd"}

# What zlib's authors chose; Python's gzip defaults to 9, which takes three times as long for one per cent.
_LEVEL = 6


def compression_of(path: str, asked: str | None) -> Compression | None:
    """Return how a file is compressed.

    Args:
        path: The file's path.
        asked: The option: ``infer`` to go by the name, None for not at all, or the compression itself.

    Example:
        >>> compression_of("landing/flights.csv.zip", "infer"), compression_of("flights.csv", "infer")
        ('zip', None)
    """
    if asked != "infer":
        return cast("Compression | None", asked)
    return _BY_SUFFIX.get(PurePosixPath(path).suffix.lower())


def plain_name(path: str) -> str:
    """Return a file's name without the suffix of its compression.

    Example:
        >>> plain_name("landing/flights.csv.zip")
        'flights.csv'
    """
    name = path.replace("\\", "/").rpartition("/")[2]
    return PurePosixPath(name).stem if PurePosixPath(name).suffix.lower() in _BY_SUFFIX else name


@contextmanager
def decompressed(
    raw: BinaryIO, compression: Compression | None, shown: str, *, zstd: Codec | None = None
) -> Iterator[BinaryIO]:
    """Read a compressed file as what it was before.

    Args:
        raw: The file, opened for reading bytes; it is closed at the end.
        compression: How it is compressed, or None.
        shown: The file's location, for messages.
        zstd: Reads zstd.

    Raises:
        ConfigError: It is zstd, and nobody reads that.
        DataFormatError: There is nothing in the file, or a zip archive does not hold exactly one file.
    """
    with raw:
        if compression is not None and raw.seekable():
            # Two of the libraries take nothing for a compressed nothing.
            if not raw.read(1):
                raise DataFormatError(f"{shown} is empty, which no {compression} file is: it is cut off")
            raw.seek(0)
        if compression == "gzip":
            with gzip.GzipFile(fileobj=raw) as stream:
                yield cast("BinaryIO", stream)
        elif compression == "zstd":
            if zstd is None:
                raise ConfigError(f"{shown} is zstd, which this engine does not read; unpack it first")
            with zstd(raw) as stream:
                yield stream
        elif compression == "bz2":
            with bz2.BZ2File(raw) as stream:
                yield cast("BinaryIO", stream)
        elif compression == "xz":
            with lzma.LZMAFile(raw) as stream:
                yield cast("BinaryIO", stream)
        elif compression == "zip":
            with zipfile.ZipFile(raw) as archive, archive.open(_only_member(archive, shown)) as stream:
                yield cast("BinaryIO", stream)
        else:
            yield raw


@contextmanager
def compressed(
    sink: BinaryIO, compression: Compression | None, *, member: str, zstd: Codec | None = None
) -> Iterator[BinaryIO]:
    """Write compressed; equal data gives equal bytes, so no time or path is stored.

    Args:
        sink: The file, opened for writing bytes; it is closed at the end.
        compression: How to compress, or None.
        member: The name of the file within a zip archive.
        zstd: Writes zstd.

    Raises:
        ConfigError: It is to be zstd, and nobody writes that.
    """
    with sink:
        if compression == "gzip":
            with gzip.GzipFile(filename="", fileobj=sink, mode="wb", mtime=0, compresslevel=_LEVEL) as stream:
                yield cast("BinaryIO", stream)
        elif compression == "zstd":
            if zstd is None:
                raise ConfigError("this engine does not write zstd; choose another compression")
            with zstd(sink) as stream:
                yield stream
        elif compression == "bz2":
            with bz2.BZ2File(sink, "wb") as stream:
                yield cast("BinaryIO", stream)
        elif compression == "xz":
            with lzma.LZMAFile(sink, "wb") as stream:
                yield cast("BinaryIO", stream)
        elif compression == "zip":
            info = zipfile.ZipInfo(member)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            with (
                zipfile.ZipFile(sink, "w", compresslevel=_LEVEL) as archive,
                archive.open(info, "w", force_zip64=True) as stream,
            ):
                yield cast("BinaryIO", stream)
        else:
            yield sink


def _only_member(archive: zipfile.ZipFile, shown: str) -> str:
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    # What macOS adds to every archive is no data.
    data = [name for name in names if not name.startswith("__MACOSX/") and not name.rpartition("/")[2].startswith(".")]
    if len(data) != 1:
        listed = ", ".join(sorted(data)[:5]) or "nothing"
        raise DataFormatError(
            f"{shown} must hold one file to be read as one dataset, and holds {len(data)} ({listed}). "
            "Unpack it and read the folder."
        )
    return data[0]
