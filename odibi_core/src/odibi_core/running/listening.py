"""Who listens to a run: the plugins' hook implementations, and the callbacks of the program that runs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from odibi_core.plugin import EVENT_ALIASES

if TYPE_CHECKING:
    from odibi_core.events import HookManager
    from odibi_core.loading import PluginManager
    from odibi_core.loading.listeners import HookListener

__all__ = ["list_listeners"]


def list_listeners(manager: PluginManager, *, hooks: HookManager | None = None) -> tuple[HookListener, ...]:
    """Return everybody who is called during a run: hook by hook and event by event, in the order of the calls.

    Observers of plugins come before callbacks, as they do in a run.

    Args:
        manager: The plugins.
        hooks: The callbacks that the run would be given; the command line has none of a project's.

    Example:
        >>> from odibi_core.events import HookManager
        >>> from odibi_core.loading import PluginManager, PluginSettings
        >>> hooks = HookManager()
        >>> hooks.register("layer_end", print, {"layer": "Gold"})
        >>> listeners = list_listeners(PluginManager(PluginSettings(discover=False)), hooks=hooks)
        >>> [(one.order, one.function, one.filters) for one in listeners if one.event == "layer_end"]
        [(1, 'builtins.print', {'layer': "'Gold'"})]
    """
    from odibi_core.events.callbacks import name_of
    from odibi_core.loading.listeners import HookListener

    listeners = list(manager.listeners())
    counts = Counter(one.event for one in listeners if one.event)
    for event, callbacks in (hooks.listeners if hooks is not None else {}).items():
        for number, callback in enumerate(callbacks, counts[event] + 1):
            listeners.append(
                HookListener(
                    hook=callback.event,
                    kind="callback",
                    order=number,
                    function=name_of(callback.function),
                    event=EVENT_ALIASES.get(event, event),
                    filters=_in_words(callback.filters),
                    on_error=callback.on_error or "",
                )
            )
    return tuple(listeners)


def _in_words(filters: Mapping[str, Any]) -> dict[str, str]:
    from odibi_core.diagnostics import redact
    from odibi_core.events.callbacks import name_of

    return {key: name_of(wanted) if callable(wanted) else redact(repr(wanted)) for key, wanted in filters.items()}
