"""What this distribution registers; imports nothing but the plugin surface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from odibi_core.plugin import (
    Capability,
    CheckSpec,
    EngineSpec,
    LogSinkSpec,
    ReaderSpec,
    SaverSpec,
    hookimpl,
)

__all__ = [
    "odibi_register_checks",
    "odibi_register_engines",
    "odibi_register_log_sinks",
    "odibi_register_readers",
    "odibi_register_savers",
]

_SINCE = "0.1"

# What the formats cannot hold, in the words of the contract test-kit's tables.
_TEXT_SHEET = {
    "all_null": "a column without values has no type",
    "binary": "refused",
    "dates": "text, unless the option schema says more",
    "decimals": "floats, unless the option schema says more",
    "empty": "columns without types",
    "small_numbers": "64 bits",
    "times": "text, unless the option schema says more",
    "zones": "text, unless the option schema says more",
}
_JSON_SHEET = _TEXT_SHEET | {
    "binary": "text, in base64",
    "empty": "no columns",
    "infinities": "text",
    "nan": "text",
    "nested_times": "text and floats, unless the option schema says more",
    "row_order": "files are read in the order of their sizes",
}
_CASE = {"case_names": "refused: Spark does not look at upper and lower case"}
_SHEETS = {
    "csv": _TEXT_SHEET
    | {
        "empty_text": "null",
        "lists": "JSON in a field, read as text",
        "nan": "null",
        "nested_nulls": "JSON in a field, read as text",
        "nested_times": "JSON in a field, read as text",
        "row_order": "files are read in the order of their sizes",
        "structs": "JSON in a field, read as text",
        "text_like_values": "numbers, truth values and nulls",
    },
    "json": _JSON_SHEET,
    "jsonl": _JSON_SHEET,
    "orc": {"names": "refused: Spark cuts a name off at a backtick"},
    "delta": {"other_columns": "refused, unless the option overwrite_schema says so"},
}

# Format, suffixes, the name in its options models, what it is, and whether folders of hive partitions make sense.
_FILES = (
    ("csv", (".csv", ".tsv"), "Csv", "CSV and TSV files", True),
    ("json", (".json",), "Json", "JSON documents: an array of records per file", True),
    ("jsonl", (".jsonl", ".ndjson"), "JsonLines", "JSON lines: one record per line", True),
    ("parquet", (".parquet", ".pq"), "Parquet", "Parquet files and folders of them", True),
    ("orc", (".orc",), "Orc", "ORC files and folders of them", True),
    ("avro", (".avro",), "Avro", "Avro files, where Spark has its module", True),
    ("text", (".txt",), "Text", "text: one column of lines", False),
)


@hookimpl
def odibi_register_engines() -> Iterator[EngineSpec]:
    """Yield the engine ``spark``."""
    yield EngineSpec(
        name="spark",
        factory="odibi_engine_spark.engine:SparkEngine",
        summary="Apache Spark: in this process, on a cluster, through Spark Connect, or Sail without Java",
        options_model="odibi_engine_spark.options:SparkEngineOptions",
        capabilities={
            "append": Capability(supported=True, since=_SINCE),
            "append_order": Capability(supported=False, note="files of a dataset have no order"),
            "arrow": Capability(
                supported=True, since=_SINCE, note="rows go through this process, a few batches at a time"
            ),
            "atomic_save": Capability(
                supported=True, since=_SINCE, note="Delta tables, and files on this machine or a shared disk"
            ),
            "cache": Capability(supported=True, since=_SINCE, note="not on Sail"),
            "catalog": Capability(supported=True, since=_SINCE, note="names of one to three parts"),
            "job_groups": Capability(supported=True, since=_SINCE, note="tags on Spark Connect; not on Sail"),
            "merge": Capability(supported=True, since=_SINCE, note="Delta tables"),
            "partitions": Capability(supported=True, since=_SINCE),
            "python_udfs": Capability(
                supported=True, since=_SINCE, note="the executors need this Python version and its packages"
            ),
            "query": Capability(supported=True, since=_SINCE, note="Spark SQL"),
            "remote_files": Capability(
                supported=True, since=_SINCE, note="as far as the jars of the session reach; Sail has its own"
            ),
            "streaming": Capability(
                supported=False, note="functions get the session and may stream; the kernel's readers and savers do not"
            ),
            "threads": Capability(supported=True, since=_SINCE, note="FAIR pools where the engine built the session"),
            "unsigned": Capability(supported=False, note="the next larger type that has a sign, or a decimal"),
            "zone_names": Capability(supported=False, note="a moment is kept, as UTC; the name of its zone is not"),
        },
        transient_errors=(
            "builtins:ConnectionError",
            "builtins:TimeoutError",
            "odibi_engine_spark.errors:TransientSparkError",
        ),
    )


@hookimpl
def odibi_register_readers() -> Iterator[ReaderSpec]:
    """Yield the readers for files, Delta tables, databases, tables of the catalog, and queries."""
    for format_, suffixes, model, what, _ in _FILES:
        yield ReaderSpec(
            engine="spark",
            format=format_,
            factory="odibi_engine_spark.files.reader:SparkFileReader",
            summary=what,
            options_model=f"odibi_engine_spark.files.options:{model}ReadOptions",
            suffixes=suffixes,
        )
    yield ReaderSpec(
        engine="spark",
        format="delta",
        factory="odibi_engine_spark.delta.reader:SparkDeltaReader",
        summary="Delta tables, now or as of a version or time",
        options_model="odibi_engine_spark.delta.options:DeltaReadOptions",
    )
    yield ReaderSpec(
        engine="spark",
        format="jdbc",
        factory="odibi_engine_spark.tables.jdbc:SparkJdbcReader",
        summary="tables and queries of a database, through its JDBC driver",
        options_model="odibi_engine_spark.tables.jdbc_options:JdbcReadOptions",
    )
    yield ReaderSpec(
        engine="spark",
        format="catalog",
        factory="odibi_engine_spark.tables.catalog:SparkCatalogReader",
        summary="tables of the session's catalogs, by name",
        options_model="odibi_engine_spark.tables.catalog_options:CatalogReadOptions",
    )
    yield ReaderSpec(
        engine="spark",
        format="sql",
        factory="odibi_engine_spark.tables.query_reader:SparkQueryReader",
        summary="the rows of a Spark SQL query",
        options_model="odibi_engine_spark.tables.query_options:QueryReadOptions",
    )


@hookimpl
def odibi_register_savers() -> Iterator[SaverSpec]:
    """Yield the savers for files, Delta tables, databases and tables of the catalog."""
    for format_, suffixes, model, what, has_partitions in _FILES:
        yield SaverSpec(
            engine="spark",
            format=format_,
            factory="odibi_engine_spark.files.saver:SparkFileSaver",
            summary=what,
            options_model=f"odibi_engine_spark.files.options:{model}WriteOptions",
            suffixes=suffixes,
            supports_partitions=has_partitions,
            capabilities=_cannot(_CASE | _SHEETS.get(format_, {})),
        )
    yield SaverSpec(
        engine="spark",
        format="delta",
        factory="odibi_engine_spark.delta.saver:SparkDeltaSaver",
        modes=("overwrite", "append", "error", "ignore", "merge"),
        summary="Delta tables, each save one commit",
        options_model="odibi_engine_spark.delta.options:DeltaWriteOptions",
        supports_partitions=True,
        capabilities=_cannot(_CASE | _SHEETS["delta"]),
    )
    yield SaverSpec(
        engine="spark",
        format="jdbc",
        factory="odibi_engine_spark.tables.jdbc:SparkJdbcSaver",
        summary="tables of a database, through its JDBC driver",
        options_model="odibi_engine_spark.tables.jdbc_options:JdbcWriteOptions",
    )
    yield SaverSpec(
        engine="spark",
        format="catalog",
        factory="odibi_engine_spark.tables.catalog:SparkCatalogSaver",
        modes=("overwrite", "append", "error", "ignore", "merge"),
        summary="tables of the session's catalogs, by name",
        options_model="odibi_engine_spark.tables.catalog_options:CatalogWriteOptions",
        supports_partitions=True,
    )


@hookimpl
def odibi_register_log_sinks() -> Iterator[LogSinkSpec]:
    """Yield the log sink ``spark_delta``."""
    yield LogSinkSpec(
        name="spark_delta",
        factory="odibi_engine_spark.delta.sink:SparkDeltaLogSink",
        summary="A Delta table of the session's catalog, one commit per batch",
        options_model="odibi_engine_spark.delta.options:SparkDeltaLogSinkOptions",
    )


@hookimpl
def odibi_register_checks() -> Iterator[CheckSpec]:
    """Yield the checks of Java, the versions, the jars and the interpreter."""
    yield CheckSpec(name="spark-java", factory="odibi_engine_spark.checks:check_java", summary="Java for Spark")
    yield CheckSpec(
        name="spark-versions",
        factory="odibi_engine_spark.checks:check_versions",
        summary="pyspark and delta-spark go together",
    )
    yield CheckSpec(
        name="spark-delta-jars",
        factory="odibi_engine_spark.checks:check_delta_jars",
        summary="where Delta's jars come from",
    )
    yield CheckSpec(
        name="spark-python",
        factory="odibi_engine_spark.checks:check_interpreter",
        summary="the interpreter that runs Python functions on executors",
    )


def _cannot(notes: Mapping[str, str]) -> dict[str, Capability]:
    return {word: Capability(supported=False, note=note) for word, note in notes.items()}
