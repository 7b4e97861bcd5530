"""The options of CSV, under the pandas engine's names and with their meaning.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

from pydantic import AliasChoices, Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from odibi_engine_polars.option_models import Compression, Encoding, PolarsOptions

__all__ = ["NA_TEXTS", "CsvReadOptions", "CsvWriteOptions", "TextReadOptions"]

Quoting: TypeAlias = Literal["minimal", "all", "nonnumeric", "none"]

NA_TEXTS = frozenset(
    [
        "",
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "None",
        "n/a",
        "nan",
        "null",
    ]
)
"""What means null in a CSV file unless options say otherwise: pandas' list, so that all engines see the same nulls."""

_QUOTING_BY_NUMBER: tuple[Quoting, ...] = ("minimal", "all", "nonnumeric", "none")
_FIXED = re.compile(r"(?:%|\{:)\.(\d+)f\}?")


class TextReadOptions(PolarsOptions):
    """What inputs of text formats have in common."""

    columns: list[str] | None = Field(default=None, validation_alias=AliasChoices("columns", "usecols"))
    """The columns to keep, in this order."""
    dtype: str | dict[str, str] | None = None
    """A type for every column, or one by column name, as pandas or Polars calls it."""
    parse_dates: list[str] = Field(default=[])
    """Columns of dates or times; text that is none is an error."""
    date_format: str | dict[str, str] | None = None
    """The format of dates as for strftime, or one by column name; if not given, ISO 8601 or that of the first value."""
    dayfirst: bool = False
    """Read 03/04/2013 as the third of April."""
    nrows: NonNegativeInt | None = Field(default=None, validation_alias=AliasChoices("nrows", "rows", "limit"))
    """Read this many rows and no more."""
    encoding: Encoding = "utf-8"
    """The text's encoding; a byte-order mark is understood."""
    compression: Compression | None = "infer"
    """How the files are compressed; ``infer`` goes by the name, null means not at all."""


class CsvReadOptions(TextReadOptions):
    """Options of a CSV input."""

    not_here: ClassVar[Mapping[str, str]] = {
        "escapechar": "it knows doubled quotes only; read with the pandas engine",
    }

    sep: str | None = Field(default=None, min_length=1, max_length=1, validation_alias=AliasChoices("sep", "delimiter"))
    """What separates fields, one character; a comma if not given, a tab for .tsv files."""
    header: NonNegativeInt | bool | Literal["infer"] | None = "infer"
    """The line of the column names, counted from 0; false or null if there is none."""
    names: list[str] | None = None
    """The column names, for files without a header (or, with ``header: 0``, in place of it)."""
    skiprows: NonNegativeInt = Field(default=0, validation_alias=AliasChoices("skiprows", "skip_rows"))
    """How many lines to skip at the start."""
    quotechar: str = Field(default='"', min_length=1, max_length=1)
    """What surrounds a field that holds separators or line ends."""
    quoting: Quoting = "minimal"
    """``none`` takes quotes for text; the others read alike."""
    doublequote: Literal[True] = True
    """Always true: two quotes inside a quoted field mean one."""
    comment: str | None = Field(default=None, min_length=1, max_length=1)
    """What starts a line that is a comment."""
    decimal: str = Field(default=".", min_length=1, max_length=1)
    """The decimal point."""
    thousands: str | None = Field(default=None, min_length=1, max_length=1)
    """The separator of thousands."""
    na_values: str | list[str] | dict[str, str | list[str]] | None = None
    """Further texts that mean null, for all columns or by column name."""
    keep_default_na: bool = True
    """Take the empty field, NA, NaN, null, None, n/a and pandas' other usual texts for null."""
    na_filter: bool = True
    """Look for nulls at all."""
    true_values: list[str] = Field(default=[])
    """Further texts that mean true."""
    false_values: list[str] = Field(default=[])
    """Further texts that mean false."""
    skip_blank_lines: bool = True
    """Pass over empty lines."""
    skipinitialspace: bool = False
    """Drop blanks after a separator."""
    lineterminator: str | None = Field(default=None, min_length=1, max_length=1)
    """What ends a line, if it is no line end."""
    on_bad_lines: Literal["error"] = "error"
    """Always an error: Polars would cut a line of too many fields."""
    encoding_errors: Literal["strict", "replace", "ignore"] = "strict"
    """What to do with bytes that are not of the encoding."""
    infer_schema_length: PositiveInt | None = None
    """Find types from this many rows instead of all; a value further down that does not fit is an error."""
    low_memory: Literal[False] = False
    """Always false: types are inferred from the whole column."""

    @property
    def header_line(self) -> int | None:
        """The line of the column names, None if there is none."""
        if self.header == "infer":
            return None if self.names is not None else 0
        return self.header if not isinstance(self.header, bool) else 0 if self.header else None

    def null_texts_of(self, name: str) -> frozenset[str]:
        """Return what means null in a column."""
        if not self.na_filter:
            return frozenset()
        given = self.na_values.get(name, []) if isinstance(self.na_values, dict) else self.na_values or []
        more = [given] if isinstance(given, str) else given
        return frozenset(more) | (NA_TEXTS if self.keep_default_na else frozenset())

    @field_validator("header", mode="before")
    @classmethod
    def _truth_in_words(cls, header: object) -> object:
        return {"true": True, "false": False}.get(header.lower(), header) if isinstance(header, str) else header

    @field_validator("true_values", "false_values", mode="before")
    @classmethod
    def _null_is_none(cls, values: object) -> object:
        return [] if values is None else values

    @field_validator("names")
    @classmethod
    def _distinct(cls, names: list[str] | None) -> list[str] | None:
        if names is not None and len(set(names)) < len(names):
            raise ValueError("names a column twice")
        return names

    @field_validator("skiprows", mode="before")
    @classmethod
    def _no_list_of_lines(cls, skiprows: object) -> object:
        is_list = isinstance(skiprows, list)
        if is_list:
            raise ValueError("Polars skips lines at the start only; say how many, or read with the pandas engine")
        return 0 if skiprows is None else skiprows

    @field_validator("quoting", mode="before")
    @classmethod
    def _quoting_by_number(cls, quoting: object) -> object:
        return _quoting_name(quoting)


class CsvWriteOptions(PolarsOptions):
    """Options of a CSV output."""

    sep: str | None = Field(default=None, min_length=1, max_length=1, validation_alias=AliasChoices("sep", "delimiter"))
    """What separates fields; a comma if not given, a tab for .tsv files."""
    header: bool = True
    """Write the column names first."""
    encoding: Encoding = "utf-8"
    """The text's encoding."""
    na_rep: str = ""
    """The text for null."""
    date_format: str | None = None
    """The format of dates and times as for strftime; ISO 8601 if not given."""
    float_format: str | None = None
    """How many digits a number with a fraction has, such as ``%.2f`` or ``{:.2f}``; if not given, the shortest exact
    text."""
    decimal: Literal[".", ","] = "."
    """The decimal point."""
    quoting: Quoting = "minimal"
    """Which fields to quote."""
    quotechar: str = Field(default='"', min_length=1, max_length=1)
    """What to quote with; inside a quoted field it is doubled."""
    lineterminator: Literal["\n", "\r\n"] = "\n"
    """What ends a line."""
    compression: Compression | None = "infer"
    """How to compress; ``infer`` goes by the name, null means not at all."""
    index: Literal[False] = False
    """Always false: Polars has no index."""

    @property
    def float_digits(self) -> int | None:
        """How many digits follow the decimal point, None if as many as a number has."""
        match = _FIXED.fullmatch(self.float_format or "")
        return int(match[1]) if match else None

    @field_validator("quoting", mode="before")
    @classmethod
    def _quoting_by_number(cls, quoting: object) -> object:
        return _quoting_name(quoting)

    @field_validator("float_format")
    @classmethod
    def _has_fixed_digits(cls, float_format: str | None) -> str | None:
        if float_format is not None and not _FIXED.fullmatch(float_format):
            raise ValueError("Polars writes a fixed number of digits: %.2f, or {:.2f}")
        return float_format

    @model_validator(mode="after")
    def _unambiguous(self) -> CsvWriteOptions:
        taken = [self.sep or ",", self.quotechar, "\n", "\r"]
        if len(set(taken)) < len(taken):
            raise ValueError("sep and quotechar must differ from each other and from line ends")
        return self


def _quoting_name(quoting: object) -> object:
    """Return the name for a number of the csv module, as in ``quoting=csv.QUOTE_ALL``; anything else as it is."""
    if isinstance(quoting, int) and 0 <= quoting < len(_QUOTING_BY_NUMBER):
        return _QUOTING_BY_NUMBER[quoting]
    return quoting
