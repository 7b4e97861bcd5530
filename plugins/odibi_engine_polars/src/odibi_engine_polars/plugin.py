"""What this distribution registers; imports nothing but the plugin surface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from odibi_core.plugin import Capability, EngineSpec, ReaderSpec, SaverSpec, hookimpl

__all__ = ["odibi_register_engines", "odibi_register_readers", "odibi_register_savers"]

_SINCE = "0.1"
_AVRO = (".avro",)
_CSV = (".csv", ".tsv")
_EXCEL = (".xlsx", ".xlsb", ".xls", ".ods")
_IPC = (".arrow", ".feather", ".ipc")
_JSON = (".json",)
_JSONL = (".jsonl", ".ndjson")
_PARQUET = (".parquet", ".pq")

# What the formats cannot hold, in the words of the contract test-kit's tables.
_NUMBERS = {
    "all_null": "a column without values has no type",
    "binary": "refused",
    "decimals": "floats",
    "nan": "null",
    "small_numbers": "64 bits",
    "unsigned": "64 bits with a sign",
}
_TIMES = {
    "dates": "text, unless named in parse_dates",
    "times": "text, unless named in parse_dates",
    "zones": "text, unless named in parse_dates",
    "zone_names": "text, unless named in parse_dates",
}
_CSV_SHEET = (
    _NUMBERS
    | _TIMES
    | {
        "empty": "columns of text",
        "empty_text": "null",
        "lists": "JSON in a field, read as text",
        "nested_nulls": "JSON in a field, read as text",
        "nested_times": "JSON in a field, read as text",
        "structs": "JSON in a field, read as text",
        "text_like_values": "numbers, truth values and nulls",
    }
)
_JSON_SHEET = _NUMBERS | _TIMES | {"empty": "no columns", "infinities": "refused", "nested_times": "text"}
_AVRO_SHEET = {
    "nested_times": "refused: zones",
    "small_numbers": "32 bits",
    "unsigned": "refused",
    "zones": "refused",
    "zone_names": "refused",
}
_EXCEL_SHEET = _NUMBERS | {
    "case_names": "refused: Excel does not look at case",
    "empty": "columns of text",
    "empty_text": "null",
    "floats": "15 digits",
    "infinities": "null",
    "integers": "15 digits",
    "integers_with_nulls": "15 digits",
    "lists": "text",
    "nested_nulls": "text",
    "nested_times": "text",
    "one_column_with_nulls": "refused: a sheet ends with its last value, and the last row is a null",
    "structs": "text",
    "text": "32,767 characters; longer text is refused",
    "times": "milliseconds",
    "zones": "refused",
    "zone_names": "refused",
}


@hookimpl
def odibi_register_engines() -> Iterator[EngineSpec]:
    """Yield the engine ``polars``."""
    yield EngineSpec(
        name="polars",
        factory="odibi_engine_polars.engine:PolarsEngine",
        summary="Polars, lazy by default: on all cores of one machine, for data that need not fit into its memory",
        options_model="odibi_engine_polars.options:PolarsEngineOptions",
        capabilities={
            "append": Capability(supported=True, since=_SINCE, note="all or nothing; a file is written anew"),
            "arrow": Capability(
                supported=True, since=_SINCE, note="C stream, without copying; lazy frames are computed"
            ),
            "atomic_save": Capability(
                supported=True, since=_SINCE, note="local files; remote files as far as their store can"
            ),
            "cache": Capability(
                supported=False, note="scans read no more than they need, and files are cached already"
            ),
            "catalog": Capability(supported=False, note="tables are files of the project's warehouse"),
            "compression": Capability(
                supported=True, since=_SINCE, note=".gz, .zip, .zst, .bz2 and .xz for text, the codecs of Parquet"
            ),
            "in_memory": Capability(supported=True, since=_SINCE, note="frames are computed in this process"),
            "merge": Capability(
                supported=False, note="files cannot be updated by key; the Delta saver of odibi-sinks can"
            ),
            "partitions": Capability(supported=True, since=_SINCE, note="Parquet on a local file system"),
            "query": Capability(supported=False, note="functions may use polars.SQLContext"),
            "remote_files": Capability(
                supported=True, since=_SINCE, note="through fsspec; each store needs its own package"
            ),
            "streaming": Capability(
                supported=True, since=_SINCE, note="lazy frames are read, computed and saved in parts"
            ),
            "threads": Capability(supported=True, since=_SINCE, note="engine, readers and savers keep no state"),
        },
        transient_errors=("builtins:ConnectionError", "builtins:TimeoutError"),
    )


@hookimpl
def odibi_register_readers() -> Iterator[ReaderSpec]:
    """Yield the readers."""
    yield ReaderSpec(
        engine="polars",
        format="csv",
        factory="odibi_engine_polars.csv_reader:PolarsCsvReader",
        summary="CSV and TSV files, compressed or not; a file, a folder or a glob",
        options_model="odibi_engine_polars.csv_options:CsvReadOptions",
        suffixes=_CSV,
    )
    yield ReaderSpec(
        engine="polars",
        format="json",
        factory="odibi_engine_polars.json_reader:PolarsJsonReader",
        summary="one JSON document per file: an array of records, or an object of columns",
        options_model="odibi_engine_polars.options:JsonReadOptions",
        suffixes=_JSON,
    )
    yield ReaderSpec(
        engine="polars",
        format="jsonl",
        factory="odibi_engine_polars.json_reader:PolarsJsonLinesReader",
        summary="JSON lines: one record per line",
        options_model="odibi_engine_polars.options:JsonLinesReadOptions",
        suffixes=_JSONL,
    )
    yield ReaderSpec(
        engine="polars",
        format="parquet",
        factory="odibi_engine_polars.parquet_reader:PolarsParquetReader",
        summary="Parquet files and folders of them, with hive partitions; only what is needed is read",
        options_model="odibi_engine_polars.options:ParquetReadOptions",
        suffixes=_PARQUET,
    )
    yield ReaderSpec(
        engine="polars",
        format="ipc",
        factory="odibi_engine_polars.ipc:PolarsIpcReader",
        summary="Arrow IPC (Feather) files; only what is needed is read",
        options_model="odibi_engine_polars.options:ColumnOptions",
        suffixes=_IPC,
    )
    yield ReaderSpec(
        engine="polars",
        format="avro",
        factory="odibi_engine_polars.avro:PolarsAvroReader",
        summary="Avro files",
        options_model="odibi_engine_polars.options:ColumnOptions",
        suffixes=_AVRO,
    )
    yield ReaderSpec(
        engine="polars",
        format="excel",
        factory="odibi_engine_polars.excel:PolarsExcelReader",
        summary="one sheet of Excel workbooks",
        options_model="odibi_engine_polars.options:ExcelReadOptions",
        suffixes=_EXCEL,
        requires=("fastexcel>=0.12",),
    )


@hookimpl
def odibi_register_savers() -> Iterator[SaverSpec]:
    """Yield the savers."""
    yield SaverSpec(
        engine="polars",
        format="csv",
        capabilities=_cannot(_CSV_SHEET),
        factory="odibi_engine_polars.csv_saver:PolarsCsvSaver",
        summary="CSV and TSV files, compressed or not, replaced atomically",
        options_model="odibi_engine_polars.csv_options:CsvWriteOptions",
        suffixes=_CSV,
    )
    yield SaverSpec(
        engine="polars",
        format="json",
        capabilities=_cannot(_JSON_SHEET),
        factory="odibi_engine_polars.json_saver:PolarsJsonSaver",
        summary="one JSON array of records, replaced atomically",
        options_model="odibi_engine_polars.options:JsonWriteOptions",
        suffixes=_JSON,
    )
    yield SaverSpec(
        engine="polars",
        format="jsonl",
        capabilities=_cannot(_JSON_SHEET),
        factory="odibi_engine_polars.json_saver:PolarsJsonLinesSaver",
        summary="JSON lines, replaced atomically",
        options_model="odibi_engine_polars.options:JsonWriteOptions",
        suffixes=_JSONL,
    )
    yield SaverSpec(
        engine="polars",
        format="parquet",
        factory="odibi_engine_polars.parquet_saver:PolarsParquetSaver",
        summary="Parquet files, or a folder of hive partitions, replaced atomically",
        options_model="odibi_engine_polars.options:ParquetWriteOptions",
        suffixes=_PARQUET,
        supports_partitions=True,
    )
    yield SaverSpec(
        engine="polars",
        format="ipc",
        factory="odibi_engine_polars.ipc:PolarsIpcSaver",
        summary="Arrow IPC (Feather) files, replaced atomically",
        options_model="odibi_engine_polars.options:IpcWriteOptions",
        suffixes=_IPC,
    )
    yield SaverSpec(
        engine="polars",
        format="avro",
        capabilities=_cannot(_AVRO_SHEET),
        factory="odibi_engine_polars.avro:PolarsAvroSaver",
        summary="Avro files, replaced atomically",
        options_model="odibi_engine_polars.options:AvroWriteOptions",
        suffixes=_AVRO,
    )
    yield SaverSpec(
        engine="polars",
        format="excel",
        capabilities=_cannot(_EXCEL_SHEET),
        factory="odibi_engine_polars.excel:PolarsExcelSaver",
        summary="Excel workbooks of one sheet, replaced atomically",
        options_model="odibi_engine_polars.options:ExcelWriteOptions",
        suffixes=(".xlsx",),
        requires=("fastexcel>=0.12", "xlsxwriter>=3.2"),
    )


def _cannot(notes: Mapping[str, str]) -> dict[str, Capability]:
    return {word: Capability(supported=False, note=note) for word, note in notes.items()}
