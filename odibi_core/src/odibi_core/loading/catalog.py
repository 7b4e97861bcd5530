"""Everything that the active plugins provide, put together: who provides what, who clashes, who observes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odibi_core.loading.clashes import Clash, choose
from odibi_core.loading.hooks import KERNEL_COMMANDS, KINDS_OF_SPEC, RUN_HOOKS, HookKind, Spec, kind_of_spec
from odibi_core.loading.implementations import Implementations
from odibi_core.loading.records import PluginRecord
from odibi_core.loading.settings import PluginSettings

if TYPE_CHECKING:
    from odibi_core.events.observers import Observer

__all__ = ["Catalog", "LoadedPlugin", "make_catalog"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPlugin:
    """A plugin that passed level 1.

    Args:
        record: Its record.
        specs: What its providers yielded.
        implementations: Its hook implementations.
        notes: What is odd about it, and no reason to refuse it.
        is_kernel: Whether it is the kernel's own.
    """

    record: PluginRecord
    specs: tuple[Spec, ...]
    implementations: Implementations
    notes: tuple[str, ...] = ()
    is_kernel: bool = False

    def provides(self) -> tuple[str, ...]:
        """Return what it provides, in the words of its record."""
        specs = {f"{kind_of_spec(spec)} {spec.name}" for spec in self.specs}
        hooks = {f"hook {one.hook.name}" for one in self.implementations if one.hook.kind is not HookKind.PROVIDE}
        return tuple(sorted(specs | hooks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """What the active plugins provide. Never changed, only replaced, so that it is read without a lock.

    Args:
        plugins: The plugins, sorted by name.
        specs: By kind and name, what may be used.
        clashes: By ``"<kind> <name>"``, what may not, until somebody chooses.
        owners: The plugin of each spec, by the spec's ``id``; the specs are kept alive by their plugins.
        losers: By run hook, the names of the plugins whose implementation gave way to the preferred one.
        observers: By canonical event name.
        remarks: By plugin name, what its record has to say about clashes.
    """

    plugins: tuple[LoadedPlugin, ...]
    specs: Mapping[str, Mapping[str, Spec]]
    clashes: Mapping[str, Clash]
    owners: Mapping[int, PluginRecord]
    losers: Mapping[str, frozenset[str]]
    observers: Mapping[str, tuple[Observer, ...]]
    remarks: Mapping[str, tuple[str, ...]]


def make_catalog(plugins: Iterable[LoadedPlugin], *, settings: PluginSettings) -> Catalog:
    """Put together what plugins provide.

    Where two provide one thing and `prefer` does not choose, neither is used.

    Args:
        plugins: The plugins, the kernel's own among them.
        settings: The settings, for `prefer`.

    Returns:
        The catalog.
    """
    # By name, because the order in which plugins were registered is an accident of the installation.
    plugins = sorted(plugins, key=lambda plugin: plugin.record.name)
    remarks: dict[str, list[str]] = defaultdict(list)
    specs: dict[str, dict[str, Spec]] = {kind: {} for kind in KINDS_OF_SPEC.values()}
    clashes: dict[str, Clash] = {}
    losers: dict[str, frozenset[str]] = {}
    for key, claims in _claims(plugins, remarks).items():
        records = [plugin.record for plugin, _ in claims]
        winner = _settle(key, records, settings=settings, clashes=clashes, remarks=remarks)
        if winner is not None:
            spec = claims[winner][1]
            specs[kind_of_spec(spec)][spec.name] = spec
    for hook in RUN_HOOKS:
        records = [plugin.record for plugin in plugins if not plugin.is_kernel and _answers(plugin, hook)]
        winner = _settle(f"hook {hook}", records, settings=settings, clashes=clashes, remarks=remarks)
        losers[hook] = frozenset(record.name for number, record in enumerate(records) if number != winner)
    return Catalog(
        plugins=tuple(plugins),
        specs={kind: dict(sorted(by_name.items())) for kind, by_name in specs.items()},
        clashes=clashes,
        owners={id(spec): plugin.record for plugin in plugins for spec in plugin.specs},
        losers=losers,
        observers=_observers(plugins),
        remarks={name: tuple(said) for name, said in remarks.items()},
    )


def _claims(
    plugins: Iterable[LoadedPlugin], remarks: dict[str, list[str]]
) -> dict[str, list[tuple[LoadedPlugin, Spec]]]:
    claims: dict[str, list[tuple[LoadedPlugin, Spec]]] = defaultdict(list)
    for plugin in plugins:
        for spec in plugin.specs:
            kind = kind_of_spec(spec)
            if kind == "command" and spec.name in KERNEL_COMMANDS and not plugin.is_kernel:
                remarks[plugin.record.name].append(f"its command {spec.name!r} is not used: the name is the kernel's")
            else:
                claims[f"{kind} {spec.name}"].append((plugin, spec))
    return claims


def _settle(
    key: str,
    records: Sequence[PluginRecord],
    *,
    settings: PluginSettings,
    clashes: dict[str, Clash],
    remarks: dict[str, list[str]],
) -> int | None:
    """Return the position of the plugin that may provide a thing, and note what there is to say about the others."""
    if len(records) <= 1:
        return 0 if records else None
    choice = settings.choice(key)
    winner = choose(records, choice)
    if winner is None:
        clashes[key] = Clash(key=key, records=tuple(records), choice=choice)
    for number, record in enumerate(records):
        if winner is None:
            remarks[record.name].append(str(clashes[key]))
        elif number != winner:
            remarks[record.name].append(f"its {key} is not used: `prefer` chooses {records[winner].describe()}")
    return winner


def _answers(plugin: LoadedPlugin, hook: str) -> bool:
    return any(one.hook.name == hook and not one.wrapper for one in plugin.implementations)


def _observers(plugins: Iterable[LoadedPlugin]) -> dict[str, tuple[Observer, ...]]:
    observing = [
        (one.hook.event, plugin.record, one)
        for plugin in plugins
        for one in plugin.implementations
        if one.hook.event is not None
    ]
    if not observing:
        # Most installations have no observer, and then nothing that lists plugins needs the room of events.
        return {}
    from odibi_core.events.observers import Observer

    observers: dict[str, list[Observer]] = defaultdict(list)
    for event, record, one in observing:
        observers[event].append(Observer(record.name, record.distribution, one.hook.name, one.function))
    return {event: tuple(found) for event, found in observers.items()}
