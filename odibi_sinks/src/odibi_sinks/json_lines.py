"""Run-log records as JSON lines: one object per line with every column, ASCII, missing values null."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA, RunLogError
from odibi_sinks.stored import record_of

__all__ = ["JsonLines"]

_encode: Final = json.JSONEncoder(separators=(",", ":"), default=str).encode
_CHUNK: Final = 1 << 16
_TIMES: Final = tuple(column.name for column in RECORD_SCHEMA if column.type == "timestamp")
_FLOATS: Final = tuple(column.name for column in RECORD_SCHEMA if column.type == "float")
_START: Final = f'{{"{RECORD_COLUMNS[0]}":'.encode("ascii")


class JsonLines:
    """The JSON-lines format of `FileLogSink`."""

    header = b""

    def encode(self, records: Sequence[Mapping[str, Any]]) -> bytes:
        """Return lines for records, each with its end of line."""
        lines = (_encode(_content(record)) for record in records)
        return "".join(f"{line}\n" for line in lines).encode("ascii")

    def repaired(self, path: Path) -> tuple[int, bytes]:
        """Return how much of a file is whole, and what has to be written behind that before the next line.

        Args:
            path: The file; not empty.

        Raises:
            RunLogError: It is not a run log.
        """
        with path.open("rb") as file:
            _check_start(path, file.read(len(_START)))
            end = file.seek(0, io.SEEK_END)
            last = _last_line(file, end)
        if not last:
            return end, b""
        # An object is whole or cannot be read, so a last line that can be read lacks nothing but its end of line.
        return (end - len(last), b"") if _decoded(last) is None else (end, b"\n")

    def runs_and_seqs(self, path: Path) -> Iterator[tuple[str, int]]:
        """Yield run id and ``seq`` of each whole line; the id is empty if there is none."""
        with path.open("rb") as file:
            for line in file:
                content = _decoded(line)
                if content is not None:
                    seq = content.get("seq")
                    yield str(content.get("run_id") or ""), seq if isinstance(seq, int) else 0

    def records(self, file: IO[bytes]) -> Iterator[dict[str, Any]]:
        """Yield each whole line of an open file as a record.

        Raises:
            RunLogError: It is not a run log, or a line is damaged.
        """
        path = Path(file.name)
        _check_start(path, file.read(len(_START)))
        file.seek(0)
        for number, line in enumerate(file, 1):
            content = _decoded(line)
            if content is None:
                if line.endswith(b"\n"):
                    raise RunLogError(f"{path} is damaged: line {number} is no record.")
                return  # torn; the next writer cuts it off
            try:
                yield record_of(content)
            except ValueError as error:
                raise RunLogError(f"{path} is damaged: line {number} is no record ({error}).") from error


def _check_start(path: Path, start: bytes) -> None:
    if not _START.startswith(start):
        raise RunLogError(
            f"{path} is not a run log: it begins with {start!r}, and a record begins with {_START!r}. Nothing was "
            f"written to it. Move that file away, or give the log sink another path."
        )


def _last_line(file: IO[bytes], end: int) -> bytes:
    # What is behind the last line break; looked for from the end, because a log grows large.
    tail = b""
    while len(tail) < end and b"\n" not in tail:
        place = max(0, end - len(tail) - _CHUNK)
        file.seek(place)
        tail = file.read(end - len(tail) - place) + tail
    return tail.rpartition(b"\n")[2]


def _decoded(line: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(line)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _content(record: Mapping[str, Any]) -> dict[str, Any]:
    content = {name: record.get(name) for name in RECORD_COLUMNS}
    for name in _TIMES:
        moment = content[name]
        if isinstance(moment, datetime):
            content[name] = moment.isoformat(timespec="microseconds")
    for name in _FLOATS:
        # JSON has no word for NaN and infinity.
        number = content[name]
        if isinstance(number, float) and not math.isfinite(number):
            content[name] = None
    return content
