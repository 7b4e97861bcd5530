"""How each format is written: Spark's options, and what is done to columns before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - as everybody writes it
from pyspark.sql import types as st

from odibi_core.plugin import ConfigError, DataFormatError, Dataset
from odibi_engine_spark.columns import column
from odibi_engine_spark.files.compression import compression_of
from odibi_engine_spark.files.csv_reader import default_separator
from odibi_engine_spark.files.options import (
    AvroWriteOptions,
    CsvWriteOptions,
    JsonLinesWriteOptions,
    JsonWriteOptions,
    OrcWriteOptions,
    ParquetWriteOptions,
    TextWriteOptions,
)
from odibi_engine_spark.files.sources import NULL_PARTITION
from odibi_engine_spark.option_models import parse_options

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["Writing", "writing_of"]

_ON_SAIL = frozenset({"compression", "escape", "header", "sep"})
_NESTED = (st.ArrayType, st.MapType, st.StructType)
_UNIFORM_PARTITIONS = (st.BooleanType, st.DateType, st.IntegralType, st.StringType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What Spark is told about an output.

    Args:
        format: Spark's name of the format.
        options: Spark's options.
        partition_by: The columns that become names of folders.
        suffix: The suffix of the part files, without that of a compression.
        prepare: Makes the columns ready.
        header: The first line of each file, if Spark itself may leave it out.
    """

    format: str
    options: dict[str, str]
    partition_by: tuple[str, ...]
    suffix: str
    prepare: Callable[[DataFrame], DataFrame]
    header: str = ""


def writing_of(frame: DataFrame, dataset: Dataset, *, engine: SparkEngine, subject: str) -> Writing:
    """Return how a frame is written.

    Args:
        frame: The frame.
        dataset: The output.
        engine: The engine.
        subject: What is saved, for messages.

    Raises:
        ConfigError: An option is wrong, or this flavour lacks it.
        DataFormatError: The format cannot hold a column.
    """
    make = {"csv": _csv, "json": _json, "jsonl": _json, "text": _text}.get(dataset.format, _with_types)
    writing = make(frame, dataset, subject)
    _require_plain_partitions(frame, dataset, subject)
    if engine.flavour.kind != "sail":
        return writing
    # Sail leaves nulls out of JSON whatever is said; to readers that is the same.
    writing.options.pop("ignoreNullFields", None)
    # And it keeps blanks, and writes text of no letters as two quotes, without an option for it.
    for option in ("emptyValue", "ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace"):
        writing.options.pop(option, None)
    if unknown := sorted(writing.options.keys() - _ON_SAIL):
        raise ConfigError(f"{subject}: Sail has no option {', '.join(unknown)} for {dataset.format}; leave it out")
    return writing if not dataset.partition_by else _with_null_partitions(writing)


def _csv(frame: DataFrame, dataset: Dataset, subject: str) -> Writing:
    options = parse_options(CsvWriteOptions, dataset)
    for name, kind in frame.dtypes:
        if kind == "binary":
            raise DataFormatError(f"{subject}: column {name!r} is binary, which CSV cannot hold; save as parquet")
    sep = options.sep or default_separator(dataset.location)
    given = {
        "header": str(options.header).lower(),
        "sep": sep,
        "escape": options.quote,
        # Spark's own default takes the blanks off both ends of text.
        "ignoreLeadingWhiteSpace": "false",
        "ignoreTrailingWhiteSpace": "false",
        **_codec(options.compression, dataset),
    }
    given |= {"quote": options.quote} if options.quote != '"' else {}
    given |= {"nullValue": options.null_value} if options.null_value else {}
    given |= {"quoteAll": "true"} if options.quote_all or options.quoting == "all" else {}
    given |= {"lineSep": options.line_sep} if options.line_sep not in {None, "\n"} and options.line_sep else {}
    given |= {"encoding": options.encoding} if options.encoding not in {"ascii", "utf-8"} else {}

    names = [field.name for field in frame.schema.fields if field.name not in dataset.partition_by]
    # Spark leaves out a row of one null, whose line would be blank; text of no letters, it writes as two quotes.
    alone = names[0] if len(names) == 1 and not options.null_value else None
    given |= {"emptyValue": options.quote * 2} if alone is not None and options.quote != '"' else {}

    def text_of(field: st.StructField) -> Column:
        text = _as_text(field, options.date_format, options.timestamp_format, is_nested_text=True)
        return F.coalesce(text.cast("string"), F.lit("")) if field.name == alone else text

    def prepare(frame: DataFrame) -> DataFrame:
        return frame.select(*(text_of(field).alias(field.name) for field in frame.schema.fields))

    header = sep.join(_quoted(name, sep, options.quote) for name in names) + "\n" if options.header else ""
    return Writing(
        format="csv",
        options=given,
        partition_by=dataset.partition_by,
        suffix=".tsv" if default_separator(dataset.location) == "\t" else ".csv",
        prepare=prepare,
        header=header,
    )


def _json(frame: DataFrame, dataset: Dataset, subject: str) -> Writing:
    del frame, subject
    model = JsonWriteOptions if dataset.format == "json" else JsonLinesWriteOptions
    options = parse_options(model, dataset)

    def prepare(frame: DataFrame) -> DataFrame:
        return frame.select(
            *(
                _as_text(f, options.date_format, options.timestamp_format, is_nested_text=False).alias(f.name)
                for f in frame.schema.fields
            )
        )

    given = _codec(options.compression, dataset)
    given |= {} if options.ignore_null_fields else {"ignoreNullFields": "false"}
    return Writing(
        format="json",
        options=given,
        partition_by=dataset.partition_by,
        suffix=f".{dataset.format}",
        prepare=prepare,
    )


def _text(frame: DataFrame, dataset: Dataset, subject: str) -> Writing:
    options = parse_options(TextWriteOptions, dataset)
    if [kind for _, kind in frame.dtypes] != ["string"]:
        found = ", ".join(f"{name} {kind}" for name, kind in frame.dtypes)
        raise DataFormatError(f"{subject}: text is one column of strings, and the frame has {found}")
    given = _codec(options.compression, dataset)
    given |= {"lineSep": options.line_sep} if options.line_sep else {}
    return Writing(format="text", options=given, partition_by=(), suffix=".txt", prepare=lambda frame: frame)


def _with_types(frame: DataFrame, dataset: Dataset, subject: str) -> Writing:
    """Return how a format is written that has types of its own.

    Raises:
        DataFormatError: ORC would cut off the name of a column.
    """
    given: dict[str, str] = {}
    if dataset.format == "avro":
        avro = parse_options(AvroWriteOptions, dataset)
        given["compression"] = avro.compression
        named = {
            "avroSchema": avro.avro_schema,
            "recordName": avro.record_name,
            "recordNamespace": avro.record_namespace,
        }
        given |= {key: value for key, value in named.items() if value is not None}
    elif dataset.format == "parquet":
        parquet = parse_options(ParquetWriteOptions, dataset)
        given["compression"] = parquet.compression
    else:
        # Spark's ORC writer ends a name at its first backtick, without a word (measured with 4.1.1).
        if ticked := [name for name in frame.columns if "`" in name]:
            raise DataFormatError(f"{subject}: ORC cannot hold the names {', '.join(map(repr, ticked))}; rename them")
        orc = parse_options(OrcWriteOptions, dataset)
        given["compression"] = orc.compression
    return Writing(
        format=dataset.format,
        options=given,
        partition_by=dataset.partition_by,
        suffix=f".{dataset.format}",
        prepare=lambda frame: frame,
    )


def _as_text(
    field: st.StructField, date_format: str | None, time_format: str | None, *, is_nested_text: bool
) -> Column:
    """Return a column with times as text, to the last digit: Spark writes milliseconds."""
    kind, value = field.dataType, column(field.name)
    if isinstance(kind, st.DateType) and date_format is not None:
        return F.date_format(value, date_format)
    if isinstance(kind, (st.TimestampType, st.TimestampNTZType)):
        if time_format is not None:
            return F.date_format(value, time_format)
        return _moment_as_text(value) if isinstance(kind, st.TimestampType) else value.cast("string")
    if is_nested_text and isinstance(kind, _NESTED):
        return F.to_json(value)
    return value


def _moment_as_text(value: Column) -> Column:
    """Return moments as the session's zone has them, with their distance to UTC."""
    offset = F.date_format(value, "xxxxx")
    # Before zones there were, noon was the sun's: the distance has seconds then, which few can read.
    since = F.make_dt_interval(secs=F.unix_micros(value).cast("decimal(24,6)") / F.lit(1_000_000))
    in_utc = F.concat((F.lit("1970-01-01 00:00:00").cast("timestamp_ntz") + since).cast("string"), F.lit("+00:00"))
    has_seconds = F.length(offset) > len("+00:00")
    return F.when(has_seconds, in_utc).otherwise(F.concat(value.cast("string"), offset))


def _codec(asked: str, dataset: Dataset) -> dict[str, str]:
    how = compression_of(Path(dataset.location), asked)
    if how not in {"bz2", "gzip", "none"}:
        raise ConfigError(f"{dataset.name!r}: Spark cannot write {how}; name it .gz or .bz2, or say compression: gzip")
    return {} if how == "none" else {"compression": "bzip2" if how == "bz2" else how}


def _quoted(name: str, sep: str, quote: str) -> str:
    needs = any(character in name for character in (sep, quote, "\n", "\r")) or name != name.strip() or not name
    return f"{quote}{name.replace(quote, quote * 2)}{quote}" if needs else name


def _require_plain_partitions(frame: DataFrame, dataset: Dataset, subject: str) -> None:
    for one in frame.schema.fields:
        if one.name not in dataset.partition_by:
            continue
        if not one.name or "/" in one.name or "=" in one.name:
            raise DataFormatError(f"{subject}: {one.name!r} cannot be partitioned by: no folder can have that name")
        if not isinstance(one.dataType, _UNIFORM_PARTITIONS):
            raise DataFormatError(
                f"{subject}: column {one.name!r} is {one.dataType.simpleString()}; make it integers, text, dates "
                "or truth values first, which the name of a folder can hold"
            )


def _with_null_partitions(writing: Writing) -> Writing:
    """Name the folder of nulls as everybody else does; Sail leaves its name empty."""

    def prepare(frame: DataFrame) -> DataFrame:
        ready = writing.prepare(frame)
        for name in writing.partition_by:
            ready = ready.withColumn(name, F.coalesce(column(name).cast("string"), F.lit(NULL_PARTITION)))
        return ready

    return replace(writing, prepare=prepare)
