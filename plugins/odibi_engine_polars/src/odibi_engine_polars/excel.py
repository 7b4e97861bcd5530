"""Excel workbooks, through fastexcel (reading) and XlsxWriter (saving)."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from odibi_core.plugin import ConfigError, DataFormatError, Dataset, SaveReport
from odibi_core.plugin.saving import subject_of
from odibi_engine_polars.columns import column, is_pattern
from odibi_engine_polars.engine import PolarsEngine, PolarsFrame
from odibi_engine_polars.option_models import parse_options
from odibi_engine_polars.options import ExcelReadOptions, ExcelWriteOptions
from odibi_engine_polars.sources import Source
from odibi_engine_polars.whole_files import read_files, save_file

__all__ = ["EXCEL_SUFFIXES", "PolarsExcelReader", "PolarsExcelSaver"]

EXCEL_SUFFIXES = (".xlsx", ".xlsb", ".xls", ".ods")
_MOST_ROWS = 1_048_575
_LONGEST_TEXT = 32_767


class PolarsExcelReader:
    """Reads one sheet of workbooks.

    Args:
        engine: The engine, which says whether frames are lazy.
    """

    def __init__(self, engine: PolarsEngine) -> None:
        self._engine = engine

    def read(self, dataset: Dataset, /) -> PolarsFrame:
        """Return the rows of a sheet, of all workbooks of a dataset.

        Args:
            dataset: What to read.

        Raises:
            DatasetNotFoundError: Nothing is there.
            DataFormatError: A file is no workbook, has no such sheet, or has other columns than the first.
            ColumnNotFoundError: An option names a column that is not there.
            ConfigError: An option is wrong.
        """
        options = parse_options(ExcelReadOptions, dataset)
        frame = read_files(
            dataset,
            suffixes=EXCEL_SUFFIXES,
            load=lambda source: _load(source, options),
            columns=options.columns,
            nrows=options.nrows,
        )
        return self._engine.frame_of(frame)


class PolarsExcelSaver:
    """Saves frames as workbooks of one sheet.

    Args:
        engine: The engine; nothing of it is needed.
    """

    def __init__(self, engine: PolarsEngine | None) -> None:
        del engine

    def save(self, frame: PolarsFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame; to append, the workbook is written anew with the rows at its end, and then replaced.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
            DataFormatError: There are more rows than a sheet holds, or they do not fit what they are appended to.
            ConfigError: An option is wrong.
        """
        options = parse_options(ExcelWriteOptions, dataset)
        subject = subject_of(dataset)
        if not dataset.location.lower().endswith(".xlsx"):
            raise ConfigError(f"{subject}: workbooks are saved as .xlsx only")
        reading = ExcelReadOptions(sheet=options.sheet)

        def store(rows: pl.LazyFrame, path: Path) -> int:
            data = rows.collect(engine="streaming")
            _require_fitting(data, subject)
            with path.open("wb") as file:
                data.write_excel(file, worksheet=options.sheet, float_precision=15, autofilter=False)
            return data.height

        return save_file(
            frame.lazy(), dataset, suffixes=EXCEL_SUFFIXES, load=lambda source: _load(source, reading), store=store
        )


def _load(source: Source, options: ExcelReadOptions) -> pl.LazyFrame:
    from fastexcel import FastExcelError

    with source.place.open() as stream:
        data = stream.read()
    try:
        frame = pl.read_excel(
            data,
            sheet_name=options.sheet,
            has_header=options.header,
            infer_schema_length=None,
            drop_empty_rows=False,  # a row of nulls is a row
            raise_if_empty=False,
        )
    except FastExcelError as error:
        detail = str(error).partition("\n")[0]
        raise DataFormatError(f"{source.name!r}: {source.shown} cannot be read as excel: {detail}") from error
    return frame.lazy()


def _require_fitting(data: pl.DataFrame, subject: str) -> None:
    """Refuse what XlsxWriter would cut off, leave out or stumble over.

    Raises:
        DataFormatError: A sheet cannot hold it.
    """
    if data.height > _MOST_ROWS:
        raise DataFormatError(f"{subject}: {data.height:,} rows, and a sheet holds {_MOST_ROWS:,}; save as csv")
    if data.height and data.width and all(value is None for value in data.row(-1)):
        raise DataFormatError(
            f"{subject}: the last row is nothing but nulls, and a sheet ends with its last value; leave it out, or "
            "save as parquet"
        )
    folded = [name.casefold() for name in data.columns]
    twice = [name for name in data.columns if folded.count(name.casefold()) > 1]
    if twice:
        names = ", ".join(map(repr, twice))
        raise DataFormatError(
            f"{subject}: the columns {names} are one to Excel, which does not look at case; rename them"
        )
    for name, kind in data.schema.items():
        if is_pattern(name):
            raise DataFormatError(
                f"{subject}: Polars takes the name {name!r} for a pattern when it reads a workbook; rename it, or save "
                "as parquet"
            )
        if kind == pl.Binary or (isinstance(kind, pl.Datetime) and kind.time_zone is not None):
            raise DataFormatError(
                f"{subject}: column {name!r} is {kind}, which a cell cannot hold; convert it first, or save as parquet"
            )
        if kind == pl.String and data.select((column(name).str.len_chars() > _LONGEST_TEXT).any()).item():
            raise DataFormatError(
                f"{subject}: column {name!r} has text of more than {_LONGEST_TEXT:,} characters, which a cell would "
                "cut off; save as parquet"
            )
