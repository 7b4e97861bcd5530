"""Functions of another engine that declare that they take converted frames."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from odibi_core.errors import FunctionNotFoundError
from odibi_core.functions.engines import ANY_ENGINE, Engine
from odibi_core.functions.origins import is_current, origin_of
from odibi_core.functions.registry import FunctionRegistry

__all__ = ["Convertible", "convertible_function", "engine_names"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Convertible:
    """A function of another engine that may be used.

    Args:
        function: The function.
        engine: The engine that it is written for, to which frames are handed over.
        portable: What it was registered with as ``portable``.
    """

    function: Callable[..., Any]
    engine: str
    portable: bool | None = None


def engine_names(engines: str | Iterable[str]) -> tuple[str, ...]:
    """Return names of engines as they are compared, sorted; one name may stand alone.

    Args:
        engines: What was written as ``convert_from``.

    Example:
        >>> engine_names(" Spark"), engine_names(["spark", "polars"])
        (('spark',), ('polars', 'spark'))
    """
    names = (engines,) if isinstance(engines, str) else engines
    return tuple(sorted({Engine(name).value for name in names}))


def convertible_function(
    module: str,
    name: str,
    engine: str,
    *,
    attribute: object,
    registry: FunctionRegistry,
    installed: Collection[str] | None,
) -> Convertible | None:
    """Return the function that frames of a row's engine may be converted for, None if no function declares it.

    Args:
        module: The row's module.
        name: The row's function.
        engine: The row's engine.
        attribute: What the module has under that name, which may be marked and not registered.
        registry: Where functions are registered.
        installed: The engines that there are; None takes any for installed.

    Raises:
        FunctionNotFoundError: Functions of several engines declare it, and nothing says which one is meant.
    """
    found = {
        entry.engine: Convertible(function=entry.function, engine=entry.engine, portable=entry.metadata.get("portable"))
        for entry in registry.list_all(module=module)
        if entry.name == name and is_current(entry.function) and _takes(entry.metadata.get("convert_from"), engine)
    }
    marked = getattr(attribute, "_odibi_engine", None)
    if (
        callable(attribute)
        and isinstance(marked, str)
        and _takes(getattr(attribute, "_odibi_convert_from", ()), engine)
    ):
        found.setdefault(marked, Convertible(function=attribute, engine=marked))
    usable = [found[key] for key in sorted(found) if installed is None or key in installed]
    if len(usable) > 1:
        those = ", ".join(f"{one.engine} ({origin_of(one.function)})" for one in usable)
        raise FunctionNotFoundError(
            f"Function {module}.{name} has no variant for engine {engine!r}, and several take its frames converted: "
            f"{those}. Take {engine!r} out of convert_from in all but one."
        )
    return usable[0] if usable else None


def _takes(declared: Any, engine: str) -> bool:
    names = engine_names(declared or ())
    return engine in names or ANY_ENGINE in names
