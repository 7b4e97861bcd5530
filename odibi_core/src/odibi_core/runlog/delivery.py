"""Delivery: from the journal to the log sinks, in batches, outside the run's critical path.

The journal is the queue. What a sink has not got yet is re-read from the file, so nothing piles up in memory however
slow a sink is, and nothing is lost if the process dies. How far a sink is, is in its cursor on disk. For each batch::

    1. the cursor is written with an intent       "records up to 500 are on their way"
    2. sink.write(records)
    3. the cursor is written without the intent   "records up to 500 are there"

A process that dies between 1 and 3 leaves an intent. Then a `RememberingLogSink` is asked for its `last_seq`, and gets
exactly what it does not have. A sink that has only `write` gets the batch again: each record at least once.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from odibi_core.diagnostics import describe_error
from odibi_core.errors import RunLogError
from odibi_core.runlog.feed import BATCH_SIZE, BatchReader, SinkFeed
from odibi_core.runlog.journal import Journal
from odibi_core.runlog.targets import SinkReport, SinkTarget, path_of, warn_of_failure

__all__ = ["Delivery"]

_PAUSES: Final = (0.05, 0.2, 0.8)
"""Seconds before a sink that failed is tried again at the end of a run: a dropped connection is often back by then."""

_BACKGROUND_WAIT: Final = 5.0
"""Seconds that a batch in the middle of a run waits for another process that delivers to the same sink."""


class Delivery:
    """Delivers one run's records to its sinks.

    A thread exists only while there is a full batch to deliver, or the rest at the end: it is never idle, so a run that
    forgets `finish` does not hang. It is no daemon: the interpreter waits for the batch that is under way. A sink that
    may hang needs a timeout of its own.

    Args:
        journal: The run's journal, with no record in it yet.
        sinks: The sinks; no two with the same key.
        state_dir: The project's `.odibi` folder.
        batch_size: Records in a batch at most.

    Example:
        >>> import tempfile
        >>> from datetime import UTC, datetime
        >>> class Printer:
        ...     def write(self, records):
        ...         print([record["status"] for record in records])
        >>> folder = Path(tempfile.mkdtemp())
        >>> journal = Journal.create(folder, run_id="r1", project="P", env="qat", engine="", layers=[], plugins={})
        >>> delivery = Delivery(journal, [SinkTarget(name="printer", sink=Printer(), key="printer")], folder)
        >>> _ = journal.append(transformation_id="t1", status="RUNNING", layer="Bronze", start_time=datetime.now(UTC))
        >>> delivery.notify()
        >>> journal.close("ABORTED", duration_seconds=0.1)
        >>> [(report.records, report.error) for report in delivery.finish()]
        ['RUNNING', 'ABORTED']
        [(2, None)]
    """

    def __init__(
        self, journal: Journal, sinks: Sequence[SinkTarget], state_dir: Path, *, batch_size: int = BATCH_SIZE
    ) -> None:
        if len({target.key for target in sinks}) != len(sinks):
            raise ValueError(f"Two log sinks have the same key: {sorted(target.key for target in sinks)}.")
        self._journal = journal
        self._batch_size = batch_size
        self._next_wake: float = batch_size if sinks else float("inf")
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._is_final = False
        self._until = 0.0
        self._errors: dict[str, str] = {}
        batches = BatchReader(journal.path, batch_size=batch_size)
        self._feeds = [
            SinkFeed(
                target, state_dir=state_dir, run_id=journal.run_id, batches=batches, before_batch=self._secure_journal
            )
            for target in sinks
        ]
        for feed in self._feeds:
            try:
                feed.begin(journal.first_offset)
            except OSError as error:
                self._note(feed, error)

    def notify(self) -> None:
        """Say that a record was appended; costs a comparison until a batch is full, then a thread's start."""
        if self._journal.last_seq >= self._next_wake:
            with self._guard:
                self._next_wake = self._journal.last_seq + self._batch_size
                self._start()

    def finish(self, deadline_seconds: float = 30.0) -> tuple[SinkReport, ...]:
        """Deliver what is left and report. There must be no more records; the journal may be open or closed.

        A sink that failed is tried again a few times. What is not delivered when time is up stays in the journal, and
        `deliver_pending` hands it over at the next start.

        Args:
            deadline_seconds: How long to wait at the most.

        Returns:
            One report per sink, in the order of the sinks.
        """
        if not self._feeds:
            return ()
        self._until = time.monotonic() + deadline_seconds
        try:
            with self._guard:
                self._is_final = True
                self._start()
                thread = self._thread
            if thread is not None:
                thread.join(deadline_seconds)
        finally:
            # Also when Ctrl-C ends the waiting: the thread ends after the batch that is under way.
            self._stop.set()
        return tuple(self._report(feed, deadline_seconds) for feed in self._feeds)

    def _start(self) -> None:
        if self._thread is None:
            # A copy of the run's context: its log level and log file hold for what is said here too.
            work = partial(contextvars.copy_context().run, self._work)
            thread = threading.Thread(target=work, name=f"odibi-delivery-{self._journal.run_id}")
            try:
                thread.start()
            except RuntimeError as error:  # no more threads for this process, or the interpreter is shutting down
                for feed in self._feeds:
                    self._note(feed, error)
            else:
                self._thread = thread

    def _work(self) -> None:
        pauses = list(_PAUSES)
        resting: set[SinkFeed] = set()
        while True:
            with self._guard:
                due = [feed for feed in self._feeds if feed not in resting and self._is_due(feed)]
                retries = bool(pauses) and self._is_final and any(self._is_due(feed) for feed in resting)
                if self._stop.is_set() or not (due or retries):
                    self._thread = None
                    return
            if due:
                # One batch each in turn, so that a slow sink does not starve the others. One that failed rests: the
                # next full batch, or the end of the run, is soon enough.
                resting.update(feed for feed in due if not self._deliver(feed))
            elif not self._stop.wait(pauses.pop(0)):
                resting.clear()

    def _is_due(self, feed: SinkFeed) -> bool:
        waiting = 0 if feed.is_complete else self._journal.last_seq - feed.seq
        return waiting >= (1 if self._is_final else self._batch_size)

    def _deliver(self, feed: SinkFeed) -> bool:
        if self._stop.is_set():
            return False
        until = self._until if self._is_final else time.monotonic() + _BACKGROUND_WAIT
        try:
            return feed.deliver_batch(until=until) > 0
        except BaseException as error:  # noqa: BLE001  # a sink never changes what becomes of a run
            self._note(feed, error)
            return False

    def _secure_journal(self) -> None:
        # After a power failure the journal must not have less than a sink, or both would go on with the same numbers.
        try:
            self._journal.barrier()
        except RunLogError:
            if self._journal.is_open:
                raise  # a closed one was brought to disk as it was closed

    def _note(self, feed: SinkFeed, error: BaseException) -> None:
        text = describe_error(error)
        if feed.target.key not in self._errors:
            warn_of_failure(feed.target, run_id=feed.run_id, error=text)
        self._errors[feed.target.key] = text

    def _report(self, feed: SinkFeed, deadline_seconds: float) -> SinkReport:
        total = self._journal.last_seq
        missing = 0 if feed.is_complete else total - feed.seq
        error = None
        if missing:
            cause = self._errors.get(feed.target.key, f"it did not take them within {deadline_seconds:g} s")
            error = (
                f"{missing} of {total} records are not in the log sink {feed.target.name!r}: {cause.rstrip('.')}. They "
                f"are safe in the journal and are delivered at the next start."
            )
        elif self._journal.is_open or self._journal.has_end:  # else the next start adds to it
            with contextlib.suppress(OSError):  # a cursor that stays only makes the next start look again
                feed.complete()
        return SinkReport(name=feed.target.name, records=total - missing, error=error, path=path_of(feed.target))
