"""What pandas and Arrow have to say about the files of a dataset."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import pyarrow as pa

from odibi_core.plugin.compression import Codec
from odibi_core.plugin.sources import FileSource

__all__ = ["Source", "zstd_written"]


@contextmanager
def _zstd_read(raw: BinaryIO) -> Iterator[BinaryIO]:
    with pa.CompressedInputStream(raw, "zstd") as native, io.BufferedReader(native) as stream:
        yield cast("BinaryIO", stream)


@contextmanager
def zstd_written(sink: BinaryIO) -> Iterator[BinaryIO]:
    """Write zstd.

    Args:
        sink: Where the compressed bytes go.
    """
    with pa.CompressedOutputStream(pa.PythonFile(sink, "w"), "zstd") as stream:
        yield cast("BinaryIO", stream)


class Source(FileSource):
    """One file to read, by pandas or Arrow."""

    __slots__ = ()

    data_errors = (pa.ArrowException,)

    def zstd_reader(self) -> Codec:
        """Return what reads zstd."""
        return _zstd_read
