"""``odibi plugins new``."""

from __future__ import annotations

from pathlib import Path

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.output import describe_path
from odibi_core.cli.request import Request, command_options

__all__ = ["new"]


@click.command
@click.argument("name")
@click.option(
    "--kind", required=True, metavar="KIND", help="What it provides: connection, engine, hooks, reader, saver or sink."
)
@click.option(
    "--path",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder to put the plugin's folder in; the working folder if not given.",
)
@click.option(
    "--engine",
    metavar="ENGINE",
    help="For a reader or saver the engine that it is for, 'any' if not given; for an engine its own name.",
)
@click.option(
    "--format", "data_format", metavar="FORMAT", help="What users write as the format; from the name if not given."
)
@command_options
def new(request: Request, *, name: str, kind: str, path: Path, engine: str | None, data_format: str | None) -> None:
    """Make a plugin of your own: it builds, installs and passes its tests as it is.

    NAME is the name of its distribution: "acme-historian" becomes the package acme_historian, and its reader is one of
    the format historian.
    """
    from odibi_core.authoring import make_plugin

    made = make_plugin(name, kind=kind, path=path, engine=engine, data_format=data_format, manager=request.manager())
    output = request.output
    if output.as_json:
        output.document(made)
        return
    output.line(f"Made {made['name']} in {describe_path(made['path'])}: {', '.join(made['provides'])}")
    output.remark()
    output.remark("Next:")
    for step in made["next_steps"]:
        output.remark(step, indent=2)
