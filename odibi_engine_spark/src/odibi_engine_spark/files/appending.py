"""Adding rows to files that are there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from odibi_core.plugin import DataFormatError, Dataset, DatasetNotFoundError
from odibi_engine_spark.columns import column, require_same
from odibi_engine_spark.files.compression import compression_of, plain_name
from odibi_engine_spark.files.csv_options import CsvReadOptions, CsvWriteOptions
from odibi_engine_spark.files.csv_reader import column_names
from odibi_engine_spark.files.json_reader import first_keys
from odibi_engine_spark.files.parquet_reader import COMMON_METADATA
from odibi_engine_spark.files.reader import SUFFIXES, SparkFileReader
from odibi_engine_spark.files.sources import find_files
from odibi_engine_spark.option_models import parse_options

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["appendable", "fitted", "linked_copy"]

_WIDER = {
    "tinyint": ("smallint", "int", "bigint", "float", "double"),
    "smallint": ("int", "bigint", "float", "double"),
    "int": ("bigint", "double"),
    "float": ("double",),
    "void": (),
}

_NULL, _NUMBER, _WHOLE = "null", "a number", "a whole number"
_JSON_TYPES = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), _WHOLE),
    **dict.fromkeys(("float", "double", "decimal"), _NUMBER),
    "array": "an array",
    "boolean": "a truth value",
    "map": "an object",
    "struct": "an object",
    "void": _NULL,
}


def appendable(frame: DataFrame, dataset: Dataset, old: Path, *, engine: SparkEngine) -> DataFrame:
    """Return a frame with the columns in the order, and of the types, of what it is appended to.

    Spark adds whatever it is given; the table would then have columns, or types, that some of its files lack.

    Args:
        frame: The frame.
        dataset: The output.
        old: What is there.
        engine: The engine.

    Raises:
        DataFormatError: The frame has other columns, types or partitions.
    """
    subject = f"{dataset.name!r}: {dataset.location}"
    try:
        files = find_files(dataset, old, suffixes=SUFFIXES[dataset.format])
    except DatasetNotFoundError:
        return frame  # a folder without a file says nothing
    if files.keys != dataset.partition_by:
        found, wanted = (", ".join(keys) or "nothing" for keys in (files.keys, dataset.partition_by))
        raise DataFormatError(f"{subject} is partitioned by {found}, not by {wanted}")
    if dataset.format == "csv":
        return _in_order(frame, [*_csv_names(dataset, files.paths[0], frame), *files.keys], subject)
    if dataset.format == "text":
        return frame
    if dataset.format in {"json", "jsonl"}:
        if engine.flavour.kind == "sail":
            frame = _with_json_types(frame, _read(dataset, old, engine), subject=subject, loose=files.keys)
        # Records may lack what is null, so names are not compared. But the order is one, whichever file comes first.
        first = [name for name in first_keys(files.paths) if name in frame.columns]
        return frame.select(*map(column, [*first, *(name for name in frame.columns if name not in first)]))
    there = _read(dataset, old, engine)
    _in_order(frame, there.columns, subject)
    return fitted(frame, dict(there.dtypes), subject=subject, loose=files.keys)


def fitted(frame: DataFrame, known: Mapping[str, str], *, subject: str, loose: Sequence[str] = ()) -> DataFrame:
    """Return a frame with columns in the order, and of the types, of what is there; no value is changed by that.

    Args:
        frame: The frame; it has all the columns.
        known: The types that are there, by column name.
        subject: What is appended to, for messages.
        loose: Columns whose types do not matter, as those of partitions.

    Raises:
        DataFormatError: A column has a type that does not fit.
    """
    kinds = dict(frame.dtypes)
    columns = []
    for name, wanted in known.items():
        kind = kinds[name]
        if kind == wanted:
            columns.append(column(name))
        elif wanted in _WIDER.get(kind, ()) or kind == "void" or name in loose:
            columns.append(column(name).cast(wanted).alias(name))
        else:
            raise DataFormatError(
                f"{subject}: column {name!r} is {kind}, and what is there has {wanted}; cast it in the "
                "transformation, or save with mode 'overwrite'"
            )
    return frame.select(*columns)


def linked_copy(old: Path, folder: Path, dataset: Dataset) -> None:
    """Put what is there into the folder that is to replace it, at the cost of links; data files are never written to.

    Args:
        old: A file or a folder.
        folder: The new folder, with the part files that are added.
        dataset: The output.
    """
    if not old.is_dir():
        how = {"bz2": ".bz2", "gzip": ".gz"}.get(compression_of(old, "infer"), "")
        suffix = Path(plain_name(old.name)).suffix or SUFFIXES[dataset.format][0]
        _link(str(old), str(folder / f"part-00000-{uuid4().hex}{suffix}{how}"))
        return
    has_own = (folder / COMMON_METADATA).exists()
    names = ["_SUCCESS", ".*.crc", *([COMMON_METADATA] if has_own else [])]
    shutil.copytree(old, folder, copy_function=_link, ignore=shutil.ignore_patterns(*names), dirs_exist_ok=True)


def _read(dataset: Dataset, old: Path, engine: SparkEngine) -> DataFrame:
    return SparkFileReader(engine).read(replace(dataset, kind="path", location=str(old), options={}))


def _with_json_types(frame: DataFrame, there: DataFrame, *, subject: str, loose: Sequence[str]) -> DataFrame:
    """Return a frame that Sail can read with what is there: it finds no type for two files where Spark takes text."""
    known = dict(there.dtypes)
    columns = []
    for name, kind in frame.dtypes:
        found, wanted = _json_type(kind), _json_type(known.get(name, "void"))
        if found == wanted or _NULL in {found, wanted} or name in loose:
            columns.append(column(name))
        elif (found, wanted) == (_WHOLE, _NUMBER):
            columns.append(column(name).cast("double").alias(name))
        else:
            raise DataFormatError(
                f"{subject}: column {name!r} is {kind}, which JSON has as {found}, and what is there has {wanted}; "
                "cast it in the transformation, or save with mode 'overwrite'"
            )
    return frame.select(*columns)


def _json_type(kind: str) -> str:
    if kind.startswith("decimal") and kind.endswith(",0)"):
        return _WHOLE
    return _JSON_TYPES.get(kind.partition("<")[0].partition("(")[0], "text")


def _in_order(frame: DataFrame, names: list[str], subject: str) -> DataFrame:
    require_same(
        frame.columns,
        names,
        subject=f"{subject}: the frame",
        other="what is there. Give it the same columns, or save with mode 'overwrite'",
    )
    return frame.select(*map(column, names))


def _csv_names(dataset: Dataset, path: Path, frame: DataFrame) -> list[str]:
    options = parse_options(CsvWriteOptions, dataset)
    if not path.stat().st_size or not options.header:
        return [name for name in frame.columns if name not in dataset.partition_by]
    looks = CsvReadOptions(sep=options.sep, quote=options.quote, encoding=options.encoding)
    return column_names(path, looks, subject=f"{dataset.name!r}")


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
