"""The command ``odibi`` itself: its commands by name, imported when they run, and what becomes of errors."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import ExitCode
from odibi_core.cli.request import Request, global_options

if TYPE_CHECKING:
    from odibi_core.cli.exits import Refusal
    from odibi_core.cli.output import Output

__all__ = ["Application", "application"]


class _Entry(NamedTuple):
    module: str
    summary: str


_COMMANDS: Final = {
    "init": _Entry("init", "Make a new project, which runs as it is."),
    "validate": _Entry("validate", "Show everything that is wrong with a project."),
    "plan": _Entry("plan", "Show what would run, on what, and why."),
    "run": _Entry("run", "Run a project."),
    "retry": _Entry("retry", "Run exactly what failed in the last run."),
    "status": _Entry("history", "Show how a project has fared."),
    "runs": _Entry("runs", "List runs, or show one."),
    "failed": _Entry("history", "List what has failed."),
    "functions": _Entry("functions", "List functions, or explain which one runs."),
    "plugins": _Entry("plugins", "List, describe, check, block and lock plugins."),
    "hooks": _Entry("hooks", "List who listens to what; record a run's events, and replay them."),
    "schema": _Entry("schema", "Print the JSON Schema of manifests and rows."),
    "doctor": _Entry("doctor", "Check that this machine can run projects."),
}
"""Every command of the kernel, in the order of a project's life: the module of this package that has it, one line."""


class Application(click.Group):
    """A group whose commands are imported when they run; plugins' commands come after the kernel's."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return [*_COMMANDS, *_plugin_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; None if there is none of that name."""
        entry = _COMMANDS.get(cmd_name)
        if entry is not None:
            command: click.Command = getattr(import_module(f"odibi_core.cli.{entry.module}"), cmd_name)
            return command
        if cmd_name.startswith("-"):
            return None
        manager = ctx.ensure_object(Request).manager()
        if cmd_name not in manager.commands:
            return None
        plugin_command: click.Command = manager.load(manager.commands.get(cmd_name))
        return plugin_command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is meant, or say which one may have been."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from odibi_core.errors import did_you_mean

            hint = did_you_mean(args[0], self.list_commands(ctx))
            raise click.UsageError(f"No such command {args[0]!r}. {hint}".rstrip(), ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their summaries, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in _COMMANDS.items()])
        contributed = _plugin_commands(ctx)
        if contributed:
            with formatter.section("Commands of plugins"):
                formatter.write_dl(list(contributed.items()))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,  # noqa: ARG002 - click's signature
        **extra: Any,
    ) -> Any:
        """Run a command and leave with its exit code; or return that, if not in standalone mode.

        What click would do with errors is done by `_run` instead, so that every way out has its exit code.
        """
        name = prog_name or "odibi"
        if complete_var or "_ODIBI_COMPLETE" in os.environ:
            super().main(args, name, complete_var, **extra)
        code = _run(self, list(sys.argv[1:] if args is None else args), name=name, extra=extra)
        if standalone_mode:
            sys.exit(code)
        return code


def _plugin_commands(ctx: click.Context) -> dict[str, str]:
    from odibi_core.errors import PluginLoadError

    try:
        specs = ctx.ensure_object(Request).manager().commands.values()
    except PluginLoadError:
        # Plugins are broken and the settings are strict: --help still helps, every other command says so.
        return {}
    return {spec.name: spec.summary for spec in specs if spec.name not in _COMMANDS}


def _run(group: Application, args: list[str], *, name: str, extra: dict[str, Any]) -> int:
    _let_everything_be_printed()
    request = Request()
    threads = frozenset(threading.enumerate())
    try:
        with group.make_context(name, args, obj=request, **extra) as context:
            group.invoke(context)
        return _flushed(ExitCode.OK, request.output)
    except click.exceptions.Exit as leaving:
        return _flushed(leaving.exit_code, request.output)
    except OSError as error:
        lost = request.output.lost or _flush()
        if lost is not None or isinstance(error, BrokenPipeError):
            return _output_lost(lost or error, code=ExitCode.OK)
        refusal = _refusal_of(error)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - every way out has its exit code
        refusal = _refusal_of(error)
    # An option that cannot be parsed may stand before a --json that was not reached.
    _tell(refusal, request.output, as_json=request.output.as_json or "--json" in args)
    if refusal.code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        from odibi_core.cli.interrupts import leave_at_once_if_busy

        leave_at_once_if_busy(refusal.code, others=threads)
    return _flushed(refusal.code, request.output)


def _let_everything_be_printed() -> None:
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - it was closed by whoever started this process
    # A terminal or a pipe of an old encoding must not turn a project's umlaut into an error.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _flush() -> OSError | None:
    try:
        sys.stdout.flush()
    except OSError as error:
        return error
    return None


def _flushed(code: int, output: Output) -> int:
    """Return the exit code, or another one if what was printed did not get through."""
    lost = output.lost or _flush()
    return code if lost is None else _output_lost(lost, code=code)


def _output_lost(error: OSError, *, code: int) -> int:
    _give_up_stdout()
    if isinstance(error, BrokenPipeError):
        return code or ExitCode.NO_READER
    click.echo(f"Error: The output cannot be written: {error.strerror}.", err=True)
    return code or ExitCode.FAILED


def _give_up_stdout() -> None:
    # At its end Python flushes what is left, and would complain that it cannot.
    with suppress(OSError, ValueError):
        if sys.stdout.fileno() == 1:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _tell(refusal: Refusal, output: Output, *, as_json: bool) -> None:
    if as_json:
        with suppress(OSError):
            output.document(refusal.to_dict())
    if refusal.usage and not as_json:
        click.echo(refusal.usage, err=True)
    if refusal.trace:
        click.echo(refusal.trace, err=True)
    click.echo(f"Error: {refusal.message}", err=True)


def _refusal_of(error: Exception | KeyboardInterrupt) -> Refusal:
    from odibi_core.cli.exits import Refusal, refusal_of

    if isinstance(error, click.ClickException):
        where = error.ctx if isinstance(error, click.UsageError) else None
        usage = f"{where.get_usage()}\nTry '{where.command_path} --help' for help.\n" if where else ""
        return Refusal(code=error.exit_code, type=type(error).__name__, message=error.format_message(), usage=usage)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return Refusal(code=ExitCode.INTERRUPTED, type="Interrupted", message="Interrupted.")
    return refusal_of(error)


@click.group(cls=Application, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="odibi-core", prog_name="odibi", message="%(prog)s %(version)s")
@global_options
def application() -> None:
    """One data project, any engine: plan it, run it, and see what happened.

    A command is about the project of the working folder, or about the one that is named by its name, its folder or
    its manifest. `odibi COMMAND --help` says more.
    """
