"""Reading JSON documents and JSON lines."""

from __future__ import annotations

import glob
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812 - as everybody writes it

from odibi_core.plugin import ConfigError, DataFormatError, Dataset
from odibi_engine_spark.columns import column
from odibi_engine_spark.files.compression import compression_of, opened
from odibi_engine_spark.files.options import JsonLinesReadOptions, JsonReadOptions
from odibi_engine_spark.files.prepared import copy_of, prepared_text
from odibi_engine_spark.files.sources import Files
from odibi_engine_spark.files.typed import typed
from odibi_engine_spark.places import Place, uri_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["JSONL_SUFFIXES", "JSON_SUFFIXES", "first_keys", "read_json"]

JSON_SUFFIXES = (".json",)
JSONL_SUFFIXES = (".jsonl", ".ndjson", ".json")

_BLANK = b" \t\r\n"
_START = 1 << 16


def read_json(
    dataset: Dataset, place: Place, files: Files | None, options: JsonLinesReadOptions, engine: SparkEngine
) -> DataFrame:
    """Return the records of JSON documents, or of JSON lines.

    Columns come in the order of the first record; what only later records have follows.

    Args:
        dataset: What is read.
        place: Where it is.
        files: Its files, if this process sees them.
        options: The options; those of documents mean documents.
        engine: The engine.

    Raises:
        DataFormatError: A document is no array of records.
        ColumnNotFoundError: An option names a column that is not there.
        ConfigError: An option needs files that this process sees.
    """
    given = _spark_options(options)
    if files is None:
        frame = _remote(dataset, place, options, given, engine)
        return typed(frame, options, subject=f"{dataset.name!r} ({place.shown})", engine=engine)
    readable = [_readable(path, dataset, options, engine) for path in files.paths]
    are_lines = not isinstance(options, JsonReadOptions) or engine.flavour.kind == "sail"
    are_lines = are_lines or bool(_record_path(options))
    given["multiLine"] = str(not are_lines).lower()
    parts: dict[tuple[Any, ...], list[Path]] = {}
    for path, source in zip(readable, files.paths, strict=True):
        parts.setdefault(tuple(files.partition_of(source).items()), []).append(path)
    uris = [uri_of(path, engine=engine) for path in readable]
    frame = engine.session.read.options(**given).json(uris)
    if files.keys:
        schema = frame.schema
        frames = []
        for partition, paths in parts.items():
            part = (
                engine.session.read.schema(schema)
                .options(**given)
                .json([uri_of(path, engine=engine) for path in paths])
            )
            for name, value in partition:
                part = part.withColumn(name, F.lit(value).cast("string"))
            frames.append(part)
        frame = frames[0]
        for other in frames[1:]:
            frame = frame.unionByName(other)
    first = first_keys(readable)
    if [name for name in first if name in frame.columns] != frame.columns:
        names = [name for name in first if name in frame.columns]
        frame = frame.select(*map(column, [*names, *(name for name in frame.columns if name not in names)]))
    return typed(frame, options, subject=f"{dataset.name!r} ({place.shown})", engine=engine)


def _remote(
    dataset: Dataset, place: Place, options: JsonLinesReadOptions, given: dict[str, str], engine: SparkEngine
) -> DataFrame:
    if isinstance(options, JsonReadOptions):
        if _record_path(options) or engine.flavour.kind == "sail":
            raise ConfigError(
                f"{dataset.name!r}: {place.shown} is not on this machine, where its records could be taken out; "
                "save it there as JSON lines (format jsonl)"
            )
        given["multiLine"] = "true"
    if options.encoding not in {"utf-8", "ascii"}:
        given["encoding"] = options.encoding
    return engine.session.read.options(**given, **place.options).json(place.uri)


def _readable(path: Path, dataset: Dataset, options: JsonLinesReadOptions, engine: SparkEngine) -> Path:
    """Return a file of which Spark reads every record."""
    subject = f"{dataset.name!r}"
    plain = prepared_text(
        path, compression=options.compression, encoding=options.encoding, dataset=dataset, engine=engine
    )
    if not isinstance(options, JsonReadOptions):
        return plain
    keys = _record_path(options)
    with opened(plain, compression_of(plain, "infer"), subject=subject) as stream:
        start = stream.read(_START).lstrip(b"\xef\xbb\xbf" + _BLANK)[:1]
    if not start:
        raise DataFormatError(f"{subject}: {path} is empty; a document of no records is []")
    if start != b"[" and not keys:
        # Spark would read an object as one row, and of JSON lines the first one only.
        raise DataFormatError(
            f"{subject}: {path} is no array of records. If it has one record per line, say format: jsonl; if the "
            "records are inside an object, say under which key with record_path; an object of columns is for pandas."
        )
    if not keys and engine.flavour.kind != "sail":
        # While it infers types, Spark takes the path that it has found for a glob once more.
        is_odd = glob.has_magic(str(plain))
        return copy_of(plain, name="a.json", kind="copy", write=_copy(plain), engine=engine) if is_odd else plain

    def write(target: Path) -> None:
        with opened(plain, compression_of(plain, "infer"), subject=subject) as stream, target.open("wb") as sink:
            for record in _records(json_of(stream.read(), path, subject), keys, f"{subject}: {path}"):
                sink.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")

    return copy_of(plain, name=f"{plain.stem}.jsonl", kind=f"lines/{'/'.join(keys)}", write=write, engine=engine)


def _copy(path: Path) -> Callable[[Path], object]:
    return lambda target: shutil.copyfile(path, target)


def json_of(content: bytes, path: Path, subject: str) -> Any:
    """Return a document's content.

    Raises:
        DataFormatError: It is malformed; says where.
    """
    try:
        return json.loads(content)
    except ValueError as error:
        raise DataFormatError(f"{subject}: {path} cannot be read as json: {error}") from error


def _records(document: Any, keys: Sequence[str], subject: str) -> Iterator[Any]:
    for key in keys:
        if not isinstance(document, dict) or key not in document:
            there = f"it has {', '.join(sorted(document))}" if isinstance(document, dict) else "it is no object"
            raise DataFormatError(f"{subject} has no key {key!r} of the record_path; {there}")
        document = document[key]
    if not isinstance(document, list) or not all(isinstance(record, dict) for record in document):
        raise DataFormatError(f"{subject} has no array of records{f' under {chr(47).join(keys)}' if keys else ''}")
    yield from document


def _record_path(options: JsonLinesReadOptions) -> tuple[str, ...]:
    path = options.record_path if isinstance(options, JsonReadOptions) else None
    return (path,) if isinstance(path, str) else tuple(path or ())


def first_keys(paths: Iterable[Path]) -> list[str]:
    """Return the keys of the first record that files have, none if it is longer than what is looked at.

    Args:
        paths: The files, lines of records or arrays of them; those that Spark wrote may be empty.
    """
    return next(filter(None, map(_first_keys, paths)), [])


def _first_keys(path: Path) -> list[str]:
    with opened(path, compression_of(path, "infer"), subject="") as stream:
        text = stream.read(_START).decode("utf-8-sig", errors="replace").lstrip().removeprefix("[").lstrip()
    try:
        record, _ = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return []
    return list(record) if isinstance(record, dict) else []


def _spark_options(options: JsonLinesReadOptions) -> dict[str, str]:
    given: dict[str, object] = {
        "mode": options.mode,
        "primitivesAsString": options.primitives_as_string,
        "prefersDecimal": options.prefers_decimal,
        "dropFieldIfAllNull": options.drop_field_if_all_null,
        "allowComments": options.allow_comments,
        "allowSingleQuotes": options.allow_single_quotes,
        "allowUnquotedFieldNames": options.allow_unquoted_field_names,
        "samplingRatio": options.sampling_ratio,
    }
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in given.items()
        if value is not None
    }
