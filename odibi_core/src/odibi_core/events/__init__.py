"""Events: the hooks of a user, the observers of plugins, and the dispatch table that calls both."""

from __future__ import annotations

from odibi_core.events.callbacks import OnErrorPolicy, ReadOnlyPayload
from odibi_core.events.dispatch import Accident, Dispatcher, is_verdict
from odibi_core.events.hooks import HookManager
from odibi_core.events.observers import Observer

__all__ = ["Accident", "Dispatcher", "HookManager", "Observer", "OnErrorPolicy", "ReadOnlyPayload", "is_verdict"]
