"""What earlier runs have left undone: journals without an end, and records that a log sink did not take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from odibi_core.diagnostics import get_logger
from odibi_core.errors import RunLogError

if TYPE_CHECKING:
    from odibi_core.runlog import SinkReport, SinkTarget

__all__ = ["deliver_to_sinks", "settle_earlier_runs"]


def settle_earlier_runs(state_dir: Path, sinks: Sequence[SinkTarget]) -> None:
    """Close the journals of runs that died, and deliver what log sinks are still owed.

    A journal that is damaged must not keep every later run from starting: it is warned about and left as it is.

    Args:
        state_dir: The project's ``.odibi`` folder.
        sinks: The sinks of the run that is about to start.
    """
    from odibi_core.runlog import close_dead_runs, deliver_pending

    try:
        close_dead_runs(state_dir)
    except RunLogError as error:
        get_logger("running").warning("an earlier run could not be closed", error=str(error))
    deliver_pending(state_dir, sinks)


def deliver_to_sinks(
    state_dir: Path, sinks: Sequence[SinkTarget], *, deadline_seconds: float
) -> tuple[tuple[SinkReport, ...], RunLogError | None]:
    """Do what a start does for earlier runs, and say what became of it.

    Args:
        state_dir: The project's ``.odibi`` folder.
        sinks: The sinks to catch up.
        deadline_seconds: How long to wait at the most.

    Returns:
        A report on each sink, and what kept a dead run from being closed, None if nothing did.
    """
    from odibi_core.runlog import SinkReport, close_dead_runs, deliver_pending
    from odibi_core.runlog.targets import path_of

    problem = None
    try:
        close_dead_runs(state_dir)
    except RunLogError as error:
        problem = error  # the other runs are closed, and can be delivered
    late = {}
    for target in sinks:
        for report in deliver_pending(state_dir, [target], deadline_seconds=deadline_seconds):
            late[target.key] = report
    reports = tuple(
        late.get(target.key) or SinkReport(name=target.name, records=0, error=None, path=path_of(target))
        for target in sinks
    )
    return reports, problem
