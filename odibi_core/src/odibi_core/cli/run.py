"""``odibi run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.execution import execute
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_options
from odibi_core.cli.selection import Selection, selection_options

if TYPE_CHECKING:
    from odibi_core.events import HookManager
    from odibi_core.running import RunResult

__all__ = ["run"]


@click.command
@project_options
@selection_options
@click.option("--max-workers", type=click.IntRange(min=1), help="How many transformations may run at once.")
@click.option(
    "--resume",
    is_flag=False,
    flag_value="",
    metavar="[RUN_ID]",
    help="Go on with a run that failed or was killed: the last one, or that of this id (its beginning or end will do). "
    "PROJECT stands before it.",
)
@click.option(
    "--unchanged",
    type=click.Choice(["run", "skip"]),
    default="run",
    show_default=True,
    help="What becomes of a transformation whose row, code, engine and inputs are what they were.",
)
@click.option("--dry-run", is_flag=True, help="Plan, and run nothing.")
@click.option(
    "--record-events",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the run's events to this new file, for odibi hooks replay.",
)
@command_options
@click.pass_context
def run(
    context: click.Context,
    request: Request,
    *,
    choice: ProjectChoice,
    selection: Selection,
    max_workers: int | None,
    resume: str | None,
    unchanged: str,
    dry_run: bool,
    record_events: Path | None,
) -> None:
    """Run a project.

    PROJECT is its name, its folder or its manifest; by default that of the working folder. A failed transformation
    fails the run; what depends on it is skipped, the rest finishes. Ctrl-C ends a run in order, twice ends it at once.

    Exit codes: 0 the run succeeded, 1 it failed, 2 the request or the project is wrong and nothing has run, 130 and
    143 it was interrupted.
    """
    path, manager = choice.open(request)
    arguments: dict[str, Any] = {
        "manifest_path": path,
        "manager": manager,
        "max_workers": max_workers,
        "resume": resume is not None and (resume or True),
        "unchanged": unchanged,
        "dry_run": dry_run,
        "record_events": record_events,
        **selection.to_arguments(),
    }

    def start(hooks: HookManager) -> RunResult:
        from odibi_core.errors import SelectionError
        from odibi_core.running import run_project

        try:
            return run_project(hooks=hooks, raise_on_failure=False, **arguments)
        except SelectionError as error:
            if resume and not choice.is_given and f"Run {resume!r} not found" in str(error):
                hint = f"If {resume!r} is the project, it stands before the option: odibi run {resume} --resume"
                raise SelectionError(f"{error} {hint}") from error
            raise

    execute(context, request.output, start)
