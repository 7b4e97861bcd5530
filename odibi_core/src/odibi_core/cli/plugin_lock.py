"""``odibi plugins lock``: write down which plugins a project is right with, or say what has changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import ExitCode
from odibi_core.cli.output import Output, describe_count, describe_path
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_folder_options

if TYPE_CHECKING:
    from pathlib import Path

    from odibi_core.loading import Drift, PluginLock
    from odibi_core.project import ProjectManifest

__all__ = ["drift_of", "lock"]


@click.command
@click.option(
    "--check", "is_check", is_flag=True, help="Write nothing; exit with 1 if the lock is not what it would be."
)
@project_folder_options
@command_options
@click.pass_context
def lock(context: click.Context, request: Request, *, is_check: bool, choice: ProjectChoice) -> None:
    """Write odibi.lock: every plugin that the project may use, with distribution, version, entry point and API.

    The file is beside the manifest and belongs to the project's sources. It is made from what is installed, without
    importing any of it, and from the manifest's `allow`, `only` and `disable`; environment variables do not matter.
    With `plugins: {lock: true}` in the manifest, nothing runs with other plugins than these.

    Exit codes: 0 it is written, or with --check it is right; 1 with --check, it is not; 2 there is no such project, or
    its manifest has faults.
    """
    from odibi_core.errors import PluginLockError
    from odibi_core.loading import LOCK_FILE, read_lock
    from odibi_core.project import ProjectManifest

    manifest_path = choice.find()
    manifest = ProjectManifest.from_file(manifest_path)
    path = manifest_path.parent / LOCK_FILE
    wanted = _lock_of(manifest)
    if path.is_dir():
        raise PluginLockError(f"{path} is a folder, which the lock would take the place of. Move or remove it.")
    try:
        known = read_lock(path) if path.exists() else None
    except PluginLockError:
        known = None
    is_right = known == wanted
    if not (is_check or is_right):
        from odibi_core.plugin.files import staged_file

        with staged_file(path) as partial:
            partial.write_text(wanted.to_text(), encoding="utf-8", newline="\n")
    drift = [] if known is None else [one.message for one in _drift(manifest, known)]
    if request.output.as_json:
        document = {
            "file": str(path),
            "written": not (is_check or is_right),
            "right": is_right or not is_check,
            "plugins": len(wanted.plugins),
            "drift": drift,
            "enforced": bool(manifest.plugins.lock),
        }
        request.output.document(document)
    else:
        _tell(request.output, path, is_check=is_check, is_right=is_right, is_there=known is not None, drift=drift)
        if not is_check:
            request.output.line(f"{describe_count(len(wanted.plugins), 'plugin')} locked.")
        if not manifest.plugins.lock:
            request.output.remark("Nothing is refused yet. The manifest has to say: plugins: {lock: true}")
    if is_check and not is_right:
        context.exit(ExitCode.FAILED)


def drift_of(manifest: ProjectManifest, *, root: Path) -> tuple[Drift, ...] | None:
    """Return in what the installed plugins differ from a project's lock; None if it has none.

    Args:
        manifest: The manifest.
        root: The project's folder.

    Raises:
        PluginLockError: The lock cannot be read, or the manifest asks for one that is not there.
    """
    from odibi_core.loading import LOCK_FILE, read_lock

    path = root / LOCK_FILE
    if not manifest.plugins.lock and not path.exists():
        return None
    return _drift(manifest, read_lock(path))


def _lock_of(manifest: ProjectManifest) -> PluginLock:
    from odibi_core.loading import PluginLock, PluginSettings, find_plugins, plugins_to_lock

    choices = manifest.plugins
    settings = PluginSettings(
        disable=frozenset(choices.disable),
        only=None if choices.only is None else frozenset(choices.only),
        allow=None if choices.allow is None else frozenset(choices.allow),
    )
    return PluginLock.of(plugins_to_lock(find_plugins(), settings=settings))


def _drift(manifest: ProjectManifest, known: PluginLock) -> tuple[Drift, ...]:
    from odibi_core.loading import PluginSettings, find_drift, find_plugins

    choices = manifest.plugins
    settings = PluginSettings.from_environment().merged(
        disable=choices.disable, only=choices.only, allow=choices.allow, lock=known
    )
    return find_drift(find_plugins(), settings=settings)


def _tell(output: Output, path: Path, *, is_check: bool, is_right: bool, is_there: bool, drift: list[str]) -> None:
    name = describe_path(str(path))
    if is_right:
        output.line(f"{name} is what it would be.")
    elif is_check:
        output.line(f"{name} is not what it would be." if is_there else f"{name} is not there, or is no lock.")
    else:
        output.line(f"{name} {'is written anew' if is_there else 'is written'}.")
    for message in drift:
        output.line(message, indent=2, hanging=2)
