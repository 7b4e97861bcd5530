"""``odibi functions``: which there are, and which one runs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import ExitCode
from odibi_core.cli.output import Output, describe_path
from odibi_core.cli.request import (
    ProjectChoice,
    Request,
    command_options,
    project_folder_options,
    project_options,
)

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.project import Project

__all__ = ["functions"]


@click.group
def functions() -> None:
    """List functions, or explain which one runs for a name and an engine, and how it is called."""


@functions.command("list")
@project_options
@click.option("--engine", metavar="NAME", help="Only functions that rows on this engine can use.")
@command_options
def list_functions(request: Request, *, choice: ProjectChoice, engine: str | None) -> None:
    """List the functions that a project's rows use or that are registered, with where they are written.

    PROJECT is its name, its folder or its manifest; by default that of the working folder. Outside any project the
    functions of plugins are listed. What an engine can use is what is written for it or for any, and what takes its
    frames converted where it has nothing of its own.
    """
    with ExitStack() as stack:
        modules = _Modules.of(request, choice, stack=stack)
        rows = modules.listed(None if engine is None else engine.strip().lower())
    output = request.output
    if output.as_json:
        output.document({"functions": rows, "problems": modules.problems})
        return
    if rows:
        output.table(
            ("function", "engine", "written in", "used by"),
            [
                (f"{row['module']}.{row['function']}", row["engine"] or "-", _place(row), ", ".join(row["used_by"]))
                for row in rows
            ],
        )
    else:
        output.remark("There are no functions.")
    for problem in modules.problems:
        output.line(f"warning: {problem}", hanging=2)


@functions.command("explain")
@click.argument("name")
@click.option("--module", help="The module to look in; may also be written in front of NAME, with a dot.")
@click.option("--engine", metavar="NAME", help="The engine; that of the project if not given.")
@project_folder_options
@command_options
@click.pass_context
def explain(
    context: click.Context,
    request: Request,
    *,
    name: str,
    module: str | None,
    engine: str | None,
    choice: ProjectChoice,
) -> None:
    """Show which function runs for a name, where it was looked for, and how it is called.

    NAME is a function, or MODULE.FUNCTION. Without a module every module of the project that has the name is shown.
    Exits with 2 if nothing would run.
    """
    from odibi_core.errors import FunctionNotFoundError, did_you_mean
    from odibi_core.functions import explain_function

    if module is None and "." in name:
        module, _, name = name.rpartition(".")
    with ExitStack() as stack:
        modules = _Modules.of(request, choice, stack=stack)
        wanted = [module] if module else modules.with_function(name)
        if not wanted:
            names = sorted({row["function"] for row in modules.listed(None)})
            known = f"There are: {', '.join(names)}." if names else "There are no functions."
            raise FunctionNotFoundError(
                f"No module has a function {name!r}. {known} {did_you_mean(name, names)}".rstrip()
            )
        on = engine or modules.default_engine()
        found = [explain_function(one, name, on, root=modules.root) for one in wanted]
    if request.output.as_json:
        request.output.document([one.to_dict() for one in found])
    else:
        for one in found:
            _show(request.output, one.to_dict())
    if any(one.error is not None for one in found):
        context.exit(ExitCode.WRONG_REQUEST)


@dataclass(slots=True)
class _Modules:
    """The modules that functions come from: those of a project, and those of plugins.

    Args:
        manager: The plugins.
        project: The project, None outside of any.
        names: The modules that could be imported.
        problems: What was wrong with the others.
    """

    manager: PluginManager
    project: Project | None
    names: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, request: Request, choice: ProjectChoice, *, stack: ExitStack) -> _Modules:
        """Import the modules; the project stays importable as long as the stack is open."""
        from odibi_core.errors import ProjectNotFoundError
        from odibi_core.loading import project_imports
        from odibi_core.project import read_project_with_plugins

        try:
            path, manager = choice.open(request)
        except ProjectNotFoundError:
            if choice.is_given:
                raise
            modules = cls(request.manager(), None)
        else:
            project, problems, _ = read_project_with_plugins(manifest_path=path, manager=manager)
            modules = cls(manager, project, problems=[str(problem) for problem in problems])
            stack.enter_context(project_imports(project.root))
        modules._import()
        return modules

    @property
    def root(self) -> Path | None:
        """The project's folder."""
        return self.project.root if self.project else None

    def default_engine(self) -> str:
        """Return the engine that a run would use."""
        from odibi_core.planning import choose_run_engine
        from odibi_core.project import ProjectManifest

        manifest = self.project.manifest if self.project else ProjectManifest(project_name="none")
        return choose_run_engine(argument=None, manifest=manifest, manager=self.manager)[0]

    def with_function(self, name: str) -> list[str]:
        """Return the modules that have a function of a name."""
        return sorted({row["module"] for row in self.listed(None) if row["function"] == name})

    def listed(self, engine: str | None) -> list[dict[str, Any]]:
        """Return the functions, sorted by module and name."""
        rows = {(row["module"], row["function"], row["engine"]): row for row in (*self._used(), *self._registered())}
        used: dict[tuple[str, str], list[str]] = {}
        for row in self.project.rows if self.project else ():
            if row.transformation_id not in used.setdefault((row.module, row.function), []):
                used[row.module, row.function].append(row.transformation_id)
        own = {key[:2] for key in rows if key[2] in ("", "any", engine)}
        return [
            rows[key] | {"used_by": used.get(key[:2], [])}
            for key in sorted(rows)
            if engine is None
            or key[2] in ("", "any", engine)
            or (key[:2] not in own and {engine, "any"} & set(rows[key]["convert_from"]))
        ]

    def _import(self) -> None:
        from odibi_core.diagnostics import describe_error
        from odibi_core.loading import import_project_module

        wanted = {spec.name for spec in self.manager.functions.values()}
        if self.project is not None:
            wanted |= {*self.project.manifest.transformation_modules, *(row.module for row in self.project.rows)}
        for name in sorted(wanted):
            try:
                import_project_module(name, self.root or Path.cwd())
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a project's module may raise anything; it is shown
                self.problems.append(f"module {name!r} cannot be imported: {describe_error(error)}")
            else:
                self.names.append(name)

    def _registered(self) -> Iterator[dict[str, Any]]:
        from odibi_core.functions import REGISTRY, is_current

        for name in self.names:
            for entry in filter(lambda one: is_current(one.function), REGISTRY.list_all(module=name)):
                yield from self._row(entry.module, entry.name, entry.engine, entry.metadata)

    def _used(self) -> Iterator[dict[str, Any]]:
        """Yield the functions of rows that are registered nowhere: plain functions of the rows' modules."""
        from odibi_core.functions import REGISTRY

        rows = self.project.rows if self.project else ()
        for module, name in dict.fromkeys((row.module, row.function) for row in rows if row.module in self.names):
            if all(entry.name != name for entry in REGISTRY.list_all(module=module)):
                yield from self._row(module, name, "")

    def _row(
        self, module: str, name: str, engine: str, metadata: Mapping[str, Any] = MappingProxyType({})
    ) -> Iterator[dict[str, Any]]:
        from odibi_core.errors import FunctionError
        from odibi_core.functions import ANY_ENGINE, resolve_function

        try:
            found = resolve_function(module, name, engine or ANY_ENGINE, root=self.root)
        except FunctionError as error:
            self.problems.append(str(error))
            return
        description = metadata.get("description")
        yield {
            "module": module,
            "function": name,
            "engine": engine,
            "style": found.signature.style.value,
            "convert_from": list(metadata.get("convert_from", ())),
            "description": inspect.getdoc(found.function) if description is None else description,
            "file": found.file,
            "line": found.line,
        }


def _place(row: dict[str, Any]) -> str:
    return f"{describe_path(row['file'])}:{row['line']}" if row["file"] and row["line"] else describe_path(row["file"])


def _show(output: Output, data: dict[str, Any]) -> None:
    output.heading(f"{data['module']}.{data['function']} on engine {data['engine']}")
    for step in data["steps"]:
        mark = "->" if step["is_answer"] else "  "
        output.line(f"{mark} {step['tried']}: {step['found']}", indent=2, hanging=5)
    if data["error"] is not None:
        output.line(f"error    {data['error']}", hanging=9)
        return
    output.line(f"Runs {_place(data)}: {data['why']}")
    output.line(f"Called as {data['signature']}, {data['style']} style", hanging=2)
