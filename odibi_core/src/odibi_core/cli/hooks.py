"""``odibi hooks``: who listens to what, and what becomes of recorded events today."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import ExitCode
from odibi_core.cli.output import Output, describe_count
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_folder_options
from odibi_core.plugin import ProjectConfig

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.loading.listeners import HookListener
    from odibi_core.running.event_replay import Recording, Replay

__all__ = ["hooks"]


@click.group
def hooks() -> None:
    """List who listens to what, record the events of a run, and replay them."""


@hooks.command("list")
@click.argument("event", required=False)
@project_folder_options
@command_options
def list_listening(request: Request, *, event: str | None, choice: ProjectChoice) -> None:
    """List who implements which hook and who observes which event, in the order of the calls.

    EVENT is an event or a hook, such as layer_start or odibi_run_project; by default all that anybody listens to are
    listed. What a manifest blocks is left out only if the project is named with -C or --manifest. Callbacks that a
    program registers itself are known to that program alone: odibi_core.running.list_listeners lists them there.

    Exit codes: 0 here they are; 2 there is no such event or hook.
    """
    from odibi_core.running.listening import list_listeners

    manager = choice.open(request, refuses_drift=False)[1] if choice.is_given else request.manager()
    found = list_listeners(manager)
    if event is not None:
        wanted = _meant(event)
        found = tuple(one for one in found if wanted in (one.event, one.hook))
    output = request.output
    if output.as_json:
        output.document([one.to_dict() for one in found])
    elif found:
        _show(output, found)
    else:
        output.remark(f"Nobody listens to {event}." if event else "Nobody listens.")


@hooks.command("record", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- run ...")
@click.pass_context
def record(context: click.Context, *, file: Path, words: tuple[str, ...]) -> None:
    """Run a project and write its events to FILE: odibi hooks record events.jsonl -- run --env qat.

    The same as odibi run --record-events FILE. Rows and secrets are not written; a frame is its class, its columns and
    their types, as far as they are known without computing them.

    Exit codes are those of odibi run; 2 too if FILE is there already.
    """
    from odibi_core.cli.run import run

    words = words[1:] if words[0] == "--" else words
    if words[:1] != ("run",):
        raise click.UsageError(
            f"Only a run has events, and {' '.join(words[:1])!r} is none. Write: odibi hooks record FILE -- run ..."
        )
    # Below the application, so that what was said before the command holds for the run too.
    with run.make_context("run", ["--record-events", str(file), *words[1:]], parent=context.find_root()) as running:
        run.invoke(running)


@hooks.command("replay")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--plugin", "names", multiple=True, metavar="NAME", help="Only this plugin; may be given several times.")
@project_folder_options
@command_options
@click.pass_context
def replay_events(
    context: click.Context, request: Request, *, file: Path, names: tuple[str, ...], choice: ProjectChoice
) -> None:
    """Send the events of FILE to the plugins that are installed today, and say what they raise.

    There is no engine, no data and no run: a frame that is asked for its rows raises an error that says so, which is
    counted by itself and is no failure. With -C or --manifest the plugins are those that the project allows, and they
    are configured as for a run of it first.

    Exit codes: 0 nobody raised; 1 somebody did; 2 there is no such recording, plugin or project.
    """
    from odibi_core.running.event_replay import read_recording, replay

    recording = read_recording(file)
    manager, configured = _plugins_for_replay(request, choice, names, env=str(recording.header.get("env", "")))
    with configured as failed:
        result = replay(recording, observers=manager.observers())
    accidents = [one.to_dict() for one in result.accidents]
    raised = sum(not one["wants_data"] for one in accidents) + len(failed)
    if request.output.as_json:
        request.output.document(
            {
                **recording.header,
                "events": len(recording.events),
                "unknown_events": list(recording.unknown),
                "is_whole": recording.is_whole,
                "calls": dict(sorted(result.calls.items())),
                "not_configured": failed,
                "accidents": accidents,
            }
        )
    else:
        _show_replay(request.output, recording, result, failed)
    if raised:
        context.exit(ExitCode.FAILED)


def _plugins_for_replay(
    request: Request, choice: ProjectChoice, names: tuple[str, ...], *, env: str
) -> tuple[PluginManager, AbstractContextManager[list[str]]]:
    """Return the plugins to send events to, and what configures them around that; yields what could not be."""
    from odibi_core.cli.plugin_switches import installed_name
    from odibi_core.loading import get_manager
    from odibi_core.project.manifest_reading import read_manifest
    from odibi_core.project.plugin_choices import settings_of_reading

    settings, config = request.settings(), None
    if choice.is_given:
        path = choice.find()
        reading = read_manifest(path)
        settings = settings_of_reading(reading, root=path.parent, settings=settings)
        if reading.manifest is not None:
            config = ProjectConfig(
                project=reading.manifest.project_name,
                env=env or reading.manifest.default_env,
                root=path.parent,
                settings=reading.manifest.plugins.settings,
            )
    if names:
        settings = settings.merged(only=[installed_name(name) for name in names])
    manager = get_manager(settings)
    return manager, nullcontext([]) if config is None else _configured(manager, config)


@contextmanager
def _configured(manager: PluginManager, config: ProjectConfig) -> Iterator[list[str]]:
    failed = [f"{one.plugin}: {one.hook} raised {one.error}" for one in manager.configure(config)]
    try:
        yield failed
    finally:
        manager.unconfigure(config)


def _show_replay(output: Output, recording: Recording, result: Replay, failed: list[str]) -> None:
    header = recording.header
    output.heading(
        f"Run {header.get('run_id')} of {header.get('project')} ({header.get('env')}, {header.get('engine')})"
    )
    output.line(
        f"{describe_count(len(recording.events), 'event')}, recorded by odibi-core {header.get('kernel_version')}"
    )
    if not recording.is_whole:
        output.line("The recording has no end: the run was killed, or still goes on.")
    if recording.unknown:
        output.line(f"Left out, because this kernel does not have them so: {', '.join(recording.unknown)}")
    for text in failed:
        output.line(text, indent=2, hanging=2)
    for plugin, calls in sorted(result.calls.items()):
        output.line(f"{plugin}: {describe_count(calls, 'call')}", indent=2)
    if not result.calls:
        output.line("Nobody listened.", indent=2)
    for one in result.accidents:
        word = "wants data" if one.wants_data else "raised"
        where = f" ({one.at})" if one.at else ""
        output.line(f"{word:10} {one.plugin} on {one.event} (event {one.seq}): {one.error}{where}", hanging=11)
    wanting = sum(one.wants_data for one in result.accidents)
    output.remark(
        f"{describe_count(len(result.accidents) - wanting, 'accident')}"
        + (f"; {describe_count(wanting, 'call')} wanted data, which a recording does not have" if wanting else "")
    )


def _meant(event: str) -> str:
    """Return the event or hook that a user names, in the spelling of the listeners.

    Raises:
        UnknownEventError: There is none.
    """
    from odibi_core.errors import UnknownEventError, did_you_mean
    from odibi_core.loading.hooks import HOOKS
    from odibi_core.plugin import EVENT_ALIASES, EVENT_TYPES

    asked = event.strip().lower()
    name = asked.removeprefix("odibi_")
    name = EVENT_ALIASES.get(name, name)
    if name in EVENT_TYPES:
        return name
    hook = asked if asked in HOOKS else f"odibi_{asked}"
    if hook in HOOKS:
        return hook
    known = sorted({*EVENT_TYPES, *EVENT_ALIASES, *HOOKS})
    hint = did_you_mean(asked, known) or f"The events are: {', '.join(EVENT_TYPES)}."
    raise UnknownEventError(f"There is no event or hook {event!r}. {hint}")


def _show(output: Output, found: tuple[HookListener, ...]) -> None:
    output.table(
        ("event or hook", "order", "function", "owner", "role"),
        [
            (
                one.event or one.hook,
                str(one.order),
                one.function,
                f"{one.plugin} ({one.distribution} {one.version})".replace(" )", ")").replace("()", "").strip(),
                one.role or ("" if one.kind == "run" else one.kind),
            )
            for one in found
        ],
        whole=(0, 2),
        right=(1,),
    )
