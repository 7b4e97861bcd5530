"""What Polars has to say about the files of a dataset."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import polars as pl

from odibi_core.plugin.compression import Codec
from odibi_core.plugin.sources import FileSource, errors_explained

__all__ = ["Source"]


@contextmanager
def _zstd_read(raw: BinaryIO) -> Iterator[BinaryIO]:
    # Polars shows what it decompresses as lines only.
    lines = pl.scan_lines(raw.read()).collect(engine="streaming").to_series()
    yield io.BytesIO("".join(f"{line}\n" for line in lines).encode())


class Source(FileSource):
    """One file to read, by Polars."""

    __slots__ = ()

    data_errors = (pl.exceptions.PolarsError,)

    def zstd_reader(self) -> Codec:
        """Return what reads zstd."""
        return _zstd_read

    def scannable(self) -> str | bytes:
        """Return what Polars scans: the path of a local file, or else the content, which is fetched now."""
        if self.place.is_local:
            return self.place.path
        with errors_explained(self), self.place.open() as stream:
            return stream.read()
