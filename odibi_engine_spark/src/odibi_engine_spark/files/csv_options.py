"""The options of CSV on Spark: Spark's own names, and those of the pandas engine with the same meaning.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field, NonNegativeInt, field_validator, model_validator

from odibi_engine_spark.files.date_formats import pattern_of
from odibi_engine_spark.option_models import Encoding, SparkOptions

__all__ = ["NA_TEXTS", "Compression", "CsvReadOptions", "CsvWriteOptions", "ParseMode", "Pattern", "TypedOptions"]

Compression: TypeAlias = Literal["infer", "bz2", "gzip", "xz", "zip", "zstd", "none"]
ParseMode: TypeAlias = Literal["FAILFAST", "DROPMALFORMED", "PERMISSIVE"]
Pattern: TypeAlias = Annotated[str, BeforeValidator(lambda text: pattern_of(text) if isinstance(text, str) else text)]
"""A pattern of dates as Spark has it (``dd/MM/yyyy``); one as for strftime (``%d/%m/%Y``) is translated."""

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
"""What means null in a CSV file unless options say otherwise: pandas' list, so that both engines see the same nulls."""

_MODES: dict[str, ParseMode] = {"error": "FAILFAST", "skip": "DROPMALFORMED"}


def _mode(value: object) -> object:
    return _MODES.get(value.lower(), value.upper()) if isinstance(value, str) else value


def _none_is_none(value: object) -> object:
    return "none" if value is None else value


class TypedOptions(SparkOptions):
    """What inputs of text formats have in common."""

    columns: list[str] | None = None
    """The columns to keep, in this order."""
    ddl: str | None = Field(default=None, alias="schema")
    """The columns and their types, as in ``tail string, seats int``; types are inferred if not given."""
    dtype: str | dict[str, str] | None = None
    """A type for every column, or one by column name, as pandas or Spark calls it."""
    parse_dates: list[str] = Field(default=[])
    """Columns of times: with a zone they become ``timestamp``, without ``timestamp_ntz``; other text is an error."""
    date_format: Pattern | dict[str, Pattern] | None = None
    """The pattern of dates, as Spark or as strftime has it, or one by column name; ISO 8601 if not given."""
    timestamp_format: Pattern | None = None
    """The pattern of times, as Spark or as strftime has it; ISO 8601 if not given."""
    nrows: NonNegativeInt | None = None
    """Read this many rows and no more."""
    encoding: Encoding = "utf-8"
    """The text's encoding."""
    compression: Annotated[Compression, BeforeValidator(_none_is_none)] = "infer"
    """How the files are compressed; ``infer`` goes by the name, null means not at all."""
    mode: Annotated[ParseMode, BeforeValidator(_mode)] = "FAILFAST"
    """What to do with a record, or a value, that does not fit: ``FAILFAST``, ``DROPMALFORMED`` or ``PERMISSIVE``."""
    sampling_ratio: float | None = Field(default=None, gt=0, le=1)
    """Infer types from this share of the rows; a value that then does not fit is an error, or goes by ``mode``."""


class CsvReadOptions(TypedOptions):
    """Options of a CSV input."""

    other_names: ClassVar[Mapping[str, str]] = {
        "badlines": "mode",
        "charset": "encoding",
        "delimiter": "sep",
        "escapechar": "escape",
        "limit": "nrows",
        "lineterminator": "line_sep",
        "onbadlines": "mode",
        "quotechar": "quote",
        "rows": "nrows",
        "skipinitialspace": "ignore_leading_white_space",
        "usecols": "columns",
    }
    not_here: ClassVar[Mapping[str, str]] = {
        "skiprows": "remove the lines before, or read with the pandas engine",
        "encodingerrors": "bytes that are not of the encoding are an error where files have to be decoded here, and "
        "become replacement characters where Spark decodes",
    }

    sep: str | None = Field(default=None, min_length=1)
    """What separates fields; a comma if not given, a tab for .tsv files."""
    header: bool = True
    """Whether the first line has the column names."""
    names: list[str] | None = None
    """The column names, for files without a header, or in place of it."""
    infer_schema: bool = True
    """Find types from all values: integers, numbers with a fraction, truth values; else every column is text. Dates
    stay text, as with pandas, unless ``dateFormat`` or ``timestampFormat`` says what they look like."""
    quote: str = Field(default='"', max_length=1)
    """What surrounds a field that holds separators or line ends; empty if quotes are text."""
    quoting: Literal["minimal", "all", "nonnumeric", "none"] = "minimal"
    """``none`` takes quotes for text; the others read alike."""
    doublequote: bool = True
    """Two quotes inside a quoted field mean one."""
    escape: str | None = Field(default=None, max_length=1)
    """What takes its meaning from the next character; the quote itself if not given, so that doubled quotes are one."""
    comment: str | None = Field(default=None, min_length=1, max_length=1)
    """What starts a line that is a comment."""
    decimal: str = Field(default=".", min_length=1, max_length=1)
    """The decimal point."""
    thousands: str | None = Field(default=None, min_length=1, max_length=1)
    """The separator of thousands."""
    null_value: str | list[str] | None = None
    """Further texts that mean null."""
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
    multi_line: bool = True
    """Let quoted fields hold line ends. False lets Spark read one large file in parallel, if no field holds any."""
    ignore_leading_white_space: bool = False
    """Drop blanks after a separator."""
    ignore_trailing_white_space: bool = False
    """Drop blanks before a separator."""
    line_sep: str | None = Field(default=None, min_length=1)
    """What ends a line, if it is no line end."""
    max_columns: int | None = None
    """How many columns a file may have; Spark's own default is 20480."""
    skip_blank_lines: Literal[True] = True
    """Always true: Spark passes over empty lines."""
    dayfirst: Literal[False] = False
    """Always false: say ``date_format: dd/MM/yyyy``."""
    low_memory: Literal[False] = False
    """Always false: types are inferred from the whole column."""

    @field_validator("header", mode="before")
    @classmethod
    def _first_line(cls, header: object) -> object:
        if header is None:
            return False
        if header == "infer" or (header == 0 and not isinstance(header, bool)):
            return True
        if isinstance(header, int) and not isinstance(header, bool):
            raise ValueError(  # noqa: TRY004 - which pydantic turns into its own error
                "the header is the first line or there is none; Spark cannot skip lines"
            )
        return header

    @field_validator("sep")
    @classmethod
    def _no_pattern(cls, sep: str | None) -> str | None:
        if sep == r"\s+":
            raise ValueError(r"\s+ is a pattern, and Spark separates by a fixed text; read with the pandas engine")
        return sep

    @property
    def null_texts(self) -> frozenset[str]:
        """The texts that mean null in every column."""
        if not self.na_filter:
            return frozenset()
        given = [self.null_value] if isinstance(self.null_value, str) else self.null_value or []
        if self.na_values is not None and not isinstance(self.na_values, dict):
            given = [*given, *([self.na_values] if isinstance(self.na_values, str) else self.na_values)]
        return frozenset(given) | (NA_TEXTS if self.keep_default_na else frozenset())

    def null_texts_of(self, column: str) -> frozenset[str]:
        """Return the texts that mean null in one column."""
        by_column = self.na_values.get(column, []) if isinstance(self.na_values, dict) and self.na_filter else []
        return self.null_texts | frozenset([by_column] if isinstance(by_column, str) else by_column)


class CsvWriteOptions(SparkOptions):
    """Options of a CSV output."""

    other_names: ClassVar[Mapping[str, str]] = {
        "charset": "encoding",
        "delimiter": "sep",
        "lineterminator": "line_sep",
        "narep": "null_value",
        "quotechar": "quote",
    }
    not_here: ClassVar[Mapping[str, str]] = {
        "floatformat": "round or format the column in the transformation",
        "decimal": "format the column in the transformation",
    }

    sep: str | None = Field(default=None, min_length=1)
    """What separates fields; a comma if not given, a tab for .tsv files."""
    header: bool = True
    """Write the column names first, in every file."""
    encoding: Encoding = "utf-8"
    """The text's encoding."""
    null_value: str = ""
    """The text for null."""
    date_format: Pattern | None = None
    """The pattern of dates, as Spark or as strftime has it; ISO 8601 if not given."""
    timestamp_format: Pattern | None = None
    """The pattern of times, as Spark or as strftime has it; ISO 8601 if not given."""
    quote: str = Field(default='"', min_length=1, max_length=1)
    """What to quote with; inside a quoted field it is doubled."""
    quoting: Literal["minimal", "all"] = "minimal"
    """Which fields to quote."""
    quote_all: bool = False
    """Quote every field; the same as ``quoting: all``."""
    line_sep: str | None = Field(default=None, min_length=1, max_length=2)
    """What ends a line; a line feed if not given."""
    compression: Annotated[Literal["infer", "bz2", "gzip", "none"], BeforeValidator(_none_is_none)] = "infer"
    """How to compress; ``infer`` goes by the name, null means not at all."""
    index: Literal[False] = False
    """Always false: Spark's frames have none."""

    @model_validator(mode="after")
    def _unambiguous(self) -> CsvWriteOptions:
        if {self.sep or ",", self.quote} & {"\n", "\r"} or self.sep == self.quote:
            raise ValueError("sep and quote must differ from each other and from line ends")
        return self
