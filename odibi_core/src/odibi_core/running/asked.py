"""What the predecessor's helpers are asked: by position or by name, in the short form or in the predecessor's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from odibi_core.errors import ConfigError, ProjectNotFoundError, SelectionError, did_you_mean

if TYPE_CHECKING:
    from odibi_core.plugin import ReadableLogSink
    from odibi_core.project import Project
    from odibi_core.runlog import RunIndex, SourceAnswers

__all__ = ["Asked", "Place", "find_place", "find_project", "read_arguments", "unknown_layer"]

_HOURS: Final = 24.0
_BEFORE: Final = ("sql_provider", "spark")
"""What comes before all else in the predecessor's form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked.

    Args:
        project: The project's name, its folder, or the project itself; None means the one of the working folder.
        env: The environment; None means the manifest's.
        layer: The layer; None means all.
        hours: How far back to look.
        is_dry_run: Whether nothing is to run.
    """

    project: str | Path | Project | None
    env: str | None
    layer: str | None
    hours: float
    is_dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose runs are meant, and what knows about them.

    Args:
        name: The project's name.
        env: The environment.
        log: What knows about its runs.
        project: The project, perhaps without its rows; None if it is not on this machine.
    """

    name: str
    env: str
    log: RunIndex | SourceAnswers
    project: Project | None


def read_arguments(
    function: str, args: tuple[Any, ...], named: Mapping[str, Any], *, positions: tuple[str, ...]
) -> Asked:
    """Return what a helper was asked.

    Args:
        function: Its name, for messages.
        args: What it got by position.
        named: What it got by name; None was not given.
        positions: The names of its positions in the short form.

    Raises:
        TypeError: There are too many arguments, or one came twice.
        ConfigError: The hours are no number greater than 0.
    """
    names = (*_BEFORE, *positions) if _is_predecessors_form(args, named) else positions
    if len(args) > len(names):
        raise TypeError(f"{function}() takes at most {len(names)} positional arguments: {', '.join(names)}")
    given = dict(zip(names, args, strict=False))
    for name, value in named.items():
        if value is not None and given.setdefault(name, value) is not value:
            raise TypeError(f"{function}() got {name!r} by position and by name")
    hours = given.get("hours")
    return Asked(
        project=given.get("project"),
        env=given.get("env"),
        layer=given.get("layer"),
        hours=_HOURS if hours is None else _checked_hours(hours),
        is_dry_run=given.get("dry_run") is not False,
    )


def _is_predecessors_form(args: tuple[Any, ...], named: Mapping[str, Any]) -> bool:
    # A project is a text, a path or a Project. A provider is none of these, and None leaves it open.
    from odibi_core.project import Project

    if not args or isinstance(args[0], str | Path | Project):
        return False
    return args[0] is not None or len(args) > len(_BEFORE) or named.get("project") is not None


def _checked_hours(hours: object) -> float:
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours < math.inf:
        raise ConfigError(f"hours is {hours!r}; it must be a number greater than 0.")
    return float(hours)


def find_place(asked: Asked, *, source: ReadableLogSink | str | None = None) -> Place:
    """Return whose runs are meant, and what knows about them.

    Args:
        asked: What was asked.
        source: A log sink, or the type of one that the manifest names; None means the project's own run log.

    Raises:
        ProjectNotFoundError: There is no such project, neither here nor in the source.
        SelectionError: It has no such environment.
        RunLogError: The source cannot be read.
        ConfigError: The source cannot be read back.
    """
    from odibi_core.planning import choose_env
    from odibi_core.runlog import RunIndex, SourceAnswers

    try:
        project = find_project(asked)
    except ProjectNotFoundError:
        if source is None or isinstance(source, str) or not isinstance(asked.project, str) or asked.env is None:
            raise
        # A log that several machines write to knows projects that are not on this one.
        answers = SourceAnswers(source)
        answers.must_know(asked.project, asked.env)
        return Place(name=asked.project, env=asked.env, log=answers, project=None)
    log = RunIndex(project.state_dir) if source is None else SourceAnswers(_sink(source, project))
    return Place(name=project.name, env=choose_env(project, asked.env), log=log, project=project)


def find_project(asked: Asked) -> Project:
    """Return the project; unless it was given, without its rows.

    Raises:
        ProjectNotFoundError: There is no such project.
        ValidationFailed: Its manifest cannot be read.
    """
    from odibi_core.project import Project, locate_project

    return asked.project if isinstance(asked.project, Project) else Project.without_rows(locate_project(asked.project))


def unknown_layer(project: str, layer: str, *, known: Sequence[str]) -> SelectionError:
    """Return the error that says that a project has no such layer.

    Args:
        project: The project's name.
        layer: What was asked for.
        known: Its layers.
    """
    return SelectionError(
        f"Layer {layer!r} is not one of project {project!r}. There are: {', '.join(known) or 'none'}. "
        f"{did_you_mean(layer, known)}".rstrip()
    )


def _sink(source: ReadableLogSink | str, project: Project) -> Any:
    if not isinstance(source, str):
        return source
    from odibi_core.running.sinks import sink_of_type

    return sink_of_type(project, source, manager=project.manager())
