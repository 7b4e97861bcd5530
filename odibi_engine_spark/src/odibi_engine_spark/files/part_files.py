"""What is in a folder of part files, and what is made of it after Spark has written it."""

from __future__ import annotations

import bz2
import contextlib
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from odibi_core.plugin import Dataset
from odibi_engine_spark.arrow_types import arrow_schema
from odibi_engine_spark.files.compression import plain_name
from odibi_engine_spark.files.parquet_reader import COMMON_METADATA
from odibi_engine_spark.files.reader import SUFFIXES
from odibi_engine_spark.files.writing import Writing

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["holds_only", "tidied"]

_BESIDE_DATA = frozenset({COMMON_METADATA, "_metadata", "_SUCCESS"})
_OPEN: dict[str, Callable[..., Any]] = {".bz2": bz2.open, ".gz": gzip.open}


def holds_only(folder: Path, format_: str) -> bool:
    """Return whether a folder holds files of one format and nothing else, so that replacing it loses nothing else.

    The folder of a Delta table, say, holds more.

    Args:
        folder: The folder.
        format_: The format.
    """
    return all(
        path.name in _BESIDE_DATA
        or (path.name.startswith(".") and path.suffix == ".crc")
        or plain_name(path.name).lower().endswith(SUFFIXES[format_])
        for path in folder.rglob("*")
        if not path.is_dir() or path.is_symlink()
    )


def tidied(folder: Path, dataset: Dataset, writing: Writing, *, frame: DataFrame) -> int:
    """Make a folder that Spark wrote one that every engine reads alike; return its size in bytes.

    Check sums and the mark of success go; part files get the suffix of the format; a document of JSON becomes one; a
    frame without rows leaves a file, so that its columns are known.

    Args:
        folder: The folder, which nobody else sees yet.
        dataset: The output.
        writing: How it was written.
        frame: What was saved.
    """
    for path in list(folder.rglob("*")):
        if path.is_file() and (path.name == "_SUCCESS" or (path.name.startswith(".") and path.suffix == ".crc")):
            path.unlink()
    parts = [_renamed(path, writing.suffix) for path in sorted(folder.rglob("*")) if path.is_file()]
    if not parts and not writing.partition_by:
        parts = [_part_without_rows(folder, writing, frame)]
    if dataset.format == "json":
        for path in parts:
            _make_document(path)
    if dataset.format == "parquet" and writing.partition_by and (schema := arrow_schema(frame.schema)) is not None:
        pq.write_metadata(schema, folder / COMMON_METADATA)
        parts.append(folder / COMMON_METADATA)
    return sum(path.stat().st_size for path in parts)


def _renamed(path: Path, suffix: str) -> Path:
    plain = plain_name(path.name)
    compression = path.name.removeprefix(plain)
    if plain.endswith(suffix):
        return path
    return path.rename(path.with_name(f"{Path(plain).stem}{suffix}{compression}"))


def _part_without_rows(folder: Path, writing: Writing, frame: DataFrame) -> Path:
    """Write the file that Sail leaves out if there are no rows."""
    path = folder / f"part-00000-{uuid4().hex}{writing.suffix}"
    schema = arrow_schema(frame.schema)
    if writing.format == "parquet" and schema is not None:
        pq.write_table(pa.Table.from_batches([], schema), path)
    else:
        path.write_text(writing.header, encoding="utf-8", newline="")
    return path


def _make_document(path: Path) -> None:
    """Turn JSON lines into an array, line by line."""
    partial = path.with_name(f".{path.name}.array")
    opened = _OPEN.get(path.suffix, open)
    with opened(path, "rb") as lines, opened(partial, "wb") as sink:
        sink.write(b"[")
        for text in _between(line.rstrip(b"\n") for line in lines):
            sink.write(text)
        sink.write(b"]\n")
    with contextlib.suppress(FileNotFoundError):
        partial.with_name(f".{partial.name}.crc").unlink()
    partial.replace(path)


def _between(lines: Iterator[bytes]) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        yield b",\n" + line if number else line
