"""Writing a text file, compressed or not, after what may be there already."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from odibi_core.plugin.compression import Compression, compressed
from odibi_engine_pandas.sources import Source, zstd_written

__all__ = ["Block", "encoded", "read_blocks", "write_blocks"]

Block: TypeAlias = bytes | memoryview

_READ_AT_ONCE = 1 << 20


def write_blocks(path: Path, blocks: Iterable[Block], *, compression: Compression | None, member: str) -> int:
    """Write a file and return its size.

    Args:
        path: What to write.
        blocks: Its content.
        compression: How to compress it.
        member: The name of the file within a zip archive.
    """
    with compressed(path.open("wb"), compression, member=member, zstd=zstd_written) as stream:
        for block in blocks:
            stream.write(block)
    return path.stat().st_size


def read_blocks(source: Source) -> Iterator[bytes]:
    """Return the content of a file, decompressed, in blocks.

    Raises:
        DataFormatError: It cannot be decompressed.
    """
    with source.open() as stream:
        while block := stream.read(_READ_AT_ONCE):
            yield block


def encoded(blocks: Iterable[Block], encoding: str, *, is_continued: bool) -> Iterator[Block]:
    r"""Return UTF-8 blocks in another encoding.

    Args:
        blocks: Text in UTF-8, each block with whole characters.
        encoding: What is wanted, as `codecs.lookup` names it.
        is_continued: Whether this follows text of that encoding, so that no byte-order mark is wanted.

    Example:
        >>> list(encoded(["é".encode()], "iso8859-1", is_continued=False))
        [b'\xe9']
    """
    if encoding == "utf-8":
        yield from blocks
        return
    encoder = codecs.getincrementalencoder(encoding)()
    if is_continued:
        encoder.encode("\n")  # what comes first carries the mark
    for block in blocks:
        yield encoder.encode(str(block, "utf-8"))
