"""The table of hooks: what kind each is, which arguments it has, and which spec a provider yields."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from odibi_core.plugin import (
    EVENT_ALIASES,
    EVENT_TYPES,
    CheckSpec,
    CommandSpec,
    ConfigStoreSpec,
    ConnectionSpec,
    EngineSpec,
    FunctionsSpec,
    LogSinkSpec,
    ReaderSpec,
    SaverSpec,
    SecretProviderSpec,
    hookspecs,
)

__all__ = ["HOOKS", "KERNEL_COMMANDS", "KINDS_OF_SPEC", "RUN_HOOKS", "Hook", "HookKind", "Spec", "kind_of_spec"]

Spec: TypeAlias = (
    CheckSpec
    | CommandSpec
    | ConfigStoreSpec
    | ConnectionSpec
    | EngineSpec
    | FunctionsSpec
    | LogSinkSpec
    | ReaderSpec
    | SaverSpec
    | SecretProviderSpec
)
"""Anything that a provider yields."""

KINDS_OF_SPEC: Final[Mapping[type, str]] = MappingProxyType(
    {
        EngineSpec: "engine",
        ReaderSpec: "reader",
        SaverSpec: "saver",
        LogSinkSpec: "log sink",
        ConnectionSpec: "connection",
        SecretProviderSpec: "secret provider",
        ConfigStoreSpec: "config store",
        FunctionsSpec: "functions",
        CheckSpec: "check",
        CommandSpec: "command",
    }
)
"""What each class of spec describes, in the words of records, messages and `prefer`."""

_PROVIDERS: Final[Mapping[str, type]] = MappingProxyType(
    {
        "odibi_register_engines": EngineSpec,
        "odibi_register_readers": ReaderSpec,
        "odibi_register_savers": SaverSpec,
        "odibi_register_log_sinks": LogSinkSpec,
        "odibi_register_connections": ConnectionSpec,
        "odibi_register_secret_providers": SecretProviderSpec,
        "odibi_register_config_stores": ConfigStoreSpec,
        "odibi_register_functions": FunctionsSpec,
        "odibi_register_checks": CheckSpec,
        "odibi_register_commands": CommandSpec,
    }
)

KERNEL_COMMANDS: Final = frozenset(
    {
        "doctor",
        "failed",
        "functions",
        "hooks",
        "init",
        "plan",
        "plugins",
        "resume",
        "retry",
        "run",
        "runs",
        "schema",
        "status",
        "validate",
    }
)
"""Commands of the kernel, and names it keeps for itself; a plugin's command of such a name is not used."""


class HookKind(StrEnum):
    """The four kinds of hook; no hook is two kinds at once."""

    PROVIDE = "provide"
    CONFIGURE = "configure"
    RUN = "run"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One hook.

    Args:
        name: Its name.
        kind: Its kind.
        arguments: The names of its arguments.
        spec: The class of spec that a provider yields.
        event: The event of an observe hook, by its canonical name.
    """

    name: str
    kind: HookKind
    arguments: tuple[str, ...]
    spec: type | None = None
    event: str | None = None


def _read_hook(name: str) -> Hook:
    arguments = tuple(inspect.signature(getattr(hookspecs, name)).parameters)
    if name in _PROVIDERS:
        return Hook(name=name, kind=HookKind.PROVIDE, arguments=arguments, spec=_PROVIDERS[name])
    if name.startswith("odibi_run_"):
        return Hook(name=name, kind=HookKind.RUN, arguments=arguments)
    event = name.removeprefix("odibi_")
    event = EVENT_ALIASES.get(event, event)
    if event in EVENT_TYPES:
        return Hook(name=name, kind=HookKind.OBSERVE, arguments=arguments, event=event)
    return Hook(name=name, kind=HookKind.CONFIGURE, arguments=arguments)


HOOKS: Final[Mapping[str, Hook]] = MappingProxyType({name: _read_hook(name) for name in hookspecs.__all__})
"""Every hook by its name: the closed set that implementations are checked against."""

RUN_HOOKS: Final = tuple(name for name, hook in HOOKS.items() if hook.kind is HookKind.RUN)


def kind_of_spec(spec: Spec) -> str:
    """Return what a spec describes, such as ``"engine"`` or ``"log sink"``.

    Args:
        spec: A spec, of any class that a provider may yield.

    Example:
        >>> kind_of_spec(FunctionsSpec(name="acme.cleaning"))
        'functions'
    """
    return next(kind for class_, kind in KINDS_OF_SPEC.items() if isinstance(spec, class_))
