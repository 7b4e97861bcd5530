"""Saving CSV."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import polars as pl

from odibi_core.plugin import DataFormatError, Dataset, SaveReport
from odibi_core.plugin.compression import compression_of, plain_name
from odibi_core.plugin.places import Place
from odibi_core.plugin.saving import Written, refuse_folder, save, subject_of
from odibi_core.plugin.sources import is_folder_of
from odibi_engine_polars.columns import column, require_fit, selected
from odibi_engine_polars.csv_options import CsvReadOptions, CsvWriteOptions
from odibi_engine_polars.csv_text import CSV_SUFFIXES, CsvText, default_separator
from odibi_engine_polars.engine import PolarsEngine, PolarsFrame
from odibi_engine_polars.option_models import parse_options
from odibi_engine_polars.sources import Source
from odibi_engine_polars.text_files import RowCounter, written_text

__all__ = ["PolarsCsvSaver"]

_QUOTE_STYLES = {"minimal": "necessary", "all": "always", "nonnumeric": "non_numeric", "none": "never"}


class PolarsCsvSaver:
    r"""Saves frames as CSV or TSV, compressed by the file's name.

    Args:
        engine: The engine; nothing of it is needed.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "a.csv")
        ...     dataset = Dataset(name="a", kind="path", format="csv", location=str(path), options={"sep": ";"})
        ...     _ = PolarsCsvSaver(None).save(pl.LazyFrame({"carrier": ["F9"], "delay": [21.9]}), dataset)
        ...     path.read_text()
        'carrier;delay\nF9;21.9\n'
    """

    def __init__(self, engine: PolarsEngine | None) -> None:
        del engine

    def save(self, frame: PolarsFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame; to append, the file is written anew with the rows at its end, and then replaced.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
            DataFormatError: The frame cannot be held by CSV, or has other columns than the file it is appended to.
            ConfigError: An option is wrong.
        """
        options = parse_options(CsvWriteOptions, dataset)
        subject = subject_of(dataset)
        lazy = frame.lazy()
        sep = options.sep or default_separator(dataset.location)
        compression = compression_of(dataset.location, options.compression)

        def write(path: Path, old: Path | None) -> Written:
            refuse_folder(old, dataset)
            rows, is_continued = _as_texts(lazy, options, subject=subject), False
            source = None
            if old is not None and old.stat().st_size:
                source = Source(Place(str(old), dataset.location), compression, dataset.name, dataset.format)
                rows, is_continued = _aligned(rows, source, options, sep, subject=subject), True
            counter = RowCounter()
            written_text(
                path,
                _sink(counter.counting(rows), options, sep, has_header=options.header and not is_continued),
                behind=source,
                compression=compression,
                encoding=options.encoding,
                line_end=options.lineterminator,
                member=plain_name(dataset.location),
                subject=subject,
            )
            return Written(rows=counter.rows, bytes=path.stat().st_size)

        return save(dataset, write=write, replaces_folder=lambda folder: is_folder_of(folder, CSV_SUFFIXES))


def _sink(frame: pl.LazyFrame, options: CsvWriteOptions, sep: str, *, has_header: bool) -> Callable[[Any, str], None]:
    def sink(where: Any, compression: str) -> None:
        frame.sink_csv(
            where,
            compression=cast("Any", compression),
            check_extension=False,
            include_header=has_header,
            separator=sep,
            line_terminator=options.lineterminator,
            quote_char=options.quotechar,
            quote_style=cast("Any", _QUOTE_STYLES[options.quoting]),
            null_value=options.na_rep,
            float_precision=options.float_digits,
            decimal_comma=options.decimal == ",",
            engine="streaming",
        )

    return sink


def _as_texts(frame: pl.LazyFrame, options: CsvWriteOptions, *, subject: str) -> pl.LazyFrame:
    """Return a frame of what CSV can hold: lists and objects as JSON, durations as their text."""
    schema = frame.collect_schema()
    if not schema.names():
        raise DataFormatError(f"{subject}: a frame without columns cannot be saved as csv")
    changed: list[pl.Expr] = []
    for name, kind in schema.items():
        if kind in {pl.Binary, pl.Object}:
            raise DataFormatError(
                f"{subject}: column {name!r} holds {kind}, which CSV cannot; save as parquet, or make it text first"
            )
        if isinstance(kind, pl.Struct):
            changed.append(pl.when(column(name).is_not_null()).then(column(name).struct.json_encode()).alias(name))
        elif kind.is_nested():
            # Only an object has a JSON text in Polars; what is inside of one of one field is between `{"":` and `}`.
            text = pl.struct(column(name).alias("v")).struct.json_encode().str.slice(len('{"v":')).str.head(-1)
            changed.append(pl.when(column(name).is_not_null()).then(text).alias(name))
        elif isinstance(kind, pl.Duration):
            changed.append(column(name).dt.to_string("iso").alias(name))
        elif isinstance(kind, pl.Datetime | pl.Date | pl.Time):
            changed.append(_time_text(name, kind, options.date_format))
        elif kind == pl.Boolean:
            words = pl.when(column(name)).then(pl.lit("True")).when(~column(name)).then(pl.lit("False"))
            changed.append(words.otherwise(None).alias(name))
    if len(schema) == 1 and not options.na_rep:
        # A line that is empty because its only field is would be passed over by readers; "" is written with quotes.
        (name,) = schema.names()
        text = changed[0] if changed else column(name).cast(pl.String)
        changed = [text.fill_null("")]
    return frame.with_columns(changed) if changed else frame


def _time_text(name: str, kind: pl.Datetime | pl.Date | pl.Time, date_format: str | None) -> pl.Expr:
    if isinstance(kind, pl.Time):
        return column(name).dt.to_string("%H:%M:%S%.f")
    if date_format is not None:
        return column(name).dt.to_string(date_format.replace(".%f", "%.6f").replace("%f", "%6f"))
    if isinstance(kind, pl.Date):
        return column(name).dt.to_string("%Y-%m-%d")
    return column(name).dt.to_string("%Y-%m-%d %H:%M:%S%.f" + ("%:z" if kind.time_zone else ""))


def _aligned(frame: pl.LazyFrame, source: Source, options: CsvWriteOptions, sep: str, *, subject: str) -> pl.LazyFrame:
    looks = CsvReadOptions(sep=sep, header=options.header, encoding=options.encoding, quotechar=options.quotechar)
    names = CsvText.of(source, looks).names
    columns = frame.collect_schema().names()
    if options.header:
        require_fit(columns, names, subject=subject)
        return selected(frame, names)
    if len(names) != len(columns):
        raise DataFormatError(
            f"{subject}: cannot append {len(columns)} columns to rows of {len(names)}; "
            "give the frame the same columns, or save with mode 'overwrite'"
        )
    return frame
