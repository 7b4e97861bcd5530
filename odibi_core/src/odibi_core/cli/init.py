"""``odibi init``."""

from __future__ import annotations

from pathlib import Path

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.output import describe_path
from odibi_core.cli.request import Request, command_options

__all__ = ["init"]


@click.command
@click.argument("name")
@click.option(
    "--type",
    "project_type",
    default="custom",
    show_default=True,
    metavar="TYPE",
    help="analytics, custom, data_integration, manufacturing or ml_pipeline.",
)
@click.option(
    "--path",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder to put the project's folder in; the working folder if not given.",
)
@click.option("--description", help="What the project does.")
@click.option("--overwrite", is_flag=True, help="Write the files anew if the project exists.")
@command_options
def init(
    request: Request, *, name: str, project_type: str, path: Path, description: str | None, overwrite: bool
) -> None:
    """Make a new project, which runs as it is.

    NAME is the project's name, as people write it: "Energy Efficiency" becomes the folder energy_efficiency.
    """
    from odibi_core.project import initialize_project

    made = initialize_project(name, project_type, base_path=path, description=description, overwrite=overwrite)
    output = request.output
    if output.as_json:
        output.document(made)
        return
    output.line(f"Made {made['project_name']} in {describe_path(str(made['project_path']))}")
    output.remark()
    output.remark("Next:")
    for step in made["next_steps"]:
        output.remark(step, indent=2)
