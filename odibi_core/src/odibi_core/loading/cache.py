"""The one piece of global state: a ready manager for each set of plugin settings."""

from __future__ import annotations

import threading
from typing import Any

from odibi_core.errors import PluginLoadError
from odibi_core.loading.manager import PluginManager
from odibi_core.loading.settings import PluginSettings

__all__ = ["clear_manager_cache", "get_manager", "list_plugins"]

_lock = threading.RLock()
_managers: dict[PluginSettings, PluginManager] = {}
_being_built: list[PluginSettings] = []


def get_manager(settings: PluginSettings | None = None) -> PluginManager:
    """Return a manager with the installed plugins, frozen; the same one for equal settings.

    Args:
        settings: Which plugins may be used; by default what the environment says.

    Returns:
        The manager.

    Raises:
        PluginLockError: The plugins are not those of the settings' lock; the message says in what they differ.
        PluginLoadError: The settings are strict and plugins are broken; the message names all of them.

    Example:
        >>> get_manager(PluginSettings(discover=False)) is get_manager(PluginSettings(discover=False))
        True
    """
    settings = PluginSettings.from_environment() if settings is None else settings
    known = _managers.get(settings)
    if known is not None:
        return known
    with _lock:
        if _being_built:
            # The lock is this thread's own, so this is a module that is being imported for a manager: what it would
            # be given, and what the cache would keep, is a manager in which it is half registered.
            raise PluginLoadError(
                "a registration module asked for the plugin manager while it was being registered; "
                "ask for it inside the functions that need it"
            )
        if settings not in _managers:
            _being_built.append(settings)
            try:
                _managers[settings] = PluginManager(settings).discover().freeze()
            finally:
                _being_built.pop()
        return _managers[settings]


def clear_manager_cache() -> None:
    """Forget every manager, so that the next `get_manager` sees what has been installed in the meantime.

    Example:
        >>> before = get_manager(PluginSettings(discover=False))
        >>> clear_manager_cache()
        >>> get_manager(PluginSettings(discover=False)) is before
        False
    """
    with _lock:
        _managers.clear()


def list_plugins(manager: PluginManager | None = None) -> list[dict[str, Any]]:
    """Return every plugin as ``odibi plugins list --json`` prints it.

    Args:
        manager: The manager; by default the one for the environment's settings.

    Returns:
        One dictionary per plugin with ``name, distribution, version, state, reason, provides``, sorted by name.

    Example:
        >>> list_plugins(PluginManager(PluginSettings(discover=False)))
        []
    """
    manager = get_manager() if manager is None else manager
    return [record.to_dict() for record in manager.records]
