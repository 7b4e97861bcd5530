"""From what a manifest says about plugins to the settings that the loader keeps to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.errors import PluginLockError
from odibi_core.project.manifest import ProjectManifest
from odibi_core.project.manifest_reading import ManifestReading

if TYPE_CHECKING:
    from odibi_core.loading import PluginLock, PluginManager, PluginSettings

__all__ = ["plugin_settings_for", "refuse_drift", "settings_of_reading"]

_POLICY_KEYS = frozenset({"allow", "lock"})


def plugin_settings_for(
    manifest: ProjectManifest,
    *,
    root: Path,
    settings: PluginSettings | None = None,
    refuses_drift: bool = True,
) -> PluginSettings:
    """Return which plugins a project may use: as the environment allows, and the manifest on top of it.

    Args:
        manifest: The manifest.
        root: The project's folder, where its lock is.
        settings: What the manifest's word is added to; by default what the environment says.
        refuses_drift: Whether a difference from the lock is an error; if not, what differs is blocked, and where the
            lock cannot be read that is everything.

    Raises:
        PluginLockError: The manifest asks for a lock that cannot be read.

    Example:
        >>> manifest = ProjectManifest(project_name="Energy", plugins={"allow": ["odibi_engine_pandas"]})
        >>> plugin_settings_for(manifest, root=Path()).allow
        frozenset({'odibi-engine-pandas'})
    """
    from odibi_core.loading import PluginSettings

    choices = manifest.plugins
    below = PluginSettings.from_environment() if settings is None else settings
    return below.merged(
        disable=choices.disable,
        only=choices.only,
        prefer=choices.prefer,
        strict=choices.strict,
        allow=choices.allow,
        lock=_lock(root, refuses_drift=refuses_drift) if choices.lock else None,
        refuses_drift=refuses_drift,
    )


def settings_of_reading(
    reading: ManifestReading, *, root: Path, settings: PluginSettings, refuses_drift: bool = True
) -> PluginSettings:
    """Return which plugins a project may use whose manifest may have faults.

    If the part that says what is allowed cannot be read, nothing is: a typing error must not open what it was to close.

    Args:
        reading: What could be read of the manifest.
        root: The project's folder.
        settings: What the manifest's word is added to.
        refuses_drift: Whether a difference from the lock is an error.

    Raises:
        PluginLockError: The manifest asks for a lock that cannot be read.
    """
    plugins: Any = reading.document.data.get("plugins") if isinstance(reading.document.data, Mapping) else None
    has_policy = isinstance(plugins, Mapping) and bool(_POLICY_KEYS & plugins.keys())
    if reading.manifest is None:
        return settings.merged(allow=()) if has_policy else settings
    found = plugin_settings_for(reading.manifest, root=root, settings=settings, refuses_drift=refuses_drift)
    return found.merged(allow=()) if has_policy and "plugins" in reading.broken else found


def refuse_drift(manifest: ProjectManifest, *, root: Path, manager: PluginManager) -> None:
    """Refuse a manager of the caller's own that looked for plugins without regard to the project's lock.

    Args:
        manifest: The manifest.
        root: The project's folder, where its lock is.
        manager: The manager.

    Raises:
        PluginLockError: What it looked at is not what is locked, or the lock cannot be read.
    """
    if not manifest.plugins.lock or not manager.settings.discover:
        return
    from odibi_core.loading import explain_drift, find_drift, find_plugins

    lock = _lock(root, refuses_drift=True)
    if manager.settings.lock != lock:
        drift = find_drift(find_plugins(), settings=manager.settings.merged(lock=lock))
        if drift:
            raise PluginLockError(explain_drift(drift))


def _lock(root: Path, *, refuses_drift: bool) -> PluginLock:
    from odibi_core.loading import LOCK_FILE, PluginLock, read_lock

    try:
        return read_lock(root / LOCK_FILE)
    except PluginLockError:
        if refuses_drift:
            raise
        return PluginLock()
