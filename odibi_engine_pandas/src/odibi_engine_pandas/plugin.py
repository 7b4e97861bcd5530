"""What this distribution registers; imports nothing but the plugin surface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from odibi_core.plugin import Capability, EngineSpec, ReaderSpec, SaverSpec, hookimpl

__all__ = ["odibi_register_engines", "odibi_register_readers", "odibi_register_savers"]


_CSV = (".csv", ".tsv")
_JSON = (".json",)
_JSONL = (".jsonl", ".ndjson")
_PARQUET = (".parquet", ".pq")

# What the formats cannot hold, in the words of the contract test-kit's tables.
_TIMES = {
    "dates": "text, unless named in parse_dates; then times",
    "times": "text, unless named in parse_dates",
    "zones": "text, unless named in parse_dates",
    "zone_names": "a zone becomes its offset",
}
_NUMBERS = {
    "all_null": "a column without values has no type",
    "binary": "refused",
    "decimals": "floats",
    "small_numbers": "64 bits",
    "unsigned": "64 bits with a sign",
}
_CSV_SHEET = (
    _TIMES
    | _NUMBERS
    | {
        "empty": "columns without types",
        "empty_text": "null; keep_default_na: false keeps it",
        "lists": "JSON in a field, read as text",
        "structs": "JSON in a field, read as text",
        "text_like_values": "numbers, truth values and nulls; dtype: str keeps them",
    }
)
_JSON_SHEET = (
    _TIMES
    | _NUMBERS
    | {
        "column_types": "records have their own; a column may mix them",
        "empty": "no columns",
        "infinities": "refused",
    }
)


@hookimpl
def odibi_register_engines() -> Iterator[EngineSpec]:
    """Yield the engine ``pandas``."""
    yield EngineSpec(
        name="pandas",
        factory="odibi_engine_pandas.engine:PandasEngine",
        summary="pandas data frames in this process, on one machine",
        options_model="odibi_engine_pandas.options:PandasEngineOptions",
        capabilities={
            "append": Capability(supported=True, since="0.1", note="all or nothing; a file is written anew"),
            "arrow": Capability(
                supported=True, since="0.1", note="out without copying numbers and text; in, numbers are copied"
            ),
            "atomic_save": Capability(
                supported=True, since="0.1", note="local files; remote files as far as their store can"
            ),
            "cache": Capability(
                supported=False, note="frames live in memory already; each input is read when it is needed"
            ),
            "catalog": Capability(supported=False, note="tables are files of the project's warehouse"),
            "compression": Capability(
                supported=True, since="0.1", note=".gz, .zip, .zst, .bz2 and .xz for text, the codecs of Parquet"
            ),
            "in_memory": Capability(supported=True, since="0.1", note="frames are in the memory of this process"),
            "merge": Capability(
                supported=False, note="files cannot be updated by key; the Delta saver of odibi-sinks can"
            ),
            "nan": Capability(supported=False, note="NaN is null, as everywhere in pandas"),
            "nested_nulls": Capability(
                supported=False, note="whole numbers beside a null in a struct or list become floats"
            ),
            "nested_times": Capability(
                supported=False,
                note="in a struct or list decimals have no more digits than their values need; moments in a list lose "
                "their zone",
            ),
            "partitions": Capability(supported=True, since="0.1", note="Parquet on a local file system"),
            "query": Capability(supported=False, note="pandas has no SQL"),
            "remote_files": Capability(
                supported=True, since="0.1", note="through fsspec; each store needs its own package"
            ),
            "streaming": Capability(supported=False, note="a frame is held in memory as a whole"),
            "threads": Capability(supported=True, since="0.1", note="engine, readers and savers keep no state"),
        },
        transient_errors=("builtins:ConnectionError", "builtins:TimeoutError"),
    )


@hookimpl
def odibi_register_readers() -> Iterator[ReaderSpec]:
    """Yield the readers for CSV, JSON, JSON lines and Parquet."""
    yield ReaderSpec(
        engine="pandas",
        format="csv",
        factory="odibi_engine_pandas.csv_reader:PandasCsvReader",
        summary="CSV and TSV files, compressed or not; a file, a folder or a glob",
        options_model="odibi_engine_pandas.options:CsvReadOptions",
        suffixes=_CSV,
    )
    yield ReaderSpec(
        engine="pandas",
        format="json",
        factory="odibi_engine_pandas.json_reader:PandasJsonReader",
        summary="one JSON document per file: an array of records, or an object of columns",
        options_model="odibi_engine_pandas.options:JsonReadOptions",
        suffixes=_JSON,
    )
    yield ReaderSpec(
        engine="pandas",
        format="jsonl",
        factory="odibi_engine_pandas.json_reader:PandasJsonLinesReader",
        summary="JSON lines: one record per line",
        options_model="odibi_engine_pandas.options:JsonLinesReadOptions",
        suffixes=_JSONL,
    )
    yield ReaderSpec(
        engine="pandas",
        format="parquet",
        factory="odibi_engine_pandas.parquet_reader:PandasParquetReader",
        summary="Parquet files and folders of them, with hive partitions",
        options_model="odibi_engine_pandas.options:ParquetReadOptions",
        suffixes=_PARQUET,
    )


@hookimpl
def odibi_register_savers() -> Iterator[SaverSpec]:
    """Yield the savers for CSV, JSON, JSON lines and Parquet."""
    yield SaverSpec(
        engine="pandas",
        format="csv",
        factory="odibi_engine_pandas.csv_saver:PandasCsvSaver",
        summary="CSV and TSV files, compressed or not, replaced atomically",
        options_model="odibi_engine_pandas.options:CsvWriteOptions",
        suffixes=_CSV,
        capabilities=_cannot(_CSV_SHEET),
    )
    yield SaverSpec(
        engine="pandas",
        format="json",
        factory="odibi_engine_pandas.json_saver:PandasJsonSaver",
        summary="one JSON array of records, replaced atomically",
        options_model="odibi_engine_pandas.options:JsonWriteOptions",
        suffixes=_JSON,
        capabilities=_cannot(_JSON_SHEET),
    )
    yield SaverSpec(
        engine="pandas",
        format="jsonl",
        factory="odibi_engine_pandas.json_saver:PandasJsonLinesSaver",
        summary="JSON lines, replaced atomically",
        options_model="odibi_engine_pandas.options:JsonWriteOptions",
        suffixes=_JSONL,
        capabilities=_cannot(_JSON_SHEET),
    )
    yield SaverSpec(
        engine="pandas",
        format="parquet",
        factory="odibi_engine_pandas.parquet_saver:PandasParquetSaver",
        summary="Parquet files, or a folder of hive partitions, replaced atomically",
        options_model="odibi_engine_pandas.options:ParquetWriteOptions",
        suffixes=_PARQUET,
        supports_partitions=True,
    )


def _cannot(notes: Mapping[str, str]) -> dict[str, Capability]:
    return {word: Capability(supported=False, note=note) for word, note in notes.items()}
