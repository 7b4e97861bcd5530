"""Delivery: from the journal to the log sinks, in batches, outside the run's critical path.

The journal is the queue. What a sink has not got yet is re-read from the file, so nothing piles up in memory however
slow a sink is, and nothing is lost if the process dies. How far a sink is, is in its cursor on disk. For each batch::

    1. the cursor is written with an intent       "records up to 500 are on their way"
    2. sink.write(records)
    3. the cursor is written without the intent   "records up to 500 are there"

A process that dies between 1 and 3 leaves an intent. Then a `RememberingLogSink` is asked for its `last_seq`, and gets
exactly what it does not have. A sink that has only `write` gets the batch again: each record at least once.

A batch leaves when it is full. So that somebody who looks at a sink also sees what a long run is doing, what there is
leaves a second after it was written, then after two, four ... and at last 30 seconds: a table format makes a file of
each batch, and an hour has 3,600 seconds.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
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

_LONGEST_FLUSH: Final = 30.0
"""Seconds that a record waits at the most for a batch to be full."""

_FAREWELL: Final = 0.1
"""Seconds that a thread which is told to end is waited for. One that waits for a batch ends at once."""

_GLANCE: Final = 1.0
"""Seconds between looks whether the interpreter is shutting down: then nobody waits for a batch to be full."""


class Delivery:
    """Delivers one run's records to its sinks.

    A thread exists only while there are records to deliver. It is no daemon: the interpreter waits for the batch that
    is under way, but no longer, so a run that forgets `finish` does not hang. A sink that may hang needs a timeout of
    its own.

    Args:
        journal: The run's journal, with no record in it yet.
        sinks: The sinks; no two with the same key.
        state_dir: The project's `.odibi` folder.
        batch_size: Records in a batch at most.
        flush_seconds: How long the first records wait for a batch to be full; for later ones it is twice as long each
            time, up to 30 seconds.

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
        self,
        journal: Journal,
        sinks: Sequence[SinkTarget],
        state_dir: Path,
        *,
        batch_size: int = BATCH_SIZE,
        flush_seconds: float = 1.0,
    ) -> None:
        if len({target.key for target in sinks}) != len(sinks):
            raise ValueError(f"Two log sinks have the same key: {sorted(target.key for target in sinks)}.")
        self._journal = journal
        self._batch_size = batch_size
        self._flush_seconds = flush_seconds
        self._full_at = batch_size
        self._next_look: float = 1 if sinks else float("inf")
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._is_final = False
        self._until = 0.0
        self._errors: dict[str, str] = {}
        # The run's log level and log file hold for what is said here too. Not those of whoever appends a record, which
        # is a transformation's thread: a sink's trouble would be said to be that transformation's.
        self._context = contextvars.copy_context()
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
        """Say that a record was appended; costs a comparison, but a thread's start if nothing was waiting before it."""
        if self._journal.last_seq >= self._next_look:
            with self._guard:
                last = self._journal.last_seq
                if last >= self._full_at:
                    self._full_at = last + self._batch_size
                    self._wake.set()
                self._next_look = self._full_at
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
                self._wake.set()
                self._start()
                thread = self._thread
            if thread is not None:
                thread.join(deadline_seconds)
        finally:
            # Also when Ctrl-C ends the waiting: the thread ends after the batch that is under way.
            self._stop.set()
            self._wake.set()
        return tuple(self._report(feed, deadline_seconds) for feed in self._feeds)

    def give_up(self) -> None:
        """Let the thread end after the batch that is under way; what is left is delivered by the next start.

        For a run that ends without `finish`, because Ctrl-C came once more: the thread would go on until a batch is
        due, and the process with it. After `finish` it does nothing.
        """
        self._stop.set()
        self._wake.set()
        thread = self._thread
        if thread is not None:
            thread.join(_FAREWELL)

    def _start(self) -> None:
        if self._thread is None:
            work = partial(self._context.copy().run, self._work)
            thread = threading.Thread(target=work, name=f"odibi-delivery-{self._journal.run_id}")
            try:
                thread.start()
            except RuntimeError as error:  # no more threads for this process, or the interpreter is shutting down
                for feed in self._feeds:
                    self._note(feed, error)
            else:
                self._thread = thread

    def _work(self) -> None:
        flush_at = time.monotonic() + self._flush_seconds
        failed: AbstractSet[SinkFeed] = frozenset()
        while self._goes_on(failed):
            if self._is_final:
                self._deliver_rest()
            elif at_least := self._wait_for_batch(flush_at):
                failed = self._deliver_waiting(at_least=at_least)
                if at_least == 1:
                    self._flush_seconds = min(2 * self._flush_seconds, _LONGEST_FLUSH)
                    flush_at = time.monotonic() + self._flush_seconds
            else:
                # The end of the run, for which no sink counts as failed; or the interpreter's, and the thread goes.
                failed = frozenset(self._feeds)

    def _goes_on(self, failed: AbstractSet[SinkFeed]) -> bool:
        with self._guard:
            # In this order: a record that comes from now on is seen here, or else its `notify` starts a thread.
            self._next_look = 0
            last = self._journal.last_seq
            # A sink that failed is not waited for: the next record starts a thread that tries it again.
            is_behind = any(self._waiting(feed, last) for feed in self._feeds if self._is_final or feed not in failed)
            if is_behind and not self._stop.is_set():
                self._next_look = self._full_at
                return True
            self._thread = None
            self._next_look = last + 1
            return False

    def _wait_for_batch(self, flush_at: float) -> int:
        """Return how many records make a batch now; 0 if the run is at its end, or the interpreter at its own."""
        while not self._wake.wait(max(0.0, min(flush_at - time.monotonic(), _GLANCE))):
            if not threading.main_thread().is_alive():
                return 0
            if time.monotonic() >= flush_at:
                return 1
        self._wake.clear()
        return 0 if self._is_final else self._batch_size

    def _deliver_waiting(self, *, at_least: int) -> AbstractSet[SinkFeed]:
        """Deliver what has been written until now, in batches that are not smaller; return the sinks that failed."""
        failed: set[SinkFeed] = set()
        last = self._journal.last_seq
        while due := [feed for feed in self._feeds if feed not in failed and self._waiting(feed, last) >= at_least]:
            # One batch each in turn, so that a slow sink does not starve the others.
            failed.update(feed for feed in due if not self._deliver(feed))
        return failed

    def _deliver_rest(self) -> None:
        for pause in (0.0, *_PAUSES):
            if self._stop.wait(pause):
                return
            self._deliver_waiting(at_least=1)
            if not any(self._waiting(feed, self._journal.last_seq) for feed in self._feeds):
                break
        self._stop.set()

    @staticmethod
    def _waiting(feed: SinkFeed, last: int) -> int:
        return 0 if feed.is_complete else last - feed.seq

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
        missing = self._waiting(feed, total)
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
