"""What this distribution registers; imports nothing but the plugin surface."""

from __future__ import annotations

from collections.abc import Iterator

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
        factory="odibi_engine_polars.csv_saver:PolarsCsvSaver",
        summary="CSV and TSV files, compressed or not, replaced atomically",
        options_model="odibi_engine_polars.csv_options:CsvWriteOptions",
        suffixes=_CSV,
    )
    yield SaverSpec(
        engine="polars",
        format="json",
        factory="odibi_engine_polars.json_saver:PolarsJsonSaver",
        summary="one JSON array of records, replaced atomically",
        options_model="odibi_engine_polars.options:JsonWriteOptions",
        suffixes=_JSON,
    )
    yield SaverSpec(
        engine="polars",
        format="jsonl",
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
        factory="odibi_engine_polars.avro:PolarsAvroSaver",
        summary="Avro files, replaced atomically",
        options_model="odibi_engine_polars.options:AvroWriteOptions",
        suffixes=_AVRO,
    )
    yield SaverSpec(
        engine="polars",
        format="excel",
        factory="odibi_engine_polars.excel:PolarsExcelSaver",
        summary="Excel workbooks of one sheet, replaced atomically",
        options_model="odibi_engine_polars.options:ExcelWriteOptions",
        suffixes=(".xlsx",),
        requires=("fastexcel>=0.12", "xlsxwriter>=3.2"),
    )
