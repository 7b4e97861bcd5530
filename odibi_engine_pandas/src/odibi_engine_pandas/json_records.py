"""JSON text as records and columns.

`pandas.read_json` takes "007" for a number, makes dates of columns by their names, and rounds floats. So the text is
parsed by the standard library, which does none of that, and types are those that the document has.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pandas as pd
import pyarrow as pa

from odibi_core.plugin import DataFormatError
from odibi_core.plugin.sources import errors_explained
from odibi_engine_pandas.arrow import frame_of_table
from odibi_engine_pandas.columns import listed
from odibi_engine_pandas.json_lines import table_of_lines
from odibi_engine_pandas.sources import Source

__all__ = [
    "JSONL_SUFFIXES",
    "JSON_SUFFIXES",
    "Document",
    "first_record",
    "frame_of",
    "parse_document",
    "read_lines",
    "read_text",
]

JSON_SUFFIXES = (".json",)
JSONL_SUFFIXES = (".jsonl", ".ndjson")

_SHOWN = 40
_FLAT = (pa.bool_(), pa.int64(), pa.float64(), pa.string(), pa.null())


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds, column by column.

    Args:
        columns: The values of each column, None where a record has none.
        rows: How many there are.
    """

    columns: Mapping[str, Sequence[Any] | pa.ChunkedArray]
    rows: int


def read_text(source: Source, *, encoding: str = "utf-8") -> str:
    """Return the text of a file; the whole of it, since JSON has no use for less.

    Raises:
        DataFormatError: It is empty, or not of the encoding.
    """
    with source.open() as stream:
        text = stream.read().decode(_with_mark(encoding))
    if not text.strip():
        raise DataFormatError(f"{source.name!r}: {source.shown} is empty: not even an empty array is in it")
    return text


def parse_document(text: str, source: Source, *, path: Sequence[str] = (), orient: str | None = None) -> Document:
    """Return what a JSON document holds.

    Args:
        text: The document.
        source: The file it is from, for messages.
        path: The keys under which the records are.
        orient: ``records`` or ``columns`` if it must be that, None to find out.

    Raises:
        DataFormatError: It is malformed, or neither an array of records nor an object of columns.
    """
    with errors_explained(source):
        content = json.loads(text)
    for position, key in enumerate(path):
        if not isinstance(content, dict) or key not in content:
            where = ".".join(path[:position]) or "the document"
            has = f"has {listed(content)}" if isinstance(content, dict) else "is no object"
            raise DataFormatError(
                f"{source.name!r}: {source.shown}: there is no key {key!r}, because {where} {has}; see record_path"
            )
        content = content[key]
    if isinstance(content, list) and orient != "columns":
        records = _checked(content, source)
        return Document(_columns_of(records), len(records))
    if isinstance(content, dict) and orient != "records":
        columns = _lists(content)
        if columns is not None:
            return Document(columns, len(next(iter(columns.values()), ())))
    wanted = {"records": "an array of records", "columns": "an object of columns of equal length"}
    expected = wanted[orient] if orient else " or ".join(wanted.values())
    found = (
        f"an object with the keys {listed(content)}"
        if isinstance(content, dict)
        else f"of the type {type(content).__name__}"
    )
    raise DataFormatError(
        f"{source.name!r}: {source.shown} must be {expected}, and is {found}. "
        "If the records are under a key, say so with record_path; if there is one record per line, read it as jsonl."
    )


def read_lines(source: Source, *, encoding: str = "utf-8", most: int | None = None) -> Document:
    """Read a file with one record per line; empty lines are passed over.

    Args:
        source: The file.
        encoding: The text's encoding.
        most: How many records to read at most.

    Raises:
        DataFormatError: A line is malformed or no record; says which.
    """
    with source.open() as stream:
        if most is not None:
            with io.TextIOWrapper(stream, _with_mark(encoding), newline="\n") as lines:
                return _records(source, lines, most)
        data = stream.read()
        table = table_of_lines(data.removeprefix(codecs.BOM_UTF8)) if encoding == "utf-8" else None
        if table is None:
            return _records(source, io.StringIO(data.decode(_with_mark(encoding)), newline="\n"), None)
        return Document({name: table[name] for name in table.column_names}, table.num_rows)


def first_record(source: Source) -> Mapping[str, Any]:
    """Return the columns that the first record has; none if there is none.

    Raises:
        DataFormatError: It is malformed.
    """
    return read_lines(source, most=1).columns


def frame_of(documents: Sequence[Document]) -> pd.DataFrame:
    """Return the records of several documents as one frame, with types as if they were one.

    Integers with nulls come as ``Int64`` and truth values with nulls as ``boolean``; lists, objects and what is mixed
    stay Python objects.

    Args:
        documents: What was read, in order.

    Example:
        >>> frame_of([Document({"a": [1]}, 1), Document({"a": [None], "b": ["x"]}, 1)]).dtypes.astype(str).to_dict()
        {'a': 'Int64', 'b': 'str'}
    """
    names = list(dict.fromkeys(chain.from_iterable(document.columns for document in documents)))
    rows = sum(document.rows for document in documents)
    arrays: dict[str, pa.Array] = {}
    objects: dict[str, pd.Series] = {}
    for name in names:
        parts = [document.columns.get(name, [None] * document.rows) for document in documents]
        values = parts[0] if len(parts) == 1 else list(chain.from_iterable(map(_python, parts)))
        array = values if isinstance(values, pa.ChunkedArray) else _array(values)
        if array is None:
            objects[name] = pd.Series(values, dtype=object)
        else:
            arrays[name] = array
    frame = frame_of_table(pa.table(arrays)) if arrays else pd.DataFrame(index=pd.RangeIndex(rows))
    return frame.assign(**objects)[names] if objects else frame


def _records(source: Source, lines: Iterable[str], most: int | None) -> Document:
    parse = json.JSONDecoder().decode
    records: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        if len(records) == most:
            break
        if line.isspace():
            continue
        try:
            record = parse(line.strip())
        except json.JSONDecodeError as error:
            raise DataFormatError(
                f"{source.name!r}: {source.shown}, line {number}, column {error.colno}: {error.msg}"
            ) from error
        if not isinstance(record, dict):
            raise DataFormatError(
                f"{source.name!r}: {source.shown}, line {number}: a record is an object, not {_shortened(record)}"
            )
        records.append(record)
    return Document(_columns_of(records), len(records))


def _with_mark(encoding: str) -> str:
    """Return an encoding that also understands a byte-order mark, which some programs put before UTF-8."""
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _checked(content: list[Any], source: Source) -> list[dict[str, Any]]:
    for number, record in enumerate(content, start=1):
        if not isinstance(record, dict):
            raise DataFormatError(
                f"{source.name!r}: {source.shown}: element {number} must be an object, not {_shortened(record)}"
            )
    return content


def _columns_of(records: list[dict[str, Any]]) -> dict[str, Sequence[Any]]:
    names = list(dict.fromkeys(chain.from_iterable(records)))
    return {name: [record.get(name) for record in records] for name in names}


def _lists(content: dict[str, Any]) -> dict[str, Sequence[Any]] | None:
    """Return an object's columns if that is what it is made of: lists of one length, or objects by row label."""
    values: list[Any] = list(content.values())
    if values and all(isinstance(value, list) for value in values) and len({len(value) for value in values}) == 1:
        return content
    if values and all(isinstance(value, dict) for value in values):
        labels = list(dict.fromkeys(chain.from_iterable(values)))
        return {name: [column.get(label) for label in labels] for name, column in content.items()}
    return None


def _python(values: Sequence[Any] | pa.ChunkedArray) -> Sequence[Any]:
    return values.to_pylist() if isinstance(values, pa.ChunkedArray) else values


def _array(values: Iterable[Any]) -> pa.Array | None:
    """Return values as an Arrow array of a flat type, None if they have none in common."""
    try:
        array = pa.array(values)
    except (pa.ArrowException, UnicodeEncodeError, OverflowError, TypeError, ValueError):
        return None
    return array if array.type in _FLAT else None


def _shortened(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
