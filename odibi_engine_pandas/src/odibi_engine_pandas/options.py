"""The options that a row may give to a reader or saver, under pandas' own names where pandas has one.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from odibi_core.plugin import ConfigError, Dataset, did_you_mean

__all__ = [
    "CsvReadOptions",
    "CsvWriteOptions",
    "JsonLinesReadOptions",
    "JsonReadOptions",
    "JsonWriteOptions",
    "PandasEngineOptions",
    "ParquetReadOptions",
    "ParquetWriteOptions",
    "parse_options",
]

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


def _known_encoding(encoding: str) -> str:
    try:
        "".encode(encoding)
        return codecs.lookup(encoding).name
    except LookupError as error:
        raise ValueError("is no text encoding, such as utf-8, latin-1 or cp1252") from error


Compression: TypeAlias = Literal["infer", "bz2", "gzip", "xz", "zip", "zstd"]
Encoding: TypeAlias = Annotated[str, AfterValidator(_known_encoding)]
Quoting: TypeAlias = Literal["minimal", "all", "nonnumeric", "none"]

_QUOTING_BY_NUMBER: tuple[Quoting, ...] = ("minimal", "all", "nonnumeric", "none")


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PandasEngineOptions(_Options):
    """The manifest's ``engines.pandas``: there is nothing to set."""


class _TextReadOptions(_Options):
    columns: list[str] | None = Field(default=None, validation_alias=AliasChoices("columns", "usecols"))
    """The columns to keep, in this order."""
    dtype: str | dict[str, str] | None = None
    """A pandas dtype for every column, or one by column name."""
    parse_dates: list[str] = []
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


class CsvReadOptions(_TextReadOptions):
    """Options of a CSV input."""

    sep: str | None = Field(default=None, validation_alias=AliasChoices("sep", "delimiter"))
    r"""What separates fields: one character, or ``\s+``; a comma if not given, a tab for .tsv files."""
    header: NonNegativeInt | bool | Literal["infer"] | None = "infer"
    """The line of the column names, counted from 0; false or null if there is none."""
    names: list[str] | None = None
    """The column names, for files without a header (or, with ``header: 0``, in place of it)."""
    skiprows: NonNegativeInt | list[NonNegativeInt] | None = Field(
        default=None, validation_alias=AliasChoices("skiprows", "skip_rows")
    )
    """How many lines to skip at the start, or which ones."""
    quotechar: str = Field(default='"', min_length=1, max_length=1)
    """What surrounds a field that holds separators or line ends."""
    quoting: Quoting = "minimal"
    """``none`` takes quotes for text; the others read alike."""
    doublequote: bool = True
    """Two quotes inside a quoted field mean one."""
    escapechar: str | None = Field(default=None, min_length=1, max_length=1)
    """What takes its meaning from the next character."""
    comment: str | None = Field(default=None, min_length=1, max_length=1)
    """What starts a comment that goes to the end of the line."""
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
    true_values: list[str] | None = None
    """Further texts that mean true."""
    false_values: list[str] | None = None
    """Further texts that mean false."""
    skip_blank_lines: bool = True
    """Pass over empty lines."""
    skipinitialspace: bool = False
    """Drop blanks after a separator."""
    lineterminator: str | None = Field(default=None, min_length=1, max_length=1)
    """What ends a line, if it is no line end."""
    on_bad_lines: Literal["error", "skip"] = "error"
    """What to do with a line of too many fields."""
    encoding_errors: Literal["strict", "replace", "ignore"] = "strict"
    """What to do with bytes that are not of the encoding."""
    low_memory: Literal[False] = False
    """Always false: types are inferred from the whole column."""

    @property
    def header_line(self) -> int | Literal["infer"] | None:
        """The header as pandas has it, for which true and 1 are the same."""
        return self.header if not isinstance(self.header, bool) else 0 if self.header else None

    @field_validator("sep")
    @classmethod
    def _one_character(cls, sep: str | None) -> str | None:
        if sep is not None and len(sep) != 1 and sep != r"\s+":
            raise ValueError(r"a separator is one character, or \s+ for any white space")
        return sep

    @field_validator("quoting", mode="before")
    @classmethod
    def _quoting_by_number(cls, quoting: object) -> object:
        return _quoting_name(quoting)


class JsonLinesReadOptions(_TextReadOptions):
    """Options of a JSON lines input."""


class JsonReadOptions(_TextReadOptions):
    """Options of a JSON input."""

    orient: Literal["records", "columns"] | None = None
    """What the document must be: an array of records, or an object of columns; found out if not given."""
    record_path: str | list[str] | None = None
    """The key, or the path of keys, under which the records are."""


class ParquetReadOptions(_Options):
    """Options of a Parquet input."""

    columns: list[str] | None = None
    """The columns to read, in this order."""
    filters: list[list[Any]] | None = None
    """The rows to read: ``[[column, operator, value], ...]`` if all must hold, a list of such lists if one must."""


class CsvWriteOptions(_Options):
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
    """The format of numbers with a fraction, such as ``%.2f`` or ``{:.2f}``; if not given, the shortest exact one."""
    decimal: str = Field(default=".", min_length=1, max_length=1)
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
    """Always false: an index that has a name is written as columns, another is not written."""

    @field_validator("quoting", mode="before")
    @classmethod
    def _quoting_by_number(cls, quoting: object) -> object:
        return _quoting_name(quoting)

    @field_validator("float_format")
    @classmethod
    def _formats_a_number(cls, float_format: str | None) -> str | None:
        if float_format is not None:
            try:
                text = float_format.format(1.5) if "{" in float_format else float_format % 1.5
            except (TypeError, ValueError, LookupError) as error:
                raise ValueError(f"is no format of one number, such as %.2f or {{:.2f}} ({error})") from error
            if text == (float_format.format(2.5) if "{" in float_format else float_format % 2.5):
                raise ValueError("does not say where the number goes; write it like %.2f or {:.2f}")
        return float_format

    @model_validator(mode="after")
    def _unambiguous(self) -> CsvWriteOptions:
        taken = [self.sep or ",", self.quotechar, "\n", "\r"]
        if len(set(taken)) < len(taken):
            raise ValueError("sep and quotechar must differ from each other and from line ends")
        return self


class JsonWriteOptions(_Options):
    """Options of a JSON or JSON lines output."""

    orient: Literal["records"] = "records"
    """Always an array (or lines) of records."""
    compression: Compression | None = "infer"
    """How to compress; ``infer`` goes by the name, null means not at all."""
    index: Literal[False] = False
    """Always false: an index that has a name is written as columns, another is not written."""


class ParquetWriteOptions(_Options):
    """Options of a Parquet output."""

    compression: Literal["snappy", "zstd", "gzip", "lz4", "brotli", "none"] = "snappy"
    """The codec of the column chunks."""
    compression_level: int | None = None
    """The codec's level, for zstd, gzip and brotli."""
    row_group_size: PositiveInt = 1_048_576
    """How many rows a row group holds at most."""
    index: Literal[False] = False
    """Always false: an index that has a name is written as columns, another is not written."""

    @field_validator("compression", mode="before")
    @classmethod
    def _null_is_none(cls, compression: object) -> object:
        return "none" if compression is None else compression

    @model_validator(mode="after")
    def _has_levels(self) -> ParquetWriteOptions:
        if self.compression_level is not None and self.compression not in {"brotli", "gzip", "zstd"}:
            raise ValueError(f"compression {self.compression!r} has no compression_level; leave it out, or take zstd")
        return self


OptionsT = TypeVar("OptionsT", bound=_Options)


def parse_options(model: type[OptionsT], dataset: Dataset) -> OptionsT:
    """Return a dataset's options, checked.

    Args:
        model: The options model of the reader or saver.
        dataset: The dataset whose options are meant.

    Raises:
        ConfigError: An option does not exist or has a value that it cannot have; names all of them.

    Example:
        >>> wrong = Dataset(name="a.csv", kind="path", format="csv", location="/a.csv", options={"separator": ";"})
        >>> parse_options(CsvWriteOptions, wrong)
        Traceback (most recent call last):
            ...
        odibi_core.errors.ConfigError: 'a.csv' (csv): unknown option 'separator'. Options: compression, date_format, ...
    """
    try:
        return model.model_validate(dict(dataset.options))
    except ValidationError as error:
        by_option: dict[str, list[ErrorDetails]] = {}
        for problem in error.errors(include_url=False):
            by_option.setdefault(str(problem["loc"][0]) if problem["loc"] else "", []).append(problem)
        wrong = "; ".join(_wrong(option, problems, model) for option, problems in by_option.items())
        raise ConfigError(f"{dataset.name!r} ({dataset.format}): {wrong}") from error


def _wrong(option: str, problems: list[ErrorDetails], model: type[BaseModel]) -> str:
    if problems[0]["type"] == "extra_forbidden":
        known = sorted(model.model_fields)
        parts = [f"unknown option {option!r}.", did_you_mean(option, known), f"Options: {', '.join(known)}"]
        return " ".join(filter(None, parts))
    # An option of several types has a problem for each of them.
    messages = " or ".join(dict.fromkeys(problem["msg"].removeprefix("Value error, ") for problem in problems))
    return f"option {option!r}: {messages}, not {problems[0]['input']!r}" if option else messages


def _quoting_name(quoting: object) -> object:
    """Return the name for a number of the csv module, as in ``quoting=csv.QUOTE_ALL``; anything else as it is."""
    if isinstance(quoting, int) and 0 <= quoting < len(_QUOTING_BY_NUMBER):
        return _QUOTING_BY_NUMBER[quoting]
    return quoting
