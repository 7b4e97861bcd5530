"""Calls the hooks that do something: the run hooks with pluggy's semantics, the configure hooks one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any, TypeAlias

import pluggy

from odibi_core.diagnostics import get_logger
from odibi_core.loading.catalog import Catalog, LoadedPlugin
from odibi_core.loading.charging import charged
from odibi_core.loading.hooks import RUN_HOOKS
from odibi_core.loading.implementations import Implementations
from odibi_core.loading.records import PluginAccident, PluginRecord, describe_error
from odibi_core.loading.tracing import is_tracing, trace_run_hooks
from odibi_core.plugin import ProjectConfig, hookspecs

__all__ = ["Surround", "make_run_hooks", "tell_plugins"]

Surround: TypeAlias = Callable[[PluginRecord, Callable[..., Any]], Callable[..., Any]]
"""Returns what is called in the stead of a plugin's function, such as the same with a clock around it."""

_log = get_logger("loading")


def make_run_hooks(catalog: Catalog) -> Mapping[str, pluggy.HookCaller]:
    """Return the callers of the run hooks, for the implementations that are in use.

    They are made anew for each catalog, so that a thread in the middle of a call never sees one half changed, and with
    the kernel's implementations last: among those marked ``trylast``, pluggy calls the one registered last at the end.

    Args:
        catalog: What the plugins provide.

    Returns:
        A caller for each run hook.
    """
    manager = pluggy.PluginManager("odibi")
    specs = ModuleType("run_hooks")
    vars(specs).update({hook: getattr(hookspecs, hook) for hook in RUN_HOOKS})
    manager.add_hookspecs(specs)
    for plugin in sorted(catalog.plugins, key=lambda plugin: (plugin.is_kernel, plugin.record.name)):
        used = tuple(
            one
            for one in plugin.implementations
            if one.hook.name in RUN_HOOKS and (one.wrapper or plugin.record.name not in catalog.losers[one.hook.name])
        )
        if used:
            if not plugin.is_kernel:
                used = tuple(
                    replace(one, function=charged(one.function, record=plugin.record, is_wrapper=one.wrapper))
                    for one in used
                )
            manager.register(Implementations(used), name=plugin.record.name)
    if is_tracing():
        trace_run_hooks(manager)
    return {hook: getattr(manager.hook, hook) for hook in RUN_HOOKS}


def tell_plugins(
    hook: str, config: ProjectConfig, plugins: Iterable[LoadedPlugin], *, surround: Surround | None = None
) -> tuple[PluginAccident, ...]:
    """Call a configure hook of each plugin, whatever the others do.

    Args:
        hook: ``"odibi_configure"`` or ``"odibi_unconfigure"``.
        config: What it is called with.
        plugins: The plugins, in the order of the calls.
        surround: Put around each function before it is called.

    Returns:
        What went wrong; each is logged with the plugin's name.
    """
    accidents = []
    for plugin in plugins:
        for implementation in plugin.implementations:
            if implementation.hook.name == hook:
                arguments: tuple[Any, ...] = (config,) * len(implementation.arguments)
                function = implementation.function
                if surround is not None and not plugin.is_kernel:
                    function = surround(plugin.record, function)
                try:
                    function(*arguments)
                except (Exception, SystemExit) as error:  # noqa: BLE001 - isolated, and logged with names
                    record, text = plugin.record, describe_error(error)
                    _log.warning("%s of plugin %s raised %s", hook, record.describe(), text, exc_info=True)
                    accidents.append(
                        PluginAccident(plugin=record.name, distribution=record.distribution, hook=hook, error=text)
                    )
    return tuple(accidents)
