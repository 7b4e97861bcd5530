"""``odibi doctor``."""

from __future__ import annotations

import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import ExitCode
from odibi_core.cli.logs import loader_silenced
from odibi_core.cli.output import Output, describe_count, describe_path
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_options

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.plugin import CheckResult, CheckSpec

__all__ = ["doctor"]

_STATUSES = ("ok", "warning", "error")


@click.command
@project_options
@command_options
@click.pass_context
def doctor(context: click.Context, request: Request, *, choice: ProjectChoice) -> None:
    """Check that this machine can run projects: Python, the kernel, plugins, and what plugins check themselves.

    In a project, or with PROJECT (its name, its folder or its manifest), its run log is checked too. Exits with 1 if
    anything is an error.
    """
    with loader_silenced() if not request.verbosity else nullcontext():
        path, manager = _project(request, choice)
    checks = [_entry(name, result) for name, result in _checks(manager, path)]
    worst = max((_STATUSES.index(check["status"]) for check in checks), default=0)
    if request.output.as_json:
        request.output.document({"status": _STATUSES[worst], "checks": checks})
    else:
        _show(request.output, checks)
    if _STATUSES[worst] == "error":
        context.exit(ExitCode.FAILED)


def _project(request: Request, choice: ProjectChoice) -> tuple[Path | None, PluginManager]:
    from odibi_core.errors import ProjectNotFoundError

    try:
        return choice.open(request, refuses_drift=False)
    except ProjectNotFoundError:
        if choice.is_given:
            raise
        return None, request.manager()


def _checks(manager: PluginManager, path: Path | None) -> Iterator[tuple[str, CheckResult]]:
    from importlib.metadata import version

    from odibi_core.plugin import CheckResult

    yield "python", CheckResult(status="ok", message=f"Python {platform.python_version()} at {sys.executable}")
    yield "kernel", CheckResult(status="ok", message=f"odibi-core {version('odibi-core')}")
    for record in manager.records:
        origin = f"{record.distribution} {record.version}".strip()
        text = f"{origin}: {record.state}" if origin else str(record.state)
        is_broken = record.state in ("failed", "incompatible")
        reason = f", {record.reason}" if record.reason else ""
        yield (
            f"plugin {record.name}",
            CheckResult(status="error" if is_broken else "ok", message=text + reason),
        )
    for what, others in manager.conflicts().items():
        names = " and ".join(record.describe() for record in others)
        yield (
            what,
            CheckResult(
                status="error", message=f"{names} both provide it", suggestion="Disable one, or choose with `prefer`."
            ),
        )
    yield "engines", _check_engines(manager)
    if path is not None:
        yield from _check_lock(path)
        yield "run log", _check_state_dir(path.parent / ".odibi")
    for spec in manager.checks.values():
        yield spec.name, _run_check(manager, spec)


def _check_engines(manager: PluginManager) -> CheckResult:
    from odibi_core.plugin import CheckResult

    names = manager.engines.names()
    if names:
        return CheckResult(status="ok", message=f"installed: {', '.join(names)}")
    return CheckResult(
        status="warning",
        message="no engine is installed, so nothing can be run",
        suggestion="pip install odibi-engine-pandas",
    )


def _check_lock(manifest_path: Path) -> Iterator[tuple[str, CheckResult]]:
    """Say whether the plugins are those of the project's lock; nothing of a project that has none."""
    from odibi_core.cli.plugin_lock import drift_of
    from odibi_core.errors import PluginLockError
    from odibi_core.plugin import CheckResult
    from odibi_core.project.manifest_reading import read_manifest

    manifest = read_manifest(manifest_path).manifest
    if manifest is None:
        return
    try:
        drift = drift_of(manifest, root=manifest_path.parent)
    except PluginLockError as error:
        yield "plugin lock", CheckResult(status="error" if manifest.plugins.lock else "warning", message=str(error))
        return
    if drift:
        yield (
            "plugin lock",
            CheckResult(
                status="error" if manifest.plugins.lock else "warning",
                message="; ".join(one.message for one in drift),
                suggestion="Bring back what is locked, or take what is installed: odibi plugins lock",
            ),
        )
    elif drift is not None:
        word = "refused" if manifest.plugins.lock else "not refused, since the manifest does not say plugins.lock: true"
        yield "plugin lock", CheckResult(status="ok", message=f"the plugins are those of odibi.lock; others are {word}")


def _check_state_dir(folder: Path) -> CheckResult:
    from odibi_core.plugin import CheckResult

    # Nothing is left behind: the folder itself is made by the first run.
    nearest = folder if folder.exists() else folder.parent
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        return CheckResult(
            status="error",
            message=f"{describe_path(str(nearest))} cannot be written to: {error.strerror}",
            suggestion="Runs keep their log there; let this user write to it.",
        )
    return CheckResult(status="ok", message=f"{describe_path(str(folder))} can be written")


def _run_check(manager: PluginManager, spec: CheckSpec) -> CheckResult:
    """Run a plugin's check; whatever it raises is an error of this check and of no other."""
    from odibi_core.diagnostics import describe_error, redact
    from odibi_core.errors import PluginError
    from odibi_core.plugin import CheckResult

    try:
        result = manager.load(spec)()
    except PluginError as error:
        return CheckResult(status="error", message=redact(str(error)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - see above
        owner = manager.owner_of(spec).describe()
        return CheckResult(status="error", message=f"the check of plugin {owner} raised {describe_error(error)}")
    if isinstance(result, CheckResult) and result.status in _STATUSES:
        return result
    owner = manager.owner_of(spec).describe()
    return CheckResult(status="error", message=f"the check of plugin {owner} returned {result!r} and no CheckResult")


def _entry(name: str, result: CheckResult) -> dict[str, Any]:
    return {"name": name, "status": result.status, "message": result.message, "suggestion": result.suggestion}


def _show(output: Output, checks: list[dict[str, Any]]) -> None:
    for check in checks:
        advice = f" {check['suggestion']}" if check["suggestion"] else ""
        message = check["message"] if not advice or check["message"].endswith(".") else check["message"] + "."
        output.line(f"{check['status']:8} {check['name']}: {message}{advice}", hanging=9)
    errors = sum(check["status"] == "error" for check in checks)
    output.remark()
    output.remark(f"{describe_count(len(checks), 'check')}, {describe_count(errors, 'error')}")
