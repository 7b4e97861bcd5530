"""``odibi runs diff``: what changed between two runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click  # noqa: TID253 - there is no command line without it

from odibi_core.cli.exits import answering
from odibi_core.cli.output import Output, describe_count, describe_seconds, describe_time
from odibi_core.cli.request import ProjectChoice, Request, command_options, project_folder_options

if TYPE_CHECKING:
    from odibi_core.runlog import RunIndex, RunRow

__all__ = ["diff_runs"]


@click.command("diff")
@click.argument("before", required=False)
@click.argument("after", required=False)
@project_folder_options
@command_options
@answering()
def diff_runs(request: Request, *, before: str | None, after: str | None, choice: ProjectChoice) -> None:
    """Show what changed between two runs: outcomes, rows, engines, errors, durations.

    BEFORE and AFTER are ids of runs, or the beginning or the end of one. Without AFTER the newest run is meant, without
    both the newest two.

    Exit codes: 0 here it is, whether anything changed or not; 2 there is no such run, or the run log cannot be read.
    """
    from odibi_core.runlog import RunIndex
    from odibi_core.runlog.comparison import compare_runs

    index = RunIndex(choice.state_dir())
    old, new = _runs(index, before, after)
    found = compare_runs(index, before=old, after=new)
    if request.output.as_json:
        request.output.document(found)
    else:
        _show(request.output, found)


def _runs(index: RunIndex, before: str | None, after: str | None) -> tuple[RunRow, RunRow]:
    from odibi_core.errors import SelectionError

    if before and after:
        return index.find(before), index.find(after)
    newest = index.runs(limit=2)
    if before and newest:
        return index.find(before), newest[0]
    if len(newest) < 2:  # noqa: PLR2004 - a difference is between two
        raise SelectionError(f"There are {len(newest)} run(s) of this project, and a difference is between two.")
    return newest[1], newest[0]


def _show(output: Output, found: dict[str, Any]) -> None:
    for name in ("before", "after"):
        run = found[name]
        took = f", took {describe_seconds(run['duration_seconds'])}" if run["duration_seconds"] is not None else ""
        output.line(f"{name:7} {run['run_id']}  {run['status']}  began {describe_time(run['started'])}{took}")
    output.line()
    rows = [("run", *change) for change in _cells(found["changes"])]
    for one in found["transformations"]:
        rows += [(one["transformation_id"], *change) for change in _cells(one["changes"])]
    rows += [(id_, "", "ran", "") for id_ in found["only_before"]]
    rows += [(id_, "", "", "ran") for id_ in found["only_after"]]
    if rows:
        output.table(("of", "what", "before", "after"), rows)
    output.remark(f"{describe_count(found['same'], 'transformation')} without a difference.")


def _cells(changes: dict[str, list[Any]]) -> list[tuple[str, str, str]]:
    return [
        (name.replace("_seconds", "").replace("_", " "), _cell(name, before), _cell(name, after))
        for name, (before, after) in changes.items()
    ]


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "duration_seconds":
        return describe_seconds(value)
    return f"{value:,}" if isinstance(value, int) else ", ".join(value) if isinstance(value, list) else str(value)
