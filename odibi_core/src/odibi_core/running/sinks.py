"""The log sinks of a run: those that the manifest names and those that the caller brings."""

from __future__ import annotations

import hashlib
import json
import os
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
        ConfigError: The manifest's configuration of a sink is wrong, what the caller brings is none, or two are one.
        PluginError: A sink is not installed or cannot be loaded.
    """
    brought = [] if extra is None else list(extra) if isinstance(extra, Sequence) else [extra]
    # Before the manifest's are built: a file sink makes its file.
    also = [_brought(sink, position, project=project) for position, sink in enumerate(brought)]
    targets = (*(_configured(dict(config), project, manager) for config in project.manifest.log_sinks), *also)
    _refuse_doubles(targets, configured=len(targets) - len(also))
    return targets


def sink_of_type(project: Project, name: str, *, manager: PluginManager) -> LogSink:
    """Return a log sink that a manifest names, built.

    Args:
        project: The project.
        name: The sink's type, in any case; ``"file:2"`` is the second one of that type.
        manager: Where the class comes from.

    Raises:
        ConfigError: The manifest names no such sink, or several.
        PluginError: The sink is not installed or cannot be loaded.
    """
    from odibi_core.runlog.records import fold

    choices = _choices(project)
    wanted = fold(name)
    if wanted in choices:
        return _configured(choices[wanted], project, manager).sink
    several = [choice for choice in choices if choice.startswith(f"{wanted}:")]
    if several:
        raise ConfigError(
            f"The manifest of {project.name!r} names {len(several)} log sinks of type {wanted!r}. Say which, by its "
            f"place among them: {', '.join(several)}."
        )
    raise ConfigError(
        f"The manifest of {project.name!r} names no log sink of type {name!r}. There are: "
        f"{', '.join(sorted(choices)) or 'none'}. {did_you_mean(wanted, choices)}".rstrip()
    )


def _choices(project: Project) -> dict[str, dict[str, Any]]:
    """Return the log sinks of a manifest by what they are called: by type, with a number if that is not enough."""
    from odibi_core.runlog.records import fold

    types = [fold(str(config.get("type"))) for config in project.manifest.log_sinks]
    return {
        of_type if types.count(of_type) == 1 else f"{of_type}:{types[: place + 1].count(of_type)}": dict(config)
        for place, (of_type, config) in enumerate(zip(types, project.manifest.log_sinks, strict=True))
    }


def _refuse_doubles(targets: Sequence[SinkTarget], *, configured: int) -> None:
    # The place that both write to would have every record twice.
    known: dict[object, int] = {}
    for number, target in enumerate(targets):
        place = _place_of(target.sink)
        signs = {target.key, id(target.sink), None if place is None else (type(target.sink), place)} - {None}
        first = min(known.setdefault(sign, number) for sign in signs)
        if first != number:
            one, other = (
                f"log_sinks[{n}] of the manifest" if n < configured else f"log_sink[{n - configured}]"
                for n in (first, number)
            )
            where = f" ({place})" if place else ""
            raise ConfigError(
                f"Two log sinks are one and the same, {target.name!r}{where}: {one} and {other}. It would get every "
                f"record twice. Leave one of them out."
            )


def _configured(config: dict[str, Any], project: Project, manager: PluginManager) -> SinkTarget:
    from odibi_core.project import resolve_options

    spec = manager.log_sinks.get(config.pop("type"))
    what = f"log sink {spec.name!r}"
    sink = manager.load(spec)(**resolve_options(config, spec=spec, manager=manager, what=what, root=project.root))
    return _target(spec.name, sink, project=project, otherwise=config)


def _brought(sink: LogSink, position: int, *, project: Project) -> SinkTarget:
    if isinstance(sink, type):
        raise ConfigError(f"log_sink is the class {sink.__name__}. Give it an object of it: {sink.__name__}(...)")
    if not callable(getattr(sink, "write", None)):
        raise ConfigError(f"log_sink is {type(sink).__name__}, which has no method 'write(records)'.")
    # Without a path, two sinks of one class are told apart by their places in the caller's list.
    return _target(type(sink).__name__, sink, project=project, otherwise={"position": position})


def _target(name: str, sink: LogSink, *, project: Project, otherwise: Mapping[str, Any]) -> SinkTarget:
    from odibi_core.runlog import SinkTarget

    # By its place and not by its options: a password that is put right, or a longer time-out, must not make another
    # sink of it, which would not get what this one lacks. Nor must moving the project's folder.
    place = _place_of(sink)
    roots = (str(project.root.resolve()), str(project.root))
    known_by = dict(otherwise) if place is None else {"path": place.replace(roots[0], ".").replace(roots[1], ".")}
    digest = hashlib.sha256(json.dumps(known_by, sort_keys=True, default=str).encode()).hexdigest()
    return SinkTarget(name=name, sink=sink, key=f"{name}-{digest[:16]}")


def _place_of(sink: LogSink) -> str | None:
    path = getattr(sink, "path", None)
    if path is None:
        return None
    return os.path.realpath(path) if isinstance(path, os.PathLike) else str(path)
