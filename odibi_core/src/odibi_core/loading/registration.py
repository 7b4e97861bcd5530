"""Level 1 of discovery: imports a registration module, or takes an object, and makes sure that it keeps the rules."""

from __future__ import annotations

import importlib
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Final

import pluggy

from odibi_core.errors import PluginContractError
from odibi_core.loading.catalog import LoadedPlugin
from odibi_core.loading.distributions import FoundPlugin
from odibi_core.loading.implementations import read_implementations
from odibi_core.loading.missing_modules import explain_missing_module
from odibi_core.loading.provided import collect_specs
from odibi_core.loading.records import PluginRecord, describe_error
from odibi_core.loading.tracing import is_tracing, trace_implementations

__all__ = ["HEAVY_LIBRARIES", "explain_failure", "import_plugin", "register_plugin"]

HEAVY_LIBRARIES: Final = ("numpy", "pandas", "polars", "pyarrow", "pyspark", "sqlalchemy")
"""Libraries that a registration module must not import, because every start of `odibi` would pay for them."""


def import_plugin(found: FoundPlugin, *, manager: pluggy.PluginManager) -> LoadedPlugin:
    """Import a plugin's registration module and register it.

    Args:
        found: The plugin.
        manager: The pluggy manager.

    Returns:
        The plugin.

    Raises:
        BaseException: Whatever the module raises, SystemExit included, and `PluginContractError`; nothing of the plugin
            stays registered.
    """
    before = _loaded_heavies()
    module = importlib.import_module(found.module)
    loaded = register_plugin(module, record=found.record, manager=manager)
    heavy = sorted(_loaded_heavies() - before)
    if not heavy:
        return loaded
    note = f"it imports {', '.join(heavy)} while it registers, which slows every start; name classes as strings instead"
    return replace(loaded, notes=(*loaded.notes, note))


def register_plugin(
    plugin: object, *, record: PluginRecord, manager: pluggy.PluginManager, is_kernel: bool = False
) -> LoadedPlugin:
    """Check a plugin, call its providers, and give its implementations to pluggy; or leave no trace of it.

    Args:
        plugin: A module, or an instance of a plain class, or a namespace.
        record: Its record, which is not changed.
        manager: The pluggy manager.
        is_kernel: Whether it is the kernel's own.

    Returns:
        The plugin.

    Raises:
        PluginContractError: It breaks a rule.
    """
    implementations = read_implementations(plugin, manager=manager)
    if is_tracing():
        implementations = trace_implementations(implementations)
    try:
        manager.register(implementations, name=record.name)
        # What is checked here was checked before, with better words, unless pluggy learns to find more.
        manager.check_pending()
        specs = collect_specs(implementations)
    except BaseException as error:
        if manager.has_plugin(record.name):
            manager.unregister(name=record.name)
        if isinstance(error, pluggy.PluginValidationError):
            raise PluginContractError(" ".join(str(error).split())) from error
        raise
    notes = [f"{name} is no hook of this kernel and is never called" for name in implementations.unknown]
    if not list(implementations) and not notes:
        notes.append("it implements no hook")
    return LoadedPlugin(
        record=record, specs=specs, implementations=implementations, notes=tuple(notes), is_kernel=is_kernel
    )


def explain_failure(error: BaseException, *, found: FoundPlugin) -> str:
    """Return the reason for the record of a plugin whose import or registration raised.

    Args:
        error: What was raised.
        found: The plugin.
    """
    if isinstance(error, PluginContractError):
        return str(error)
    if isinstance(error, ModuleNotFoundError):
        return explain_missing_module(error, module=found.module, record=found.record)
    where = _last_place(error)
    return f"cannot be registered: {describe_error(error)}{f' ({where})' if where else ''}"


def _last_place(error: BaseException) -> str:
    """Return the innermost line of code that is neither the loader's nor the import machinery's: ``plugin.py:12``."""
    machinery = {Path(__file__).parent, Path(importlib.__file__).parent}
    places = [
        f"{Path(frame.filename).name}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).parent not in machinery and not frame.filename.startswith("<frozen")
    ]
    return places[-1] if places else ""


def _loaded_heavies() -> set[str]:
    return {name for name in HEAVY_LIBRARIES if isinstance(sys.modules.get(name), ModuleType)}
