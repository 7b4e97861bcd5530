"""``odibi status`` and ``odibi failed``: how a project has fared, from its run log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import answering
from odibi_core.cli.output import Output, describe_count, describe_seconds, describe_time
from odibi_core.cli.request import PositiveNumber, ProjectChoice, Request, command_options, project_options

if TYPE_CHECKING:
    from odibi_core.project import Project
    from odibi_core.runlog import RunIndex, SourceAnswers

__all__ = ["failed", "status"]

_hours = click.option(
    "--hours",
    type=PositiveNumber(),
    default=24.0,
    show_default=True,
    help="How far back to look.",
)
_source = click.option(
    "--source",
    metavar="TYPE",
    help="Ask the manifest's log sink of this type (sql:2 is the second one) instead of the project's own run log.",
)
_env = click.option("--env", metavar="NAME", help="The environment; the manifest's default_env if not given.")


@click.command
@project_options
@_env
@_hours
@_source
@command_options
@answering()
def status(request: Request, *, choice: ProjectChoice, env: str | None, hours: float, source: str | None) -> None:
    """Show how a project's transformations have fared.

    PROJECT is its name, its folder or its manifest; by default that of the working folder. Each execution of a
    transformation counts once, whatever its attempts.

    Exit codes: 0 here it is, also if something failed; 2 there is no answer: no such project, environment or log sink,
    or the run log cannot be read.
    """
    project, chosen = _project_and_env(choice, env)
    log = _log(request, choice, project, source)
    figures = log.status(project.name, chosen, hours)
    layers = log.layer_summary(project.name, chosen, hours)
    if request.output.as_json:
        newest = _newest(log, project.name, chosen)
        request.output.document({**figures, "layers": layers, "newest_run": newest})
        return
    _show_status(request.output, figures, layers)
    # A log sink has records of transformations, and no word on runs.
    if source is None:
        _show_newest(request.output, _newest(log, project.name, chosen))


def _newest(log: RunIndex | SourceAnswers, name: str, env: str) -> dict[str, Any] | None:
    from odibi_core.runlog import RunIndex

    found = log.runs(project=name, env=env, limit=1) if isinstance(log, RunIndex) else []
    return found[0].to_dict() if found else None


def _show_status(output: Output, figures: dict[str, Any], layers: list[dict[str, Any]]) -> None:
    output.heading(f"{figures['project']} in {figures['environment']}, last {figures['period_hours']:g} hours")
    if layers:
        output.table(
            ("layer", "total", "success", "failed", "skipped", "rate", "average", "last began"),
            [
                (
                    one["layer"],
                    one["total_runs"],
                    one["success_count"],
                    one["failed_count"],
                    one["skipped_count"],
                    one["success_rate"],
                    describe_seconds(one["avg_duration_seconds"]),
                    describe_time(one["last_run"]),
                )
                for one in layers
            ],
            right=(1, 2, 3, 4, 5, 6),
        )
    output.line(
        f"{describe_count(figures['total_runs'], 'execution')}: {figures['success_count']} succeeded, "
        f"{figures['failed_count']} failed ({figures['success_rate']})"
    )


def _show_newest(output: Output, newest: dict[str, Any] | None) -> None:
    if newest:
        output.line(f"Newest run: {newest['run_id']}, {newest['status']}, began {describe_time(newest['started'])}")
    else:
        output.line("It has never run.")


@click.command
@project_options
@_env
@_hours
@_source
@command_options
@answering()
def failed(request: Request, *, choice: ProjectChoice, env: str | None, hours: float, source: str | None) -> None:
    """List the executions that failed or were aborted, the newest first.

    PROJECT is its name, its folder or its manifest; by default that of the working folder.

    Exit codes: 0 here they are, and if none is listed there was none; 2 there is no answer: no such project,
    environment or log sink, or the run log cannot be read.
    """
    from odibi_core.diagnostics import shortened

    project, chosen = _project_and_env(choice, env)
    log = _log(request, choice, project, source)
    rows = log.failed(project.name, chosen, hours)
    output = request.output
    if output.as_json:
        output.document(rows)
    elif rows:
        for row in rows:
            where = f"({row['layer']}, {describe_time(row['start_time'])}, run {row['run_id']})"
            error = " ".join(shortened(row["error_message"] or "").split())
            output.line(f"{row['status']:8} {row['transformation_id']}: {error} {where}", hanging=9)
    else:
        no_run = "" if source is not None or _newest(log, project.name, chosen) else ": it has never run there"
        output.remark(f"No failure of {project.name} in {chosen} in the last {hours:g} hours{no_run}.")


def _project_and_env(choice: ProjectChoice, env: str | None) -> tuple[Project, str]:
    """Return the project without its rows, and the environment as the run log knows it."""
    from odibi_core.planning import choose_env
    from odibi_core.project import Project

    project = Project.without_rows(choice.find())
    return project, choose_env(project, env)


def _log(request: Request, choice: ProjectChoice, project: Project, source: str | None) -> RunIndex | SourceAnswers:
    from odibi_core.runlog import RunIndex, SourceAnswers

    if source is None:
        return RunIndex(project.state_dir)
    from odibi_core.running.sinks import sink_of_type

    _, manager = choice.open(request)
    return SourceAnswers(sink_of_type(project, source, manager=manager))
