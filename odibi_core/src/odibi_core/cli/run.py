"""``odibi run``."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Final

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import ExitCode, Interrupted
from odibi_core.cli.interrupts import Terminated, interruptible
from odibi_core.cli.output import Output, describe_path, describe_rows
from odibi_core.cli.progress import PlainLines, RunWatch
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_options
from odibi_core.cli.selection import Selection, selection_options

if TYPE_CHECKING:
    from odibi_core.running import RunResult

__all__ = ["run"]

_MOST_OUTPUTS_SHOWN: Final = 50
_SHOW_CURSOR: Final = b"\x1b[?25h"


@click.command
@project_options
@selection_options
@click.option("--max-workers", type=click.IntRange(min=1), help="How many transformations may run at once.")
@click.option("--dry-run", is_flag=True, help="Plan, and run nothing.")
@command_options
@click.pass_context
def run(
    context: click.Context,
    request: Request,
    *,
    choice: ProjectChoice,
    selection: Selection,
    max_workers: int | None,
    dry_run: bool,
) -> None:
    """Run a project.

    PROJECT is its name, its folder or its manifest; by default that of the working folder. A failed transformation
    fails the run; what depends on it is skipped, the rest finishes. Ctrl-C ends a run in order, twice ends it at once.

    Exit codes: 0 the run succeeded, 1 it failed, 2 the request or the project is wrong and nothing has run, 130 and
    143 it was interrupted.
    """
    from odibi_core.events import HookManager
    from odibi_core.running import run_project

    path, manager = choice.open(request)
    output = request.output
    watch = RunWatch()
    display, is_live = _display(output, watch)
    try:
        with (
            interruptible(tell=lambda: _interrupted(watch, is_live=is_live), leave=lambda: _leave(is_live=is_live)),
            display,
        ):
            result = run_project(
                manifest_path=path,
                manager=manager,
                hooks=watch.register(HookManager()),
                max_workers=max_workers,
                dry_run=dry_run,
                raise_on_failure=False,
                **selection.to_arguments(),
            )
    except KeyboardInterrupt as interrupt:
        raise _as_interrupted(watch, is_term=isinstance(interrupt, Terminated)) from interrupt
    if output.as_json:
        output.document(result.to_dict())
    elif not output.quiet:
        # A run that failed has failed, also where nobody can read that any more.
        with suppress(OSError):
            _show(output, result, watch)
    if result.status not in ("SUCCESS", "PLANNED"):
        if not output.as_json:
            _tell_failure(result, is_quiet=output.quiet)
        context.exit(ExitCode.FAILED)


def _display(output: Output, watch: RunWatch) -> tuple[AbstractContextManager[object], bool]:
    if output.as_json or output.quiet:
        return nullcontext(), False
    if output.is_terminal:
        from odibi_core.cli.live import LiveDisplay

        live = LiveDisplay(output)
        watch.began, watch.told = live.began, live.told
        return live, True
    lines = PlainLines(output)
    watch.began, watch.told = lines.began, lines.told
    return nullcontext(), False


def _interrupted(watch: RunWatch, *, is_live: bool) -> None:
    watch.interrupted()
    if not is_live and watch.running:
        # In a signal handler: what the interrupted code was printing may hold the stream's lock.
        with suppress(OSError):
            os.write(2, b"Interrupted: waiting for what is running; interrupt again to leave at once.\n")


def _leave(*, is_live: bool) -> None:
    if is_live:
        with suppress(OSError):
            os.write(1, _SHOW_CURSOR)


def _as_interrupted(watch: RunWatch, *, is_term: bool) -> Interrupted:
    if watch.run_id is None:
        message = "Interrupted before anything ran."
    elif watch.is_closed:
        message = f"Interrupted: run {watch.run_id} is closed as ABORTED."
    else:
        message = f"Interrupted: run {watch.run_id} was cut off; the next start closes it as ABORTED."
    code = ExitCode.TERMINATED if is_term else ExitCode.INTERRUPTED
    return Interrupted(message, code=code, run_id=watch.run_id)


def _show(output: Output, result: RunResult, watch: RunWatch) -> None:
    if result.status == "PLANNED":
        for one in result.transformations:
            output.line(f"{one.status:8} {one.transformation_id}  ({one.layer}, {one.engine})", hanging=9)
    output.line()
    for line in str(result).splitlines():
        output.line(line, hanging=9)
    if watch.written:
        output.line("Outputs:")
        shown = watch.written[:_MOST_OUTPUTS_SHOWN]
        widest = max(len(written.name) for written in shown)
        for written in shown:
            figures = f"{written.name:{widest}}  {describe_rows(written.rows):>14}  {describe_path(written.location)}"
            output.line(figures.rstrip(), indent=2, hanging=2)
        if len(watch.written) > len(shown):
            output.line(f"and {len(watch.written) - len(shown)} more", indent=2)
    if result.run_id:
        output.remark(f"Run log: odibi runs show {result.run_id}")


def _tell_failure(result: RunResult, *, is_quiet: bool) -> None:
    lines = [f"Run {result.run_id} of {result.project} ended {result.status}."]
    if is_quiet:
        lines += [f"  {one['transformation_id']}: {one['error']}" for one in result.errors] or [f"  {result.error}"]
    click.echo("\n".join(lines), err=True)
