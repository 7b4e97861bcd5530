"""``odibi status`` and ``odibi failed``: how a project has fared, from its run log."""

from __future__ import annotations

from typing import Any

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.output import Output, describe_count, describe_seconds, describe_time
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_options

__all__ = ["failed", "status"]

_hours = click.option(
    "--hours",
    type=click.FloatRange(min=0, min_open=True),
    default=24.0,
    show_default=True,
    help="How far back to look.",
)
_env = click.option("--env", metavar="NAME", help="The environment; the manifest's default_env if not given.")


@click.command
@project_options
@_env
@_hours
@command_options
def status(request: Request, *, choice: ProjectChoice, env: str | None, hours: float) -> None:
    """Show how a project's transformations have fared.

    PROJECT is its name, its folder or its manifest; by default that of the working folder. Each execution of a
    transformation counts once, whatever its attempts.
    """
    from odibi_core.runlog import RunIndex

    name, chosen = _project_and_env(choice, env)
    index = RunIndex(choice.state_dir())
    figures = index.status(name, chosen, hours)
    layers = index.layer_summary(name, chosen, hours)
    runs = [row.to_dict() for row in index.runs(project=name, env=chosen, limit=1)]
    if request.output.as_json:
        request.output.document({**figures, "layers": layers, "newest_run": runs[0] if runs else None})
    else:
        _show_status(request.output, figures, layers, runs)


def _show_status(
    output: Output, figures: dict[str, Any], layers: list[dict[str, Any]], runs: list[dict[str, Any]]
) -> None:
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
    if runs:
        newest = runs[0]
        output.line(f"Newest run: {newest['run_id']}, {newest['status']}, began {describe_time(newest['started'])}")
    else:
        output.line("It has never run.")


@click.command
@project_options
@_env
@_hours
@command_options
def failed(request: Request, *, choice: ProjectChoice, env: str | None, hours: float) -> None:
    """List the executions that failed or were aborted, the newest first.

    PROJECT is its name, its folder or its manifest; by default that of the working folder.
    """
    from odibi_core.runlog import RunIndex

    name, chosen = _project_and_env(choice, env)
    rows = RunIndex(choice.state_dir()).failed(name, chosen, hours)
    output = request.output
    if output.as_json:
        output.document(rows)
    elif rows:
        for row in rows:
            where = f"({row['layer']}, {describe_time(row['start_time'])}, run {row['run_id']})"
            error = " ".join((row["error_message"] or "").split())
            output.line(f"{row['status']:8} {row['transformation_id']}: {error} {where}", hanging=9)
    else:
        output.remark(f"No failure of {name} in {chosen} in the last {hours:g} hours.")


def _project_and_env(choice: ProjectChoice, env: str | None) -> tuple[str, str]:
    """Return the names that the run log knows the project and the environment by."""
    from odibi_core.planning import choose_env
    from odibi_core.project import Project, ProjectManifest

    path = choice.find()
    manifest = ProjectManifest.from_file(path)
    # Rows are not needed, and what is wrong with them must not hide what has run.
    project = Project(manifest.project_name, path.parent, manifest, path)
    return project.name, choose_env(project, env)
