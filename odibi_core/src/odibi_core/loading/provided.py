"""Calls a plugin's providers and checks every spec that they yield."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, cast

from odibi_core.errors import PluginContractError
from odibi_core.loading.hooks import HookKind, Spec, kind_of_spec
from odibi_core.loading.implementations import Implementation
from odibi_core.loading.requirements import is_requirement
from odibi_core.plugin import SAVE_MODES, Capability, EngineSpec, FunctionsSpec

__all__ = ["ANY_ENGINE", "collect_specs", "is_reference"]

ANY_ENGINE: Final = "any"
"""What readers and savers that speak Arrow write as their engine; no engine may be called so."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._+-]*", re.ASCII)
_MOST_SPECS: Final = 10_000


def collect_specs(implementations: Iterable[Implementation]) -> tuple[Spec, ...]:
    """Call each provider and return everything that they yield.

    A provider is usually a generator, so its errors appear only while it is consumed, which happens here.

    Args:
        implementations: One plugin's implementations of any hooks; those that provide nothing are passed over.

    Returns:
        The specs, in the order in which they were yielded.

    Raises:
        PluginContractError: A provider yields something else, a spec says something impossible, or two have one name.
    """
    specs: dict[tuple[str, str], Spec] = {}
    for implementation in implementations:
        if implementation.hook.kind is HookKind.PROVIDE:
            for spec in _consume(implementation):
                key = (kind_of_spec(spec), spec.name)
                if key in specs:
                    raise PluginContractError(f"{implementation.hook.name} yields {key[0]} {key[1]!r} twice")
                specs[key] = spec
    return tuple(specs.values())


def is_reference(text: object) -> bool:
    """Return whether a text names a thing in a module, as ``"package.module:Name.attribute"``.

    Example:
        >>> is_reference("acme.engine:Engine"), is_reference("acme.engine.Engine")
        (True, False)
    """
    if not isinstance(text, str):
        return False
    module, separator, name = text.partition(":")
    return bool(separator) and _is_dotted(module) and _is_dotted(name)


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _consume(implementation: Implementation) -> Iterator[Spec]:
    hook = implementation.hook
    if hook.spec is None:
        return
    yielded = implementation.function()
    if yielded is None:
        return
    if not isinstance(yielded, Iterable):
        raise PluginContractError(
            f"{hook.name} returns {_name_type(yielded)}; it has to yield {hook.spec.__name__}, or return several"
        )
    for number, spec in enumerate(itertools.islice(yielded, _MOST_SPECS + 1)):
        if number == _MOST_SPECS:
            raise PluginContractError(f"{hook.name} yields more than {_MOST_SPECS} specs; does it ever end?")
        if not isinstance(spec, hook.spec):
            raise PluginContractError(f"{hook.name} yields {_name_type(spec)}; it has to yield {hook.spec.__name__}")
        problems = "; ".join(_check_spec(spec))
        if problems:
            raise PluginContractError(f"{hook.name} yields {hook.spec.__name__} with {problems}")
        yield cast("Spec", spec)


def _name_type(value: object) -> str:
    return f"an instance of {type(value).__name__}" if value is not None else "None"


def _check_spec(spec: Any) -> Iterator[str]:
    checks = _FUNCTIONS_FIELDS if isinstance(spec, FunctionsSpec) else _FIELDS
    for field, (is_valid, rule) in checks.items():
        # Looked up on the class: ReaderSpec has no field `name`, but a property that is made of two others.
        if field in type(spec).__dataclass_fields__ and not is_valid(getattr(spec, field)):
            yield f"{field}={getattr(spec, field)!r}; {field} {rule}"
    if isinstance(spec, EngineSpec) and spec.name == ANY_ENGINE:
        yield f"name={ANY_ENGINE!r}, which stands for every engine in readers and savers"


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_module(value: object) -> bool:
    return isinstance(value, str) and _is_dotted(value)


def _is_optional_reference(value: object) -> bool:
    return value is None or is_reference(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_references(value: object) -> bool:
    return isinstance(value, tuple) and all(is_reference(one) for one in value)


def _are_requirements(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, str) and is_requirement(one) for one in value)


def _are_suffixes(value: object) -> bool:
    return isinstance(value, tuple) and all(
        isinstance(one, str) and one.startswith(".") and one == one.lower() and not one.isspace() for one in value
    )


def _are_modes(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and all(one in SAVE_MODES for one in value)


def _are_capabilities(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(one, Capability) for name, one in value.items()
    )


_Check = tuple[Callable[[object], bool], str]

_NAME_CHECK: Final[_Check] = (_is_name, "is one word of lower-case letters, digits and '-', '_', '.', '+'")
_REFERENCE_CHECK: Final[_Check] = (is_reference, "is a string 'package.module:Class'")
_SUMMARY_CHECK: Final[_Check] = (_is_text, "is a string")

_FIELDS: Final[Mapping[str, _Check]] = {
    "name": _NAME_CHECK,
    "engine": _NAME_CHECK,
    "format": _NAME_CHECK,
    "factory": _REFERENCE_CHECK,
    "summary": _SUMMARY_CHECK,
    "requires": (_are_requirements, "is a tuple of PEP 508 requirements"),
    "options_model": (_is_optional_reference, "is a string 'package.module:Model', or None"),
    "suffixes": (_are_suffixes, "is a tuple of lower-case suffixes with their dot"),
    "modes": (_are_modes, f"is a tuple of some of {', '.join(SAVE_MODES)}"),
    "transient_errors": (_are_references, "is a tuple of strings 'package.module:Error'"),
    "capabilities": (_are_capabilities, "is a mapping from names to Capability"),
}

_FUNCTIONS_FIELDS: Final[Mapping[str, _Check]] = {
    "name": (_is_module, "is a module's import path"),
    "summary": _SUMMARY_CHECK,
}
