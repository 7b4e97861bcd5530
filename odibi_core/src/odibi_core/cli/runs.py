"""``odibi runs``: the runs that there were, and what became of each transformation of one."""

from __future__ import annotations

from typing import Any

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.deliver import deliver
from odibi_core.cli.exits import answering
from odibi_core.cli.output import Output, describe_seconds, describe_time
from odibi_core.cli.plugin_costs import costs_of_run
from odibi_core.cli.request import (
    ProjectChoice,
    Request,
    command_options,
    project_folder_options,
    project_options,
)
from odibi_core.cli.run_diff import diff_runs

__all__ = ["runs"]


class _ListByDefault(click.Group):
    """A group that lists when it is not told what else to do."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``list`` in front unless another command is there, or help is wanted."""
        is_told = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if is_told else ["list", *args])


@click.group(cls=_ListByDefault)
def runs() -> None:
    """List runs, show one or compare two; without a command, list them."""


runs.add_command(diff_runs)
runs.add_command(deliver)


@runs.command("list")
@project_options
@click.option("--env", metavar="NAME", help="Only runs in this environment.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@command_options
@answering()
def list_runs(request: Request, *, choice: ProjectChoice, env: str | None, limit: int) -> None:
    """List a project's runs, the newest first.

    PROJECT is its name, its folder or its manifest; by default that of the working folder.

    Exit codes: 0 here they are, and if there are none it never ran; 2 there is no such project or environment, or the
    run log cannot be read.
    """
    from odibi_core.planning import choose_env
    from odibi_core.project import Project
    from odibi_core.runlog import RunIndex

    rows = [row.to_dict() for row in RunIndex(choice.state_dir()).runs(env=env, limit=limit)]
    if not rows and env is not None:
        # One that was taken out of the manifest has runs all the same; one that never was there is misspelt.
        choose_env(Project.without_rows(choice.find()), env)
    output = request.output
    if output.as_json:
        output.document(rows)
    elif rows:
        output.table(
            ("run", "status", "env", "began", "took", "done"),
            [
                (
                    row["run_id"],
                    row["status"],
                    row["env"],
                    describe_time(row["started"]),
                    describe_seconds(row["duration_seconds"]),
                    _done(row),
                )
                for row in rows
            ],
            whole=(0, 3),
            right=(4, 5),
        )
    else:
        output.remark("It has never run." if env is None else f"It has never run in {env}.")


@runs.command("show")
@click.argument("run_id", required=False)
@project_folder_options
@command_options
@answering()
def show_run(request: Request, *, run_id: str | None, choice: ProjectChoice) -> None:
    """Show what became of each transformation of a run, and what each plugin cost it.

    RUN_ID is the run's id, or the beginning or the end of it; by default the newest.

    Exit codes: 0 here it is, whatever became of it; 2 there is no such run, or the run log cannot be read.
    """
    from odibi_core.errors import SelectionError
    from odibi_core.runlog import RunIndex

    index = RunIndex(choice.state_dir())
    row = index.find(run_id) if run_id else index.run()
    if row is None:
        raise SelectionError("There is no run to show: the project has never run. Start one with: odibi run")
    transformations = index.transformations(row.run_id)
    data = row.to_dict() | {
        "transformations": transformations,
        "plugin_costs": costs_of_run(choice.state_dir(), row.run_id),
    }
    if request.output.as_json:
        request.output.document(data)
    else:
        _show(request.output, data)


def _show(output: Output, data: dict[str, Any]) -> None:
    output.heading(f"Run {data['run_id']} of {data['project']} ({data['env']}, {data['engine']})")
    took = f", took {describe_seconds(data['duration_seconds'])}" if data["duration_seconds"] is not None else ""
    output.line(f"{data['status']}  began {describe_time(data['started'])}{took}, on {data['host']}")
    if data["resumes"]:
        output.line(f"went on with run {data['resumes']}", indent=2)
    if data["error"]:
        output.line(data["error"], indent=2)
    output.line()
    output.table(
        ("status", "transformation", "layer", "engine", "took", "written", "error"),
        [
            (
                one["status"],
                one["transformation_id"],
                one["layer"],
                one["engine"],
                describe_seconds(one["duration_seconds"]),
                "" if one["rows_written"] is None else f"{one['rows_written']:,}",
                one["error"] or one["reason"],
            )
            for one in data["transformations"]
        ],
        whole=(0, 1),
        right=(4, 5),
    )
    if data["plugin_costs"]:
        output.line()
        _show_costs(output, data["plugin_costs"])


def _show_costs(output: Output, costs: dict[str, Any]) -> None:
    output.table(
        ("plugin", "version", "called for", "calls", "took", "errors"),
        [
            (name, cost["version"], kind, f"{part['calls']:,}", describe_seconds(part["seconds"]), str(part["errors"]))
            for name, cost in sorted(costs.items(), key=lambda item: -item[1]["seconds"])
            for kind, part in sorted(cost["parts"].items(), key=lambda item: -item[1]["seconds"])
        ],
        whole=(0,),
        right=(3, 4, 5),
    )


def _done(row: dict[str, Any]) -> str:
    counts = row["counts"]
    return f"{counts.get('SUCCESS', 0) + counts.get('REUSED', 0)}/{row['planned']}"
