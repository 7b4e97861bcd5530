"""Reading CSV: as text first, by Spark; then nulls and types, as pandas would find them."""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F  # noqa: N812 - as everybody writes it
from pyspark.sql.types import StringType, StructField, StructType

from odibi_core.plugin import ConfigError, DataFormatError, Dataset
from odibi_engine_spark.columns import column, require_columns, require_distinct, require_same
from odibi_engine_spark.files.compression import compression_of, opened, plain_name
from odibi_engine_spark.files.csv_options import CsvReadOptions
from odibi_engine_spark.files.csv_types import CsvPart, looked_at
from odibi_engine_spark.files.prepared import prepared_text
from odibi_engine_spark.files.sources import Files
from odibi_engine_spark.files.typed import typed
from odibi_engine_spark.places import Place, uri_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["CSV_SUFFIXES", "column_names", "default_separator", "read_csv"]

CSV_SUFFIXES = (".csv", ".tsv")

# What Sail 0.7 was seen to heed; it takes any other option without a word.
_ON_SAIL = frozenset({"comment", "escape", "header", "multiLine", "quote", "sep"})


def default_separator(name: str) -> str:
    r"""Return what separates fields in a file of that name.

    Example:
        >>> default_separator("a.csv.gz"), default_separator("a.tsv")
        (',', '\t')
    """
    return "\t" if plain_name(Path(name).name).lower().endswith(".tsv") else ","


def read_csv(
    dataset: Dataset, place: Place, files: Files | None, options: CsvReadOptions, engine: SparkEngine
) -> DataFrame:
    """Return the rows of CSV files.

    Args:
        dataset: What is read.
        place: Where it is.
        files: Its files, if this process sees them.
        options: The options.
        engine: The engine.

    Raises:
        DataFormatError: A file is empty or has other columns than the first.
        ColumnNotFoundError: An option names a column that is not there.
        ConfigError: This flavour of Spark lacks an option.
    """
    subject = f"{dataset.name!r}"
    kinds = None
    if files is None:
        frame = _remote_text(dataset, place, options, engine)
        require_distinct(frame.columns, subject=f"{subject} ({place.shown})")
    else:
        parts = _parts_of(dataset, files, options, engine)
        frame = _local_text(parts, engine)
        kinds = looked_at(parts, options) if options.infer_schema else None
    for named in (options.na_values, options.dtype, options.date_format):
        require_columns(named if isinstance(named, dict) else (), frame.columns, subject=f"{subject} ({place.shown})")
    frame = frame.select(*(_with_nulls(name, options).alias(name) for name in frame.columns))
    return typed(frame, options, subject=f"{subject} ({place.shown})", engine=engine, kinds=kinds)


def column_names(path: Path, options: CsvReadOptions, *, subject: str) -> list[str]:
    """Return the columns of a file, reading no more than its start; names that come twice are numbered, as on pandas.

    Args:
        path: The file.
        options: How to read it.
        subject: What is read, for messages.

    Raises:
        DataFormatError: The file is empty, or is not what the options say.
    """
    fields = _first_record(path, options, subject=subject)
    if options.names is not None:
        if len(options.names) != len(fields):
            raise ConfigError(f"{subject}: {len(options.names)} names for the {len(fields)} columns of {path}")
        return options.names
    if not options.header:
        return [str(number) for number in range(len(fields))]
    names: list[str] = []
    for number, name in enumerate(fields):
        wanted, again = name or f"Unnamed: {number}", 0
        while (unique := f"{wanted}.{again}" if again else wanted) in names:
            again += 1
        names.append(unique)
    return names


def _first_record(path: Path, options: CsvReadOptions, *, subject: str) -> list[str]:
    sep, quote, escape, comment = (spark_options(options, path.name).get(key) for key in _DIALECT)
    dialect: dict[str, Any] = {"quotechar": quote or None, "quoting": csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE}
    if escape not in {None, "", quote}:
        dialect["escapechar"] = escape
    with opened(path, compression_of(path, options.compression), subject=subject) as stream:
        try:
            text = io.TextIOWrapper(stream, encoding=_with_mark(options.encoding), newline="")
            lines: Iterator[str] = (
                line for line in text if not (comment and line.startswith(comment)) and line.strip("\r\n")
            )
            if options.line_sep:
                lines = iter([_until(text, options.line_sep)])
            if sep is None or len(sep) > 1:
                return next(lines).rstrip("\r\n").split(sep)
            fields = next((fields for fields in csv.reader(lines, delimiter=sep, **dialect) if fields), None)
        except UnicodeDecodeError as error:
            raise DataFormatError(
                f"{subject}: {path} is not {options.encoding} text; say which encoding it has, as in "
                f"encoding: latin-1 ({error})"
            ) from error
        except (csv.Error, StopIteration) as error:
            raise DataFormatError(f"{subject}: {path} cannot be read as csv: {error}") from error
    if fields is None:
        raise DataFormatError(
            f"{subject}: {path} is empty: it has no header and no rows. Remove it, or see what should have written it."
        )
    if options.ignore_leading_white_space:
        fields = [field.lstrip() for field in fields]
    return [field.rstrip() for field in fields] if options.ignore_trailing_white_space else fields


_DIALECT = ("sep", "quote", "escape", "comment")


def _until(text: io.TextIOWrapper, end: str) -> str:
    found = ""
    while (character := text.read(1)) and not found.endswith(end):
        found += character
    return found.removesuffix(end)


def _with_mark(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _parts_of(dataset: Dataset, files: Files, options: CsvReadOptions, engine: SparkEngine) -> list[CsvPart]:
    """Return the files in a form that Spark reads, with their columns, having checked that all have the same."""
    subject = f"{dataset.name!r}"
    _require_known(spark_options(options, dataset.location), engine)
    parts: list[CsvPart] = []
    for path in files.paths:
        own = column_names(path, options, subject=subject)
        if not parts:
            require_distinct(own, subject=f"{subject} ({path})")
        names = parts[0].names if parts else own
        if set(own) != set(names) or (not options.header and len(own) != len(names)):
            require_same(own, names, subject=f"{subject}: {path}", other=str(files.paths[0]))
        readable = prepared_text(
            path, compression=options.compression, encoding=options.encoding, dataset=dataset, engine=engine
        )
        dialect = spark_options(options, path.name)
        parts.append(CsvPart(path=readable, names=own, partition=files.partition_of(path), dialect=dialect))
    return parts


def _local_text(parts: Sequence[CsvPart], engine: SparkEngine) -> DataFrame:
    """Return all columns as text, files with columns in another order put right."""
    alike: dict[tuple[Any, ...], list[CsvPart]] = {}
    for part in parts:
        # Sail cannot read files that are compressed and files that are not as one.
        how = compression_of(part.path, "infer")
        alike.setdefault((*part.names, *part.partition.items(), part.dialect["sep"], how), []).append(part)
    frames: list[DataFrame] = []
    for group in alike.values():
        schema = StructType([StructField(name, StringType()) for name in group[0].names])
        reader = engine.session.read.schema(schema).options(**group[0].dialect, enforceSchema="true")
        frame = reader.csv([uri_of(part.path, engine=engine) for part in group])
        for name, value in group[0].partition.items():
            frame = frame.withColumn(name, F.lit(value).cast("string"))
        frames.append(frame)
    return functools.reduce(lambda one, other: one.unionByName(other), frames)


def _remote_text(dataset: Dataset, place: Place, options: CsvReadOptions, engine: SparkEngine) -> Any:
    if options.compression in {"zip", "xz"} or plain_name(place.uri) != Path(place.uri).name:
        _require_readable(dataset, place, options)
    given = spark_options(options, dataset.location) | {"enforceSchema": "false"}
    if options.encoding not in {"utf-8", "utf-8-sig", "ascii"}:
        given["encoding"] = options.encoding
    _require_known(given, engine)
    frame = engine.session.read.options(**given, **place.options).csv(place.uri)
    if options.names is not None and len(options.names) != len(frame.columns):
        raise ConfigError(f"{dataset.name!r}: {len(options.names)} names for {len(frame.columns)} columns")
    if options.names is not None or not options.header:
        frame = frame.toDF(*(options.names or map(str, range(len(frame.columns)))))
    return frame


def _require_readable(dataset: Dataset, place: Place, options: CsvReadOptions) -> None:
    how = compression_of(Path(place.uri), options.compression)
    if how not in {"none", "gzip", "bz2"}:
        raise ConfigError(
            f"{dataset.name!r}: {place.shown} is {how}, which Spark cannot read, and it is not on this machine, where "
            "it could be unpacked. Unpack it there, or compress it as .gz."
        )


def spark_options(options: CsvReadOptions, name: str) -> dict[str, str]:
    """Return what Spark is told of a file of that name; every field is read as text."""
    quote = "" if options.quoting == "none" else options.quote
    escape = options.escape if options.escape is not None else quote if options.doublequote else "\\"
    given = {
        "header": str(options.header).lower(),
        "sep": options.sep or default_separator(name),
        "quote": quote,
        "escape": escape or "\\",
        "multiLine": str(options.multi_line).lower(),
        "mode": options.mode,
        "comment": options.comment,
        "ignoreLeadingWhiteSpace": "true" if options.ignore_leading_white_space else None,
        "ignoreTrailingWhiteSpace": "true" if options.ignore_trailing_white_space else None,
        "lineSep": options.line_sep,
        "maxColumns": str(options.max_columns) if options.max_columns else None,
    }
    return {key: value for key, value in given.items() if value is not None}


def _require_known(given: dict[str, str], engine: SparkEngine) -> None:
    if engine.flavour.kind != "sail":
        return
    unknown = sorted(given.keys() - _ON_SAIL - {"enforceSchema", "mode"})
    unknown += ["quoting"] if not given["quote"] else []
    unknown += ["sep"] if len(given["sep"]) > 1 else []
    if unknown:
        raise ConfigError(
            f"Sail has no CSV option {', '.join(unknown)}: it would read on without a word. Leave it out, or read "
            "with Spark itself (engines.spark.master) or the pandas engine."
        )


def _with_nulls(name: str, options: CsvReadOptions) -> Any:
    """Return a column of text with its nulls; Spark itself has null for the empty field only."""
    texts = options.null_texts_of(name)
    text = column(name)
    if "" not in texts:
        text = F.coalesce(text, F.lit(""))
    return F.when(~text.isin(*sorted(texts)), text) if texts else text
