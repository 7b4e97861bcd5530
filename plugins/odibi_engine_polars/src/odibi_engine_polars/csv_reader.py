"""Reading CSV."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from odibi_core.plugin import DataFormatError, Dataset
from odibi_core.plugin.sources import find_sources
from odibi_engine_polars.columns import listed, require_columns, selected
from odibi_engine_polars.csv_options import CsvReadOptions
from odibi_engine_polars.csv_text import CSV_SUFFIXES, CsvText
from odibi_engine_polars.csv_types import Look, cast_to, looked_at
from odibi_engine_polars.dates import with_dates
from odibi_engine_polars.engine import PolarsEngine, PolarsFrame
from odibi_engine_polars.option_models import parse_options
from odibi_engine_polars.sources import Source
from odibi_engine_polars.types import polars_type

__all__ = ["PolarsCsvReader"]


class PolarsCsvReader:
    r"""Reads CSV and TSV files: one file, a folder or a glob, compressed or not.

    All values are looked at once, in parts, to find the types of columns; so an error of the text is raised here. The
    frame itself is a scan.

    Args:
        engine: The engine, which says whether frames are lazy.

    Example:
        >>> import pathlib, tempfile
        >>> from odibi_core.plugin import EngineConfig
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.csv")
        ...     _ = path.write_text("carrier;delay\nF9;21,9\n")
        ...     options = {"sep": ";", "decimal": ","}
        ...     dataset = Dataset(name="a", kind="path", format="csv", location=str(path), options=options)
        ...     PolarsCsvReader(PolarsEngine(EngineConfig(project_root=path.parent))).read(dataset).collect().to_dicts()
        [{'carrier': 'F9', 'delay': 21.9}]
    """

    def __init__(self, engine: PolarsEngine) -> None:
        self._engine = engine

    def read(self, dataset: Dataset, /) -> PolarsFrame:
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
        parts = [CsvText.of(source, options) for source in sources]
        subject = f"{dataset.name!r} ({parts[0].source.shown})"
        names = parts[0].names
        for part in parts:
            _require_same(part, parts[0])
        by_column = (options.dtype, options.date_format, options.na_values)
        named = {name for each in by_column if isinstance(each, dict) for name in each}
        require_columns(sorted({*named, *options.parse_dates, *(options.columns or ())}), names, subject=subject)
        columns = names if options.columns is None else options.columns
        asked = _asked_types(columns, options, subject=subject)
        text = _all_rows(parts, options)
        look = _looked(parts, text, columns, asked, options)
        if look.has_empty_rows and options.skip_blank_lines:
            text = _all_rows(parts, options, without_blank_lines=True)
        frame = text.select(cast_to(name, look.types[name], options) for name in columns)
        frame = with_dates(
            frame,
            [name for name in options.parse_dates if name in columns],
            date_format=options.date_format,
            dayfirst=options.dayfirst,
            subject=f"{dataset.name!r}",
        )
        return self._engine.frame_of(frame)


def _all_rows(parts: Sequence[CsvText], options: CsvReadOptions, *, without_blank_lines: bool = False) -> pl.LazyFrame:
    frames = [selected(part.frame(without_blank_lines=without_blank_lines), parts[0].names) for part in parts]
    frame = frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical")
    return frame if options.nrows is None else frame.head(options.nrows)


def _looked(
    parts: Sequence[CsvText],
    text: pl.LazyFrame,
    columns: Sequence[str],
    asked: dict[str, pl.DataType],
    options: CsvReadOptions,
) -> Look:
    rows = text if options.infer_schema_length is None else text.head(options.infer_schema_length)
    try:
        return looked_at(rows, columns, asked, options)
    except (pl.exceptions.PolarsError, OSError):
        for part in parts:
            part.require_readable()
        with parts[0].errors():
            raise  # no file alone is at fault
    except DataFormatError as error:
        shown = parts[0].source.shown if len(parts) == 1 else f"{len(parts)} files from {parts[0].source.shown} on"
        raise DataFormatError(f"{parts[0].source.name!r}: {shown}: {error}") from error


def _asked_types(columns: Sequence[str], options: CsvReadOptions, *, subject: str) -> dict[str, pl.DataType]:
    dtypes = dict.fromkeys(columns, options.dtype) if isinstance(options.dtype, str) else options.dtype or {}
    asked = {
        name: polars_type(kind, subject=f"{subject}: column {name!r}")
        for name, kind in dtypes.items()
        if name in columns
    }
    # 20130101 would be read as a number.
    return asked | {name: pl.String() for name in options.parse_dates if name in columns}


def _require_same(part: CsvText, first: CsvText) -> None:
    missing = [name for name in first.names if name not in part.names]
    extra = [name for name in part.names if name not in first.names]
    if missing or extra:
        found = [f"lacks {listed(missing)}"] if missing else []
        found += [f"has {listed(extra)} besides"] if extra else []
        raise DataFormatError(
            f"{part.source.name!r}: {part.source.shown} {' and '.join(found)}, compared with {first.source.shown}. "
            "Files that are read as one have the same columns; choose those that all have with the option columns, or "
            "read them apart."
        )
