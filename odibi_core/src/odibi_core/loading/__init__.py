"""From entry points to registries: the plugin loader, and the one place of the kernel that imports by name.

Discovery has three levels. Level 0 reads metadata and decides, before any import, what is blocked, clashing or
incompatible. Level 1 imports the registration modules, each in its own try, and checks what they register. Level 2
imports a class when it is first used.
"""

from __future__ import annotations

from odibi_core.loading.cache import clear_manager_cache, get_manager, list_plugins
from odibi_core.loading.distributions import find_plugins
from odibi_core.loading.drift import Drift, explain_drift, find_drift, plugins_to_lock
from odibi_core.loading.hooks import KERNEL_COMMANDS
from odibi_core.loading.lock import LOCK_FILE, LockedPlugin, PluginLock, read_lock
from odibi_core.loading.manager import PluginManager
from odibi_core.loading.project_imports import edited_files, import_project_module, project_imports
from odibi_core.loading.records import PluginAccident, PluginRecord, PluginState
from odibi_core.loading.references import resolve_reference
from odibi_core.loading.registry import SpecRegistry
from odibi_core.loading.settings import PluginSettings

__all__ = [
    "KERNEL_COMMANDS",
    "LOCK_FILE",
    "Drift",
    "LockedPlugin",
    "PluginAccident",
    "PluginLock",
    "PluginManager",
    "PluginRecord",
    "PluginSettings",
    "PluginState",
    "SpecRegistry",
    "clear_manager_cache",
    "edited_files",
    "explain_drift",
    "find_drift",
    "find_plugins",
    "get_manager",
    "import_project_module",
    "list_plugins",
    "plugins_to_lock",
    "project_imports",
    "read_lock",
    "resolve_reference",
]
