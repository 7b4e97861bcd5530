"""``odibi plugins``: which there are, what one provides, and whether it can be loaded and keeps its contracts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.bisect import bisect_plugins
from odibi_core.cli.exits import ExitCode
from odibi_core.cli.logs import loader_silenced
from odibi_core.cli.new_plugin import new
from odibi_core.cli.output import Output, describe_count, describe_seconds
from odibi_core.cli.plugin_costs import last_run_of
from odibi_core.cli.plugin_lock import lock
from odibi_core.cli.plugin_switches import disable, enable
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_folder_options

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager, PluginRecord

__all__ = ["plugins"]


@click.group
def plugins() -> None:
    """List, describe and check plugins.

    What the environment blocks is shown as blocked; what a project's manifest blocks only if the project is named with
    -C or --manifest.
    """


plugins.add_command(new)


plugins.add_command(bisect_plugins)
plugins.add_command(disable)
plugins.add_command(enable)
plugins.add_command(lock)


@plugins.command("list")
@project_folder_options
@command_options
def list_all(request: Request, *, choice: ProjectChoice) -> None:
    """List every plugin that is installed, with its state and the reason for it, and whether it keeps its contracts."""
    from odibi_core.cli.conformance import conformance_of

    records = _manager(request, choice).records
    rows = [record.to_dict() | {"conformance": conformance_of(record)} for record in records]
    output = request.output
    if output.as_json:
        output.document(rows)
    elif rows:
        output.table(
            ("name", "distribution", "version", "state", "contracts", "provides", "reason"),
            [
                (
                    row["name"],
                    row["distribution"],
                    row["version"],
                    row["state"],
                    "" if row["conformance"] is None else row["conformance"]["summary"],
                    _summary(row["provides"]),
                    row["reason"],
                )
                for row in rows
            ],
            whole=(0, 1, 3),
        )
    else:
        output.line("No plugin is installed. The one to start with: pip install odibi-engine-pandas")


@plugins.command("info")
@click.argument("name")
@project_folder_options
@command_options
def info(request: Request, *, name: str, choice: ProjectChoice) -> None:
    """Show what a plugin provides, from where, what it can do, and what it cost the last run that called it.

    NAME is the plugin's name or that of its distribution. The run is one of the project of the working folder, or of
    the one that is named.
    """
    manager = _manager(request, choice)
    found = []
    for record in _find(manager, name):
        last = last_run_of(record.name, choice)
        found.append(_describe(manager, record) | {"last_run": None if last is None else last._asdict()})
    if request.output.as_json:
        request.output.document(found)
        return
    for position, data in enumerate(found):
        if position:
            request.output.line()
        _show(request.output, data)


@plugins.command("check")
@click.argument("name", required=False)
@click.option("--no-contracts", is_flag=True, help="Only load what it provides.")
@click.option(
    "--output", "path", type=click.Path(dir_okay=False, path_type=Path), help="Where to write conformance.json."
)
@project_folder_options
@command_options
@click.pass_context
def check(
    context: click.Context,
    request: Request,
    *,
    name: str | None,
    no_contracts: bool,
    path: Path | None,
    choice: ProjectChoice,
) -> None:
    """Load everything that a plugin provides, as its first use would, and run its contract tests.

    NAME is the plugin's name or that of its distribution; without one every plugin is loaded, and no contract run. The
    outcome is kept in the user's state folder for `odibi plugins list`, or in the file that is named: one called
    conformance.json in the plugin's package is found there. What is blocked is left alone. Exits with 1 if anything
    cannot be loaded, a contract is broken, or the contracts cannot be run.
    """
    from odibi_core.cli.conformance import run_contracts, show_contracts

    manager = _manager(request, choice)
    records = _find(manager, name) if name else list(manager.records)
    checked = [_check(manager, record) for record in records]
    output = request.output
    if name and not no_contracts:
        for record, one in zip(records, checked, strict=True):
            if one["ok"] and record.state == "active":
                if not output.as_json:
                    output.remark(f"Running the contracts of {record.name}: real saves and reads, which take a while.")
                ran = run_contracts(manager, record, path=path)
                problems = [*one["problems"], *ran.pop("problems")]
                one.update(ran | {"problems": problems, "ok": not problems})
    if output.as_json:
        output.document(checked)
    else:
        for one in checked:
            _show_check(output, one)
            if one.get("contracts"):
                show_contracts(output, one)
        if not checked:
            output.remark("No plugin is installed.")
    if not all(one["ok"] for one in checked):
        context.exit(ExitCode.FAILED)


def _manager(request: Request, choice: ProjectChoice) -> PluginManager:
    with loader_silenced() if not request.verbosity else nullcontext():
        # Without a word about a project no manifest is read: pydantic and yaml would be most of this command's time.
        return choice.open(request, refuses_drift=False)[1] if choice.is_given else request.manager()


def _find(manager: PluginManager, name: str) -> list[PluginRecord]:
    from odibi_core.errors import PluginNotFoundError, did_you_mean

    def folded(text: str) -> str:
        return text.strip().casefold().replace("_", "-").replace(".", "-")

    found = [record for record in manager.records if folded(name) in (folded(record.name), folded(record.distribution))]
    if found:
        return found
    names = sorted({word for record in manager.records for word in (record.name, record.distribution) if word})
    there = f"There are: {', '.join(names)}." if names else "No plugin is installed."
    raise PluginNotFoundError(f"Plugin {name!r} not found. {there} {did_you_mean(name, names)}".rstrip())


def _specs(manager: PluginManager, record: PluginRecord) -> Iterator[tuple[str, Any]]:
    registries: tuple[Any, ...] = (
        manager.engines,
        manager.readers,
        manager.savers,
        manager.log_sinks,
        manager.connections,
        manager.secret_providers,
        manager.config_stores,
        manager.functions,
        manager.checks,
        manager.commands,
    )
    for registry in registries:
        for spec in registry.values():
            owner = manager.owner_of(spec)
            if (owner.name, owner.distribution) == (record.name, record.distribution):
                yield registry.kind, spec


def _describe(manager: PluginManager, record: PluginRecord) -> dict[str, Any]:
    specs = [
        {
            "kind": kind,
            "name": spec.name,
            "factory": getattr(spec, "factory", spec.name),
            "summary": spec.summary,
            "requires": list(getattr(spec, "requires", ())),
            "capabilities": {
                name: {"supported": one.supported, "since": one.since, "note": one.note}
                for name, one in getattr(spec, "capabilities", {}).items()
            },
        }
        for kind, spec in _specs(manager, record)
    ]
    return record.to_dict() | {"entry_point": record.entry_point, "specs": specs}


def _check(manager: PluginManager, record: PluginRecord) -> dict[str, Any]:
    loaded, problems = [], []
    if record.state == "active":
        for kind, spec in _specs(manager, record):
            problem = _load(manager, spec)
            if problem is None:
                loaded.append(f"{kind} {spec.name}")
            else:
                problems.append(problem)
        problems += [
            f"{what} is also provided by {', '.join(other.describe() for other in others if other is not record)}"
            for what, others in manager.conflicts().items()
            if record in others
        ]
    elif record.state != "blocked":
        problems.append(record.reason)
    return record.to_dict() | {"ok": not problems, "loaded": loaded, "problems": problems}


def _load(manager: PluginManager, spec: Any) -> str | None:
    """Load what a spec names; return what is wrong with it, None if nothing is."""
    from odibi_core.diagnostics import describe_error
    from odibi_core.errors import PluginError
    from odibi_core.loading import resolve_reference

    try:
        manager.load(spec)
        manager.load_options_model(spec)
        for reference in getattr(spec, "transient_errors", ()):
            resolve_reference(reference)
    except PluginError as error:
        return str(error)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's module may raise anything; it is what was asked for
        return f"{spec.name}: {describe_error(error)}"
    return None


def _summary(provides: list[str]) -> str:
    """Return what a plugin provides in a few words: formats by engine, hooks by number."""
    shown: dict[str, list[str]] = {}
    for what in provides:
        kind, _, name = what.rpartition(" ")
        shown.setdefault(kind, []).append(name)
    parts = []
    for kind, names in shown.items():
        if kind == "hook":
            parts.append(f"{len(names)} hook{'' if len(names) == 1 else 's'}")
        else:
            parts.append(f"{kind} {', '.join(names)}")
    return "; ".join(parts)


def _show(output: Output, data: dict[str, Any]) -> None:
    output.heading(f"{data['name']}  ({data['distribution'] or 'registered by hand'} {data['version']})".rstrip())
    output.line(f"state        {data['state']}", indent=2)
    if data["reason"]:
        output.line(f"reason       {data['reason']}", indent=2, hanging=13)
    output.line(f"module       {data['entry_point']}", indent=2)
    if data["last_run"] is not None:
        cost = data["last_run"]["cost"]
        figures = f"{describe_count(cost['calls'], 'call')} in {describe_seconds(cost['seconds'])}"
        errors = describe_count(cost["errors"], "error")
        output.line(
            f"last run     {figures}, {errors}: odibi runs show {data['last_run']['run_id']}", indent=2, hanging=13
        )
    for spec in data["specs"]:
        summary = f" - {spec['summary']}" if spec["summary"] else ""
        output.line(f"{spec['kind']} {spec['name']}{summary}", indent=2, hanging=2)
        output.line(spec["factory"], indent=6)
        if spec["requires"]:
            output.line(f"requires {', '.join(spec['requires'])}", indent=6, hanging=2)
        for name, one in spec["capabilities"].items():
            word = f"since {one['since']}" if one["supported"] and one["since"] else "yes" if one["supported"] else "no"
            output.line(f"{name:12} {word}{': ' + one['note'] if one['note'] else ''}", indent=6, hanging=13)
    for what in data["provides"]:
        if what.startswith("hook "):
            output.line(what, indent=2)


def _show_check(output: Output, one: dict[str, Any]) -> None:
    name = f"{one['name']} ({one['distribution']} {one['version']})".replace("( )", "(registered by hand)")
    if one["state"] == "blocked":
        output.remark(f"blocked {name}: {one['reason']}")
    elif one["ok"]:
        output.line(f"ok      {name}: {len(one['loaded'])} loaded")
    else:
        output.line(f"error   {name}")
        for problem in one["problems"]:
            output.line(problem, indent=8, hanging=2)
