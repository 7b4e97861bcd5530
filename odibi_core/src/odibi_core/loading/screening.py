"""What is decided about a plugin before anything of it is imported: blocked, clashing, incompatible, or loadable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from odibi_core.diagnostics import get_logger
from odibi_core.errors import did_you_mean
from odibi_core.loading.clashes import Clash, choose
from odibi_core.loading.distributions import FoundPlugin, InstalledDistributions
from odibi_core.loading.records import PluginRecord, PluginState, canonical_name
from odibi_core.loading.requirements import InvalidRequirementError, explain_unmet, unmet_requirements
from odibi_core.loading.settings import PluginSettings

__all__ = ["screen"]

_log = get_logger("loading")


def screen(plugins: Iterable[FoundPlugin], *, settings: PluginSettings) -> tuple[FoundPlugin, ...]:
    """Write into each plugin's record why it must not be imported, and return those that may be.

    Args:
        plugins: What was found.
        settings: What is blocked and preferred.

    Returns:
        The plugins to import, in the given order.
    """
    plugins = tuple(plugins)
    _warn_of_misspelt_names(plugins, settings)
    for plugin in plugins:
        reason = _why_blocked(plugin.record, settings)
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


def _why_blocked(record: PluginRecord, settings: PluginSettings) -> str:
    names = _names_of(record)
    disabled = sorted(names & settings.disable)
    if disabled:
        return f"disabled as {disabled[0]!r}, by ODIBI_PLUGINS_DISABLE or by `plugins.disable` of the manifest"
    if settings.only is not None and not names & settings.only:
        allowed = ", ".join(sorted(settings.only)) or "none"
        return (
            f"not among the plugins that are allowed ({allowed}), by ODIBI_PLUGINS_ONLY, `plugins.only` or --no-plugins"
        )
    return ""


def _names_of(record: PluginRecord) -> set[str]:
    return {canonical_name(record.name), canonical_name(record.distribution)} - {""}


def _warn_of_misspelt_names(plugins: Iterable[FoundPlugin], settings: PluginSettings) -> None:
    known: set[str] = set().union(*(_names_of(plugin.record) for plugin in plugins))
    for name in sorted((settings.disable | (settings.only or frozenset())) - known):
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
