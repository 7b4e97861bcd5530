"""A log sink that prints one line per record."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TextIO

__all__ = ["ConsoleLogSink"]


class ConsoleLogSink:
    """Prints one line per record.

    Args:
        stream: An open text stream, ``"stderr"`` or ``"stdout"``. None is stderr, because stdout belongs to the result
            of the program: ``odibi run --json`` prints one document there.

    Example:
        >>> sink = ConsoleLogSink("stdout")
        >>> sink.write([{"transformation_id": "t1", "layer": "Silver", "status": "SUCCESS", "duration_seconds": 1.5}])
        SUCCESS  Silver/t1 1.500 s
    """

    def __init__(self, stream: TextIO | Literal["stderr", "stdout"] | None = None) -> None:
        self._stream = stream

    def write(self, records: Sequence[Mapping[str, Any]], /) -> None:
        """Print records.

        Args:
            records: Mappings with the columns of the run log; missing ones are left out.
        """
        # Looked up now: a notebook or a test may have put another stream in its place since.
        stream = self._stream
        if stream is None or isinstance(stream, str):
            stream = sys.stdout if stream == "stdout" else sys.stderr
        text = "".join(f"{_line(record)}\n" for record in records)
        encoding = getattr(stream, "encoding", None) or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


def _line(record: Mapping[str, Any]) -> str:
    moment = record.get("end_time") or record.get("start_time")
    name = "/".join(_printable(record[key]) for key in ("layer", "transformation_id") if record.get(key))
    attempt = record.get("attempt") or 1
    duration = record.get("duration_seconds")
    read, written = record.get("rows_read"), record.get("rows_written")
    parts = (
        moment.isoformat(sep=" ", timespec="seconds") if isinstance(moment, datetime) else moment,
        f"{record.get('status') or '':<8}",
        name,
        record.get("engine"),
        f"attempt {attempt}" if attempt != 1 else None,
        None if duration is None else f"{duration:.3f} s",
        None if read is None else f"{read} rows read",
        None if written is None else f"{written} rows written",
        _first_line(record.get("error_message")),
    )
    return " ".join(_printable(part) for part in parts if part)


def _first_line(message: object) -> str | None:
    lines = str(message or "").strip().splitlines()
    return None if not lines else lines[0] if len(lines) == 1 else f"{lines[0]} ..."


def _printable(value: object) -> str:
    # An error message may hold anything, also what moves the cursor of a terminal.
    text = str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
