"""Journal lines: how a record, the header and the end line are written, and how a record reaches a log sink.

A journal is ASCII: everything else is escaped as JSON has it. So a line break, a NUL, an emoji or a lone surrogate in
an error message is stored whole and can never be taken for the end of a line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from odibi_core.plugin.records import RECORD_COLUMNS, RECORD_SCHEMA

__all__ = [
    "JOURNAL_SCHEMA",
    "RECORD_COLUMNS",
    "UNFINISHED",
    "NoteKind",
    "RecordEncoder",
    "RecordStatus",
    "RunStatus",
    "encode_line",
    "fold",
    "iso",
    "now_iso",
    "record_for_sinks",
    "seconds_or_none",
    "storable_text",
    "text_or_none",
]

JOURNAL_SCHEMA: Final = 1
"""The version of the journal's format, in each header. A reader refuses a newer one instead of guessing."""

_TIMES: Final = tuple(column.name for column in RECORD_SCHEMA if column.type == "timestamp")
_EMPTY: Final[Mapping[str, Any]] = dict.fromkeys(RECORD_COLUMNS)


class RecordStatus(StrEnum):
    """What a record says about its transformation."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    RETRY = "RETRY"
    """An attempt failed and there will be another one."""
    ABORTED = "ABORTED"
    """The run was interrupted or killed while the transformation was running."""
    REUSED = "REUSED"
    """It did not run: what it made in an earlier run stands. `error_message` says why."""


class NoteKind(StrEnum):
    """What a line says that is no record: it is for the next run, has no ``seq``, and no log sink gets it."""

    SAVING = "saving"
    """An output is about to be saved in a way that must not happen twice, such as an append."""
    SAVED = "saved"
    """It has been saved."""
    UNSAVED = "unsaved"
    """The saver raised, and by its contract nothing has changed then."""
    FINGERPRINT = "fingerprint"
    """What a transformation was made from, so that the next run can tell whether that has changed."""


UNFINISHED: Final = frozenset({RecordStatus.RUNNING, RecordStatus.RETRY})
"""After these there is another record of the transformation, unless its process died."""


class RunStatus(StrEnum):
    """How a run is, or how it ended."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    ABORTED = "ABORTED"


def iso(moment: datetime, /) -> str:
    """Return a moment as text that sorts by time: ISO 8601, UTC, always with microseconds.

    Args:
        moment: A timezone-aware datetime of any zone.

    Raises:
        ValueError: The datetime is naive, so what moment it means is not known.

    Example:
        >>> iso(datetime(2026, 11, 21, 21, 30, tzinfo=UTC))
        '2026-11-21T21:30:00.000000+00:00'
    """
    if moment.tzinfo is not UTC:
        if moment.utcoffset() is None:
            raise ValueError(f"{moment!r} has no time zone. Times in the run log are aware: datetime.now(UTC).")
        moment = moment.astimezone(UTC)
    # `isoformat` takes twice as long, and two times were a quarter of what a record costs.
    minute = _minute(moment.toordinal(), moment.hour, moment.minute)
    return "%s%02d.%06d+00:00" % (minute, moment.second, moment.microsecond)  # noqa: UP031  # the quickest way


@lru_cache(maxsize=64)
def _minute(day: int, hour: int, minute: int) -> str:
    return f"{date.fromordinal(day).isoformat()}T{hour:02d}:{minute:02d}:"


def now_iso() -> str:
    """Return the present moment as `iso` writes it."""
    return iso(datetime.now(UTC))


def _plain(value: object) -> Any:
    # What JSON has no word for: numpy's integers become int, everything else its text.
    index = getattr(value, "__index__", None)
    return index() if index is not None else str(value)


_encode_values: Final = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


def encode_line(kind: str, content: Mapping[str, Any]) -> bytes:
    """Return a journal line other than a record: ``run`` (the header), ``end`` or a note.

    Args:
        kind: The line's type.
        content: Its values; what JSON has no word for is written as its text.
    """
    return _encode_values({"type": kind, **content}).encode("ascii") + b"\n"


class RecordEncoder:
    """Writes the records of one run; what is the same in all of them is encoded once.

    Args:
        run_id: The run.
        project: The project's name.
        env: The environment.
        plugin_versions: The text of the column of that name.
    """

    __slots__ = ("_constants",)

    def __init__(self, *, run_id: str, project: str, env: str, plugin_versions: str) -> None:
        constants = {"run_id": run_id, "project": project, "env": env, "plugin_versions": plugin_versions}
        self._constants = ("," + _encode_values(constants)[1:] + "\n").encode("ascii")

    def encode(self, columns: dict[str, Any], /) -> bytes:
        """Return a record's line from behind its ``seq`` to its end; `Journal` puts type and ``seq`` before it.

        Args:
            columns: What varies from record to record, with times as `iso` writes them.
        """
        return _encode_values(columns)[1:-1].encode("ascii") + self._constants


def text_or_none(value: object) -> str | None:
    """Return a value of a text column: itself, its text, or None."""
    return value if type(value) is str or value is None else str(value)


def seconds_or_none(value: float | None) -> float | None:
    """Return a duration that JSON can hold: NaN and infinity are not numbers there and become None."""
    return value if value is None or math.isfinite(value) else None


def storable_text(text: str, /) -> str:
    """Return a text as UTF-8 can hold it: a lone surrogate, which only JSON can escape, is spelled out in ASCII."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def fold(name: str, /) -> str:
    """Return a project's or environment's name as it is compared: without case and surrounding blanks.

    Example:
        >>> fold(" QAT ") == fold("qat")
        True
    """
    return storable_text(name.strip().casefold())


def record_for_sinks(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return a journal record as a log sink gets it: every column, times as aware datetimes, nothing else.

    Args:
        line: The decoded line; columns that it lacks, because an older version wrote it, are None.

    Example:
        >>> line = {"type": "record", "seq": 1, "start_time": "2026-11-21T21:30:00.000000+00:00"}
        >>> record_for_sinks(line)["start_time"]
        datetime.datetime(2026, 11, 21, 21, 30, tzinfo=datetime.timezone.utc)
    """
    record = {**_EMPTY, **line}
    record.pop("type", None)
    for name in _TIMES:
        if record[name] is not None:
            record[name] = datetime.fromisoformat(record[name])
    return record
