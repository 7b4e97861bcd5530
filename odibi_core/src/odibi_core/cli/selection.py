"""The options by which `plan` and `run` choose what to run."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import click  # noqa: TID253 - there is no command line without it

__all__ = ["Selection", "selection_options"]

AnyFunction: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to run, in the words of `run_project`.

    Args:
        env: The environment.
        engine: The engine for rows that do not name one.
        target_layers: The layers; None means all.
        selected: Selector expressions; None means everything.
    """

    env: str | None
    engine: str | None
    target_layers: tuple[str, ...] | None
    selected: tuple[str, ...] | None

    def to_arguments(self) -> dict[str, Any]:
        """Return it as keyword arguments of `plan_project` and `run_project`."""
        return {name: getattr(self, name) for name in self.__slots__}


def selection_options(function: AnyFunction) -> AnyFunction:
    """Add the options; the command gets a `Selection` as ``selection``."""

    @functools.wraps(function)
    def command(
        *args: Any, env: str | None, engine: str | None, layer: tuple[str, ...], select: tuple[str, ...], **rest: Any
    ) -> Any:
        selection = Selection(env=env, engine=engine, target_layers=layer or None, selected=select or None)
        return function(*args, selection=selection, **rest)

    options = (
        click.option("--env", metavar="NAME", help="The environment; the manifest's default_env if not given."),
        click.option("--engine", metavar="NAME", help="The engine for rows that do not name one."),
        click.option("--layer", multiple=True, metavar="NAME", help="Only this layer; may be given several times."),
        click.option(
            "--select",
            multiple=True,
            metavar="WHAT",
            help="Only what this selects: an id (* and ? allowed), tag:NAME or layer:NAME. A + before it adds what it "
            "depends on, a + behind it what depends on it. May be given several times.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command
