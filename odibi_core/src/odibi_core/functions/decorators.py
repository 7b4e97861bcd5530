"""The decorators that register a function, and the one that hands it the current context."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from odibi_core.errors import ConfigError
from odibi_core.functions.context import get_current_context
from odibi_core.functions.conversion import engine_names
from odibi_core.functions.engines import ANY_ENGINE, Engine
from odibi_core.functions.origins import home_of
from odibi_core.functions.registry import REGISTRY

__all__ = ["odibi_function", "pandas_function", "spark_function", "universal_function", "with_context"]

F = TypeVar("F", bound=Callable[..., Any])


def odibi_function(
    engine: str = ANY_ENGINE,
    name: str | None = None,
    module: str | None = None,
    auto_register: bool = True,
    *,
    portable: bool | None = None,
    convert_from: str | Iterable[str] = (),
    **metadata: Any,
) -> Callable[[F], F]:
    """Register a function for an engine; the function stays what it is.

    The same name may be registered for several engines: the engine's own beats the one for ``"any"``, and that beats
    one of another engine that takes converted frames.

    A function for ``"any"`` engine that does more than pass frames on is written against Narwhals. It gets Narwhals'
    frames where its parameters say so, as in ``df: nw.LazyFrame``, and may return them.

    Args:
        engine: The engine, ``"any"`` for all.
        name: The name that rows use; the function's own if it is not given.
        module: A module under which rows find it, beside the one it is written in.
        auto_register: False marks the function for its engine and leaves it out of the registry.
        portable: True hands it Narwhals' frames though its parameters have no annotation, False the engine's own
            though they have; None goes by the annotations.
        convert_from: Engines whose rows may use it all the same, or ``"any"``: their frames are handed over to this
            function's engine through Arrow, and back. Nothing is ever converted that does not say so here.
        metadata: ``description`` (the docstring if it is not given), version, author, tags, anything.

    Returns:
        A decorator.

    Raises:
        TypeError: It was written without parentheses.
        ConfigError: A function for any engine has nothing to convert.

    Example:
        >>> @odibi_function("pandas", module="cleaning", tags=["quality"], auto_register=False)
        ... def drop_duplicates(df):
        ...     return df
        >>> drop_duplicates([1]), drop_duplicates._odibi_engine
        ([1], 'pandas')
    """
    _refuse_bare(engine, "odibi_function")
    _refuse_bare(name, "odibi_function")
    known_engine = Engine(engine).value
    sources = engine_names(convert_from)
    if sources and known_engine == ANY_ENGINE:
        raise ConfigError("convert_from says whose frames are converted to the function's engine. Name that engine.")
    more: dict[str, Any] = {"portable": portable} if portable is not None else {}
    if sources:
        more["convert_from"] = sources

    def decorate(function: F) -> F:
        marked: Any = function
        known_name = str(name or getattr(function, "__name__", ""))
        known_module = module or home_of(function)
        if auto_register:
            REGISTRY.register(known_name, known_engine, function, module=known_module, **metadata, **more)
        marked._odibi_registered = True  # noqa: SLF001  # v2's attributes, which callers read
        marked._odibi_engine = known_engine  # noqa: SLF001  # as above
        marked._odibi_name = known_name  # noqa: SLF001  # as above
        marked._odibi_module = known_module  # noqa: SLF001  # as above
        for key, value in more.items():
            setattr(marked, f"_odibi_{key}", value)
        return function

    return decorate


def spark_function(name: str | None = None, module: str | None = None, **metadata: Any) -> Callable[[F], F]:
    """Register a function for Spark; see `odibi_function`.

    Args:
        name: The name that rows use; the function's own if it is not given.
        module: A module under which rows find it, beside the one it is written in.
        metadata: ``convert_from``, ``portable``, and anything to remember about it.
    """
    _refuse_bare(name, "spark_function")
    return odibi_function(Engine.SPARK, name, module, **metadata)


def pandas_function(name: str | None = None, module: str | None = None, **metadata: Any) -> Callable[[F], F]:
    """Register a function for pandas; see `odibi_function`.

    Args:
        name: The name that rows use; the function's own if it is not given.
        module: A module under which rows find it, beside the one it is written in.
        metadata: ``convert_from``, ``portable``, and anything to remember about it.
    """
    _refuse_bare(name, "pandas_function")
    return odibi_function(Engine.PANDAS, name, module, **metadata)


def universal_function(name: str | None = None, module: str | None = None, **metadata: Any) -> Callable[[F], F]:
    """Register a function for every engine; see `odibi_function`.

    Args:
        name: The name that rows use; the function's own if it is not given.
        module: A module under which rows find it, beside the one it is written in.
        metadata: ``portable``, and anything to remember about it.
    """
    _refuse_bare(name, "universal_function")
    return odibi_function(ANY_ENGINE, name, module, **metadata)


def with_context(context_param: str = "context") -> Callable[[F], F]:
    """Give a function the current context where its caller gives none.

    A context passed by the caller, by position or by keyword, wins. Without a current context the parameter keeps its
    default, or is None if it has none. A function without the parameter is returned unchanged.

    Args:
        context_param: The parameter's name.

    Returns:
        A decorator.

    Raises:
        TypeError: It was written without parentheses.

    Example:
        >>> from odibi_core.functions.context import ExecutionContext, use_context
        >>> @with_context()
        ... def load(table, context=None):
        ...     return f"{context.config['path']}/{table}"
        >>> with use_context(ExecutionContext("pandas", config={"path": "data"})):
        ...     load("sales")
        'data/sales'
    """
    _refuse_bare(context_param, "with_context")

    def decorate(function: F) -> F:
        parameters = inspect.signature(function).parameters
        parameter = parameters.get(context_param)
        if parameter is None or parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            return function
        is_keyword_only = parameter.kind is parameter.KEYWORD_ONLY
        is_positional_only = parameter.kind is parameter.POSITIONAL_ONLY
        position = list(parameters).index(context_param)
        has_default = parameter.default is not parameter.empty

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            is_given = context_param in kwargs or (len(args) > position and not is_keyword_only)
            current = None if is_given else get_current_context()
            if is_given or (current is None and has_default):
                return function(*args, **kwargs)
            if is_positional_only:
                return function(*args, current, **kwargs)
            return function(*args, **{**kwargs, context_param: current})

        marked: Any
        # On the function inside as well: it may be the one that is registered.
        for marked in (function, wrapper):
            marked._odibi_context_aware = True  # noqa: SLF001  # v2's attributes, which callers read
            marked._odibi_context_param = context_param  # noqa: SLF001  # as above
        decorated: F = wrapper  # type: ignore[assignment]  # functools.wraps keeps the signature, not the type
        return decorated

    return decorate


def _refuse_bare(argument: object, decorator: str) -> None:
    if callable(argument):
        raise TypeError(f"Write @{decorator}() with parentheses: it was given the function as its first argument.")
