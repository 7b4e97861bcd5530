"""Reading CSV."""

from __future__ import annotations

import csv
from collections.abc import Container
from typing import Any

import pandas as pd

from odibi_core.plugin import DataFormatError, Dataset, ExecutionEngine
from odibi_core.plugin.compression import plain_name
from odibi_core.plugin.sources import find_sources
from odibi_engine_pandas.columns import require_columns
from odibi_engine_pandas.dates import with_dates
from odibi_engine_pandas.options import CsvReadOptions, parse_options
from odibi_engine_pandas.parts import combined, text_where_types_differ
from odibi_engine_pandas.sources import Source

__all__ = ["CSV_SUFFIXES", "PandasCsvReader", "column_names", "default_separator"]

CSV_SUFFIXES = (".csv", ".tsv")

_QUOTING = {
    "minimal": csv.QUOTE_MINIMAL,
    "all": csv.QUOTE_ALL,
    "nonnumeric": csv.QUOTE_MINIMAL,  # pandas' QUOTE_NONNUMERIC would turn what is not quoted into floats
    "none": csv.QUOTE_NONE,
}
_EXACT_IN_FLOAT = 2.0**53


class PandasCsvReader:
    r"""Reads CSV and TSV files: one file, a folder or a glob, compressed or not.

    Types are inferred by pandas from the whole column. Two things differ from `pandas.read_csv`: a column of integers
    with nulls whose values a float cannot hold comes as ``Int64``, and rows with more fields than the header are an
    error instead of becoming an index.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.csv")
        ...     _ = path.write_text("carrier;delay\nF9;21,9\n")
        ...     options = {"sep": ";", "decimal": ","}
        ...     dataset = Dataset(name="a", kind="path", format="csv", location=str(path), options=options)
        ...     PandasCsvReader(None).read(dataset).to_dict("list")
        {'carrier': ['F9'], 'delay': [21.9]}
    """

    def __init__(self, engine: ExecutionEngine | None) -> None:
        del engine

    def read(self, dataset: Dataset, /) -> pd.DataFrame:
        """Return the rows of all files of a dataset.

        Args:
            dataset: What to read.

        Raises:
            DatasetNotFoundError: Nothing is there.
            DataFormatError: A file is empty, malformed, or has other columns than the first.
            ColumnNotFoundError: An option names a column that is not there.
            ConfigError: An option is wrong.
        """
        options = parse_options(CsvReadOptions, dataset)
        sources = find_sources(dataset, suffixes=CSV_SUFFIXES, kind=Source, compression=options.compression)
        frames = [_read(source, options) for source in sources]
        if len(frames) > 1:
            frames = text_where_types_differ(frames, lambda position, dtypes: _read(sources[position], options, dtypes))
        frame = combined(frames, sources)
        frame = with_dates(
            frame,
            [column for column in options.parse_dates if column in frame.columns],
            date_format=options.date_format,
            dayfirst=options.dayfirst,
            subject=f"{dataset.name!r}",
        )
        return frame if options.nrows is None else frame.head(options.nrows)


def default_separator(path: str) -> str:
    r"""Return what separates fields in a file of that name.

    Example:
        >>> default_separator("a.csv.gz"), default_separator("a.tsv")
        (',', '\t')
    """
    return "\t" if plain_name(path).lower().endswith(".tsv") else ","


def column_names(source: Source, options: CsvReadOptions) -> list[str]:
    """Return the columns of a file, reading no more than its start.

    Raises:
        DataFormatError: The file is empty or malformed.
    """
    return _parsed(source, options, usecols=None, nrows=0).columns.tolist()


def _read(source: Source, options: CsvReadOptions, dtypes: dict[str, str] | None = None) -> pd.DataFrame:
    """Read one file; what `dtypes` says of a column goes before the option of that name."""
    asked = _dtypes(source, options) | (dtypes or {})
    frame = _parsed(source, options, dtype=asked)
    if len(frame):
        _refuse_unnamed_fields(source, options, frame)
    frame = _with_exact_integers(source, options, frame, skip=asked)
    return frame if options.columns is None else frame[options.columns]


def _dtypes(source: Source, options: CsvReadOptions) -> dict[str, str]:
    """Return the types that the options ask for, having checked that every column they name is there."""
    named = {*options.parse_dates, *(options.columns or ())}
    for by_column in (options.dtype, options.date_format, options.na_values):
        named.update(by_column if isinstance(by_column, dict) else ())
    if not named and options.dtype is None:
        return {}
    columns = column_names(source, options)
    require_columns(sorted(named), columns, subject=f"{source.name!r} ({source.shown})")
    dtypes = dict.fromkeys(columns, options.dtype) if isinstance(options.dtype, str) else options.dtype or {}
    # 20130101 would be read as a number, and 01/02/2013 as whatever the first value looks like.
    return dtypes | dict.fromkeys(options.parse_dates, "str")


def _parsed(source: Source, options: CsvReadOptions, **changed: Any) -> pd.DataFrame:
    keywords = _keywords(source, options) | changed
    with source.open() as stream:
        try:
            frame: pd.DataFrame = pd.read_csv(stream, **keywords)
        except pd.errors.EmptyDataError as error:
            raise DataFormatError(
                f"{source.name!r}: {source.shown} is empty: it has no header and no rows. "
                "Remove it, or see what should have written it."
            ) from error
    frame.columns = frame.columns.map(str)
    return frame


def _keywords(source: Source, options: CsvReadOptions) -> dict[str, Any]:
    columns: list[Any] | None = options.columns
    if columns is not None and options.header_line is None and options.names is None:
        # Columns without names are numbered by pandas, and their numbers are their names here.
        columns = [int(column) for column in columns]
    return {
        "sep": options.sep or default_separator(source.place.path),
        "header": options.header_line,
        "names": options.names,
        "usecols": columns,
        "skiprows": options.skiprows,
        "nrows": options.nrows,
        "quotechar": options.quotechar,
        "quoting": _QUOTING[options.quoting],
        "doublequote": options.doublequote,
        "escapechar": options.escapechar,
        "comment": options.comment,
        "decimal": options.decimal,
        "thousands": options.thousands,
        "na_values": options.na_values,
        "keep_default_na": options.keep_default_na,
        "na_filter": options.na_filter,
        "true_values": options.true_values,
        "false_values": options.false_values,
        "skip_blank_lines": options.skip_blank_lines,
        "skipinitialspace": options.skipinitialspace,
        "lineterminator": options.lineterminator,
        "on_bad_lines": options.on_bad_lines,
        "encoding": options.encoding,
        "encoding_errors": options.encoding_errors,
        "low_memory": False,
    }


def _refuse_unnamed_fields(source: Source, options: CsvReadOptions, frame: pd.DataFrame) -> None:
    """Raise if the first row has more fields than names: pandas makes an index of the surplus and shifts the columns.

    The index does not always give that away (a first field of 0, 1, 2 looks like no index at all), so header and first
    row are read once more as if both were rows; pandas accepts no row that is wider than the first.
    """
    is_shifted = not (isinstance(frame.index, pd.RangeIndex) and frame.index.start == 0 and frame.index.step == 1)
    if not is_shifted and options.names is None and options.header_line in {"infer", 0}:
        peek = {"header": None, "usecols": None, "nrows": 2, "dtype": "str", "on_bad_lines": "error"}
        try:
            _parsed(source, options, **peek)
        except DataFormatError:
            is_shifted = True
    elif not is_shifted and options.names is not None:
        peek = {"header": None, "names": None, "usecols": None, "nrows": 1, "dtype": "str"}
        width = _parsed(source, options, **peek).columns.size
        is_shifted = options.header_line in {"infer", None} and width > len(options.names)
    if is_shifted:
        raise DataFormatError(
            f"{source.name!r}: {source.shown} has more fields in its rows than it has column names; "
            "see whether sep is right, or name all columns with names and header: 0"
        )


def _with_exact_integers(
    source: Source, options: CsvReadOptions, frame: pd.DataFrame, *, skip: Container[str]
) -> pd.DataFrame:
    """Return integers that a null made into floats, and that a float cannot hold, as nullable integers.

    9007199254740993 (an id, mostly) beside an empty field would otherwise come as 9007199254740992.
    """
    suspects = [
        name
        for name in frame.columns
        if name not in skip
        and frame[name].dtype == "float64"
        and max(frame[name].max(), -frame[name].min()) >= _EXACT_IN_FLOAT
    ]
    if not suspects:
        return frame
    texts = _parsed(source, options, dtype="str", usecols=suspects)
    exact = {name: integers for name in suspects if (integers := _integers(texts[name])) is not None}
    return frame.assign(**exact)


def _integers(texts: pd.Series) -> pd.api.extensions.ExtensionArray | None:
    if not texts.dropna().str.fullmatch(r"\s*[+-]?\d+\s*").all():
        return None
    values = [None if pd.isna(text) else int(text) for text in texts]
    for dtype in ("Int64", "UInt64"):
        try:
            return pd.array(values, dtype=dtype)
        except OverflowError:
            continue
    return None
