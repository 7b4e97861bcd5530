"""``odibi schema``."""

from __future__ import annotations

import json
from pathlib import Path

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.output import describe_path
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_folder_options

__all__ = ["schema"]


@click.command
@project_folder_options
@click.option(
    "--output", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file instead."
)
@command_options
def schema(request: Request, *, choice: ProjectChoice, target: Path | None) -> None:
    """Print the JSON Schema of manifests and rows, with the options of the plugins that are installed.

    An editor that is told of it completes and checks what is written. Named with -C or --manifest, a project decides
    which plugins count.
    """
    from odibi_core.errors import ConfigError
    from odibi_core.project import project_schema

    manager = choice.open(request)[1] if choice.is_given else request.manager()
    document = project_schema(manager)
    output = request.output
    if target is None:
        output.document(document)
        return
    try:
        target.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"The schema cannot be written to {target}: {error.strerror}.") from error
    if output.as_json:
        output.document({"path": str(target.absolute())})
    else:
        output.remark(f"Wrote {describe_path(str(target.absolute()))}")
