"""Which engine a transformation runs on, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from odibi_core.plugin import ConfigError

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.project import ProjectManifest

__all__ = ["FALLBACK_ENGINE", "choose_engine", "choose_run_engine"]

FALLBACK_ENGINE: Final = "spark"
"""What v2 ran on when nothing was said; kept for projects that rely on it."""


def choose_run_engine(
    *, argument: object, manifest: ProjectManifest, manager: PluginManager, own: Sequence[object] = ()
) -> tuple[str, str]:
    """Return the engine of a run as a whole: what a transformation gets if neither its row nor its layer says more.

    Args:
        argument: What the caller passed as ``engine``: None, a name or an `Engine`.
        manifest: The project's manifest.
        manager: The installed engines.
        own: For each transformation, what its row or layer names; None if it needs the engine of the run.

    Returns:
        The engine's name and the reason, as ``odibi plan`` shows it.

    Raises:
        EngineNotFoundError: No installed plugin provides it.
    """
    if argument is not None:
        return _installed(argument, manager), "argument engine"
    if manifest.default_engine:
        return _installed(manifest.default_engine, manager), "default_engine of the manifest"
    installed = manager.engines.names()
    if len(installed) == 1:
        return installed[0], "the only installed engine"
    if own and None not in own:
        # No transformation runs on the engine of the run, so v2's need not be installed.
        usable = [name for name in own if isinstance(name, str) and name.strip().lower() in manager.engines]
        return usable[0].strip().lower() if usable else FALLBACK_ENGINE, "the first transformation's"
    return _installed(FALLBACK_ENGINE, manager), "nothing else was said"


def choose_engine(
    *,
    constants: Mapping[str, Any],
    argument: object,
    layer_engine: str | None,
    layer: str,
    run_engine: tuple[str, str],
    manager: PluginManager,
) -> tuple[str, str]:
    """Return the engine of one transformation: row, then argument, then layer, then what holds for the run.

    Args:
        constants: The row's constants; the key ``engine`` is the row's own word.
        argument: What the caller passed as ``engine``.
        layer_engine: The layer's ``default_engine``.
        layer: The layer's name, for the reason.
        run_engine: What `choose_run_engine` returned.
        manager: The installed engines.

    Returns:
        The engine's name and the reason.

    Raises:
        EngineNotFoundError: No installed plugin provides it.
    """
    if constants.get("engine") is not None:
        return _installed(constants["engine"], manager), "constants.engine of the row"
    if argument is None and layer_engine:
        return _installed(layer_engine, manager), f"default_engine of layer {layer}"
    return run_engine


def _installed(name: object, manager: PluginManager) -> str:
    # An `Engine` carries its name as `value`; so does the member of an enum that a v2 project may bring.
    text = getattr(name, "value", name)
    if not isinstance(text, str):
        raise ConfigError(f"An engine is named by a string such as 'pandas', not by {name!r}.")
    return manager.engine(text).name
