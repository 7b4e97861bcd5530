"""Closing the journals of runs whose process is gone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import IO, Any, Final

from odibi_core.errors import RunLogError
from odibi_core.runlog.disk import write_whole
from odibi_core.runlog.layout import journal_path, marker_path, run_ids
from odibi_core.runlog.liveness import LockOutcome, abandoned_by, lock_file, process_mark
from odibi_core.runlog.reading import JournalReading, read_journal
from odibi_core.runlog.records import UNFINISHED, RecordStatus, RunStatus, encode_line, iso, now_iso

__all__ = ["close_dead_runs"]

_LOOKS: Final = 3
_BETWEEN_LOOKS: Final = 0.001
"""Seconds. A status query holds the lock for some microseconds; it must not be taken for a living run."""


def close_dead_runs(state_dir: Path) -> tuple[str, ...]:
    """Close the journals of killed runs as ABORTED, so that what they say is final.

    A torn last line is cut off; each transformation that was running gets an ABORTED record; then follows the end line.
    A living run is left alone, and so is one of which it cannot be known whether it lives (see `liveness`). Several
    processes may do this at once: one of them closes a run and the others find it closed.

    Args:
        state_dir: The project's `.odibi` folder; one that does not exist has no runs.

    Returns:
        The ids of the runs that this call closed, oldest first.

    Raises:
        RunLogError: A journal cannot be read or written, or is damaged. All the others are closed; a run may begin.

    Example:
        >>> close_dead_runs(Path("a-project-that-never-ran/.odibi"))
        ()
    """
    closed = []
    problems = []
    for run_id in run_ids(state_dir, suffix=".open"):
        try:
            if _close_if_dead(journal_path(state_dir, run_id)):
                closed.append(run_id)
        except RunLogError as error:
            problems.append(error)
    if problems:
        raise problems[0]
    return tuple(closed)


def _close_if_dead(journal: Path) -> bool:
    try:
        with journal.open("r+b", buffering=0) as file:
            outcome = _lock_patiently(file.fileno())
            if outcome is LockOutcome.BUSY:
                return False
            # Read only now: another process may have closed the run until the lock was free.
            reading = read_journal(journal)
            if not reading.header or not abandoned_by(outcome, reading.header):
                return False
            was_open = reading.end is None
            if was_open:
                _close(file, reading)
        marker_path(journal).unlink(missing_ok=True)
    except FileNotFoundError:
        return False  # its marker is made first, so the run begins just now, or died before it began
    except OSError as error:
        if isinstance(error, RunLogError):
            raise
        raise RunLogError(
            f"Cannot close the journal {journal} of a run whose process is gone: {error.strerror}. Check that this "
            f"user may write to it and that the disk is not full."
        ) from error
    return was_open


def _lock_patiently(descriptor: int) -> LockOutcome:
    for _ in range(_LOOKS - 1):
        outcome = lock_file(descriptor)
        if outcome is not LockOutcome.BUSY:
            return outcome
        sleep(_BETWEEN_LOOKS)
    return lock_file(descriptor)


def _close(file: IO[bytes], reading: JournalReading) -> None:
    last_sign = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
    aborted = list(_aborted_records(reading, last_sign))
    end = {
        "status": RunStatus.ABORTED,
        "ended": now_iso(),
        "duration_seconds": None,
        "error": f"{_what_happened(reading.header)} {_last_seen(last_sign)}",
        "records": len(reading.records) + len(aborted),
        "closed_by": process_mark(),
    }
    lines = b"".join([*(encode_line("record", record) for record in aborted), encode_line("end", end)])
    file.truncate(reading.size)
    file.seek(reading.size)
    # If this is cut off too, the next one to look cuts off the torn line and writes what is missing.
    write_whole(file.fileno(), lines)
    os.fsync(file.fileno())


def _aborted_records(reading: JournalReading, last_sign: datetime) -> Iterable[dict[str, Any]]:
    last: dict[str, dict[str, Any]] = {record["transformation_id"]: record for record in reading.records}
    seq = len(reading.records)
    for record in last.values():
        if record["status"] in UNFINISHED:
            seq += 1
            # When it ended and how long it ran is not known, so it is not made up.
            yield {
                **record,
                "seq": seq,
                "status": RecordStatus.ABORTED,
                "end_time": None,
                "duration_seconds": None,
                "error_message": f"{_what_happened(reading.header)} {_last_seen(last_sign)}",
                "rows_read": None,
                "rows_written": None,
            }


def _what_happened(header: Mapping[str, Any]) -> str:
    return f"The run's process {header.get('pid')} on {header.get('host')} ended without closing the run."


def _last_seen(last_sign: datetime) -> str:
    return f"Its last record was written at {iso(last_sign)}."
