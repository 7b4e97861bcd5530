"""``odibi retry``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.execution import execute
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_options

if TYPE_CHECKING:
    from odibi_core.events import HookManager
    from odibi_core.running import RunResult

__all__ = ["retry"]


@click.command
@project_options
@click.option("--env", metavar="NAME", help="The environment; the manifest's default_env if not given.")
@click.option("--engine", metavar="NAME", help="The engine for rows that do not name one; by default the last run's.")
@click.option("--dry-run", is_flag=True, help="Plan, and run nothing.")
@command_options
@click.pass_context
def retry(
    context: click.Context,
    request: Request,
    *,
    choice: ProjectChoice,
    env: str | None,
    engine: str | None,
    dry_run: bool,
) -> None:
    """Run exactly what failed in the last run.

    PROJECT is its name, its folder or its manifest; by default that of the working folder. What was skipped because
    of a failure does not run: `odibi run --resume` runs that too.

    Exit codes: 0 nothing had failed, or all of it succeeded now; 1 something failed again; 2 the request or the
    project is wrong, or the run log cannot be read, and nothing has run; 130 and 143 it was interrupted.
    """
    path, manager = choice.open(request)

    def start(hooks: HookManager) -> RunResult:
        from odibi_core.running import retry_failed

        return retry_failed(
            env=env,
            engine=engine,
            hooks=hooks,
            manifest_path=path,
            dry_run=dry_run,
            raise_on_failure=False,
            manager=manager,
        )

    execute(context, request.output, start)
