"""Catching up: what log sinks do not have of earlier runs, because they were down or the process was killed."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from odibi_core.diagnostics import describe_error
from odibi_core.errors import RunLogError
from odibi_core.runlog.cursor import forget_cursor, owner_of, pending_runs
from odibi_core.runlog.feed import BATCH_SIZE, BatchReader, SinkFeed
from odibi_core.runlog.layout import delivery_folder, journal_path, marker_path
from odibi_core.runlog.targets import SinkReport, SinkTarget, path_of, warn_of_failure

__all__ = ["deliver_pending", "owed_to_others"]


def deliver_pending(
    state_dir: Path, sinks: Sequence[SinkTarget], *, batch_size: int = BATCH_SIZE, deadline_seconds: float = 30.0
) -> tuple[SinkReport, ...]:
    """Deliver what sinks do not have of earlier runs: because they were down, or because the process was killed.

    Runs that are still going on deliver for themselves and are left alone, so `close_dead_runs` comes first. A sink
    gets the runs that began while it was configured.

    Args:
        state_dir: The project's `.odibi` folder.
        sinks: The sinks to catch up, with the keys that they had in those runs.
        batch_size: Records in a batch at most.
        deadline_seconds: How long to wait at the most; what is left stays for the next time.

    Returns:
        One report per sink that had something to catch up on.

    Example:
        >>> deliver_pending(Path("a-project-that-never-ran/.odibi"), [])
        ()
    """
    until = time.monotonic() + deadline_seconds
    late = [_CatchUp(target, state_dir=state_dir, batch_size=batch_size, until=until) for target in sinks]
    late = [catch_up for catch_up in late if catch_up.run_ids or catch_up.error]
    if not late:
        return ()
    stop = threading.Event()

    def work() -> None:
        for catch_up in late:
            catch_up.work(stop)

    in_context = partial(contextvars.copy_context().run, work)
    thread = threading.Thread(target=in_context, name="odibi-delivery-of-earlier-runs")
    thread.start()
    try:
        thread.join(deadline_seconds)
    finally:
        stop.set()
    return tuple(catch_up.report(deadline_seconds) for catch_up in late)


def owed_to_others(state_dir: Path, sinks: Sequence[SinkTarget], /) -> dict[str, int]:
    """Return to which log sinks earlier runs are owed that are not among some, such as one whose place was changed.

    Args:
        state_dir: The project's `.odibi` folder.
        sinks: The sinks that are known.

    Returns:
        The number of runs, by the sink's type and place.

    Raises:
        RunLogError: A folder cannot be read.

    Example:
        >>> owed_to_others(Path("a-project-that-never-ran/.odibi"), [])
        {}
    """
    known = {delivery_folder(state_dir, target.key) for target in sinks}
    owed: dict[str, int] = {}
    for folder in sorted((state_dir / "delivery").glob("*/")):
        if folder not in known:
            try:
                runs = _closed(state_dir, pending_runs(folder))
            except OSError as error:
                raise RunLogError(
                    f"Cannot read {folder}: {error.strerror}. Whether it is owed runs is not known."
                ) from error
            if runs:
                owed[owner_of(folder)] = owed.get(owner_of(folder), 0) + len(runs)
    return owed


def _closed(state_dir: Path, run_ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(run_id for run_id in run_ids if not marker_path(journal_path(state_dir, run_id)).exists())


class _CatchUp:
    def __init__(self, target: SinkTarget, *, state_dir: Path, batch_size: int, until: float) -> None:
        self._target = target
        self._state_dir = state_dir
        self._batch_size = batch_size
        self._until = until
        self._folder = delivery_folder(state_dir, target.key)
        self._delivered = 0
        self._is_done = False
        self._has_all = True  # the journals do, of what the sink lacks
        self.error: str | None = None
        self.run_ids: tuple[str, ...] = ()
        try:
            self.run_ids = _closed(state_dir, pending_runs(self._folder))
        except OSError as error:
            self.error = describe_error(error)

    def work(self, stop: threading.Event) -> None:
        for run_id in self.run_ids:
            batches = BatchReader(journal_path(self._state_dir, run_id), batch_size=self._batch_size)
            try:
                self._catch_up(run_id, batches, stop)
            except BaseException as error:  # noqa: BLE001  # a sink never keeps a run from starting
                self.error = f"run {run_id}: {describe_error(error)}"
                warn_of_failure(self._target, run_id=run_id, error=self.error)
                self._has_all &= batches.is_readable
                if batches.is_readable:
                    break  # one failure is enough: a sink that is down is down for the other runs too
            if stop.is_set():
                return
        self._is_done = True

    def _catch_up(self, run_id: str, batches: BatchReader, stop: threading.Event) -> None:
        journal = journal_path(self._state_dir, run_id)
        if not journal.exists():
            self.error = f"the journal of run {run_id} is gone, and with it the records that the sink did not get"
            warn_of_failure(self._target, run_id=run_id, error=self.error)
            forget_cursor(self._folder, run_id)
            self._has_all = False
            return
        feed = SinkFeed(self._target, state_dir=self._state_dir, run_id=run_id, batches=batches, asks_first=True)
        while not stop.is_set():
            taken = feed.deliver_batch(until=self._until)
            self._delivered += taken
            if not taken:
                if not feed.is_complete:
                    # The run was closed when these runs were looked for, so there is nobody left to write the end.
                    batches.is_readable = False
                    raise RunLogError(f"the journal {journal} is cut off: its end is missing. Restore it from a backup")
                break

    def report(self, deadline_seconds: float) -> SinkReport:
        error = self.error
        if error is None and not self._is_done:
            error = f"not all of {len(self.run_ids)} earlier run(s) were delivered within {deadline_seconds:g} s"
        if error is not None:
            safe = " They stay in the journal." if self._has_all else ""
            error = f"The log sink {self._target.name!r} lacks records of earlier runs: {error.rstrip('.')}.{safe}"
        return SinkReport(name=self._target.name, records=self._delivered, error=error, path=path_of(self._target))
