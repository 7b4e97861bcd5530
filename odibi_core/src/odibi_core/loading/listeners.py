"""Who implements which hook, in the order in which they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from odibi_core.loading.catalog import Catalog, LoadedPlugin
from odibi_core.loading.hook_calls import make_run_hooks
from odibi_core.loading.hooks import HOOKS, Hook, HookKind
from odibi_core.loading.implementations import Implementation
from odibi_core.plugin import EVENT_TYPES

__all__ = ["HookListener", "describe_function", "listeners_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookListener:
    """One function that a hook or an event calls.

    Args:
        hook: The hook or event, as the listener spells it: ``"odibi_layer_start"``, or for a callback
            ``"layer_start"``.
        kind: ``"provide"``, ``"configure"``, ``"run"``, ``"observe"`` or ``"callback"``.
        order: Its place among those of the same event or hook, counted from 1: what is called first is first. A wrapper
            begins in this order and ends in the opposite one.
        function: The function, as ``"module.name"``.
        plugin: The plugin it belongs to; empty for a callback, and ``"kernel"`` for the kernel's own.
        distribution: The distribution of that plugin.
        version: Its version.
        event: The canonical name of the event, empty if the hook is none of an event.
        role: ``"wrapper"``, ``"default steps"``, ``"not used"`` (another was preferred), ``"contested"`` (nobody has
            chosen yet), or empty.
        filters: What a callback filters by, in words.
        on_error: What a callback's exception means, empty if its type decides.
    """

    hook: str
    kind: str
    order: int
    function: str
    plugin: str = ""
    distribution: str = ""
    version: str = ""
    event: str = ""
    role: str = ""
    filters: dict[str, str] = field(default_factory=dict)
    on_error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the listener as JSON-ready data."""
        return {name: getattr(self, name) for name in self.__slots__}


def listeners_of(catalog: Catalog) -> tuple[HookListener, ...]:
    """Return the implementations of all hooks, by hook in the order of the documentation, then as they are called.

    Args:
        catalog: What the plugins provide.
    """
    listeners: list[HookListener] = []
    for hook in HOOKS.values():
        if hook.kind is not HookKind.OBSERVE:
            listeners += _numbered(_in_order(hook, catalog))
    for event in EVENT_TYPES:
        # Observers are called by plugin, whichever of an event's names they use.
        found = [
            (plugin, one, "") for plugin in catalog.plugins for one in plugin.implementations if one.hook.event == event
        ]
        listeners += _numbered(found)
    return tuple(listeners)


def describe_function(function: Callable[..., Any]) -> str:
    """Return what to call a function, such as ``"acme_audit.plugin.odibi_layer_start"``.

    Example:
        >>> describe_function(print)
        'builtins.print'
    """
    return (
        f"{getattr(function, '__module__', None) or '?'}.{getattr(function, '__qualname__', type(function).__name__)}"
    )


def _in_order(hook: Hook, catalog: Catalog) -> Iterator[tuple[LoadedPlugin, Implementation, str]]:
    found = {
        plugin.record.name: (plugin, one)
        for plugin in catalog.plugins
        for one in plugin.implementations
        if one.hook.name == hook.name
    }
    if hook.kind is not HookKind.RUN:
        # What was configured last is unconfigured first.
        those = reversed(found.values()) if hook.name == "odibi_unconfigure" else found.values()
        yield from ((*one, "") for one in those)
        return
    if f"hook {hook.name}" in catalog.clashes:
        yield from ((*one, "contested") for one in found.values() if not one[0].is_kernel)
        return
    called = [one.plugin_name for one in reversed(make_run_hooks(catalog)[hook.name].get_hookimpls())]
    for name in called:
        plugin, one = found.pop(name)
        yield plugin, one, "wrapper" if one.wrapper else "default steps" if plugin.is_kernel else ""
    yield from ((*one, "not used") for one in found.values())


def _numbered(found: Iterable[tuple[LoadedPlugin, Implementation, str]]) -> Iterator[HookListener]:
    for order, (plugin, one, role) in enumerate(found, 1):
        record = plugin.record
        yield HookListener(
            hook=one.hook.name,
            kind=one.hook.kind.value,
            order=order,
            function=describe_function(one.function),
            plugin=record.name,
            distribution=record.distribution,
            version=record.version,
            event=one.hook.event or "",
            role=role,
        )
