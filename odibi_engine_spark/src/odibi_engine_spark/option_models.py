"""What the options models of all readers and savers have in common: names, and what is said about a wrong one.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from odibi_core.plugin import ConfigError, Dataset, did_you_mean

__all__ = ["Encoding", "SparkOptions", "parse_options"]


def _known_encoding(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError as error:
        raise ValueError("is no text encoding, such as utf-8, latin-1 or cp1252") from error


Encoding = Annotated[str, AfterValidator(_known_encoding)]


class SparkOptions(BaseModel):
    """Options under Spark's own names, in any case, with or without underscores; and under the names pandas has.

    Example:
        >>> class Some(SparkOptions):
        ...     other_names = {"delimiter": "sep"}
        ...     sep: str = ","
        ...     infer_schema: bool = True
        >>> Some.model_validate({"delimiter": ";", "INFERSCHEMA": False})
        Some(sep=';', infer_schema=False)
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    other_names: ClassVar[Mapping[str, str]] = {}
    """Further names of options, lower case and without underscores, with the field that each means."""
    not_here: ClassVar[Mapping[str, str]] = {}
    """Options of the pandas engine that Spark lacks, lower case and without underscores, with what to do instead."""

    @model_validator(mode="before")
    @classmethod
    def _under_one_name(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        known = {_plain(name): field.alias or name for name, field in cls.model_fields.items()}
        known |= {_plain(alias): alias for alias in known.values()}
        known |= {_plain(name): known[_plain(field)] for name, field in cls.other_names.items()}
        named: dict[str, Any] = {}
        written: dict[str, str] = {}
        for key, value in given.items():
            plain = _plain(str(key))
            if plain in cls.not_here and plain not in known:
                raise ValueError(f"{key} is no option on Spark: {cls.not_here[plain]}")
            name = known.get(plain, str(key))
            if name in named:
                raise ValueError(f"{written[name]} and {key} mean the same; keep one")
            named[name], written[name] = value, str(key)
        return named


OptionsT = TypeVar("OptionsT", bound=SparkOptions)


def parse_options(model: type[OptionsT], dataset: Dataset) -> OptionsT:
    """Return a dataset's options, checked.

    Args:
        model: The options model of the reader or saver.
        dataset: The dataset whose options are meant.

    Raises:
        ConfigError: An option does not exist or has a value that it cannot have; names all of them, and no value.

    Example:
        >>> class Some(SparkOptions):
        ...     header: bool = True
        >>> wrong = Dataset(name="a.csv", kind="path", format="csv", location="/a.csv", options={"heading": True})
        >>> parse_options(Some, wrong)
        Traceback (most recent call last):
            ...
        odibi_core.errors.ConfigError: 'a.csv' (csv): unknown option 'heading'. Did you mean 'header'? Options: header
    """
    try:
        return model.model_validate(dict(dataset.options))
    except ValidationError as error:
        wrong: dict[str, list[str]] = {}
        for problem in error.errors(include_url=False, include_input=False):
            name = str(problem["loc"][0]) if problem["loc"] else ""
            wrong.setdefault(name, []).append(_in_words(name, problem["type"], problem["msg"], model))
        shown = "; ".join(" or ".join(dict.fromkeys(words)) for words in wrong.values())
        raise ConfigError(f"{dataset.name!r} ({dataset.format}): {shown}") from None


def _in_words(name: str, kind: str, message: str, model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        known = sorted(field.alias or name for name, field in model.model_fields.items())
        parts = [f"unknown option {name!r}.", did_you_mean(name, known), f"Options: {', '.join(known)}"]
        return " ".join(filter(None, parts))
    message = message.removeprefix("Value error, ")
    return f"option {name!r}: {message}" if name else message


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
