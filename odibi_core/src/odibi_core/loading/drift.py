"""In what the installed plugins differ from a project's lock, found without importing any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from odibi_core.loading.blocking import why_blocked
from odibi_core.loading.distributions import FoundPlugin
from odibi_core.loading.lock import LOCK_FILE, LockedPlugin, PluginLock
from odibi_core.loading.records import PluginRecord, canonical_name
from odibi_core.loading.requirements import pip_install
from odibi_core.loading.settings import PluginSettings
from odibi_core.plugin import API_VERSION

__all__ = ["Drift", "explain_drift", "find_drift", "plugins_to_lock"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One way in which what is installed is not what is locked.

    Args:
        message: What differs, as a sentence without its point.
        plugin: The plugin's name; empty if it is about all of them.
        distribution: Its distribution, in the one spelling that is compared.
        is_installed: Whether it is there, so that it could be loaded if nobody looked.
        install: What pip has to install for what is locked; empty if nothing helps but to remove it.
    """

    message: str
    plugin: str = ""
    distribution: str = ""
    is_installed: bool = False
    install: str = ""


def plugins_to_lock(plugins: Sequence[FoundPlugin], *, settings: PluginSettings) -> tuple[FoundPlugin, ...]:
    """Return those plugins that a lock speaks of: all that nobody has blocked.

    Args:
        plugins: What is installed.
        settings: What is blocked and what is allowed.
    """
    reasons = why_blocked([plugin.record for plugin in plugins], settings=settings)
    return tuple(plugin for plugin, reason in zip(plugins, reasons, strict=True) if not reason)


def find_drift(plugins: Sequence[FoundPlugin], *, settings: PluginSettings) -> tuple[Drift, ...]:
    """Return in what the installed plugins differ from the lock of the settings; nothing if these have none.

    What is blocked differs in nothing, whether it is installed or locked: it is not used.

    Args:
        plugins: What is installed.
        settings: The lock, and what is blocked and allowed.

    Returns:
        The differences, sorted by plugin.
    """
    if settings.lock is None:
        return ()
    found = {_key(LockedPlugin.of(plugin)): plugin for plugin in plugins}
    missing = [one for one in settings.lock.plugins if _key(one) not in found]
    records = [plugin.record for plugin in plugins]
    gone = [PluginRecord(one.name, one.distribution, one.version, one.entry_point) for one in missing]
    reasons = why_blocked([*records, *gone], settings=settings)
    used = [plugin for plugin, reason in zip(plugins, reasons[: len(plugins)], strict=True) if not reason]
    drift = [
        Drift(
            message=f"{one.describe()} is locked and not installed",
            plugin=one.name,
            distribution=one.distribution,
            install=f"{one.distribution}=={one.version}",
        )
        for one, reason in zip(missing, reasons[len(plugins) :], strict=True)
        if not reason
    ]
    locked = {_key(one): one for one in settings.lock.plugins}
    for plugin in used:
        drift += _differences(locked.get(_key(LockedPlugin.of(plugin))), LockedPlugin.of(plugin))
    drift.sort(key=lambda one: (one.plugin, one.distribution))
    return (*_api_drift(settings.lock), *drift)


def explain_drift(drift: Iterable[Drift]) -> str:
    """Return what differs from the lock and both ways out, as the message of an error.

    Args:
        drift: The differences; at least one.

    Example:
        >>> print(explain_drift([Drift(message="'audit' (acme-audit 1.0) is installed and not locked")]))
        The installed plugins are not those of odibi.lock, and the manifest says `plugins: {lock: true}`:
          'audit' (acme-audit 1.0) is installed and not locked
        Either bring back what is locked, or block what is new with `plugins.disable`;
        or take what is installed as it is: odibi plugins lock
    """
    drift = tuple(drift)
    lines = [f"The installed plugins are not those of {LOCK_FILE}, and the manifest says `plugins: {{lock: true}}`:"]
    lines += [f"  {one.message}" for one in drift]
    install = sorted({one.install for one in drift} - {""})
    back = f"bring back what is locked{': ' + pip_install(*install) if install else ''}"
    lines.append(f"Either {back}, or block what is new with `plugins.disable`;")
    lines.append("or take what is installed as it is: odibi plugins lock")
    return "\n".join(lines)


def _key(plugin: LockedPlugin) -> tuple[str, str]:
    return (canonical_name(plugin.name), plugin.distribution)


def _api_drift(lock: PluginLock) -> list[Drift]:
    if lock.api == API_VERSION:
        return []
    return [Drift(message=f"version {lock.api} of the plugin API is locked, and this kernel has {API_VERSION}")]


def _differences(locked: LockedPlugin | None, found: LockedPlugin) -> list[Drift]:
    if locked is None:
        texts = ["is installed and not locked"]
    else:
        pairs = [
            ("version", locked.version, found.version),
            ("entry point", locked.entry_point, found.entry_point),
            ("range of kernels (odibi-core)", locked.requires_api or "none", found.requires_api or "none"),
        ]
        texts = [
            f"has the {what} {there!r}, and {wanted!r} is locked" for what, wanted, there in pairs if wanted != there
        ]
    return [
        Drift(
            message=f"{found.describe()} {text}",
            plugin=found.name,
            distribution=found.distribution,
            is_installed=True,
            install="" if locked is None else f"{locked.distribution}=={locked.version}",
        )
        for text in texts
    ]
