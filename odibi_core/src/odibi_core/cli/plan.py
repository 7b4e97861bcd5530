"""``odibi plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.output import Output, describe_count, describe_path
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_options
from odibi_core.cli.selection import Selection, selection_options

if TYPE_CHECKING:
    from odibi_core.planning import Plan

__all__ = ["plan"]


@click.command
@project_options
@selection_options
@command_options
def plan(request: Request, *, choice: ProjectChoice, selection: Selection) -> None:
    """Show what would run, on which engine, in which order, and why.

    PROJECT is its name, its folder or its manifest; by default that of the working folder. The project's own functions
    are imported; nothing else is touched, and no engine is started.
    """
    from odibi_core.running import plan_project

    path, manager = choice.open(request)
    found = plan_project(manifest_path=path, manager=manager, **selection.to_arguments())
    if request.output.as_json:
        request.output.document(found.to_dict())
    else:
        _show(request.output, found)


def _show(output: Output, found: Plan) -> None:
    data = found.to_dict()
    by_layer: dict[str, list[dict[str, Any]]] = {layer: [] for layer in found.layers}
    for one in data["transformations"]:
        by_layer[one["layer"]].append(one)
    output.heading(f"{data['project']} in {data['env']}, on engine {data['engine']} ({data['engine_why']})")
    for layer, those in by_layer.items():
        output.line()
        output.heading(f"{layer}: {describe_count(len(those), 'transformation')}")
        has_steps = len({one["step"] for one in those}) > 1
        for one in those:
            _show_transformation(output, one, has_steps=has_steps)
    for warning in data["warnings"]:
        output.remark(f"warning: {warning}")


def _show_transformation(output: Output, one: dict[str, Any], *, has_steps: bool) -> None:
    step = f"  (step {one['step']})" if has_steps else ""
    output.line(f"{one['transformation_id']}{step}", indent=2)
    function = f"{one['module']}.{one['function']}"
    output.line(f"engine    {one['engine']} ({one['engine_why']})", indent=4, hanging=10)
    output.line(f"function  {function} ({one['function_why']}; {one['style']} style)", indent=4, hanging=10)
    for dataset in one["inputs"]:
        output.line(f"reads     {_describe(dataset)}", indent=4, hanging=10)
    for dataset in one["outputs"]:
        mode = f", {dataset['mode']}" if dataset["mode"] else ""
        output.line(f"writes    {_describe(dataset)}{mode}", indent=4, hanging=10)
    for other, why in one["depends_on"].items():
        output.line(f"after     {other} ({why})", indent=4, hanging=10)


def _describe(dataset: dict[str, Any]) -> str:
    what = f"{dataset['name']} as {dataset['format']}" if dataset["format"] else dataset["name"]
    where = describe_path(dataset["location"])
    return what if where in ("", dataset["name"]) else f"{what} ({where})"
