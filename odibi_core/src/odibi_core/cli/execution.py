"""What `run` and `retry` share: the display of a run while it goes on, its result, and how the process ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Final

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import ExitCode, Interrupted, answering
from odibi_core.cli.interrupts import Terminated, interruptible
from odibi_core.cli.output import Output, describe_path, describe_rows
from odibi_core.cli.progress import PlainLines, RunWatch

if TYPE_CHECKING:
    from odibi_core.events import HookManager
    from odibi_core.running import RunResult

__all__ = ["execute"]

_MOST_OUTPUTS_SHOWN: Final = 50
_SHOW_CURSOR: Final = b"\x1b[?25h"


def execute(context: click.Context, output: Output, start: Callable[[HookManager], RunResult]) -> None:
    """Run something and tell what becomes of it; end the process with 1 if it does not succeed.

    Args:
        context: The command's context.
        output: Where the answer goes.
        start: Runs it with these hooks, and returns the result also where it failed.

    Raises:
        Interrupted: Ctrl-C or SIGTERM came.
        RunLogError: The run log cannot be read, so nothing has run; or not be written any more.
    """
    from odibi_core.errors import RunLogError
    from odibi_core.events import HookManager

    watch = RunWatch()
    display, is_live = _display(output, watch)
    try:
        with (
            interruptible(
                tell=lambda raised: _interrupted(watch, raised, is_live=is_live), leave=lambda: _leave(is_live=is_live)
            ),
            display,
        ):
            result = start(watch.register(HookManager()))
    except KeyboardInterrupt as interrupt:
        raise _as_interrupted(watch, is_term=isinstance(interrupt, Terminated)) from interrupt
    except RunLogError as error:
        if watch.run_id is not None:
            raise
        with answering():
            raise RunLogError(f"{error} Nothing has run.") from error
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


def _interrupted(watch: RunWatch, raised: KeyboardInterrupt, *, is_live: bool) -> None:
    watch.interrupted(raised)
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
        message = f"Interrupted: run {watch.run_id} is closed as ABORTED. Go on with it: odibi run --resume"
    else:
        message = (
            f"Interrupted: run {watch.run_id} was cut off; the next start closes it as ABORTED. Go on with it: "
            "odibi run --resume"
        )
    code = ExitCode.TERMINATED if is_term else ExitCode.INTERRUPTED
    return Interrupted(message, code=code, run_id=watch.run_id)


def _show(output: Output, result: RunResult, watch: RunWatch) -> None:
    if result.status == "PLANNED":
        for one in result.transformations:
            where = f"{one.status:8} {one.transformation_id}  ({one.layer}, {one.engine})"
            output.line(where if one.reason is None else f"{where} {one.reason}", hanging=9)
    else:
        _show_reasons(output, result)
    if not result.transformations:
        for warning in result.warnings:
            output.line(warning)
        return
    output.line()
    for line in str(result).splitlines():
        output.line(line, hanging=9)
    if watch.written:
        _show_outputs(output, watch)
    if result.run_id:
        output.remark(f"Run log: odibi runs show {result.run_id}")
    if result.status == "FAILED":
        output.remark("When it is repaired: odibi run --resume for all that is left, odibi retry for what failed")


def _show_outputs(output: Output, watch: RunWatch) -> None:
    output.line("Outputs:")
    shown = watch.written[:_MOST_OUTPUTS_SHOWN]
    widest = max(len(written.name) for written in shown)
    for written in shown:
        figures = f"{written.name:{widest}}  {describe_rows(written.rows):>14}  {describe_path(written.location)}"
        output.line(figures.rstrip(), indent=2, hanging=2)
    if len(watch.written) > len(shown):
        output.line(f"and {len(watch.written) - len(shown)} more", indent=2)


def _show_reasons(output: Output, result: RunResult) -> None:
    # What was reused has been told already, when its turn came.
    told = [one for one in result.transformations if one.reason is not None and one.status not in ("REUSED", "SKIPPED")]
    if told:
        output.line()
    for one in told:
        output.line(f"{one.transformation_id}: {one.reason}", hanging=2)


def _tell_failure(result: RunResult, *, is_quiet: bool) -> None:
    lines = [f"Run {result.run_id} of {result.project} ended {result.status}."]
    if is_quiet:
        from odibi_core.diagnostics import shortened

        lines += [f"  {one['transformation_id']}: {shortened(one['error'])}" for one in result.errors] or [
            f"  {shortened(str(result.error))}"
        ]
    click.echo("\n".join(lines), err=True)
