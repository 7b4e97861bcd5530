"""Level 2: the classes that specs name, imported when they are first used and checked against their protocol."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from odibi_core.errors import PluginContractError, PluginLoadError
from odibi_core.loading.hooks import Spec, kind_of_spec
from odibi_core.loading.missing_modules import explain_missing_module
from odibi_core.loading.records import PluginRecord, describe_error
from odibi_core.loading.references import resolve_reference
from odibi_core.loading.requirements import explain_unmet, pip_install, unmet_requirements
from odibi_core.plugin import (
    CommandSpec,
    ConfigStore,
    ConfigStoreSpec,
    Connection,
    ConnectionSpec,
    EngineSpec,
    ExecutionEngine,
    FunctionsSpec,
    LogSink,
    LogSinkSpec,
    Reader,
    ReaderSpec,
    Saver,
    SaverSpec,
    SecretProvider,
    SecretProviderSpec,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["FactoryLoader", "check_protocol"]

_PROTOCOLS: Final[Mapping[type, type]] = MappingProxyType(
    {
        ConfigStoreSpec: ConfigStore,
        ConnectionSpec: Connection,
        EngineSpec: ExecutionEngine,
        LogSinkSpec: LogSink,
        ReaderSpec: Reader,
        SaverSpec: Saver,
        SecretProviderSpec: SecretProvider,
    }
)


class FactoryLoader:
    """Imports what specs name, once each.

    Args:
        owner_of: Returns the plugin of a spec, for messages.
    """

    def __init__(self, owner_of: Callable[[Spec], PluginRecord]) -> None:
        self._owner_of = owner_of
        # By id, because a spec may hold a mapping and then has no hash; the spec in the value keeps its id its own.
        self._loaded: dict[int, tuple[Spec, Any]] = {}
        self._models: dict[int, tuple[Spec, type[BaseModel] | None]] = {}

    def load(self, spec: Spec) -> Any:
        """Return the class, function, command or module that a spec names, checked.

        Args:
            spec: Any spec of an active plugin.

        Returns:
            A class that has the methods of its protocol; a callable for a check; a click command for a command; the
            module for functions.

        Raises:
            PluginLoadError: Something it requires is not installed, or its import fails.
            PluginContractError: It is not what its spec says.
        """
        known = self._loaded.get(id(spec))
        if known is None:
            if not isinstance(spec, FunctionsSpec | CommandSpec) and hasattr(spec, "requires"):
                self._check_requires(spec, spec.requires)
            reference = spec.name if isinstance(spec, FunctionsSpec) else spec.factory
            loaded = self._import(spec, reference)
            problems = "; ".join(_check_loaded(spec, loaded))
            if problems:
                raise PluginContractError(f"{self._describe(spec)}: {reference} {problems}.{self._advise(spec)}")
            known = self._loaded[id(spec)] = (spec, loaded)
        return known[1]

    def load_options_model(self, spec: Spec) -> type[BaseModel] | None:
        """Return the pydantic model of a spec's options, None if it has none.

        Args:
            spec: Any spec of an active plugin.

        Raises:
            PluginLoadError: The import fails.
            PluginContractError: It is no pydantic model.
        """
        known = self._models.get(id(spec))
        if known is None:
            known = self._models[id(spec)] = (spec, self._load_model(spec))
        return known[1]

    def _load_model(self, spec: Spec) -> type[BaseModel] | None:
        reference = getattr(spec, "options_model", None)
        if reference is None:
            return None
        from pydantic import BaseModel

        model = self._import(spec, reference)
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise PluginContractError(
                f"{self._describe(spec)}: its options model {reference} is no pydantic model.{self._advise(spec)}"
            )
        return model

    def _check_requires(self, spec: Spec, requires: tuple[str, ...]) -> None:
        unmet = unmet_requirements(requires)
        if unmet:
            raise PluginLoadError(f"{self._describe(spec)} {explain_unmet(unmet, distribution='')}")

    def _import(self, spec: Spec, reference: str) -> Any:
        module = reference.partition(":")[0]
        try:
            return resolve_reference(reference) if ":" in reference else importlib.import_module(reference)
        except ModuleNotFoundError as error:
            record, requires = self._owner_of(spec), getattr(spec, "requires", ())
            why = explain_missing_module(error, module=module, record=record, requires=requires)
            raise PluginLoadError(f"{self._describe(spec)} cannot be loaded: {why}", name=error.name) from error
        except (Exception, SystemExit) as error:
            raise PluginLoadError(
                f"{self._describe(spec)} cannot be loaded: {describe_error(error)}.{self._advise(spec)}", name=module
            ) from error

    def _describe(self, spec: Spec) -> str:
        return f"{kind_of_spec(spec).capitalize()} {spec.name!r} of plugin {self._owner_of(spec).describe()}"

    def _advise(self, spec: Spec) -> str:
        distribution = self._owner_of(spec).distribution
        return f" Another version may help: {pip_install(distribution, upgrade=True)}" if distribution else ""


def check_protocol(class_: type, protocol: type) -> Iterator[str]:
    """Yield what a class lacks of a protocol.

    Args:
        class_: The class.
        protocol: One of the protocols of `odibi_core.plugin`.

    Yields:
        One phrase per problem.

    Example:
        >>> list(check_protocol(dict, Reader))
        ['lacks the method read(dataset)']
    """
    if inspect.isabstract(class_):
        yield f"is abstract: {', '.join(sorted(getattr(class_, '__abstractmethods__', ())))}"
        return
    for name, wanted in vars(protocol).items():
        if isinstance(wanted, FunctionType) and not name.startswith("_"):
            arguments = list(inspect.signature(wanted).parameters)[1:]
            found = inspect.getattr_static(class_, name, None)
            if found is None:
                yield f"lacks the method {name}({', '.join(arguments)})"
            else:
                yield from _check_method(name, found, arguments)


def _check_method(name: str, found: object, arguments: list[str]) -> Iterator[str]:
    given = len(arguments) + (not isinstance(found, staticmethod))
    function = found.__func__ if isinstance(found, staticmethod | classmethod) else found
    if not isinstance(function, FunctionType):
        return  # a descriptor of some other kind: what it gives is known when there is an instance
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield f"has an async method {name}, which nobody would await"
    try:
        inspect.signature(function).bind(*[None] * given)
    except TypeError:
        yield f"has a method {name} that cannot be called as {name}({', '.join(arguments)})"


def _check_loaded(spec: Spec, loaded: Any) -> Iterator[str]:
    protocol = next((protocol for class_, protocol in _PROTOCOLS.items() if isinstance(spec, class_)), None)
    if isinstance(spec, FunctionsSpec):
        return
    if isinstance(spec, CommandSpec):
        from click import Command

        if not isinstance(loaded, Command):
            yield "is no click command"
    elif protocol is None:
        if not callable(loaded):
            yield "cannot be called"
    elif not isinstance(loaded, type):
        yield f"is no class, but {type(loaded).__name__} {getattr(loaded, '__name__', '')!r}"
    else:
        yield from check_protocol(loaded, protocol)
