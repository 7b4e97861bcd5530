"""A frame of text made into the frame that an input's options ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from odibi_core.plugin import ConfigError
from odibi_engine_spark.columns import column, require_columns
from odibi_engine_spark.files.csv_options import CsvReadOptions, TypedOptions
from odibi_engine_spark.files.date_formats import has_zone
from odibi_engine_spark.files.text_types import TextFormat, inferred, retyped, spark_type, type_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["ddl_types", "typed"]


def typed(
    frame: DataFrame,
    options: TypedOptions,
    *,
    subject: str,
    engine: SparkEngine,
    kinds: Mapping[str, int] | None = None,
) -> DataFrame:
    """Return a frame with the columns, types and number of rows that options ask for.

    Args:
        frame: The frame as it was read; what is text in it may be typed.
        options: The options.
        subject: What is read, for messages.
        engine: The engine.
        kinds: What is known of the values of columns, so that Spark need not be asked.

    Raises:
        ColumnNotFoundError: An option names a column that is not there.
        ConfigError: A type cannot be read from text.
        DataFormatError: A column of times has some with a zone and some without.
    """
    given = _given_types(options, frame.columns, subject=subject, engine=engine)
    if options.ddl is not None:
        if not isinstance(options, CsvReadOptions) or options.header or options.names is not None:
            require_columns(given, frame.columns, subject=subject)
        elif len(given) != len(frame.columns):
            raise ConfigError(f"{subject} has {len(frame.columns)} columns, and the schema {len(given)}")
        else:
            frame = frame.toDF(*given)
        frame = frame.select(*map(column, given))
    require_columns([*given, *options.parse_dates, *(options.columns or ())], frame.columns, subject=subject)
    if options.columns is not None:
        frame = frame.select(*map(column, options.columns))
    if options.nrows is not None:
        frame = frame.limit(options.nrows)
    text_format = _text_format(options)
    texts = [name for name, kind in frame.dtypes if kind == "string"]
    times = [name for name in options.parse_dates if name in texts and name not in given]
    types = {name: given[name] for name in texts if name in given} | _zoned(times, text_format)
    is_inferring = isinstance(options, CsvReadOptions) and options.infer_schema
    unknown = [name for name in texts if name not in types and name not in times] if is_inferring else []
    sample = frame if options.sampling_ratio is None else frame.sample(options.sampling_ratio)
    times = [name for name in times if name not in types]
    found = {name: type_of(kinds[name]) for name in unknown if kinds and name in kinds}
    rest = [name for name in unknown if name not in found]
    found |= inferred(sample, rest, text_format, times=times, subject=subject)
    certain = set(unknown) if options.sampling_ratio is None else ()
    return retyped(frame, types | found, text_format, on_misfit=options.mode, subject=subject, certain=certain)


def ddl_types(ddl: str, *, subject: str, engine: SparkEngine) -> dict[str, str]:
    """Return the columns of a schema's text and their types.

    Args:
        ddl: Such as ``tail string, seats int``.
        subject: What is read, for messages.
        engine: The engine, whose parser is asked.

    Raises:
        ConfigError: It is no schema.
    """
    from pyspark.errors import PySparkException

    try:
        fields = engine.session.createDataFrame([], ddl).schema.fields
    except PySparkException as error:
        raise ConfigError(
            f"{subject}: the schema {ddl!r} cannot be understood; write it as in 'tail string, seats int'"
        ) from error
    return {field.name: field.dataType.simpleString() for field in fields}


def _given_types(options: TypedOptions, columns: list[str], *, subject: str, engine: SparkEngine) -> dict[str, str]:
    if options.ddl is not None:
        types = ddl_types(options.ddl, subject=subject, engine=engine)
        return {name: spark_type(kind, subject=f"{subject}: column {name!r}") for name, kind in types.items()}
    if isinstance(options.dtype, str):
        kind = spark_type(options.dtype, subject=subject)
        return {name: kind for name in columns if name not in options.parse_dates}
    return {
        name: spark_type(kind, subject=f"{subject}: column {name!r}") for name, kind in (options.dtype or {}).items()
    }


def _text_format(options: TypedOptions) -> TextFormat:
    formats: dict[str | None, str] = {}
    if isinstance(options.date_format, str):
        formats[None] = options.date_format
    elif options.date_format is not None:
        formats.update(options.date_format)
    if not isinstance(options, CsvReadOptions):
        return TextFormat(date_formats=formats, time_format=options.timestamp_format)
    return TextFormat(
        true=frozenset({"true", *(text.lower() for text in options.true_values)}),
        false=frozenset({"false", *(text.lower() for text in options.false_values)}),
        decimal=options.decimal,
        thousands=options.thousands,
        date_formats=formats,
        time_format=options.timestamp_format,
    )


def _zoned(times: list[str], text_format: TextFormat) -> dict[str, str]:
    """Return the types of times whose pattern says whether they have a zone."""
    patterns = {name: text_format.time_format or text_format.date_format(name) for name in times}
    return {
        name: "timestamp" if has_zone(pattern) else "timestamp_ntz"
        for name, pattern in patterns.items()
        if pattern is not None
    }
