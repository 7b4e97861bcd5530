"""What earlier runs have left undone: journals without an end, and records that a log sink did not take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from odibi_core.diagnostics import get_logger
from odibi_core.errors import RunLogError

if TYPE_CHECKING:
    from odibi_core.runlog import SinkTarget

__all__ = ["settle_earlier_runs"]


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
