"""Where a function comes from: its module, its file and line, and whether that module is still the one in use."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Origin", "home_of", "is_current", "origin_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The place where a function is written.

    Args:
        module: Its module.
        name: Its qualified name in the module.
        file: Its file; None for what is not written in Python.
        line: Its first line, a decorator's if it has one, counted from 1; None if it is not known.
    """

    module: str
    name: str
    file: str | None
    line: int | None

    def __str__(self) -> str:
        if self.file is None:
            return f"{self.module}.{self.name}"
        return self.file if self.line is None else f"{self.file}:{self.line}"


def home_of(function: Callable[..., Any]) -> str:
    """Return the name of the module that a function, a class, or an object that can be called is written in.

    Args:
        function: The function; a partial's is that of the function inside it.

    Example:
        >>> home_of(functools.partial(inspect.getdoc, object))
        'inspect'
    """
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__module__", None) or type(function).__module__


def origin_of(function: Callable[..., Any]) -> Origin:
    """Return the place where a function is written; of a decorated one, where the function inside is.

    Args:
        function: The function.

    Example:
        >>> origin_of(home_of).module, origin_of(home_of).name, origin_of(len).file
        ('odibi_core.functions.origins', 'home_of', None)
    """
    inner = _innermost(function)
    code = getattr(inner, "__code__", None) or getattr(type(inner).__call__, "__code__", None)
    module = home_of(inner)
    return Origin(
        module=module,
        name=getattr(inner, "__qualname__", type(inner).__qualname__),
        file=getattr(sys.modules.get(module), "__file__", None) if code is None else code.co_filename,
        line=None if code is None else code.co_firstlineno,
    )


def is_current(function: Callable[..., Any]) -> bool:
    """Return whether a function's module is still the one that is imported under its name.

    Two projects may both have a module ``silver.functions``. When the second is imported, the functions of the first
    are still in the registry, but no longer what that name means.

    Args:
        function: The function.

    Example:
        >>> is_current(home_of)
        True
    """
    namespace = getattr(_innermost(function), "__globals__", None)
    if namespace is None or "__name__" not in namespace:
        return True
    return getattr(sys.modules.get(namespace["__name__"]), "__dict__", None) is namespace


def _innermost(function: Callable[..., Any]) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.unwrap(function)
