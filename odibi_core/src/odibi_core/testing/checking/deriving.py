"""Which contracts a plugin has to keep, from what it provides, and as the test module that an author would write."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from odibi_core.loading.hooks import HOOKS, HookKind

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager, PluginRecord

__all__ = ["CONTRACTS_GROUP", "Derived", "DerivedContract", "contract_module", "derive_contracts"]

CONTRACTS_GROUP: Final = "odibi.contracts"
"""The group of entry points that name a plugin's own contract module, under the name of the plugin's entry point."""

_WRITE_ONE: Final = f"needs a contract module of the plugin's own (entry point group {CONTRACTS_GROUP!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedContract:
    """One contract class.

    Args:
        title: What it is about: ``"engine pandas"``.
        contract: The class of the kit.
        attributes: Its attributes beside ``plugin``.
    """

    title: str
    contract: str
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the class: pytest collects it, and each title has its own."""
        return "Test" + re.sub(r"\W+", " ", self.title).title().replace(" ", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """What can be derived, and what cannot.

    Args:
        contracts: The contracts.
        left_out: What is not tested, with the reason.
    """

    contracts: tuple[DerivedContract, ...]
    left_out: dict[str, str]

    def source(self, plugin: str) -> str:
        """Return the test module.

        Args:
            plugin: The registration module.
        """
        names = ", ".join(sorted({one.contract for one in self.contracts}))
        classes = [
            "\n".join(
                [
                    f"class {one.name}({one.contract}):",
                    f"    plugin = {plugin!r}",
                    *(f"    {key} = {value!r}" for key, value in one.attributes.items()),
                ]
            )
            for one in self.contracts
        ]
        return "\n\n\n".join([f"from odibi_core.testing import {names}", *classes]) + "\n"


def contract_module(record: PluginRecord) -> Path | None:
    """Return the file of a plugin's own contract module, None if it names none.

    Args:
        record: The plugin.

    Raises:
        ModuleNotFoundError: The entry point names a module that is not there.
    """
    for entry_point in importlib.metadata.entry_points(group=CONTRACTS_GROUP):
        if entry_point.name == record.name and entry_point.dist is not None:
            if entry_point.dist.name != record.distribution:
                continue
            spec = find_spec(entry_point.value)
            if spec is None or spec.origin is None:
                raise ModuleNotFoundError(f"the entry point {entry_point.name!r} names no module: {entry_point.value}")
            return Path(spec.origin)
    return None


def derive_contracts(manager: PluginManager, record: PluginRecord) -> Derived:
    """Return the contracts that a plugin has to keep.

    Args:
        manager: The manager that has it.
        record: The plugin.
    """
    contracts = [DerivedContract(title="registration", contract="PluginContract")]
    left_out: dict[str, str] = {}
    for title, contract, attributes, spec in _provided(manager, record):
        if contract is None:
            left_out[title] = _WRITE_ONE
        elif spec is not None and (missing := _required(manager, spec)):
            left_out[title] = f"has the required options {', '.join(missing)}, and {_WRITE_ONE}"
        else:
            contracts.append(DerivedContract(title=title, contract=contract, attributes=attributes))
    return Derived(contracts=tuple(contracts), left_out=left_out)


def _provided(manager: PluginManager, record: PluginRecord) -> Iterator[tuple[str, str | None, dict[str, str], Any]]:
    def own(specs: Iterable[Any]) -> Iterator[Any]:
        for spec in specs:
            owner = manager.owner_of(spec)
            if (owner.name, owner.distribution) == (record.name, record.distribution):
                yield spec

    for spec in own(manager.engines.values()):
        yield f"engine {spec.name}", "EngineContract", {"engine": spec.name}, spec
    savers = {spec.name: spec for spec in own(manager.savers.values())}
    readers = {spec.name: spec for spec in own(manager.readers.values())}
    for name in sorted({*savers, *readers}):
        attributes = {"engine": name.partition("/")[0], "format": name.partition("/")[2]}
        if name in savers and name in readers:
            yield f"reader and saver {name}", "ReaderSaverContract", attributes, savers[name]
        else:
            # A reader needs to be given something to read, and what only a saver saved somebody else has to read.
            yield f"{'saver' if name in savers else 'reader'} {name}", None, {}, None
    # Where these may write, and what they must answer, no spec says.
    for kind, registry in (
        ("log sink", manager.log_sinks),
        ("connection", manager.connections),
        ("config store", manager.config_stores),
    ):
        for spec in own(registry.values()):
            yield f"{kind} {spec.name}", None, {}, None
    hooks = [what.removeprefix("hook ") for what in record.provides if what.startswith("hook ")]
    if any(name in HOOKS and HOOKS[name].kind is HookKind.OBSERVE for name in hooks):
        yield "observers", "ObserverContract", {}, None


def _required(manager: PluginManager, spec: Any) -> list[str]:
    model = manager.load_options_model(spec)
    return [name for name, field_ in model.model_fields.items() if field_.is_required()] if model is not None else []
