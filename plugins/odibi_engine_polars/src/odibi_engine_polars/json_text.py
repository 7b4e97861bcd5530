"""JSON files as frames: one document, or one record per line."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from odibi_core.plugin import DataFormatError
from odibi_core.plugin.sources import errors_explained
from odibi_engine_polars.columns import column, selected
from odibi_engine_polars.sources import Source

__all__ = ["JSONL_SUFFIXES", "JSON_SUFFIXES", "document_frame", "document_text", "lines_frame"]

JSON_SUFFIXES = (".json",)
JSONL_SUFFIXES = (".jsonl", ".ndjson")

_SCANNED = (None, "gzip", "zstd")
_KEPT_IN_ORDER = 32


def document_text(source: Source, *, encoding: str = "utf-8") -> bytes:
    """Return a document as UTF-8.

    Raises:
        DataFormatError: It is empty, cannot be decompressed, or is not text of the encoding.
    """
    data = _utf8(source, encoding=encoding)
    if not data.strip():
        raise DataFormatError(f"{source.name!r}: {source.shown} is empty, which no JSON document is")
    return data


def document_frame(data: bytes, source: Source, *, path: Sequence[str] = (), orient: str | None = None) -> pl.LazyFrame:
    """Return the records of a document.

    Args:
        data: The document.
        source: Where it is from, for messages.
        path: The keys under which the records are.
        orient: What it must be: an array of ``records``, or an object of ``columns``; None if either.

    Raises:
        DataFormatError: It is malformed, or not made of records.
    """
    is_array = data.lstrip().startswith(b"[")
    if is_array and not path and orient != "columns":
        with errors_explained(source):
            is_empty = not data.strip(b"[] \r\n\t")
            if is_empty:
                return pl.LazyFrame()
            frame = _exact(pl.read_json(data, infer_schema_length=None).lazy())
            return _in_order(frame, lambda: data)
    subject = f"{source.name!r}: {source.shown}"
    try:
        found = json.loads(data)
    except ValueError as error:
        raise DataFormatError(f"{subject} cannot be read as json: {error}") from error
    for key in path:
        if not isinstance(found, Mapping) or key not in found:
            known = ", ".join(found) if isinstance(found, Mapping) else f"a {type(found).__name__}"
            raise DataFormatError(f"{subject} has no {key!r} on the path {' > '.join(path)}; there is {known}")
        found = found[key]
    if isinstance(found, Mapping) and orient != "records":
        found = _records_of(found, subject)
    if not isinstance(found, list) or not all(isinstance(record, Mapping) for record in found):
        what = "an array of records" if orient == "records" else "an array of records or an object of columns"
        raise DataFormatError(f"{subject} is not {what}")
    with errors_explained(source):
        lines = b"".join(json.dumps(record).encode() + b"\n" for record in found)
        return _in_order(_lines(lines), lambda: lines) if found else pl.LazyFrame()


def lines_frame(source: Source, *, encoding: str = "utf-8") -> pl.LazyFrame:
    """Return the records of JSON lines as a scan; all of them are looked at now, to find their types.

    Raises:
        DataFormatError: A line is malformed or no record.
    """
    with errors_explained(source):
        if encoding in {"utf-8", "ascii"} and source.compression in _SCANNED and not _has_mark(source):
            try:
                return _in_order(_lines(source.scannable()), lambda: _utf8(source, encoding=encoding))
            except pl.exceptions.ComputeError:
                # Whatever Polars says of nothing but line ends, it is no error.
                if _utf8(source, encoding=encoding).strip():
                    raise
                return pl.LazyFrame()
        data = _utf8(source, encoding=encoding)
        return _in_order(_lines(data), lambda: data) if data.strip() else pl.LazyFrame()


def _lines(content: str | bytes) -> pl.LazyFrame:
    return _exact(pl.scan_ndjson(content, infer_schema_length=None))


def _in_order(frame: pl.LazyFrame, load: Callable[[], bytes]) -> pl.LazyFrame:
    """Return a frame with its columns in the order of the first record, and those that it lacks after them.

    Polars has them in any order, another one each time, where there are more than 32 (measured with 2.1).
    """
    names = frame.collect_schema().names()
    if len(names) <= _KEPT_IN_ORDER:
        return frame
    text = load().decode()
    first = json.JSONDecoder().raw_decode(text, text.index("{"))[0]
    return selected(frame, [*(name for name in first if name in names), *sorted(set(names) - set(first))])


def _exact(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return a frame without 128-bit integers, which no other engine has, where 64 bits without a sign hold them."""
    wide = [name for name, kind in frame.collect_schema().items() if kind == pl.Int128]
    if not wide:
        return frame
    fits = [
        (column(name).is_not_null() & column(name).cast(pl.UInt64, strict=False).is_null()).any().alias(name)
        for name in wide
    ]
    beyond = frame.select(fits).collect(engine="streaming").row(0, named=True)
    return frame.with_columns(column(name).cast(pl.String if beyond[name] else pl.UInt64) for name in wide)


def _utf8(source: Source, *, encoding: str) -> bytes:
    with source.open() as stream:
        data = stream.read()
        if encoding not in {"utf-8", "utf-8-sig", "ascii"}:
            data = data.decode(encoding).encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _has_mark(source: Source) -> bool:
    with source.place.open() as stream:
        return stream.read(3) == codecs.BOM_UTF8


def _records_of(columns: Mapping[str, Any], subject: str) -> list[dict[str, Any]]:
    """Return the records of an object of columns, as lists or as pandas writes them: objects by row."""
    if all(isinstance(values, list) for values in columns.values()):
        if len({len(values) for values in columns.values()}) > 1:
            raise DataFormatError(f"{subject}: its columns have different numbers of values")
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if all(isinstance(values, Mapping) for values in columns.values()):
        rows = dict.fromkeys(key for values in columns.values() for key in values)
        return [{name: values.get(row) for name, values in columns.items()} for row in rows]
    raise DataFormatError(
        f"{subject} is an object, but not of columns; if the records are under a key, say record_path"
    )
