"""What the loader hands to the dispatch table: one plugin's implementation of one observe hook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from odibi_core.plugin import Event

__all__ = ["Observer"]


@dataclass(frozen=True, slots=True)
class Observer:
    """One plugin's implementation of one observe hook.

    Args:
        plugin: The plugin's name.
        distribution: The distribution it came from; empty for a plugin that was registered by hand.
        hook: The hook as the plugin spells it, such as ``"odibi_layer_start"``.
        function: The implementation; called with the event, its answer is not used.

    Example:
        >>> Observer("audit", "acme-audit", "odibi_layer_start", print).hook
        'odibi_layer_start'
    """

    plugin: str
    distribution: str
    hook: str
    function: Callable[[Event], object]
