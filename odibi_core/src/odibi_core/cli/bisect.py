"""``odibi plugins bisect``: which plugin makes a command fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import ExitCode
from odibi_core.cli.output import Output, describe_seconds
from odibi_core.cli.request import PositiveNumber, ProjectChoice, Request, command_options, project_folder_options

if TYPE_CHECKING:
    from odibi_core.cli.bisect_runs import Attempt, Child
    from odibi_core.loading.bisection import Bisection, Outcome

__all__ = ["bisect_plugins"]

_WITHOUT_STATE = frozenset({"run", "plan", "validate", "functions", "schema", "doctor"})
_ELSEWHERE = ("-C", "--project-dir", "--manifest")


@click.command("bisect", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--match", metavar="TEXT", help="It fails in the same way if this is in what it prints, in any case.")
@click.option("--timeout", type=PositiveNumber(), metavar="SECONDS", help="A try that takes longer has failed.")
@click.option(
    "--copy/--in-place",
    "is_copy",
    default=True,
    show_default=True,
    help="Run in a copy of the project, or in the project itself.",
)
@project_folder_options
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@command_options
@click.pass_context
def bisect_plugins(
    context: click.Context,
    request: Request,
    *,
    match: str | None,
    timeout: float | None,
    is_copy: bool,
    choice: ProjectChoice,
    words: tuple[str, ...],
) -> None:
    """Find the plugin, or the plugins together, that make a command fail: odibi plugins bisect -- run --env prod.

    The command is tried again and again, with other plugins blocked each time: as many tries as it takes to halve them.
    It fails in the same way if exit code and first line of the error are the same. Each try runs in a copy of the
    project, which is removed; what is outside of the project's folder, such as a database, is written to as ever.

    Exit codes: 0 it was found; 1 it fails for another reason, or not every time; 2 it does not fail, or there is no
    such command or project.
    """
    from odibi_core.loading.bisection import Conclusion, Outcome, bisect

    plugins = _plugins(request, choice)
    attempts: list[Attempt] = []
    with _child(request, choice, words, is_copy=is_copy, timeout=timeout) as child:

        def attempt(enabled: frozenset[str]) -> Outcome:
            tried = child.run(enabled=enabled, everything=plugins)
            attempts.append(tried)
            outcome = _outcome(tried, first=attempts[0], match=match)
            _tell_attempt(request.output, tried, number=len(attempts), all_plugins=len(plugins), outcome=outcome)
            return outcome

        found = bisect(plugins, attempt=attempt)
    first = attempts[0]
    outcomes = [_outcome(tried, first=first, match=match) for tried in attempts]
    if request.output.as_json:
        request.output.document(_document(found, attempts, outcomes))
    else:
        request.output.remark()
        for line in _conclusion(found, first, match=match, is_given=choice.is_given):
            request.output.line(line, hanging=2)
    if found.conclusion is Conclusion.PASSES:
        context.exit(ExitCode.WRONG_REQUEST)
    if found.conclusion is not Conclusion.FOUND or found.cured is not Outcome.PASSES:
        context.exit(ExitCode.FAILED)


def _plugins(request: Request, choice: ProjectChoice) -> list[str]:
    """Return the names of all plugins that the command would load, by level 0 alone."""
    from odibi_core.errors import ProjectNotFoundError
    from odibi_core.loading import find_plugins, plugins_to_lock
    from odibi_core.project import plugin_settings_for
    from odibi_core.project.manifest_reading import read_manifest

    settings = request.settings()
    try:
        path = choice.find()
    except ProjectNotFoundError:
        if choice.is_given:
            raise
    else:
        manifest = read_manifest(path).manifest
        if manifest is not None:
            settings = plugin_settings_for(manifest, root=path.parent, settings=settings, refuses_drift=False)
    return sorted({plugin.record.name for plugin in plugins_to_lock(find_plugins(), settings=settings)})


@contextmanager
def _child(
    request: Request, choice: ProjectChoice, words: tuple[str, ...], *, is_copy: bool, timeout: float | None
) -> Iterator[Child]:
    from odibi_core.cli.bisect_runs import Child, copied_project
    from odibi_core.errors import ConfigError

    _check_command(words)
    blocked = [*os.environ.get("ODIBI_PLUGINS_DISABLE", "").split(","), *request.disabled]
    given: dict[str, Any] = {"blocked": tuple(filter(None, map(str.strip, blocked))), "timeout": timeout}
    if not is_copy:
        yield Child(words=words, folder=choice.find().parent if choice.is_given else Path.cwd(), **given)
        return
    _check_names_no_project(words)
    manifest = choice.find().resolve()
    has_past = words[0] not in _WITHOUT_STATE or any(word.startswith(("--resume", "--unchanged")) for word in words)
    with ExitStack() as until_the_end:
        try:
            copy = until_the_end.enter_context(copied_project(manifest.parent, with_state=has_past))
        except (OSError, RecursionError) as error:
            hint = "To try it in the project itself: --in-place"
            raise ConfigError(f"The project cannot be copied: {error}. {hint}") from error
        yield Child(words=words, folder=copy, **given)


def _check_command(words: tuple[str, ...]) -> None:
    from odibi_core.cli.application import application

    name = words[0]
    if name.startswith("-"):
        raise click.UsageError(f"{name} stands before the command. Write the command first: -- run {name} ...")
    if application.get_command(click.Context(application, obj=Request()), name) is None:
        from odibi_core.errors import did_you_mean

        known = application.list_commands(click.Context(application, obj=Request()))
        raise click.UsageError(f"No such command {name!r}. {did_you_mean(name, known)}".rstrip())


def _check_names_no_project(words: tuple[str, ...]) -> None:
    """Refuse a command that says itself which project it is about: it would be tried there, and not in the copy."""
    from odibi_core.cli.application import application

    command = application.get_command(click.Context(application, obj=Request()), words[0])
    is_named = any(word.partition("=")[0] in _ELSEWHERE or (word[:2] == "-C" and len(word) > 2) for word in words)  # noqa: PLR2004 - "-C" and more
    if not is_named and command is not None and not isinstance(command, click.Group):
        with command.make_context(words[0], list(words[1:]), obj=Request()) as parsed:
            is_named = any(parsed.params.get(name) is not None for name in ("project", "project_dir", "manifest"))
    if is_named:
        raise click.UsageError(
            "Name the project before the --, so that a copy of it can be made: odibi plugins bisect -C FOLDER -- "
            f"{words[0]} ...; or try it in the project itself: --in-place"
        )


def _outcome(tried: Attempt, *, first: Attempt, match: str | None) -> Outcome:
    from odibi_core.loading.bisection import Outcome

    if tried.code == 0:
        return Outcome.PASSES
    return Outcome.FAILS if tried.fails_like(first, match=match) else Outcome.OTHERWISE


def _tell_attempt(output: Output, tried: Attempt, *, number: int, all_plugins: int, outcome: Outcome) -> None:
    if output.as_json or output.quiet:
        return
    names = ", ".join(tried.plugins) or "no plugin"
    which = f"all {all_plugins} plugins" if len(tried.plugins) == all_plugins else names
    error = f": {tried.error}" if tried.error else ""
    output.line(f"{number:3}  {outcome.value:15} {describe_seconds(tried.seconds):>8}  {which}{error}", hanging=31)


def _conclusion(found: Bisection, first: Attempt, *, match: str | None, is_given: bool) -> Iterator[str]:
    from odibi_core.loading.bisection import Conclusion, Outcome

    how = f"prints {match!r}" if match is not None else f"ends with {first.code}: {first.error}"
    match found.conclusion:
        case Conclusion.PASSES if first.code == 0:
            yield "It does not fail with all plugins, so there is nothing to find."
        case Conclusion.PASSES:
            yield f"It fails, but does not print what was to be matched. It ends with {first.code}: {first.error}"
        case Conclusion.NO_PLUGIN:
            yield f"It is no plugin: without any it {how}"
        case Conclusion.UNSTEADY:
            yield "It does not fail every time: with all plugins it failed at first, and later not. Nothing is sure."
        case Conclusion.NEEDED:
            yield f"It fails with nothing but what it needs: {', '.join(found.needed)}. It {how}"
            yield "Without any of these it fails otherwise, so it is one of them, or the project itself."
        case Conclusion.FOUND:
            for culprit in found.culprits:
                what = culprit[0] if len(culprit) == 1 else f"{' and '.join(culprit)}, together"
                yield f"Found: {what}. With {'it' if len(culprit) == 1 else 'them'} the command {how}"
            cure = [culprit[0] for culprit in found.culprits]
            yield f"Without {' and '.join(cure)}, and with everything else, it {found.cured}."
            if found.cured is Outcome.PASSES:
                where = "-C FOLDER" if is_given else "--for-project"
                yield f"Until it is repaired: {'; '.join(f'odibi plugins disable {one} {where}' for one in cure)}"


def _document(found: Bisection, attempts: list[Attempt], outcomes: list[Outcome]) -> dict[str, Any]:
    return {
        "conclusion": found.conclusion.value,
        "culprits": [list(culprit) for culprit in found.culprits],
        "needed": list(found.needed),
        "without_culprits": None if found.cured is None else found.cured.value,
        "failure": {"code": attempts[0].code, "error": attempts[0].error},
        "attempts": [
            tried.to_dict() | {"outcome": outcome.value} for tried, outcome in zip(attempts, outcomes, strict=True)
        ],
    }
