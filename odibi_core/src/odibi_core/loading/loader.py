"""Takes plugins through the levels of discovery, one by one, and keeps the records."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import ModuleType
from typing import Final

import pluggy

from odibi_core.diagnostics import get_logger
from odibi_core.errors import PluginConflictError, PluginContractError, PluginLoadError, PluginLockError
from odibi_core.loading import builtin
from odibi_core.loading.catalog import Catalog, LoadedPlugin, make_catalog
from odibi_core.loading.distributions import FoundPlugin, find_plugins
from odibi_core.loading.drift import Drift, explain_drift, find_drift
from odibi_core.loading.records import PluginRecord, PluginState, canonical_name, describe_error
from odibi_core.loading.registration import explain_failure, import_plugin, register_plugin
from odibi_core.loading.requirements import KERNEL
from odibi_core.loading.screening import screen
from odibi_core.loading.settings import PluginSettings
from odibi_core.plugin import hookspecs

__all__ = ["PluginLoader"]

_log = get_logger("loading")

_KERNEL_PLUGIN: Final = "kernel"
_BROKEN: Final = frozenset({PluginState.FAILED, PluginState.INCOMPATIBLE})


class PluginLoader:
    """Loads plugins and puts together what they provide. Not thread-safe: the manager calls it under its lock.

    Args:
        settings: Which plugins may be used.

    Attributes:
        records: Every plugin that was found or registered, sorted by name; the kernel's own is not among them.
        catalog: What the active plugins provide; replaced, never changed.
        drift: In what the installed plugins differ from the lock of the settings.
    """

    def __init__(self, settings: PluginSettings) -> None:
        self.settings = settings
        self.records: tuple[PluginRecord, ...] = ()
        self.drift: tuple[Drift, ...] = ()
        self._is_discovered = False
        self._plugins: dict[str, LoadedPlugin] = {}
        self._errors: list[BaseException] = []
        self._pluggy = pluggy.PluginManager("odibi")
        self._pluggy.add_hookspecs(hookspecs)
        kernel = PluginRecord(_KERNEL_PLUGIN, KERNEL, "", builtin.__name__)
        self._activate(register_plugin(builtin, record=kernel, manager=self._pluggy, is_kernel=True))
        self.catalog = self._make_catalog()

    def discover(self) -> None:
        """Find the installed plugins and load those that may be loaded; does nothing the second time.

        Raises:
            PluginLockError: The plugins are not those of the settings' lock; none has been imported.
            PluginLoadError: The settings are strict and a plugin is failed or incompatible.
        """
        if not self.settings.discover or self._is_discovered:
            return
        found = find_plugins()
        self.drift = find_drift(found, settings=self.settings)
        if self.drift and self.settings.refuses_drift:
            raise PluginLockError(explain_drift(self.drift))
        self._is_discovered = True
        for plugin in screen(found, settings=self.settings, drift=self.drift):
            self._import(plugin)
        self._publish(plugin.record for plugin in found)
        self._report()

    def register(self, plugin: object, *, name: str) -> PluginRecord:
        """Add a plugin that is not packaged.

        Args:
            plugin: A module, or an instance of a plain class or a namespace.
            name: Its name.

        Returns:
            Its record.

        Raises:
            PluginContractError: It breaks a rule of a hook.
            PluginLoadError: One of its providers raised.
            PluginConflictError: There is a plugin of that name.
        """
        if not name.strip():
            raise PluginContractError(f"a plugin needs a name; {name!r} is none")
        self._check_is_free(name)
        record = PluginRecord(name, "", "", _describe_origin(plugin))
        if canonical_name(name) in self.settings.disable:
            record.state, record.reason = PluginState.BLOCKED, f"disabled as {canonical_name(name)!r}"
        else:
            try:
                self._activate(register_plugin(plugin, record=record, manager=self._pluggy))
            except PluginContractError as error:
                raise PluginContractError(f"plugin {name!r}: {error}") from error
            except (Exception, SystemExit) as error:
                raise PluginLoadError(f"plugin {name!r} cannot be registered: {describe_error(error)}") from error
        self._publish([record])
        return record

    def _check_is_free(self, name: str) -> None:
        taken = next((record.describe() for record in self.records if record.name == name), None)
        if taken is not None or name in self._plugins:
            raise PluginConflictError(f"the name {name!r} is taken by {taken or 'the kernel'}; choose another")

    def _import(self, plugin: FoundPlugin) -> None:
        record = plugin.record
        try:
            if record.name in self._plugins:
                owner = self._plugins[record.name].record.describe()
                raise PluginContractError(f"its name is taken by {owner}, which was there before")
            self._activate(import_plugin(plugin, manager=self._pluggy))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - isolated: the record says what happened
            record.state, record.reason = PluginState.FAILED, explain_failure(error, found=plugin)
            self._errors.append(error)
            _log.debug("Plugin %s cannot be loaded.", record.describe(), exc_info=True)

    def _activate(self, plugin: LoadedPlugin) -> None:
        # A spec object that two plugins yield could have one owner only; a copy of it has its own.
        owned = {id(spec) for other in self._plugins.values() for spec in other.specs}
        specs = tuple(replace(spec) if id(spec) in owned else spec for spec in plugin.specs)
        self._plugins[plugin.record.name] = replace(plugin, specs=specs)
        plugin.record.state, plugin.record.provides = PluginState.ACTIVE, plugin.provides()

    def _publish(self, records: Iterable[PluginRecord]) -> None:
        # In this order: a thread that sees a plugin in the records can use what it provides.
        self.catalog = self._make_catalog()
        self.records = tuple(sorted([*self.records, *records], key=lambda record: (record.name, record.distribution)))

    def _make_catalog(self) -> Catalog:
        catalog = make_catalog(self._plugins.values(), settings=self.settings)
        for plugin in catalog.plugins:
            plugin.record.reason = "; ".join([*plugin.notes, *catalog.remarks.get(plugin.record.name, ())])
        return catalog

    def _report(self) -> None:
        broken = [record for record in self.records if record.state in _BROKEN]
        for record in broken:
            _log.warning("Plugin %s is %s: %s", record.describe(), record.state, record.reason)
        if broken and self.settings.strict:
            lines = [f"  {record.describe()} is {record.state}: {record.reason}" for record in broken]
            count = f"{len(broken)} plugin{'' if len(broken) == 1 else 's'}"
            headline = f"{count} cannot be used, and the plugin settings are strict:"
            raise PluginLoadError("\n".join([headline, *lines])) from (self._errors[0] if self._errors else None)


def _describe_origin(plugin: object) -> str:
    return (
        plugin.__name__ if isinstance(plugin, ModuleType) else f"{type(plugin).__module__}:{type(plugin).__qualname__}"
    )
