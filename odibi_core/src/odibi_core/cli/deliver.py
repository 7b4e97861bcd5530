"""``odibi runs deliver``: hand what log sinks lack to them, without a run."""

from __future__ import annotations

from dataclasses import asdict

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import ExitCode
from odibi_core.cli.output import describe_count, describe_path
from odibi_core.cli.request import PositiveNumber, ProjectChoice, Request, command_options, project_options

__all__ = ["deliver"]


@click.command
@project_options
@click.option(
    "--timeout",
    type=PositiveNumber(),
    default=300.0,
    show_default=True,
    help="Seconds that each log sink may take.",
)
@command_options
@click.pass_context
def deliver(context: click.Context, request: Request, *, choice: ProjectChoice, timeout: float) -> None:
    """Deliver what the manifest's log sinks lack of earlier runs, because they were down or a run was killed.

    PROJECT is its name, its folder or its manifest; by default that of the working folder. Every run does this when it
    starts. Runs that are going on deliver for themselves.

    Exit codes: 0 the log sinks have everything, 1 one of them has not.
    """
    from odibi_core.project import Project
    from odibi_core.runlog import owed_to_others
    from odibi_core.runlog.layout import run_ids
    from odibi_core.running.earlier_runs import deliver_to_sinks
    from odibi_core.running.sinks import sink_targets

    path, manager = choice.open(request)
    project = Project.without_rows(path)
    sinks = sink_targets(project, manager=manager)
    reports, problem = deliver_to_sinks(project.state_dir, sinks, deadline_seconds=timeout)
    output = request.output
    if output.as_json:
        if problem is not None:
            raise problem  # one document, and this one says more
        output.document([asdict(report) for report in reports])
    everything = "has everything"
    if problem is not None:
        everything = "lacks nothing of the runs that can be read"
    elif run_ids(project.state_dir, suffix=".open"):
        everything = "lacks nothing of the runs that are over"
    for report in () if output.as_json else reports:
        where = f" ({describe_path(report.path)})" if report.path else ""
        done = f"took {describe_count(report.records, 'record')}" if report.records else everything
        output.line(f"{'error' if report.error else 'ok':6} {report.name}{where}: {report.error or done}", hanging=7)
    if not sinks and not output.as_json:
        output.remark(f"The manifest of {project.name} names no log sink.")
    for owner, count in () if output.as_json else owed_to_others(project.state_dir, sinks).items():
        runs = "run is" if count == 1 else f"{count} runs are"
        output.remark(
            f"Another {runs} owed to a log sink that the manifest does not name: {owner}. If its place was changed, "
            f"name the old one once more and deliver."
        )
    if problem is not None:
        raise problem
    if any(report.error for report in reports):
        context.exit(ExitCode.FAILED)
