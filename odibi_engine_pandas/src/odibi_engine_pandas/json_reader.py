"""Reading JSON and JSON lines."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from odibi_core.plugin import DataFormatError, Dataset, ExecutionEngine
from odibi_core.plugin.sources import find_sources
from odibi_engine_pandas.columns import require_columns
from odibi_engine_pandas.dates import with_dates
from odibi_engine_pandas.json_records import (
    JSON_SUFFIXES,
    JSONL_SUFFIXES,
    Document,
    frame_of,
    parse_document,
    read_lines,
    read_text,
)
from odibi_engine_pandas.options import JsonLinesReadOptions, JsonReadOptions, parse_options
from odibi_engine_pandas.sources import Source

__all__ = ["PandasJsonLinesReader", "PandasJsonReader"]


class PandasJsonReader:
    """Reads JSON documents: an array of records, or an object of columns (as lists, or as pandas' own objects).

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.json")
        ...     _ = path.write_text('[{"tail": "007", "seats": 2}, {"tail": "N1"}]')
        ...     dataset = Dataset(name="a", kind="path", format="json", location=str(path))
        ...     PandasJsonReader(None).read(dataset)
          tail  seats
        0  007      2
        1   N1   <NA>
    """

    def __init__(self, engine: ExecutionEngine | None) -> None:
        del engine

    def read(self, dataset: Dataset, /) -> pd.DataFrame:
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
        documents = [
            parse_document(read_text(source, encoding=options.encoding), source, path=path, orient=options.orient)
            for source in sources
        ]
        return _frame(documents, options, dataset)


class PandasJsonLinesReader:
    r"""Reads JSON lines: one record per line.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.jsonl")
        ...     _ = path.write_text('{"tail": "007", "seats": 2}\n{"tail": "N1"}\n')
        ...     dataset = Dataset(name="a", kind="path", format="jsonl", location=str(path))
        ...     PandasJsonLinesReader(None).read(dataset)
          tail  seats
        0  007      2
        1   N1   <NA>
    """

    def __init__(self, engine: ExecutionEngine | None) -> None:
        del engine

    def read(self, dataset: Dataset, /) -> pd.DataFrame:
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
        documents = [read_lines(source, encoding=options.encoding, most=options.nrows) for source in sources]
        return _frame(documents, options, dataset)


def _frame(
    documents: list[Document], options: JsonReadOptions | JsonLinesReadOptions, dataset: Dataset
) -> pd.DataFrame:
    subject = f"{dataset.name!r}"
    frame = frame_of(documents)
    if options.nrows is not None:
        frame = frame.head(options.nrows)
    named = {*options.parse_dates, *(options.columns or ())}
    for by_column in (options.dtype, options.date_format):
        named.update(by_column if isinstance(by_column, dict) else ())
    require_columns(sorted(named), frame.columns.tolist(), subject=f"{subject} ({dataset.location})")
    frame = with_dates(
        frame, options.parse_dates, date_format=options.date_format, dayfirst=options.dayfirst, subject=subject
    )
    if options.dtype is not None:
        try:
            frame = frame.astype(cast("Any", options.dtype))
        except (TypeError, ValueError, OverflowError) as error:
            raise DataFormatError(
                f"{subject} ({dataset.location}) cannot be of dtype {options.dtype}: {error}"
            ) from error
    return frame if options.columns is None else frame[options.columns]
