"""Writing a text file, compressed or not, after what may be there already."""

from __future__ import annotations

import codecs
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from odibi_core.plugin import DataFormatError
from odibi_core.plugin.compression import Compression, compressed
from odibi_core.plugin.files import early_writeback
from odibi_engine_polars.sources import Source

__all__ = ["RowCounter", "written_text"]

_READ_AT_ONCE = 1 << 20


class RowCounter:
    """Counts the rows of a lazy frame while something else computes it.

    Args:
        refuse: Raises if it is shown rows that cannot be written.

    Example:
        >>> counter = RowCounter()
        >>> _ = counter.counting(pl.LazyFrame({"a": [1, 2]})).collect(engine="streaming")
        >>> counter.rows
        2
    """

    def __init__(self, *, refuse: Callable[[pl.DataFrame], None] | None = None) -> None:
        self.rows = 0
        self._refuse = refuse
        self._lock = threading.Lock()

    def counting(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return a frame of the same rows that are counted when it is computed."""
        return frame.map_batches(self._count, streamable=True, schema=None, validate_output_schema=False)

    def _count(self, batch: pl.DataFrame) -> pl.DataFrame:
        if self._refuse is not None:
            self._refuse(batch)
        with self._lock:
            self.rows += batch.height
        return batch


def written_text(
    path: Path,
    sink: Callable[[Any, str], None],
    *,
    behind: Source | None,
    compression: Compression | None,
    encoding: str,
    line_end: str,
    member: str,
    subject: str,
    is_stream_needed: bool = False,
) -> None:
    """Write text into a file.

    Args:
        path: The file.
        sink: Writes UTF-8 to a path or a binary stream, compressed as its second argument says.
        behind: A file whose content goes first.
        compression: How to compress.
        encoding: The text's encoding.
        line_end: What ends a line.
        member: The name of the file within a zip archive.
        subject: What is written, for messages.
        is_stream_needed: Whether the sink writes to a stream only, so that Polars cannot compress.

    Raises:
        DataFormatError: A character is not in the encoding.
    """
    is_utf8 = encoding == "utf-8"
    if compression == "zstd" and is_stream_needed:
        with tempfile.TemporaryDirectory(prefix="odibi-") as folder:
            plain = Path(folder, "plain")
            with plain.open("wb") as stream:
                sink(stream, "uncompressed")
            pl.scan_lines(plain).sink_csv(
                path, include_header=False, quote_style="never", compression="zstd", check_extension=False
            )
        return
    if not is_stream_needed and compression in {None, "zstd"} and is_utf8:
        how = "zstd" if compression else "uncompressed"
        # Polars gets the open file: one that it has only the name of, it may yet create after it has failed.
        with path.open("wb") as file, early_writeback(file):
            if behind is not None:
                # Compressed files, one behind the other, are one compressed file.
                _copy(behind, file, line_end, is_raw=compression is not None)
                file.flush()
            sink(file, how)
        return
    if compression == "zstd":
        raise DataFormatError(f"{subject}: Polars compresses utf-8 only as zstd; leave out encoding, or save as .gz")
    with compressed(path.open("wb"), compression, member=member) as stream:
        if behind is not None:
            _copy(behind, stream, line_end if is_utf8 else line_end.encode(encoding).decode("latin-1"), is_raw=False)
        if is_utf8:
            sink(stream, "uncompressed")
            return
        encoded = _Encoded(stream, encoding, is_continued=behind is not None)
        try:
            sink(encoded, "uncompressed")
        except (OSError, UnicodeEncodeError, pl.exceptions.PolarsError) as error:
            if encoded.failure is None:
                raise
            raise DataFormatError(f"{subject}: {encoded.failure}; save with encoding 'utf-8'") from error


def _copy(source: Source, target: BinaryIO, line_end: str, *, is_raw: bool) -> None:
    if is_raw:
        with source.place.open() as stream:
            shutil.copyfileobj(stream, target, _READ_AT_ONCE)
        return
    last = b""
    with source.open() as stream:
        while block := stream.read(_READ_AT_ONCE):
            target.write(block)
            last = block
    if last and not last.rstrip(b"\x00").endswith((b"\n", b"\r")):
        target.write(line_end.encode("latin-1"))


class _Encoded:
    """A binary stream that takes UTF-8 and writes another encoding.

    It remembers why it failed: Polars passes that on as an error of the operating system, in words only.
    """

    def __init__(self, target: BinaryIO, encoding: str, *, is_continued: bool) -> None:
        self.failure: UnicodeEncodeError | None = None
        self._target = target
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._encoder = codecs.getincrementalencoder(encoding)()
        if is_continued:
            self._encoder.encode("\n")  # what comes first carries the mark

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write some UTF-8, which may end within a character."""
        try:
            self._target.write(self._encoder.encode(self._decoder.decode(bytes(data))))
        except UnicodeEncodeError as error:
            self.failure = error
            raise
        return len(data)

    def flush(self) -> None:
        """Pass the wish on."""
        self._target.flush()
