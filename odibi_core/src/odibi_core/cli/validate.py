"""``odibi validate``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import ExitCode, problem_dict
from odibi_core.cli.output import Output, describe_count
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_options

if TYPE_CHECKING:
    from odibi_core.errors import Problem
    from odibi_core.loading import PluginManager
    from odibi_core.project import Project

__all__ = ["validate"]


@click.command
@project_options
@click.option("--env", metavar="NAME", help="Only this environment; every one if not given.")
@command_options
@click.pass_context
def validate(context: click.Context, request: Request, *, choice: ProjectChoice, env: str | None) -> None:
    """Show everything that is wrong with a project at once, with file, line and what to do.

    PROJECT is its name, its folder or its manifest; by default that of the working folder. Exits with 2 if anything is
    wrong.
    """
    path, manager = choice.open(request)
    name, environments, problems = _check(path, manager, env=env)
    if request.output.as_json:
        document = {
            "project": name,
            "environments": list(environments),
            "valid": not problems,
            "problems": [problem_dict(problem) for problem in problems],
        }
        request.output.document(document)
    else:
        _show(request.output, name, environments, problems)
    if problems:
        context.exit(ExitCode.WRONG_REQUEST)


def _check(path: Path, manager: PluginManager, *, env: str | None) -> tuple[str, Sequence[str], Sequence[Problem]]:
    from odibi_core.errors import ValidationFailed
    from odibi_core.planning import choose_env
    from odibi_core.project import read_project_with_plugins

    try:
        project, known, _ = read_project_with_plugins(manifest_path=path, manager=manager)
    except ValidationFailed as error:
        return path.parent.name, (), error.problems
    environments = [choose_env(project, env)] if env else project.manifest.environments
    found = [problem for name in environments for problem in _problems_in(project, manager, env=name)]
    return project.name, environments, tuple(dict.fromkeys([*known, *found]))


def _problems_in(project: Project, manager: PluginManager, *, env: str) -> Iterator[Problem]:
    from odibi_core.errors import OdibiError, Problem, ValidationFailed
    from odibi_core.running import plan_project

    try:
        plan = plan_project(project, env, manager=manager)
        for row in (one.row for one in plan if one.row.invalid is not None):
            message = f"transformation {row.transformation_id!r}: {row.invalid}"
            yield Problem(message=message, file=row.file, line=row.line)
    except ValidationFailed as error:
        yield from error.problems
    except OdibiError as error:
        yield Problem(message=str(error), file=project.manifest_path.name)


def _show(output: Output, name: str, environments: Sequence[str], problems: Sequence[Problem]) -> None:
    if not problems:
        output.remark(f"{name}: nothing is wrong (checked for {', '.join(environments)})")
        return
    output.heading(f"{name}: {describe_count(len(problems), 'problem')}")
    for problem in problems:
        output.line(str(problem), indent=2, hanging=2)
