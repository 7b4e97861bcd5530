"""Reading JSON and JSON lines."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from odibi_core.plugin import DataFormatError, Dataset
from odibi_core.plugin.sources import find_sources
from odibi_engine_polars.columns import column, require_columns, selected
from odibi_engine_polars.csv_options import TextReadOptions
from odibi_engine_polars.dates import with_dates
from odibi_engine_polars.engine import PolarsEngine, PolarsFrame
from odibi_engine_polars.json_text import JSON_SUFFIXES, JSONL_SUFFIXES, document_frame, document_text, lines_frame
from odibi_engine_polars.option_models import parse_options
from odibi_engine_polars.options import JsonLinesReadOptions, JsonReadOptions
from odibi_engine_polars.sources import Source
from odibi_engine_polars.types import polars_type

__all__ = ["PolarsJsonLinesReader", "PolarsJsonReader"]


class PolarsJsonReader:
    """Reads JSON documents: an array of records, or an object of columns.

    Args:
        engine: The engine, which says whether frames are lazy.

    Example:
        >>> import pathlib, tempfile
        >>> from odibi_core.plugin import EngineConfig
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.json")
        ...     _ = path.write_text('[{"tail": "007", "seats": 2}, {"tail": "N1"}]')
        ...     dataset = Dataset(name="a", kind="path", format="json", location=str(path))
        ...     PolarsJsonReader(PolarsEngine(EngineConfig(project_root=path.parent))).read(dataset).collect().rows()
        [('007', 2), ('N1', None)]
    """

    def __init__(self, engine: PolarsEngine) -> None:
        self._engine = engine

    def read(self, dataset: Dataset, /) -> PolarsFrame:
        """Return the records of all documents of a dataset.

        Args:
            dataset: What to read.

        Raises:
            DatasetNotFoundError: Nothing is there.
            DataFormatError: A document is empty, malformed, or not made of records.
            ColumnNotFoundError: An option names a column that no record has.
            ConfigError: An option is wrong.
        """
        options = parse_options(JsonReadOptions, dataset)
        sources = find_sources(dataset, suffixes=JSON_SUFFIXES, kind=Source, compression=options.compression)
        path = [options.record_path] if isinstance(options.record_path, str) else options.record_path or []
        frames = [
            document_frame(document_text(source, encoding=options.encoding), source, path=path, orient=options.orient)
            for source in sources
        ]
        return self._engine.frame_of(_shaped(frames, options, dataset))


class PolarsJsonLinesReader:
    r"""Reads JSON lines: one record per line. The frame is a scan; all lines are looked at once, to find the types.

    Args:
        engine: The engine, which says whether frames are lazy.

    Example:
        >>> import pathlib, tempfile
        >>> from odibi_core.plugin import EngineConfig
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.jsonl")
        ...     _ = path.write_text('{"tail": "007", "seats": 2}\n{"tail": "N1"}\n')
        ...     dataset = Dataset(name="a", kind="path", format="jsonl", location=str(path))
        ...     engine = PolarsEngine(EngineConfig(project_root=path.parent))
        ...     PolarsJsonLinesReader(engine).read(dataset).collect().rows()
        [('007', 2), ('N1', None)]
    """

    def __init__(self, engine: PolarsEngine) -> None:
        self._engine = engine

    def read(self, dataset: Dataset, /) -> PolarsFrame:
        """Return the records of all files of a dataset; a file without a line has none.

        Args:
            dataset: What to read.

        Raises:
            DatasetNotFoundError: Nothing is there.
            DataFormatError: A line is malformed or no record.
            ColumnNotFoundError: An option names a column that no record has.
            ConfigError: An option is wrong.
        """
        options = parse_options(JsonLinesReadOptions, dataset)
        sources = find_sources(dataset, suffixes=JSONL_SUFFIXES, kind=Source, compression=options.compression)
        frames = [lines_frame(source, encoding=options.encoding) for source in sources]
        return self._engine.frame_of(_shaped(frames, options, dataset))


def _shaped(frames: Sequence[pl.LazyFrame], options: TextReadOptions, dataset: Dataset) -> pl.LazyFrame:
    subject = f"{dataset.name!r}"
    filled = [frame for frame in frames if frame.collect_schema().names()]
    frame = pl.concat(filled, how="diagonal_relaxed") if len(filled) > 1 else (filled or [pl.LazyFrame()])[0]
    if options.nrows is not None:
        frame = frame.head(options.nrows)
    schema = frame.collect_schema()
    named = {*options.parse_dates, *(options.columns or ())}
    for by_column in (options.dtype, options.date_format):
        named.update(by_column if isinstance(by_column, dict) else ())
    where = f"{subject} ({dataset.location})"
    require_columns(sorted(named), schema.names(), subject=where)
    frame = with_dates(
        frame.with_columns(column(name).cast(pl.String) for name in options.parse_dates),
        options.parse_dates,
        date_format=options.date_format,
        dayfirst=options.dayfirst,
        subject=subject,
    )
    asked = dict.fromkeys(schema, options.dtype) if isinstance(options.dtype, str) else options.dtype or {}
    types = {
        name: polars_type(kind, subject=f"{where}: column {name!r}")
        for name, kind in asked.items()
        if name not in options.parse_dates
    }
    _require_castable(frame, types, subject=where)
    frame = frame.with_columns(column(name).cast(kind) for name, kind in types.items())
    return frame if options.columns is None else selected(frame, options.columns)


def _require_castable(frame: pl.LazyFrame, types: dict[str, pl.DataType], *, subject: str) -> None:
    try:
        frame.select(column(name).cast(kind).len() for name, kind in types.items()).collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        detail = str(error).partition("\n")[0]
        raise DataFormatError(f"{subject} cannot be of dtype {types}: {detail}") from error
