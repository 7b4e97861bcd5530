"""What a command was asked for besides its own options: how to answer, with which plugins, about which project."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from contextlib import chdir, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.logs import logged
from odibi_core.cli.output import Output

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager, PluginSettings

__all__ = [
    "PositiveNumber",
    "ProjectChoice",
    "Request",
    "command_options",
    "global_options",
    "project_folder_options",
    "project_options",
]

AnyFunction: TypeAlias = Callable[..., Any]


@dataclass(slots=True)
class Request:
    """One call of ``odibi``; every command gets it.

    Args:
        output: Where the answer goes.
        verbosity: How often ``-v`` was given.
        no_plugins: Whether no plugin is to be used.
        disabled: Plugins that are not to be used.
    """

    output: Output = field(default_factory=Output)
    verbosity: int = 0
    no_plugins: bool = False
    disabled: list[str] = field(default_factory=list)

    def settings(self) -> PluginSettings:
        """Return which plugins may be used, by the environment's and the command line's word."""
        from odibi_core.loading import PluginSettings

        settings = PluginSettings.from_environment()
        return settings.merged(disable=self.disabled, discover=False if self.no_plugins else None)

    def manager(self) -> PluginManager:
        """Return the plugins, without regard to any project.

        Raises:
            PluginLoadError: A plugin is broken, and ``ODIBI_PLUGINS_STRICT`` is set.
        """
        from odibi_core.loading import get_manager

        return get_manager(self.settings())


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectChoice:
    """How a project was named on the command line.

    Args:
        project: Its name, its folder or its manifest; None means the one of the working folder.
        start: The folder to look from; None means the working folder.
        manifest: The manifest, where it is not to be looked for.
    """

    project: str | None
    start: Path | None
    manifest: Path | None

    @property
    def is_given(self) -> bool:
        """Whether anything was said."""
        return any((self.project, self.start, self.manifest))

    def find(self) -> Path:
        """Return the path of the project's manifest.

        Raises:
            ProjectNotFoundError: There is none; the error says where it was looked for.
        """
        from odibi_core.project import find_manifest, locate_project

        with chdir(self.start or "."):
            return find_manifest(manifest_path=self.manifest) if self.manifest else locate_project(self.project)

    def state_dir(self) -> Path:
        """Return the folder of the project's run log."""
        return self.find().parent / ".odibi"

    def open(self, request: Request, *, refuses_drift: bool = True) -> tuple[Path, PluginManager]:
        """Return the path of the project's manifest, and the plugins that the project uses.

        Args:
            request: What the command was asked for.
            refuses_drift: Whether plugins that are not those of the project's lock are an error; where they are the
                answer itself they are only blocked.

        Raises:
            ProjectNotFoundError: There is no such project.
            PluginLoadError: A plugin is broken, and environment or manifest are strict.
            PluginLockError: The plugins are not those of the project's lock, or it cannot be read.
        """
        from odibi_core.loading import get_manager
        from odibi_core.project.manifest_reading import read_manifest
        from odibi_core.project.plugin_choices import settings_of_reading

        path = self.find()
        # A manifest with faults is read again by whatever needs it, which tells all of them.
        reading = read_manifest(path)
        settings = settings_of_reading(
            reading, root=path.parent, settings=request.settings(), refuses_drift=refuses_drift
        )
        return path, get_manager(settings)


def _note(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def note(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        request = context.find_object(Request)
        if request is None or context.resilient_parsing:
            return
        if name == "disabled":
            request.disabled.extend(value)
        elif name == "verbosity":
            request.verbosity += value
        elif name in ("as_json", "quiet"):
            setattr(request.output, name, getattr(request.output, name) or value)
        else:
            setattr(request, name, getattr(request, name) or value)

    return note


def _option(*names: str, sets: str, **attributes: Any) -> Callable[[AnyFunction], AnyFunction]:
    return click.option(*names, callback=_note(sets), expose_value=False, is_eager=True, **attributes)


_PLUGIN_OPTIONS = (
    _option("--no-plugins", sets="no_plugins", is_flag=True, help="Use no plugin, as if none were installed."),
    _option(
        "--disable-plugin",
        sets="disabled",
        multiple=True,
        metavar="NAME",
        help="Do not use this plugin; may be given several times.",
    ),
)
_ANSWER_OPTIONS = (
    _option("--json", sets="as_json", is_flag=True, help="Print one JSON document on stdout and nothing else."),
    _option("-q", "--quiet", sets="quiet", is_flag=True, help="Print only what was asked for."),
    _option(
        "-v",
        "--verbose",
        sets="verbosity",
        count=True,
        help="Print what Odibi logs to stderr; twice for everything.",
    ),
)


class PositiveNumber(click.FloatRange):
    """A number of hours or seconds. NaN and infinity are none: JSON has no word for them."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        number: float = super().convert(value, param, ctx)
        return number if math.isfinite(number) else self.fail(f"{value} is not a finite number.", param, ctx)


def global_options(function: AnyFunction) -> AnyFunction:
    """Add the options that may stand before the command's name, to the command line itself."""
    for option in reversed((*_PLUGIN_OPTIONS, *_ANSWER_OPTIONS)):
        function = option(function)
    return function


def command_options(function: AnyFunction) -> AnyFunction:
    """Add the same options to a command, where people write them; the command gets the `Request` first."""

    @click.pass_obj
    @functools.wraps(function)
    def command(request: Request, *args: Any, **options: Any) -> Any:
        with (
            request.output.reserved() if request.output.as_json else nullcontext(),
            logged(request.verbosity),
        ):
            try:
                return function(request, *args, **options)
            except SystemExit as leaving:
                raise _not_its_own_exit(leaving) from leaving

    return global_options(command)


def _not_its_own_exit(leaving: SystemExit) -> Exception:
    from odibi_core.diagnostics import error_location
    from odibi_core.errors import FunctionError

    # A module that ends with `sys.exit(main())` would make this a success, with nothing done.
    called = f"sys.exit({'' if leaving.code is None else repr(leaving.code)})"
    return FunctionError(f"Code of the project or of a plugin called {called}, at {error_location(leaving)}.")


def project_options(function: AnyFunction) -> AnyFunction:
    """Add the ways to name a project; the command gets a `ProjectChoice` as ``choice``."""
    return click.argument("project", required=False)(project_folder_options(function))


def project_folder_options(function: AnyFunction) -> AnyFunction:
    """Add the ways to name a project but the argument, for commands that have another one."""

    @functools.wraps(function)
    def command(
        *args: Any, project_dir: Path | None, manifest: Path | None, project: str | None = None, **rest: Any
    ) -> Any:
        choice = ProjectChoice(project=project, start=project_dir, manifest=manifest)
        return function(*args, choice=choice, **rest)

    folder = click.Path(exists=True, file_okay=False, path_type=Path)
    for option in (
        click.option("--manifest", type=click.Path(path_type=Path), help="The project's manifest."),
        click.option("-C", "--project-dir", type=folder, help="Look for the project from this folder on."),
    ):
        command = option(command)
    return command
