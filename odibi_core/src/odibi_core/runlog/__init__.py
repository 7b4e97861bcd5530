"""The run log: what happened, written so that it is true after a crash.

A run writes to its `Journal`; everything else is derived from journals: answers come from the `RunIndex`, and log sinks
are fed by a `Delivery`. A start does, in this order::

    lease = RunLease.acquire(state_dir, ...)     no other run of this project and environment until it is released
    close_dead_runs(state_dir)                   what a killed run left open is closed as ABORTED
    deliver_pending(state_dir, sinks)            what sinks do not have of earlier runs
    journal = Journal.create(state_dir, ...)     one file per run, one write per record
    delivery = Delivery(journal, sinks, ...)     hands batches to sinks while the run goes on
    ...                                          journal.append(...); delivery.notify()
    journal.close(...); delivery.finish()        the end, and the rest
    lease.release()
"""

from __future__ import annotations

from odibi_core.plugin.records import RECORD_COLUMNS, RECORD_SCHEMA, RecordColumn
from odibi_core.runlog.delivery import Delivery
from odibi_core.runlog.index import RunIndex
from odibi_core.runlog.journal import Journal
from odibi_core.runlog.layout import journal_path, new_run_id
from odibi_core.runlog.lease import RunLease
from odibi_core.runlog.pending import deliver_pending, owed_to_others
from odibi_core.runlog.reading import JournalReading, read_end, read_journal
from odibi_core.runlog.records import NoteKind, RecordStatus, RunStatus
from odibi_core.runlog.recovery import close_dead_runs
from odibi_core.runlog.run_rows import RunRow
from odibi_core.runlog.source_answers import SourceAnswers
from odibi_core.runlog.targets import SinkReport, SinkTarget

__all__ = [
    "RECORD_COLUMNS",
    "RECORD_SCHEMA",
    "Delivery",
    "Journal",
    "JournalReading",
    "NoteKind",
    "RecordColumn",
    "RecordStatus",
    "RunIndex",
    "RunLease",
    "RunRow",
    "RunStatus",
    "SinkReport",
    "SinkTarget",
    "SourceAnswers",
    "close_dead_runs",
    "deliver_pending",
    "journal_path",
    "new_run_id",
    "owed_to_others",
    "read_end",
    "read_journal",
]
