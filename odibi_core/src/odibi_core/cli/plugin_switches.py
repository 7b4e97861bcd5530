"""``odibi plugins disable`` and ``enable``: where a plugin is blocked, in the project or in the environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import ExitCode
from odibi_core.cli.output import describe_path
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_folder_options

if TYPE_CHECKING:
    from odibi_core.loading import PluginRecord, PluginSettings
    from odibi_core.project import ProjectManifest

__all__ = ["disable", "enable", "installed_name"]

_VARIABLE: Final = "ODIBI_PLUGINS_DISABLE"

_for_project = click.option(
    "--for-project", "is_for_project", is_flag=True, help="Write it into the project's manifest; -C does so too."
)


@click.command
@click.argument("name")
@_for_project
@project_folder_options
@command_options
@click.pass_context
def disable(
    context: click.Context, request: Request, *, name: str, is_for_project: bool, choice: ProjectChoice
) -> None:
    """Block a plugin: it is not imported any more.

    NAME is the plugin's name or that of its distribution. With --for-project it is added to `plugins.disable` of the
    manifest, whose comments and layout stay as they are; without, the environment variable is printed that does it.

    Exit codes: 0 it is done, or here is the variable; 1 the manifest cannot be edited safely, and here is what to
    write; 2 there is no such plugin or project.
    """
    shown, meant = _meant(name, _installed())
    if is_for_project or choice.is_given:
        _edit_manifest(context, request, choice, shown, meant, is_disabling=True)
    else:
        _print_variable(request, shown, [*_names(os.environ.get(_VARIABLE, ""), without=meant), shown])


@click.command
@click.argument("name")
@_for_project
@project_folder_options
@command_options
@click.pass_context
def enable(context: click.Context, request: Request, *, name: str, is_for_project: bool, choice: ProjectChoice) -> None:
    """Take back what `odibi plugins disable` did.

    NAME is the plugin's name or that of its distribution. What else still blocks the plugin is told.

    Exit codes: 0 it is done, or here is the variable; 1 the manifest cannot be edited safely, and here is what to take
    out; 2 there is no such plugin or project.
    """
    blocked = _blocked_names(choice) if is_for_project or choice.is_given else _names(os.environ.get(_VARIABLE, ""))
    shown, meant = _meant(name, _installed(), also=blocked)
    if is_for_project or choice.is_given:
        _edit_manifest(context, request, choice, shown, meant, is_disabling=False)
    else:
        _print_variable(request, shown, _names(os.environ.get(_VARIABLE, ""), without=meant))


def installed_name(name: str) -> str:
    """Return the name of an installed plugin or distribution in its own spelling.

    Raises:
        PluginNotFoundError: Nothing of that name is installed.
    """
    return _meant(name, _installed())[0]


def _installed() -> list[PluginRecord]:
    from odibi_core.loading import find_plugins

    return [plugin.record for plugin in find_plugins()]


def _names(text: str, *, without: Iterable[str] = ()) -> list[str]:
    from odibi_core.loading.records import canonical_name

    names = [name.strip() for name in text.split(",") if name.strip()]
    return [name for name in names if canonical_name(name) not in set(without)]


def _meant(name: str, installed: list[PluginRecord], *, also: Iterable[str] = ()) -> tuple[str, set[str]]:
    """Return what to write for a name, and every name by which the same plugins are blocked.

    Raises:
        PluginNotFoundError: Nothing of that name is installed.
    """
    from odibi_core.errors import PluginNotFoundError, did_you_mean
    from odibi_core.loading.records import canonical_name

    asked = canonical_name(name)
    found = [one for one in installed if asked in (canonical_name(one.name), canonical_name(one.distribution))]
    if not found and asked not in map(canonical_name, also):
        names = sorted({word for record in installed for word in (record.name, record.distribution)} | set(also))
        there = f"There are: {', '.join(names)}." if names else "No plugin is installed."
        raise PluginNotFoundError(f"Plugin {name!r} not found. {there} {did_you_mean(name, names)}".rstrip())
    words = [word for record in found for word in (record.name, record.distribution)] or [name.strip()]
    shown = next((word for word in words if canonical_name(word) == asked), name.strip())
    return shown, {canonical_name(word) for word in words} | {asked}


def _blocked_names(choice: ProjectChoice) -> list[str]:
    from odibi_core.project import ProjectManifest

    return ProjectManifest.from_file(choice.find()).plugins.disable


def _print_variable(request: Request, shown: str, names: list[str]) -> None:
    value = ",".join(dict.fromkeys(names))
    if request.output.as_json:
        request.output.document({"plugin": shown, "where": "environment", "variable": _VARIABLE, "value": value})
    else:
        request.output.line(f"{_VARIABLE}={value}")
        request.output.remark(
            "Set this variable where odibi runs. To write it into the project instead: --for-project"
            if value
            else "Set or unset this variable where odibi runs: it names nothing else."
        )


def _edit_manifest(
    context: click.Context,
    request: Request,
    choice: ProjectChoice,
    shown: str,
    meant: set[str],
    *,
    is_disabling: bool,
) -> None:
    from odibi_core.loading.records import canonical_name
    from odibi_core.project import ProjectManifest
    from odibi_core.project.disable_list import add_disabled, disabled_lines, remove_disabled

    path = choice.find().resolve()
    manifest = ProjectManifest.from_file(path)
    written = [one for one in manifest.plugins.disable if canonical_name(one) in meant]
    edits: list[Callable[[str], str | None]] = []
    if is_disabling and not written:
        edits = [lambda text: add_disabled(text, suffix=path.suffix, name=shown)]
    elif not is_disabling:
        edits = [_remover(remove_disabled, path.suffix, one) for one in dict.fromkeys(written)]
    is_done = _edit(path, edits)
    word = "disabled" if is_disabling else "enabled"
    by_hand = "" if is_done else (disabled_lines(path.suffix, name=shown) if is_disabling else ", ".join(written))
    still = [] if is_disabling or not is_done else _still_blocked(manifest, meant)
    if request.output.as_json:
        document: dict[str, Any] = {"plugin": shown, "where": str(path), "written": is_done and bool(edits)}
        request.output.document(document | {"by_hand": by_hand or None, "still_blocked": still})
    elif not is_done:
        what = "Write this into it" if is_disabling else "Take this out of its `plugins.disable`"
        request.output.line(f"{describe_path(str(path))} cannot be edited safely, and is as it was. {what}:")
        for line in by_hand.splitlines():
            request.output.line(line, indent=2)
    else:
        already = "" if edits else " was already"
        request.output.line(f"{shown}{already or ' is now'} {word} in {describe_path(str(path))}.")
        for reason in still:
            request.output.line(f"It is still blocked: {reason}", hanging=2)
    if not is_done:
        context.exit(ExitCode.FAILED)


def _remover(remove: Callable[..., str | None], suffix: str, name: str) -> Callable[[str], str | None]:
    return lambda text: remove(text, suffix=suffix, name=name)


def _edit(path: Path, edits: list[Callable[[str], str | None]]) -> bool:
    """Change a file by all of some edits, or not at all; return whether it was done."""
    from odibi_core.plugin.files import staged_file

    if not edits:
        return True
    content = path.read_bytes()
    mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
    text: str | None = content.decode("utf-8-sig")
    for edit in edits:
        text = None if text is None else edit(text)
    if text is None:
        return False
    with staged_file(path) as partial:
        partial.write_bytes(mark + text.encode())
    return True


def _still_blocked(manifest: ProjectManifest, meant: set[str]) -> list[str]:
    """Return why a plugin is not loaded although the manifest does not disable it any more."""
    from odibi_core.loading import PluginSettings
    from odibi_core.loading.blocking import names_of, why_blocked
    from odibi_core.loading.records import canonical_name

    choices, records = manifest.plugins, _installed()
    settings: PluginSettings = PluginSettings.from_environment().merged(
        disable=[one for one in choices.disable if canonical_name(one) not in meant],
        only=choices.only,
        allow=choices.allow,
    )
    reasons = zip(records, why_blocked(records, settings=settings), strict=True)
    return [reason for record, reason in reasons if reason and names_of(record) & meant]
