"""``odibi hooks``: who listens to what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.output import Output
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_folder_options

if TYPE_CHECKING:
    from odibi_core.loading.listeners import HookListener

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
