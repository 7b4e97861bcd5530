"""What plugins cost runs, as the journals say at their end."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from odibi_core.cli.request import ProjectChoice

__all__ = ["LastRun", "costs_of_run", "last_run_of"]

_KNOWN_VERSION = 1
_MOST_RUNS = 20


class LastRun(NamedTuple):
    """The last run of a project that ended, and what a plugin cost it.

    Args:
        run_id: The run.
        cost: What the plugin cost it.
    """

    run_id: str
    cost: dict[str, Any]


def costs_of_run(state_dir: Path, run_id: str) -> dict[str, Any]:
    """Return what each plugin cost a run, by name; nothing if the run did not write its own end, or has none yet.

    Args:
        state_dir: The folder of the project's run log.
        run_id: The run.

    Raises:
        RunLogError: Its journal cannot be read.
    """
    from odibi_core.runlog import journal_path, read_end

    path = journal_path(state_dir, run_id)
    end = read_end(path) if path.exists() else None
    costs = (end or {}).get("plugin_costs", {})
    return dict(costs.get("plugins", {})) if costs.get("version") == _KNOWN_VERSION else {}


def last_run_of(plugin: str, choice: ProjectChoice) -> LastRun | None:
    """Return the last run in which a plugin was called, as far as is known; None without a project or such a run.

    Only the newest runs are looked at: somebody who asks about a plugin does not wait for a thousand journals.

    Args:
        plugin: The plugin's name.
        choice: The project; where none was named, that of the working folder.

    Raises:
        ProjectNotFoundError: One was named, and is not there.
        RunLogError: A journal cannot be read.
    """
    from odibi_core.errors import ProjectNotFoundError
    from odibi_core.runlog.layout import run_ids

    try:
        state_dir = choice.state_dir()
    except ProjectNotFoundError:
        if choice.is_given:
            raise
        return None
    for run_id in sorted(run_ids(state_dir), reverse=True)[:_MOST_RUNS]:
        cost = costs_of_run(state_dir, run_id).get(plugin)
        if cost is not None:
            return LastRun(run_id, cost)
    return None
