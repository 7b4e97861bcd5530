"""Reads the hook implementations of a plugin without running any of its code, and checks them against the table.

Pluggy accepts more than is good for anybody: a misspelt hook is never called, a default is an argument that is never
passed, a coroutine that nobody awaits, and up to version 1.6 it evaluates properties while it looks. So a plugin's
attributes are looked up statically here, and pluggy is given an object of ours that holds only what passed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any, Final

import pluggy

from odibi_core.errors import PluginContractError, did_you_mean
from odibi_core.loading.hooks import HOOKS, RUN_HOOKS, Hook, HookKind

__all__ = ["Implementation", "Implementations", "read_implementations"]

_PREFIX: Final = "odibi_"
_KERNEL_PACKAGE: Final = "odibi_core"
_ONLY_FOR_RUN_HOOKS: Final = ("wrapper", "hookwrapper", "tryfirst", "trylast")
_PARAMETER_PROBLEMS: Final[Mapping[Any, str]] = {
    inspect.Parameter.VAR_POSITIONAL: "has a star",
    inspect.Parameter.VAR_KEYWORD: "has two stars",
    inspect.Parameter.KEYWORD_ONLY: "is keyword-only",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Implementation:
    """One hook implementation that passed every check.

    Args:
        hook: The hook.
        attribute: The attribute of the plugin that it is.
        function: The function, or a bound method.
        arguments: The names of those of the hook's arguments that it takes.
        wrapper: Whether it wraps the hook's other implementations.
    """

    hook: Hook
    attribute: str
    function: Callable[..., Any]
    arguments: tuple[str, ...] = ()
    wrapper: bool = False


class Implementations:
    """What pluggy is given in a plugin's stead: an object with the checked functions under the names of their hooks.

    It compares by identity, whatever the plugin's own ``==`` and ``hash`` do.

    Args:
        found: The implementations.
        unknown: Names of optional hooks that this kernel does not have.
    """

    def __init__(self, found: tuple[Implementation, ...], *, unknown: tuple[str, ...] = ()) -> None:
        self.__dict__.update({one.hook.name: one.function for one in found})
        self._found = found
        self._unknown = unknown

    def __iter__(self) -> Iterator[Implementation]:
        return iter(self._found)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of optional hooks that this kernel does not have."""
        return self._unknown


def read_implementations(plugin: object, *, manager: pluggy.PluginManager) -> Implementations:
    """Return a plugin's hook implementations.

    Args:
        plugin: A module, or an instance of a plain class, or a namespace.
        manager: The pluggy manager, whose reading of ``@hookimpl`` counts.

    Returns:
        The implementations, by name of the hook.

    Raises:
        PluginContractError: Something is wrong with them; the message says everything that is.
    """
    if plugin is None or isinstance(plugin, type):
        what = "None" if plugin is None else f"the class {plugin.__name__}"
        raise PluginContractError(f"{what} is no plugin: register a module, or an instance of a class")
    problems: list[str] = []
    found: dict[str, Implementation] = {}
    unknown: list[str] = []
    for attribute, value in sorted(_static_attributes(plugin).items()):
        function = _bind(plugin, attribute, value)
        options = None if function is None else _options(function, manager)
        if function is None or options is None:
            problems.extend(_check_unmarked(plugin, attribute, value))
            continue
        name = options.get("specname") or attribute
        hook = HOOKS.get(name)
        if hook is None and options.get("optionalhook"):
            unknown.append(name)
        elif hook is None:
            problems.append(f"{name} is no hook. {_suggest_hook(name)}")
        elif name in found:
            problems.append(f"{name} is implemented twice, as {found[name].attribute} and as {attribute}")
        else:
            found[name] = Implementation(
                hook=hook,
                attribute=attribute,
                function=function,
                arguments=tuple(inspect.signature(function).parameters),
                wrapper=bool(options.get("wrapper")),
            )
            problems.extend(_check_options(hook, options))
            problems.extend(_check_function(found[name]))
    if problems:
        raise PluginContractError("; ".join(problems))
    return Implementations(tuple(found[name] for name in sorted(found)), unknown=tuple(unknown))


def _static_attributes(plugin: object) -> dict[str, object]:
    attributes: dict[str, object] = {}
    if not isinstance(plugin, ModuleType):
        for class_ in reversed(type(plugin).__mro__[:-1]):
            attributes.update(vars(class_))
    attributes.update(_own_attributes(plugin))
    return attributes


def _own_attributes(plugin: object) -> dict[str, object]:
    try:
        own: dict[str, object] = object.__getattribute__(plugin, "__dict__")
    except AttributeError:
        return {}  # an instance of a slotted class has only what its class has
    return own


def _bind(plugin: object, attribute: str, value: object) -> Callable[..., Any] | None:
    if not isinstance(plugin, ModuleType) and attribute not in _own_attributes(plugin):
        if isinstance(value, FunctionType | classmethod):
            value = value.__get__(plugin, type(plugin))
        elif isinstance(value, staticmethod):
            value = value.__func__
    return value if isinstance(value, FunctionType | MethodType) else None


def _options(function: Callable[..., Any], manager: pluggy.PluginManager) -> pluggy.HookimplOpts | None:
    return manager.parse_hookimpl_opts(SimpleNamespace(function=function), "function")


def _check_unmarked(plugin: object, attribute: str, value: object) -> Iterator[str]:
    if not attribute.startswith(_PREFIX) or isinstance(value, ModuleType):
        return
    # The spec of a hook, or odibi_function, imported from the kernel: named odibi_*, and no hook of the plugin's.
    origin = value.__module__ if isinstance(value, FunctionType | type) else type(value).__module__
    if str(origin).partition(".")[0] == _KERNEL_PACKAGE:
        return
    is_function = isinstance(value, FunctionType | MethodType | staticmethod | classmethod)
    is_own = not isinstance(plugin, ModuleType) or origin == plugin.__name__
    if attribute in HOOKS and is_function:
        yield f"{attribute} is named like a hook and has no @hookimpl: add it (below @staticmethod), or rename it"
    elif attribute in HOOKS:
        yield f"{attribute} is named like a hook and is a {type(value).__name__}; a hook is a function with @hookimpl"
    elif is_function and is_own:
        yield f"{attribute} has no @hookimpl and is no hook, but names with odibi_ are. {_suggest_hook(attribute)}"


def _suggest_hook(name: str) -> str:
    guess = did_you_mean(name, HOOKS) or did_you_mean(_PREFIX + name, HOOKS)
    return guess or "The hooks are those of odibi_core.plugin.hookspecs"


def _check_options(hook: Hook, options: pluggy.HookimplOpts) -> Iterator[str]:
    if hook.kind is not HookKind.RUN:
        for option in _ONLY_FOR_RUN_HOOKS:
            if options.get(option):
                yield f"{hook.name} has {option}=True, which is for the run hooks alone ({', '.join(RUN_HOOKS)})"
    elif options.get("hookwrapper"):
        yield f"{hook.name} has hookwrapper=True, the old style; write wrapper=True and `return (yield)`"


def _check_function(implementation: Implementation) -> Iterator[str]:
    hook, function = implementation.hook, implementation.function
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield f"{hook.name} is async, and nobody would await it; write it as a plain function"
    elif implementation.wrapper and not inspect.isgeneratorfunction(function):
        yield f"{hook.name} is a wrapper and does not yield; a wrapper yields once, `return (yield)`"
    elif hook.kind is not HookKind.PROVIDE and not implementation.wrapper and inspect.isgeneratorfunction(function):
        yield f"{hook.name} yields, so its body would never run; only register hooks and wrappers yield"
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        problem = _PARAMETER_PROBLEMS.get(parameter.kind) or (
            "has a default value" if parameter.default is not parameter.empty else ""
        )
        if problem:
            yield f"{hook.name}: argument {parameter.name!r} {problem}; arguments of hooks are plain"
        elif parameter.name not in hook.arguments:
            takes = f"takes {', '.join(hook.arguments)}" if hook.arguments else "takes no argument"
            yield f"{hook.name} has no argument {parameter.name!r}; it {takes}"
    if hook.kind is HookKind.OBSERVE and not parameters:
        yield f"{hook.name} takes exactly one argument, event"
