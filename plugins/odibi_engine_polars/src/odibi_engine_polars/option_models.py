"""What the options of all readers and savers have in common, and how they are checked.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

from odibi_core.plugin import ConfigError, Dataset, did_you_mean

__all__ = ["Compression", "Encoding", "PolarsOptions", "parse_options"]

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


class PolarsOptions(BaseModel):
    """Options of one reader or saver; what they do not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    not_here: ClassVar[Mapping[str, str]] = {}
    """Options of other engines that Polars lacks, each with what to do instead."""

    @model_validator(mode="before")
    @classmethod
    def _with_advice(cls, options: object) -> object:
        asked = sorted(cls.not_here.keys() & options.keys()) if isinstance(options, Mapping) else []
        if asked:
            raise ValueError("; ".join(f"Polars has no option {name!r}: {cls.not_here[name]}" for name in asked))
        return options


OptionsT = TypeVar("OptionsT", bound=PolarsOptions)


def parse_options(model: type[OptionsT], dataset: Dataset) -> OptionsT:
    """Return a dataset's options, checked.

    Args:
        model: The options model of the reader or saver.
        dataset: The dataset whose options are meant.

    Raises:
        ConfigError: An option does not exist or has a value that it cannot have; names all of them.

    Example:
        >>> from odibi_engine_polars.options import ParquetReadOptions
        >>> wrong = Dataset(name="a", kind="path", format="parquet", location="/a.parquet", options={"colums": ["a"]})
        >>> parse_options(ParquetReadOptions, wrong)
        Traceback (most recent call last):
            ...
        odibi_core.errors.ConfigError: 'a' (parquet): unknown option 'colums'. Did you mean 'columns'? Options: ...
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
