"""Reading files: csv, json, jsonl, parquet, orc, avro and text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from odibi_core.plugin import ConfigError, DataFormatError, Dataset, DatasetNotFoundError
from odibi_engine_spark.columns import column, require_columns, require_distinct
from odibi_engine_spark.files.csv_reader import CSV_SUFFIXES, read_csv
from odibi_engine_spark.files.json_reader import JSON_SUFFIXES, JSONL_SUFFIXES, read_json
from odibi_engine_spark.files.options import (
    AvroReadOptions,
    CsvReadOptions,
    JsonLinesReadOptions,
    JsonReadOptions,
    OrcReadOptions,
    ParquetReadOptions,
    TextReadOptions,
)
from odibi_engine_spark.files.parquet_reader import PARQUET_SUFFIXES, read_local_parquet
from odibi_engine_spark.files.prepared import prepared_text
from odibi_engine_spark.files.sources import Files, find_files
from odibi_engine_spark.filters import filtered
from odibi_engine_spark.option_models import parse_options
from odibi_engine_spark.places import Place, place_of, uri_of
from odibi_engine_spark.raised import SPARK_ERRORS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["SUFFIXES", "SparkFileReader", "missing_source"]

SUFFIXES = {
    "avro": (".avro",),
    "csv": CSV_SUFFIXES,
    "json": JSON_SUFFIXES,
    "jsonl": JSONL_SUFFIXES,
    "orc": (".orc",),
    "parquet": PARQUET_SUFFIXES,
    "text": (".txt",),
}
"""The suffixes by which the files of a format are known below a folder."""


class SparkFileReader:
    """Reads files of one format: a file, a folder or a glob; compressed or not.

    Where this process sees the files, they are found, and a near name is suggested, as the pandas engine does it; on
    a store or a server's own disk, Spark finds them.

    Args:
        engine: The engine.
    """

    def __init__(self, engine: SparkEngine) -> None:
        self._engine = engine

    def read(self, dataset: Dataset, /) -> DataFrame:
        """Return the rows of all files of a dataset.

        Args:
            dataset: What to read.

        Raises:
            DatasetNotFoundError: Nothing is there.
            DataFormatError: A file is not of the format, or has other columns than the first.
            ColumnNotFoundError: An option names a column that is not there.
            ConfigError: An option is wrong, or Spark lacks a module.
        """
        engine = self._engine
        place = place_of(dataset, engine=engine)
        with _errors_explained(dataset, place, engine):
            if dataset.format == "csv":
                return read_csv(
                    dataset, place, self._files(dataset, place), parse_options(CsvReadOptions, dataset), engine
                )
            if dataset.format in {"json", "jsonl"}:
                model = JsonReadOptions if dataset.format == "json" else JsonLinesReadOptions
                return read_json(dataset, place, self._files(dataset, place), parse_options(model, dataset), engine)
            if dataset.format == "text":
                return self._text(dataset, place, parse_options(TextReadOptions, dataset))
            return self._typed_files(dataset, place)

    def _files(self, dataset: Dataset, place: Place) -> Files | None:
        return None if place.path is None else find_files(dataset, place.path, suffixes=SUFFIXES[dataset.format])

    def _typed_files(self, dataset: Dataset, place: Place) -> DataFrame:
        """Read a format that has types."""
        models: dict[str, type[AvroReadOptions | ParquetReadOptions]] = {
            "avro": AvroReadOptions,
            "orc": OrcReadOptions,
            "parquet": ParquetReadOptions,
        }
        options = parse_options(models[dataset.format], dataset)
        if dataset.format == "parquet" and isinstance(options, ParquetReadOptions) and place.path is not None:
            frame = read_local_parquet(dataset, place.path, options, self._engine)
        else:
            frame = self._loaded(dataset, place, options)
        subject = f"{dataset.name!r} ({place.shown})"
        require_distinct(frame.columns, subject=subject)
        require_columns(options.columns or (), frame.columns, subject=subject)
        frame = filtered(frame, options.filters, subject=subject)
        return frame if options.columns is None else frame.select(*map(column, options.columns))

    def _loaded(self, dataset: Dataset, place: Place, options: AvroReadOptions | ParquetReadOptions) -> DataFrame:
        reader = self._engine.session.read.format(dataset.format).options(**place.options)
        if isinstance(options, ParquetReadOptions):
            reader = reader.option("mergeSchema", str(options.merge_schema).lower())
        elif options.avro_schema is not None:
            reader = reader.option("avroSchema", options.avro_schema)
        if place.path is None:
            frame = reader.load(place.uri)
        else:
            files = find_files(dataset, place.path, suffixes=SUFFIXES[dataset.format])
            if files.folder is not None:
                reader = reader.option("basePath", uri_of(files.folder, engine=self._engine, is_output=True))
            frame = reader.load([uri_of(path, engine=self._engine) for path in files.paths])
        return frame

    def _text(self, dataset: Dataset, place: Place, options: TextReadOptions) -> DataFrame:
        engine = self._engine
        given = {"wholetext": "true"} if options.whole_text else {}
        given |= {"lineSep": options.line_sep} if options.line_sep else {}
        if given and engine.flavour.kind == "sail":
            raise ConfigError(
                f"{dataset.name!r}: Sail has no text option {', '.join(given)}; leave it out, or read with Spark itself"
            )
        reader = engine.session.read.options(**given, **place.options)
        if place.path is None:
            return reader.text(place.uri)
        files = find_files(dataset, place.path, suffixes=SUFFIXES["text"])
        readable = [
            prepared_text(
                path, compression=options.compression, encoding=options.encoding, dataset=dataset, engine=engine
            )
            for path in files.paths
        ]
        return reader.text([uri_of(path, engine=engine) for path in readable])


def missing_source(error: Exception, *, format_: str, subject: str, engine: SparkEngine) -> ConfigError | None:
    """Return what to say if Spark lacks the module of a format, None if that is not what is wrong.

    Args:
        error: What Spark raised.
        format_: The format.
        subject: What was to be read or saved, for messages.
        engine: The engine.
    """
    text = str(error)
    if not (
        "ailed to find data source" in text
        or "DATA_SOURCE_NOT_FOUND" in text
        or "No data source found" in text
        or "not implemented for this format" in text
    ):
        return None
    if engine.flavour.kind == "sail":
        return ConfigError(
            f"{subject}: Sail has no {format_}; use parquet or delta, or Spark itself (engines.spark.master)"
        )
    if format_ == "avro":
        return ConfigError(
            f"{subject}: Spark has no module for avro. Add org.apache.spark:spark-avro_2.13:{engine.flavour.version} "
            "to engines.spark.packages, or its jar to engines.spark.jars, and start a new session."
        )
    return ConfigError(f"{subject}: Spark has no module for {format_}; add its jar to engines.spark.jars")


@contextmanager
def _errors_explained(dataset: Dataset, place: Place, engine: SparkEngine) -> Iterator[None]:
    """Turn what Spark says while it looks at files into an error that names the dataset."""
    subject = f"{dataset.name!r}: {place.shown}"
    try:
        yield
    except SPARK_ERRORS as error:
        text = str(error)
        if (missing := missing_source(error, format_=dataset.format, subject=subject, engine=engine)) is not None:
            raise missing from error
        if "PATH_NOT_FOUND" in text or "Path does not exist" in text:
            raise DatasetNotFoundError(f"{subject} does not exist") from error
        if "UNABLE_TO_INFER_SCHEMA" in text:
            raise DatasetNotFoundError(f"{subject} has no {dataset.format} files") from error
        if any(
            sign in text for sign in ("PARQUET", "FAILED_READ_FILE", "MALFORMED", "CANNOT_READ_FILE_FOOTER", "error:")
        ):
            raise DataFormatError(f"{subject} cannot be read as {dataset.format}: {_first_line(text)}") from error
        raise


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), text)[:500]
