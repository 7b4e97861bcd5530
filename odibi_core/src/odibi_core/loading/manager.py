"""The plugin manager: finds plugins, loads them, and answers what they provide."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, Self, cast

from odibi_core.errors import ManagerFrozenError, PluginConflictError, PluginNotFoundError
from odibi_core.loading.catalog import Catalog
from odibi_core.loading.charging import Charge, charging
from odibi_core.loading.hook_calls import Surround, make_run_hooks, tell_plugins
from odibi_core.loading.hooks import Spec, kind_of_spec
from odibi_core.loading.loader import PluginLoader
from odibi_core.loading.not_found import explain_unknown_format
from odibi_core.loading.provided import ANY_ENGINE
from odibi_core.loading.records import PluginAccident, PluginRecord, PluginState
from odibi_core.loading.registry import SpecRegistry
from odibi_core.loading.settings import PluginSettings
from odibi_core.plugin import (
    CheckSpec,
    CommandSpec,
    ConfigStoreSpec,
    ConnectionSpec,
    EngineSpec,
    FunctionsSpec,
    LogSinkSpec,
    ProjectConfig,
    ProjectTask,
    ReaderSpec,
    SaverSpec,
    SecretProviderSpec,
    TransformationOutcome,
    TransformationTask,
)

if TYPE_CHECKING:
    import pluggy
    from pydantic import BaseModel

    from odibi_core.events.observers import Observer
    from odibi_core.loading.drift import Drift
    from odibi_core.loading.factories import FactoryLoader
    from odibi_core.loading.listeners import HookListener

__all__ = ["PluginManager"]


class PluginManager:
    """Finds plugins, loads them one by one, and answers what they provide.

    Nothing is loaded by making a manager but the kernel's own plugin. `get_manager` gives one that is ready; in
    scripts, tests and notebooks a manager of one's own takes plugins that are not packaged, through `register`. There
    is no global state in it: what uses a manager is given one.

    The registries `engines`, `readers`, `savers`, `log_sinks`, `connections`, `secret_providers`, `config_stores`,
    `functions`, `checks` and `commands` are views that always show the present state. Reading takes no lock.

    Args:
        settings: Which plugins may be used; by default what the environment says.

    Example:
        >>> from types import SimpleNamespace
        >>> from odibi_core.plugin import EngineSpec, hookimpl
        >>> @hookimpl
        ... def odibi_register_engines():
        ...     yield EngineSpec(name="duckdb", factory="acme_duckdb.engine:DuckDbEngine")
        >>> manager = PluginManager(PluginSettings(discover=False))
        >>> plugin = SimpleNamespace(odibi_register_engines=odibi_register_engines)
        >>> manager.register(plugin, name="acme").provides
        ('engine duckdb',)
        >>> manager.freeze().engine(" DuckDB ").factory
        'acme_duckdb.engine:DuckDbEngine'
    """

    def __init__(self, settings: PluginSettings | None = None) -> None:
        self.settings = PluginSettings.from_environment() if settings is None else settings
        self._lock = threading.RLock()
        self._is_frozen = False
        self._loader = PluginLoader(self.settings)
        self._run_hooks: tuple[Catalog, Mapping[str, pluggy.HookCaller]] | None = None
        views: dict[str, Any] = {"catalog": lambda: self._loader.catalog, "records": lambda: self._loader.records}
        self.engines: SpecRegistry[EngineSpec] = SpecRegistry("engine", **views)
        self.readers: SpecRegistry[ReaderSpec] = SpecRegistry("reader", **views)
        self.savers: SpecRegistry[SaverSpec] = SpecRegistry("saver", **views)
        self.log_sinks: SpecRegistry[LogSinkSpec] = SpecRegistry("log sink", **views)
        self.connections: SpecRegistry[ConnectionSpec] = SpecRegistry("connection", **views)
        self.secret_providers: SpecRegistry[SecretProviderSpec] = SpecRegistry("secret provider", **views)
        self.config_stores: SpecRegistry[ConfigStoreSpec] = SpecRegistry("config store", **views)
        self.functions: SpecRegistry[FunctionsSpec] = SpecRegistry("functions", **views)
        self.checks: SpecRegistry[CheckSpec] = SpecRegistry("check", **views)
        self.commands: SpecRegistry[CommandSpec] = SpecRegistry("command", **views)

    # --- loading ---

    @property
    def records(self) -> tuple[PluginRecord, ...]:
        """Every plugin that was found or registered, sorted by name; the kernel's own is not among them."""
        return self._loader.records

    @property
    def drift(self) -> tuple[Drift, ...]:
        """In what the installed plugins differ from the lock of the settings, where that is no error."""
        return self._loader.drift

    @property
    def is_frozen(self) -> bool:
        """Whether nothing can be registered any more."""
        return self._is_frozen

    def discover(self) -> Self:
        """Find the installed plugins and load those that may be loaded; does nothing the second time.

        A plugin that is broken is recorded with the reason and logged, and stops nobody else.

        Returns:
            This manager.

        Raises:
            PluginLockError: The plugins are not those of the settings' lock; none has been imported.
            PluginLoadError: The settings are strict and a plugin is failed or incompatible.
            ManagerFrozenError: The manager is frozen.
        """
        with self._lock:
            self._check_is_open("look for plugins")
            self._loader.discover()
        return self

    def register(self, plugin: object, *, name: str) -> PluginRecord:
        """Add a plugin that is not packaged.

        Args:
            plugin: A module, or an instance of a plain class or a namespace whose attributes are hook implementations.
            name: Its name, by which it can be disabled and preferred.

        Returns:
            Its record: active, or blocked if the settings disable the name.

        Raises:
            PluginContractError: It breaks a rule of a hook; nothing of it is registered.
            PluginLoadError: One of its providers raised; nothing of it is registered.
            PluginConflictError: There is a plugin of that name.
            ManagerFrozenError: The manager is frozen.
        """
        with self._lock:
            self._check_is_open(f"register plugin {name!r}")
            return self._loader.register(plugin, name=name)

    def freeze(self) -> Self:
        """Refuse every later registration, so that what a run sees cannot change under it.

        Returns:
            This manager.
        """
        with self._lock:
            self._is_frozen = True
        return self

    # --- what is provided ---

    def engine(self, name: str) -> EngineSpec:
        """Return an engine, in any case and with blanks around its name.

        Args:
            name: The engine's name.

        Raises:
            EngineNotFoundError: No plugin provides it; says what is installed, what was meant and what to install.
            PluginConflictError: Two plugins provide it.
        """
        return self.engines.get(name)

    def reader_for(self, engine: str, format: str) -> ReaderSpec:  # noqa: A002 - the word of specs and manifests
        """Return the reader of a format for an engine: its own, or one that gives Arrow to any engine.

        Args:
            engine: The engine's name.
            format: The format's name.

        Raises:
            PluginNotFoundError: There is none; lists the formats that the engine can read.
            PluginConflictError: Two plugins provide it.
        """
        return cast("ReaderSpec", self._for_format(self.readers, engine, format))

    def saver_for(self, engine: str, format: str) -> SaverSpec:  # noqa: A002 - the word of specs and manifests
        """Return the saver of a format for an engine: its own, or one that takes Arrow from any engine.

        Args:
            engine: The engine's name.
            format: The format's name.

        Raises:
            PluginNotFoundError: There is none; lists the formats that the engine can save.
            PluginConflictError: Two plugins provide it.
        """
        return cast("SaverSpec", self._for_format(self.savers, engine, format))

    def conflicts(self) -> Mapping[str, tuple[PluginRecord, ...]]:
        """Return what more than one plugin provides and nobody chose for: ``"engine pandas"`` to its plugins."""
        return {key: clash.records for key, clash in self._loader.catalog.clashes.items()}

    def owner_of(self, spec: Spec) -> PluginRecord:
        """Return the plugin that yielded a spec; for the kernel's own a record that is not in `records`.

        Args:
            spec: A spec of this manager's.

        Raises:
            PluginNotFoundError: No plugin of this manager yielded it.
        """
        owner = self._loader.catalog.owners.get(id(spec))
        if owner is not None:
            return owner
        for plugin in self._loader.catalog.plugins:
            if spec in plugin.specs:
                return plugin.record
        raise PluginNotFoundError(f"no plugin of this manager provides this {kind_of_spec(spec)} {spec.name!r}")

    def load(self, spec: Spec) -> Any:
        """Return the class (function, command, module) that a spec names, importing it at the first call.

        Args:
            spec: A spec of this manager's.

        Returns:
            A class with the methods of its protocol; for a check a callable, for a command a click command, for
            functions the module.

        Raises:
            PluginLoadError: Something it requires is not installed, or its import fails.
            PluginContractError: It lacks a method of its protocol.
        """
        return self._factories.load(spec)

    def load_options_model(self, spec: Spec) -> type[BaseModel] | None:
        """Return the pydantic model of a spec's options, importing it at the first call; None if it has none.

        Args:
            spec: A spec of this manager's.

        Raises:
            PluginLoadError: Its import fails.
            PluginContractError: It is no pydantic model.
        """
        return self._factories.load_options_model(spec)

    # --- hooks ---

    def observers(self) -> Mapping[str, tuple[Observer, ...]]:
        """Return the plugins' observers by canonical event name, in the order of the plugins' names."""
        return self._loader.catalog.observers

    def listeners(self) -> tuple[HookListener, ...]:
        """Return every hook implementation, by hook and in the order of the calls, for people to look at."""
        from odibi_core.loading.listeners import listeners_of

        return listeners_of(self._loader.catalog)

    def configure(self, config: ProjectConfig, *, timed: Surround | None = None) -> tuple[PluginAccident, ...]:
        """Tell every plugin that a run begins.

        Args:
            config: The project, and the settings that the manifest has for plugins.
            timed: Given a plugin and its function, returns what is called in its stead.

        Returns:
            What went wrong, which is logged and stops nothing.
        """
        return tell_plugins("odibi_configure", config, self._loader.catalog.plugins, surround=timed)

    def unconfigure(self, config: ProjectConfig, *, timed: Surround | None = None) -> tuple[PluginAccident, ...]:
        """Tell every plugin that a run has ended, in the opposite order.

        Args:
            config: What `configure` was given.
            timed: As for `configure`.

        Returns:
            What went wrong, which is logged and stops nothing.
        """
        return tell_plugins("odibi_unconfigure", config, reversed(self._loader.catalog.plugins), surround=timed)

    def run_project(self, task: ProjectTask, *, charge: Charge | None = None) -> Any:
        """Call ``odibi_run_project``: the first answer of a plugin, else the default steps.

        Args:
            task: The run.
            charge: Told what the run hooks of plugins take.

        Returns:
            The `RunResult`.

        Raises:
            PluginConflictError: Two plugins answer, and `prefer` does not choose.
        """
        return self._run("odibi_run_project", task, charge)

    def run_transformation(self, task: TransformationTask, *, charge: Charge | None = None) -> TransformationOutcome:
        """Call ``odibi_run_transformation``: the first answer of a plugin, else the default steps.

        Args:
            task: The attempt.
            charge: Told what the run hooks of plugins take.

        Returns:
            What was done.

        Raises:
            PluginConflictError: Two plugins answer, and `prefer` does not choose.
        """
        return cast("TransformationOutcome", self._run("odibi_run_transformation", task, charge))

    def __reduce__(self) -> NoReturn:
        names = ", ".join(record.name for record in self.records if record.state is PluginState.ACTIVE) or "none"
        raise TypeError(
            "a PluginManager cannot be pickled: send its `settings`, and rebuild it where it arrives with "
            f"get_manager(settings), from the names of its plugins ({names})"
        )

    # --- inside ---

    @cached_property
    def _factories(self) -> FactoryLoader:
        # Level 2 begins here: what only lists plugins does not need it.
        from odibi_core.loading.factories import FactoryLoader

        return FactoryLoader(self.owner_of)

    def _check_is_open(self, what: str) -> None:
        if self._is_frozen:
            raise ManagerFrozenError(
                f"cannot {what}: this manager is frozen, because runs may be using it. Make one of your own, "
                "PluginManager().discover(), register there, and pass it on as manager="
            )

    def _for_format(self, registry: SpecRegistry[Any], engine: str, format_: str) -> Any:
        engine, format_ = engine.strip().lower(), format_.strip().lower()
        for owner in (engine, ANY_ENGINE):
            key = f"{owner}/{format_}"
            if key in registry or f"{registry.kind} {key}" in self._loader.catalog.clashes:
                return registry.get(key)
        if engine not in self.engines:
            self.engines.get(engine)
        formats = {name.partition("/")[2] for name in registry if name.partition("/")[0] in {engine, ANY_ENGINE}}
        raise PluginNotFoundError(
            explain_unknown_format(registry.kind, format_, engine=engine, formats=formats, records=self.records)
        )

    def _run(self, hook: str, task: ProjectTask | TransformationTask, charge: Charge | None) -> Any:
        catalog, made = self._loader.catalog, self._run_hooks
        clash = catalog.clashes.get(f"hook {hook}")
        if clash is not None:
            raise PluginConflictError(str(clash))
        if made is None or made[0] is not catalog:
            # Two threads may both get here, and make the same: no reason for a lock.
            made = self._run_hooks = (catalog, make_run_hooks(catalog))
        call = made[1][hook]
        if charge is None or len(call.get_hookimpls()) == 1:
            # The kernel's own alone: nobody is charged.
            return call(task=task)
        with charging(charge):
            return call(task=task)
