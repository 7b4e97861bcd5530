"""CSV files as frames of text: where the header is, what the columns are called, and rows without types."""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from odibi_core.plugin import DataFormatError
from odibi_core.plugin.compression import plain_name
from odibi_core.plugin.sources import errors_explained
from odibi_engine_polars.columns import column
from odibi_engine_polars.csv_options import CsvReadOptions
from odibi_engine_polars.sources import Source

__all__ = ["CSV_SUFFIXES", "CsvText", "default_separator"]

CSV_SUFFIXES = (".csv", ".tsv")
_SCANNED = (None, "gzip", "zstd")
_MORE_FIELDS = ("more fields than defined", "column names not specified in schema")


def default_separator(path: str) -> str:
    r"""Return what separates fields in a file of that name.

    Example:
        >>> default_separator("a.csv.gz"), default_separator("a.tsv")
        (',', '\t')
    """
    return "\t" if plain_name(path).lower().endswith(".tsv") else ","


@dataclass(frozen=True, slots=True)
class CsvText:
    """One CSV file as text.

    Args:
        source: The file.
        options: How to read it.
        names: Its columns.
        lines_before: How many lines there are before the rows.
    """

    source: Source
    options: CsvReadOptions
    names: list[str]
    lines_before: int

    @classmethod
    def of(cls, source: Source, options: CsvReadOptions) -> CsvText:
        """Return a file with its columns, reading no more than its start.

        Raises:
            DataFormatError: The file is empty, or has more fields in its rows than it has names.
        """
        fields, lines = _header(source, options)
        if options.header_line is None:
            lines = options.skiprows
        if options.names is not None:
            if len(fields) > len(options.names):
                raise DataFormatError(_too_wide(source))
            return cls(source, options, options.names, lines)
        if options.header_line is None:
            return cls(source, options, [str(number) for number in range(len(fields))], lines)
        return cls(source, options, _unique(fields, options), lines)

    def frame(self, *, without_blank_lines: bool = False) -> pl.LazyFrame:
        """Return the rows, every column as text, null where the options say so for the whole file.

        Args:
            without_blank_lines: Remove empty lines first; Polars takes them for rows, and cannot tell.
        """
        options = self.options
        sep = options.sep or default_separator(self.source.place.path)
        by_column = isinstance(options.na_values, dict)
        nulls = sorted(options.null_texts_of("") if not by_column else ())
        names = self.names
        frame = pl.scan_csv(
            self._content(without_blank_lines=without_blank_lines),
            has_header=False,
            skip_lines=self.lines_before,
            separator=sep,
            quote_char=None if options.quoting == "none" else options.quotechar,
            comment_prefix=options.comment,
            eol_char=options.lineterminator or "\n",
            schema=dict.fromkeys(names, pl.String()),
            missing_columns="insert",
            empty_string_is_null="" in nulls,
            null_values=[text for text in nulls if text] or None,
            raise_if_empty=False,
            glob=False,
        )
        if options.skipinitialspace:
            frame = frame.with_columns(pl.all().str.strip_chars_start(" "))
        if by_column or options.skipinitialspace:
            return frame.with_columns(
                pl.when(~column(name).is_in(sorted(texts))).then(column(name))
                for name in names
                if (texts := options.null_texts_of(name))
            )
        # Polars takes a quoted "" for text, whatever it is told; pandas and Spark take it for null.
        return frame.with_columns(pl.when(pl.all() != "").then(pl.all())) if "" in nulls else frame

    def require_readable(self) -> None:
        """Raise if a row is malformed; reads the whole file.

        Raises:
            DataFormatError: Names the file and what is wrong.
        """
        with self.errors():
            self.frame().select(pl.len()).collect(engine="streaming")
            self.frame().select(pl.all().is_null().any()).collect(engine="streaming")

    def errors(self) -> Any:
        """Turn what is raised while the rows are read into errors that name the file."""
        return _Explained(self.source)

    def _content(self, *, without_blank_lines: bool) -> str | bytes:
        options = self.options
        is_utf8 = options.encoding in {"utf-8", "utf-8-sig", "ascii"} and options.encoding_errors == "strict"
        if is_utf8 and not without_blank_lines and self.source.compression in _SCANNED:
            return self.source.scannable()
        with self.source.open() as stream:
            data = stream.read()
        if not is_utf8:
            with errors_explained(self.source):
                data = data.decode(options.encoding, options.encoding_errors).encode()
        data = data.removeprefix(codecs.BOM_UTF8)
        return _without_blank_lines(data, options) if without_blank_lines else data


class _Explained:
    """`errors_explained`, with better words for what Polars says of rows."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, pl.exceptions.PolarsError | OSError):
            return
        said = str(error)
        if any(words in said for words in _MORE_FIELDS):
            raise DataFormatError(_too_wide(self._source)) from error
        if "utf-8" in said:
            raise DataFormatError(
                f"{self._source.name!r}: {self._source.shown} is not utf-8 text; "
                "say which encoding it has, as in encoding: 'latin-1'"
            ) from error
        with errors_explained(self._source):
            raise error


def _too_wide(source: Source) -> str:
    return (
        f"{source.name!r}: {source.shown} has more fields in its rows than it has column names; "
        "see whether sep is right, or name all columns with names and header: 0"
    )


def _header(source: Source, options: CsvReadOptions) -> tuple[list[str], int]:
    """Return the fields of the header, or of the first row if there is none, and the lines up to its end."""
    wanted = options.header_line or 0
    counted = 0

    def lines(text: io.TextIOBase) -> Iterator[str]:
        nonlocal counted
        for line in _split(text, options.lineterminator):
            counted += 1
            if counted <= options.skiprows or (options.comment and line.startswith(options.comment)):
                continue
            yield line

    encoding = "utf-8-sig" if options.encoding == "utf-8" else options.encoding
    with source.open() as stream:
        text = io.TextIOWrapper(stream, encoding=encoding, errors=options.encoding_errors, newline="\n")
        reader = csv.reader(
            lines(text),
            delimiter=options.sep or default_separator(source.place.path),
            quotechar=options.quotechar,
            quoting=csv.QUOTE_NONE if options.quoting == "none" else csv.QUOTE_MINIMAL,
        )
        try:
            rows = (row for row in reader if row or not options.skip_blank_lines)
            fields = next(itertools.islice(rows, wanted, None), None)
        except csv.Error as error:
            raise DataFormatError(f"{source.name!r}: {source.shown} cannot be read as csv: {error}") from error
    if fields is None:
        raise DataFormatError(
            f"{source.name!r}: {source.shown} is empty: it has no header and no rows. "
            "Remove it, or see what should have written it."
        )
    return fields, counted


def _split(text: io.TextIOBase, end: str | None) -> Iterator[str]:
    return iter(text) if end is None else iter(f"{line}\n" for line in text.read().split(end))


def _unique(fields: list[str], options: CsvReadOptions) -> list[str]:
    """Return column names as pandas makes them: those that come twice are numbered, missing ones are said to be."""
    names: list[str] = []
    for number, field in enumerate(fields):
        wanted = (field.lstrip(" ") if options.skipinitialspace else field) or f"Unnamed: {number}"
        again, unique = 0, wanted
        while unique in names:
            again += 1
            unique = f"{wanted}.{again}"
        names.append(unique)
    return names


def _without_blank_lines(data: bytes, options: CsvReadOptions) -> bytes:
    """Return text without its empty lines, except those inside quoted fields."""
    quote = b"" if options.quoting == "none" else options.quotechar.encode()
    end = (options.lineterminator or "\n").encode()
    kept: list[bytes] = []
    is_quoted = False
    for line in data.split(end):
        if is_quoted or line.strip(b"\r"):
            kept.append(line)
        if quote and line.count(quote) % 2:
            is_quoted = not is_quoted
    return end.join(kept) + end
