"""One sink, one run: the next batch, handed over so that a crash at any moment loses and repeats nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from odibi_core.errors import RunLogError
from odibi_core.plugin.protocols import RememberingLogSink
from odibi_core.runlog.cursor import Cursor, forget_cursor, load_cursor, note_owner, save_cursor, sole_delivery
from odibi_core.runlog.layout import delivery_folder, make_folder
from odibi_core.runlog.reading import JournalLine, scan_journal
from odibi_core.runlog.records import record_for_sinks
from odibi_core.runlog.targets import SinkTarget, described

__all__ = ["BATCH_SIZE", "BatchReader", "SinkFeed"]

BATCH_SIZE: Final = 500
"""Records per batch. One commit per record costs a table format a file each; 500 records are some 300 kB of journal."""

_BATCH_BYTES: Final = 4 << 20
"""A batch ends early at this much journal text, so error messages of megabytes do not add up in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records that follow each other in a journal.

    Args:
        records: As sinks get them; empty if there is nothing more at the moment.
        cursor: Where a sink is that has them all.
        is_at_end: Whether the run's end line follows.
    """

    records: tuple[dict[str, Any], ...]
    cursor: Cursor
    is_at_end: bool


class BatchReader:
    """Reads a journal in batches, and keeps the last one: sinks in step with each other ask for the same.

    Args:
        journal: The journal.
        batch_size: Records in a batch at most.
    """

    def __init__(self, journal: Path, *, batch_size: int = BATCH_SIZE) -> None:
        self.is_readable = True
        """Whether the journal could be read; if not, it is not the sink that is down."""
        self._journal = journal
        self._batch_size = batch_size
        self._last: tuple[Cursor, Batch] | None = None

    def read(self, cursor: Cursor, /) -> Batch:
        """Return the batch behind a cursor.

        Raises:
            RunLogError: The journal cannot be read.
        """
        if self._last is not None and self._last[0] == cursor and len(self._last[1].records) == self._batch_size:
            return self._last[1]
        records: list[dict[str, Any]] = []
        place, is_at_end = cursor, False
        for line in self._lines(cursor):
            if line.kind == "record":
                records.append(record_for_sinks(line.content))
                place = Cursor(seq=line.content["seq"], offset=line.end)
                if len(records) >= self._batch_size or place.offset - cursor.offset >= _BATCH_BYTES:
                    break
            is_at_end = line.kind == "end"
        batch = Batch(records=tuple(records), cursor=place, is_at_end=is_at_end)
        self._last = (cursor, batch)
        return batch

    def place_of(self, seq: int, *, start: Cursor) -> Cursor:
        """Return the cursor of a sink that has a run's records up to `seq`, looking from an earlier one on."""
        place = start
        for line in self._lines(start):
            if line.kind == "record":
                if line.content["seq"] > seq:
                    break
                place = Cursor(seq=line.content["seq"], offset=line.end)
        return place

    def _lines(self, cursor: Cursor) -> Iterator[JournalLine]:
        try:
            yield from scan_journal(self._journal, offset=cursor.offset, next_seq=cursor.seq + 1)
        except RunLogError:
            self.is_readable = False
            raise


class SinkFeed:
    """Hands one run's records to one sink.

    Args:
        target: The sink.
        state_dir: The project's `.odibi` folder.
        run_id: The run.
        batches: Where the records come from.
        before_batch: Called before a batch leaves; makes sure that the journal will not have less than the sink.
        asks_first: Ask a sink that remembers before the first batch, because another process began to deliver the run
            and a power failure may have brought an older cursor back.
    """

    def __init__(
        self,
        target: SinkTarget,
        *,
        state_dir: Path,
        run_id: str,
        batches: BatchReader,
        before_batch: Callable[[], None] = lambda: None,
        asks_first: bool = False,
    ) -> None:
        self.target = target
        self.run_id = run_id
        self.seq = 0
        """The last record that the sink is known to have."""
        self.is_complete = False
        self.folder = delivery_folder(state_dir, target.key)
        self._batches = batches
        self._before_batch = before_batch
        self._asks_first = asks_first
        self._first: Cursor | None = None

    def begin(self, offset: int) -> None:
        """Note down that the sink is to get this run; from here on a crash cannot make that forgotten.

        Args:
            offset: Where the first record will be in the journal.

        Raises:
            OSError: It cannot be written; `deliver_batch` tries again.
        """
        self._first = Cursor(seq=0, offset=offset)
        make_folder(self.folder)
        note_owner(self.folder, described(self.target))
        save_cursor(self.folder, self.run_id, self._first)
        self._first = None

    def deliver_batch(self, *, until: float) -> int:
        """Hand over the next batch, if there is one.

        Args:
            until: When to give up waiting for others who deliver to the same sink, on `time.monotonic`'s clock.

        Returns:
            The number of records that the sink took; 0 if there are no more at the moment.

        Raises:
            BaseException: Whatever the sink raises; the same records come again next time.
        """
        if self._first is not None:
            self.begin(self._first.offset)
        with sole_delivery(self.folder, until=until):
            # On disk, because another process may have delivered since.
            cursor = load_cursor(self.folder, self.run_id)
            if cursor is None:
                self.is_complete = True
                return 0
            if cursor.intent is not None or self._asks_first:
                cursor = self._settled(cursor)
                save_cursor(self.folder, self.run_id, cursor)
                self._asks_first = False
            batch = self._batches.read(replace(cursor, intent=None))
            self.seq = cursor.seq
            if batch.records:
                self._before_batch()
                save_cursor(self.folder, self.run_id, replace(cursor, intent=batch.cursor.seq))
                # Copies: a sink may change what it is given, and the next sink gets the same batch.
                self.target.sink.write([dict(record) for record in batch.records])
                save_cursor(self.folder, self.run_id, batch.cursor)
                self.seq = batch.cursor.seq
            if batch.is_at_end:
                self.complete()
        return len(batch.records)

    def complete(self) -> None:
        """Forget the cursor: the sink has all of the run, and there will not be more."""
        forget_cursor(self.folder, self.run_id)
        self.is_complete = True

    def _settled(self, cursor: Cursor) -> Cursor:
        # A batch was on its way when its process died, or the sink raised. Only the sink can say what became of it.
        sink = self.target.sink
        if not isinstance(sink, RememberingLogSink):
            return cursor
        has = sink.last_seq(self.run_id)
        return self._batches.place_of(has, start=replace(cursor, intent=None))
