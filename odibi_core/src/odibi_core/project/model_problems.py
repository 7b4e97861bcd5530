"""What a pydantic model finds wrong with data, as problems with a line and a suggestion."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from odibi_core.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

    from odibi_core.project.documents import Document

__all__ = ["describe", "kind_of", "problems_of", "shown_path"]

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dataclass_type": "a mapping",
    "mapping_type": "a mapping",
}

_LONGEST_SHOWN = 60


def kind_of(value: object) -> str:
    """Return what kind of thing a value of a document is, without the value.

    Args:
        value: Any value of a document.

    Example:
        >>> kind_of("secret"), kind_of([1]), kind_of(None)
        ('text', 'a list', 'nothing')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence):
        return "a list"
    return type(value).__name__


def describe(value: object) -> str:
    """Return a value of a document in words for a message, shortened.

    Args:
        value: Any value of a document that is no secret.

    Example:
        >>> describe("Silver"), describe(7), describe(True), describe({})
        ("'Silver'", '7', 'true', 'a mapping')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        return kind_of(value)
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def shown_path(path: Sequence[str | int]) -> str:
    """Return a path in a document as users write it.

    Args:
        path: Keys and indexes.

    Example:
        >>> shown_path(("layers", "Silver", "depends_on", 0))
        'layers.Silver.depends_on[0]'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def problems_of(
    error: ValidationError,
    *,
    document: Document,
    model: type[BaseModel],
    path: Sequence[str | int] = (),
    meant: Mapping[str, str] | None = None,
    private_keys: Container[str] = (),
    is_unknown: Callable[[object], bool] = lambda _value: False,
) -> list[Problem]:
    """Return one problem for each thing that a model found.

    Args:
        error: What the model raised.
        document: Where the data is from.
        model: The model.
        path: Where in the document the model's data begins.
        meant: Known names for keys of the top level, such as those of an earlier format.
        private_keys: Keys of the document's top level below which values may be secrets: only their kinds are shown.
        is_unknown: Whether a value will be another when it is used, so that what is wrong with it does not count.
    """
    problems = []
    for detail in error.errors(include_url=False, include_context=True):
        if is_unknown(detail["input"]):
            continue
        loc = tuple(part for part in detail["loc"] if part != "[key]")
        place = (*path, *loc)
        is_private = bool(place) and place[0] in private_keys
        message, suggestion = _in_words(detail, loc=place, is_private=is_private)
        if detail["type"] == "extra_forbidden":
            known = known_keys(model, path=loc[:-1])
            key = str(loc[-1])
            named = (meant or {}).get(key) if len(loc) == 1 else None
            hint = f"Did you mean {named!r}?" if named in known else did_you_mean(key, known)
            suggestion = hint or (f"Known keys: {', '.join(sorted(known))}." if known else None)
        problems.append(document.problem(message, path=place, suggestion=suggestion))
    return problems


def known_keys(model: type[BaseModel], *, path: Sequence[str | int]) -> list[str]:
    """Return the keys that a model knows at a path inside it, none if it cannot be said.

    Args:
        model: The model of the whole.
        path: Keys and indexes from the top.
    """
    current: Any = model
    for part in path:
        current = _without_none(current)
        fields = getattr(current, "model_fields", None)
        if fields is not None:
            by_name = {field.alias or name: field.annotation for name, field in fields.items()}
            current = by_name.get(str(part))
        else:
            current = (get_args(current) or (None,))[-1]
    fields = getattr(_without_none(current), "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        choices = [choice for choice in get_args(annotation) if choice is not NoneType]
        return choices[0] if len(choices) == 1 else None
    return annotation


def _in_words(detail: ErrorDetails, *, loc: Sequence[str | int], is_private: bool) -> tuple[str, str | None]:
    kind, value, name = detail["type"], detail["input"], shown_path(loc)
    got = kind_of(value) if is_private else describe(value)
    if kind == "extra_forbidden":
        return f"Unknown key {name!r}.", None
    if kind == "invalid_key":
        return f"A key must be text, but one is {describe(value)}.", "Put it in quotes."
    if kind == "missing":
        return f"The key {name!r} is missing.", None
    if kind in ("enum", "literal_error"):
        context = detail.get("ctx", {})
        choices = [word.strip("'") for word in str(context.get("expected", "")).replace(" or ", ", ").split(", ")]
        near = did_you_mean(value, choices) if isinstance(value, str) and not is_private else ""
        return f"{name!r} is {got}, which is none of {', '.join(choices)}.", near or None
    if expected := _EXPECTED.get(kind):
        needs_quotes = expected == "text" and isinstance(value, int | float)
        return f"{name!r} must be {expected}, but is {got}.", "Put it in quotes." if needs_quotes else None
    reason = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if is_private:
        reason = _without_values(reason, value=value)
    message = f"{name!r}: {reason[:1].lower()}{reason[1:]}".rstrip(".")
    return (f"{message}." if is_private or isinstance(value, Mapping) else f"{message}, but is {got}."), None


def _without_values(reason: str, *, value: object) -> str:
    """Remove from a plugin's own words what may be a secret."""
    for text in sorted(_texts(value), key=len, reverse=True):
        reason = reason.replace(text, "***")
    return reason


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _texts(item)
