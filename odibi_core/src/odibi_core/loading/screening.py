"""What is decided about a plugin before anything of it is imported: blocked, clashing, incompatible, or loadable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from odibi_core.diagnostics import get_logger
from odibi_core.errors import did_you_mean
from odibi_core.loading.blocking import names_of, why_blocked
from odibi_core.loading.clashes import Clash, choose
from odibi_core.loading.distributions import FoundPlugin, InstalledDistributions
from odibi_core.loading.drift import Drift
from odibi_core.loading.lock import LOCK_FILE
from odibi_core.loading.records import PluginState, canonical_name
from odibi_core.loading.requirements import InvalidRequirementError, explain_unmet, unmet_requirements
from odibi_core.loading.settings import PluginSettings

__all__ = ["screen"]

_log = get_logger("loading")


def screen(
    plugins: Iterable[FoundPlugin], *, settings: PluginSettings, drift: Iterable[Drift] = ()
) -> tuple[FoundPlugin, ...]:
    """Write into each plugin's record why it must not be imported, and return those that may be.

    Args:
        plugins: What was found.
        settings: What is blocked and preferred.
        drift: In what the plugins differ from the project's lock.

    Returns:
        The plugins to import, in the given order.
    """
    plugins = tuple(plugins)
    _warn_of_misspelt_names(plugins, settings)
    reasons = why_blocked([plugin.record for plugin in plugins], settings=settings)
    drifted = {(one.plugin, one.distribution): one.message for one in drift if one.is_installed}
    for plugin, why in zip(plugins, reasons, strict=True):
        differs = drifted.get((plugin.record.name, canonical_name(plugin.record.distribution)))
        reason = why or (f"not as {LOCK_FILE} has it: {differs}" if differs else "")
        if reason:
            _mark(plugin, PluginState.BLOCKED, reason)
        elif plugin.problem:
            _mark(plugin, PluginState.FAILED, plugin.problem)
    _settle_names(list(_still_found(plugins)), settings)
    installed = InstalledDistributions()
    for plugin in _still_found(plugins):
        _check_requirements(plugin, installed)
    return tuple(_still_found(plugins))


def _still_found(plugins: Iterable[FoundPlugin]) -> Iterator[FoundPlugin]:
    return (plugin for plugin in plugins if plugin.record.state is PluginState.FOUND)


def _mark(plugin: FoundPlugin, state: PluginState, reason: str) -> None:
    plugin.record.state = state
    plugin.record.reason = reason


def _warn_of_misspelt_names(plugins: Iterable[FoundPlugin], settings: PluginSettings) -> None:
    known: set[str] = set().union(*(names_of(plugin.record) for plugin in plugins))
    for name in sorted(settings.disable.union(settings.only or (), settings.allow or ()) - known):
        # One list often serves several machines, so a name that is like no other here is no mistake.
        hint = did_you_mean(name, known)
        if hint:
            _log.warning("No installed plugin is called %r, as the plugin settings say. %s", name, hint)


def _settle_names(plugins: Iterable[FoundPlugin], settings: PluginSettings) -> None:
    by_name: dict[str, list[FoundPlugin]] = defaultdict(list)
    for plugin in plugins:
        by_name[plugin.record.name].append(plugin)
    for name, claimants in by_name.items():
        if len(claimants) > 1:
            records = tuple(plugin.record for plugin in claimants)
            key = f"plugin {name}"
            choice = settings.choice(key)
            winner = choose(records, choice)
            clash = Clash(key=key, records=records, choice=choice)
            for number, plugin in enumerate(claimants):
                if winner is None:
                    _mark(plugin, PluginState.FAILED, str(clash))
                elif number != winner:
                    chosen = records[winner].describe()
                    _mark(plugin, PluginState.BLOCKED, f"`prefer` chooses {chosen} for the name {name!r}")


def _check_requirements(plugin: FoundPlugin, installed: InstalledDistributions) -> None:
    try:
        unmet = unmet_requirements(plugin.requires, installed=installed)
    except InvalidRequirementError as error:
        _mark(plugin, PluginState.FAILED, f"its metadata is wrong: {error}")
    else:
        if unmet:
            reason = explain_unmet(unmet, distribution=plugin.record.distribution)
            _mark(plugin, PluginState.INCOMPATIBLE, reason)
