"""What options models keep to, whoever's they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from odibi_core.errors import OdibiError
from odibi_core.testing.contract import refuse

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["check_unknown_option"]

_UNKNOWN = "no_such_option_of_anything"


def check_unknown_option(
    model: type[BaseModel] | None, resolve: Callable[[Mapping[str, Any]], object], *, what: str
) -> None:
    """Fail unless an option that does not exist is refused, and a misspelt one with the one that was meant.

    Args:
        model: The options model; without one anything goes, which is no option at all.
        resolve: Validates options as the kernel does.
        what: Whose options they are, for the message.
    """
    if model is None:
        pytest.skip("it has no options model")
    where, advice = model.__qualname__, 'Set model_config = ConfigDict(extra="forbid").'
    for options, wanted in _unknown_options(model):
        try:
            resolve(options)
        except OdibiError as error:
            said = str(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not what users are to see
            refuse(
                f"The options {options} for {what} raised {type(error).__name__}, which is no message for users.",
                advice=f"Let {where} raise ValueError inside of validators only.",
            )
        else:
            refuse(
                f"{where} takes the option {next(iter(options))!r} for {what}, which it does not have.", advice=advice
            )
        # A suggestion may be the option's other spelling: mergeSchema for merge_schema.
        if wanted and _folded(wanted) not in _folded(said):
            refuse(f"{where} refuses {next(iter(options))!r} without a word about {wanted!r}: {said}", advice=advice)


def _folded(text: str) -> str:
    return text.casefold().replace("_", "")


def _unknown_options(model: type[BaseModel]) -> list[tuple[dict[str, Any], str]]:
    # The longest name, less a letter in its middle: near enough to be a slip, and no other option.
    names = sorted((name for name in model.model_fields if len(name) > 4), key=len)  # noqa: PLR2004 - of "sep" little is left
    misspelt = [({f"{name[:3]}{name[4:]}": 1}, name) for name in names[-1:] if f"{name[:3]}{name[4:]}" not in names]
    return [({_UNKNOWN: 1}, ""), *misspelt]
