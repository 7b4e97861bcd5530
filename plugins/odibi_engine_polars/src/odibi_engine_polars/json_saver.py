"""Saving JSON and JSON lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, cast

import polars as pl

from odibi_core.plugin import DataFormatError, Dataset, SaveReport
from odibi_core.plugin.compression import compression_of, plain_name
from odibi_core.plugin.places import Place
from odibi_core.plugin.saving import Written, refuse_folder, save, subject_of
from odibi_core.plugin.sources import is_folder_of
from odibi_engine_polars.columns import column, require_fit, selected
from odibi_engine_polars.engine import PolarsEngine, PolarsFrame
from odibi_engine_polars.json_text import JSON_SUFFIXES, JSONL_SUFFIXES, document_frame, document_text, lines_frame
from odibi_engine_polars.option_models import parse_options
from odibi_engine_polars.options import JsonWriteOptions
from odibi_engine_polars.sources import Source
from odibi_engine_polars.text_files import RowCounter, written_text

__all__ = ["PolarsJsonLinesSaver", "PolarsJsonSaver"]


class PolarsJsonSaver:
    r"""Saves frames as one JSON array of records, compressed by the file's name.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.json")
        ...     dataset = Dataset(name="a", kind="path", format="json", location=str(path))
        ...     _ = PolarsJsonSaver(None).save(pl.LazyFrame({"carrier": ["F9"], "delay": [21.9]}), dataset)
        ...     path.read_text()
        '[\n{"carrier":"F9","delay":21.9}\n]\n'
    """

    def __init__(self, engine: PolarsEngine | None) -> None:
        del engine

    def save(self, frame: PolarsFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame; to append, the document is written anew with the records at its end, and then replaced.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
            DataFormatError: The frame cannot be held by JSON, or has other columns than what it is appended to.
            ConfigError: An option is wrong.
        """
        return _save(frame.lazy(), dataset, is_document=True)


class PolarsJsonLinesSaver:
    r"""Saves frames as JSON lines, compressed by the file's name.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.jsonl")
        ...     dataset = Dataset(name="a", kind="path", format="jsonl", location=str(path))
        ...     _ = PolarsJsonLinesSaver(None).save(pl.LazyFrame({"carrier": ["F9"], "delay": [21.9]}), dataset)
        ...     path.read_text()
        '{"carrier":"F9","delay":21.9}\n'
    """

    def __init__(self, engine: PolarsEngine | None) -> None:
        del engine

    def save(self, frame: PolarsFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame; to append, the file is written anew with the records at its end, and then replaced.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
            DataFormatError: The frame cannot be held by JSON, or has other columns than what it is appended to.
            ConfigError: An option is wrong.
        """
        return _save(frame.lazy(), dataset, is_document=False)


class _ArrayText:
    """A binary stream that takes JSON lines and writes an array of records, one per line."""

    def __init__(self, target: BinaryIO, *, before: bytes) -> None:
        self._target = target
        self._is_begun = False
        self._before = before

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Write some lines; a line end inside of a text is escaped in JSON, so that each here ends a record."""
        for line in bytes(data).splitlines(keepends=True):
            if self._is_at_start:
                self._target.write(self._separator())
            self._target.write(line.removesuffix(b"\n"))
            self._is_at_start = line.endswith(b"\n")
        return len(data)

    def flush(self) -> None:
        """Pass the wish on."""
        self._target.flush()

    def end(self) -> None:
        """Write what ends the array."""
        if not self._is_begun and self._before:
            self._target.write(b"[\n" + self._before)
        self._target.write(b"\n]\n" if self._is_begun or self._before else b"[]\n")

    _is_at_start = True

    def _separator(self) -> bytes:
        if self._is_begun:
            return b",\n"
        self._is_begun = True
        return b"[\n" + (self._before + b",\n" if self._before else b"")


def _save(frame: pl.LazyFrame, dataset: Dataset, *, is_document: bool) -> SaveReport:
    options = parse_options(JsonWriteOptions, dataset)
    subject = subject_of(dataset)
    compression = compression_of(dataset.location, options.compression)

    def write(path: Path, old: Path | None) -> Written:
        refuse_folder(old, dataset)
        rows, records = _as_json(frame, subject=subject), b""
        source = None
        if old is not None and old.stat().st_size:
            source = Source(Place(str(old), dataset.location), compression, dataset.name, dataset.format)
            text = document_text(source) if is_document else b""
            known = document_frame(text, source) if is_document else lines_frame(source)
            rows = _aligned(rows, known.collect_schema().names(), subject=subject)
            # The records stay as they are written, to the last digit; those of an object of columns are written anew.
            is_array = text.lstrip().startswith(b"[")
            records = text.strip().removeprefix(b"[").removesuffix(b"]").strip() if is_array else b""
            if is_document and not is_array:
                records = _text_of(known).rstrip(b"\n").replace(b"\n", b",\n")
        counter = RowCounter(refuse=lambda batch: _refuse_infinity(batch, subject))
        counted = counter.counting(rows)

        def sink(where: Any, how: str) -> None:
            array: Any = _ArrayText(where, before=records) if is_document else None
            if rows.collect_schema().names():
                counted.sink_ndjson(
                    array or where, compression=cast("Any", how), check_extension=False, engine="streaming"
                )
            elif not is_document:
                pl.LazyFrame({"line": []}, schema={"line": pl.String}).sink_csv(
                    where, include_header=False, compression=cast("Any", how), check_extension=False
                )
            if array is not None:
                array.end()

        written_text(
            path,
            sink,
            behind=None if is_document else source,
            compression=compression,
            encoding="utf-8",
            line_end="\n",
            member=plain_name(dataset.location),
            subject=subject,
            is_stream_needed=is_document,
        )
        return Written(rows=counter.rows, bytes=path.stat().st_size)

    suffixes = JSON_SUFFIXES if is_document else JSONL_SUFFIXES
    return save(dataset, write=write, replaces_folder=lambda folder: is_folder_of(folder, suffixes))


def _text_of(frame: pl.LazyFrame) -> bytes:
    return frame.collect(engine="streaming").write_ndjson().encode()


def _aligned(frame: pl.LazyFrame, known: list[str], *, subject: str) -> pl.LazyFrame:
    columns = frame.collect_schema().names()
    # A frame without rows and columns (an empty array, say) fits anything, as anything fits behind it.
    if not known or not columns:
        return frame
    require_fit(columns, known, subject=subject)
    return selected(frame, known)


def _as_json(frame: pl.LazyFrame, *, subject: str) -> pl.LazyFrame:
    """Return a frame of what JSON can hold as the pandas engine writes it: times in ISO 8601, decimals as numbers."""
    changed: list[pl.Expr] = []
    for name, kind in frame.collect_schema().items():
        if _holds_bytes(kind):
            raise DataFormatError(
                f"{subject}: column {name!r} holds {kind}, which JSON cannot; save as parquet, or make it text first"
            )
        if isinstance(kind, pl.Datetime):
            zone = "%:z" if kind.time_zone else ""
            changed.append(column(name).dt.to_string(f"%Y-%m-%dT%H:%M:%S%.f{zone}"))
        elif isinstance(kind, pl.Decimal):
            changed.append(column(name).cast(pl.Float64))
    return frame.with_columns(changed) if changed else frame


def _holds_bytes(kind: Any) -> bool:
    if isinstance(kind, pl.Struct):
        return any(_holds_bytes(field.dtype) for field in kind.fields)
    return _holds_bytes(kind.inner) if isinstance(kind, pl.List | pl.Array) else kind in {pl.Binary, pl.Object}


def _refuse_infinity(batch: pl.DataFrame, subject: str) -> None:
    floats = [name for name, kind in batch.schema.items() if kind.is_float()]
    found = batch.select(column(name).is_infinite().any() for name in floats)
    for name in floats:
        if found.get_column(name).item():
            raise DataFormatError(
                f"{subject}: column {name!r} holds an infinite number, which JSON cannot; make it null, or save as "
                "parquet"
            )
