"""The log sinks of a run: those that the manifest names and those that the caller brings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from odibi_core.errors import ConfigError, did_you_mean
from odibi_core.plugin import LogSink

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.project import Project
    from odibi_core.runlog import SinkTarget

__all__ = ["sink_of_type", "sink_targets"]


def sink_targets(
    project: Project, *, manager: PluginManager, extra: LogSink | Sequence[LogSink] | None = None
) -> tuple[SinkTarget, ...]:
    """Return the sinks of a run, built.

    Args:
        project: The project, for its manifest's ``log_sinks``.
        manager: Where the classes come from.
        extra: Sinks that the caller brings.

    Raises:
        ConfigError: The manifest's configuration of a sink is wrong.
        PluginError: A sink is not installed or cannot be loaded.
    """
    targets = [_configured(dict(config), project, manager) for config in project.manifest.log_sinks]
    brought = [] if extra is None else list(extra) if isinstance(extra, Sequence) else [extra]
    return (*targets, *(_brought(sink, position) for position, sink in enumerate(brought)))


def sink_of_type(project: Project, name: str, *, manager: PluginManager) -> LogSink:
    """Return the one log sink of a type that a manifest names, built.

    Args:
        project: The project.
        name: The sink's type.
        manager: Where the class comes from.

    Raises:
        ConfigError: The manifest names no sink of that type, or several.
        PluginError: The sink is not installed or cannot be loaded.
    """
    configs = [config for config in project.manifest.log_sinks if config.get("type") == name]
    if len(configs) == 1:
        return _configured(dict(configs[0]), project, manager).sink
    there = sorted({str(config.get("type")) for config in project.manifest.log_sinks})
    found = f"{len(configs)} log sinks" if configs else "no log sink"
    hint = "Build the one that is meant and give that." if configs else did_you_mean(name, there)
    raise ConfigError(
        f"The manifest of {project.name!r} names {found} of type {name!r}. There are: {', '.join(there) or 'none'}. "
        f"{hint}".rstrip()
    )


def _configured(config: dict[str, Any], project: Project, manager: PluginManager) -> SinkTarget:
    from odibi_core.project import resolve_options
    from odibi_core.runlog import SinkTarget

    name = config.pop("type")
    spec = manager.log_sinks.get(name)
    options = resolve_options(config, spec=spec, manager=manager, what=f"log sink {name!r}", root=project.root)
    return SinkTarget(name=name, sink=manager.load(spec)(**options), key=_key(name, config))


def _brought(sink: LogSink, position: int) -> SinkTarget:
    from odibi_core.runlog import SinkTarget

    if not callable(getattr(sink, "write", None)):
        raise ConfigError(f"log_sink is {type(sink).__name__}, which has no method 'write(records)'.")
    name = type(sink).__name__
    # Without a path, two sinks of one class are told apart by their places in the caller's list.
    known_by = {"path": str(sink.path)} if hasattr(sink, "path") else {"position": position}
    return SinkTarget(name=name, sink=sink, key=_key(name, known_by))


def _key(name: str, config: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()
    return f"{name}-{digest[:16]}"
