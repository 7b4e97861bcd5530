"""Reading journals: the whole of one, or on from where somebody stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from odibi_core.errors import RunLogError
from odibi_core.runlog.records import JOURNAL_SCHEMA, NoteKind

__all__ = ["JournalLine", "JournalReading", "read_end", "read_journal", "scan_journal"]

_TAIL: Final = 64 * 1024
_decode: Final = json.JSONDecoder().raw_decode
_KINDS: Final = frozenset({"run", "record", "end", *NoteKind})


class JournalLine(NamedTuple):
    """One whole line of a journal.

    Args:
        kind: ``"run"`` (the header), ``"record"``, ``"end"`` or a `NoteKind`.
        content: What it says, as it is written: times are text.
        end: The offset of the byte behind it.
    """

    kind: str
    content: dict[str, Any]
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReading:
    """What a journal says.

    Args:
        path: The journal.
        header: What was known when the run began; empty if the process ended before the header was written.
        records: The records in the order of ``seq``, as they are written: times are ISO 8601 text.
        notes: What else was written down for the next run, in order; ``type`` is a `NoteKind`.
        end: How the run ended; None if it runs, or was killed and not yet closed.
        size: The bytes of the whole lines; what is behind them is a torn line.
    """

    path: Path
    header: dict[str, Any]
    records: tuple[dict[str, Any], ...]
    notes: tuple[dict[str, Any], ...]
    end: dict[str, Any] | None
    size: int


def read_journal(path: Path) -> JournalReading:
    r"""Read a journal; a last line that is torn, because a write was cut off or is under way, is left out.

    Args:
        path: The journal.

    Raises:
        RunLogError: It cannot be read, a line before the last one is damaged, or records are missing.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "r1.jsonl"
        >>> _ = path.write_text('{"type":"run","schema":1,"run_id":"r1"}\n{"type":"record","seq":1}\n{"type":"rec')
        >>> [record["seq"] for record in read_journal(path).records]
        [1]
    """
    header: dict[str, Any] = {}
    records: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    end: dict[str, Any] | None = None
    size = 0
    for line in scan_journal(path):
        size = line.end
        if line.kind == "run":
            header = line.content
        elif line.kind == "end":
            end = line.content
        else:
            (records if line.kind == "record" else notes).append(line.content)
    return JournalReading(path=path, header=header, records=tuple(records), notes=tuple(notes), end=end, size=size)


def read_end(path: Path) -> dict[str, Any] | None:
    """Read the last line of a journal, and no other; return how the run ended, None if it has no end.

    Args:
        path: The journal.

    Raises:
        RunLogError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            size, tail, length = file.seek(0, os.SEEK_END), b"", _TAIL
            while tail.count(b"\n") < 2 and len(tail) < size:  # noqa: PLR2004 - one ends the last line, one the line before
                length *= 4
                file.seek(max(0, size - length))
                tail = file.read(size)
    except OSError as error:
        raise RunLogError(f"Cannot read the journal {path}: {error.strerror}.") from error
    if not tail.endswith(b"\n"):
        return None
    content = _decoded(tail[tail.rfind(b"\n", 0, -1) + 1 :])
    return content if content is not None and content["type"] == "end" else None


def scan_journal(path: Path, *, offset: int = 0, next_seq: int = 1) -> Iterator[JournalLine]:
    """Yield a journal's whole lines from an offset on, one at a time, so that its size does not matter.

    Args:
        path: The journal.
        offset: Where to begin: 0, or the `end` of a line that was read before.
        next_seq: The ``seq`` that the first record behind the offset must have.

    Raises:
        RunLogError: As `read_journal`.
    """
    try:
        with path.open("rb") as file:
            yield from _lines(file, path, offset=offset, next_seq=next_seq)
    except FileNotFoundError as error:
        raise RunLogError(f"The journal {path} is not there. It was moved or deleted.") from error
    except OSError as error:
        if isinstance(error, RunLogError):
            raise
        raise RunLogError(f"Cannot read the journal {path}: {error.strerror}.") from error


def _lines(file: IO[bytes], path: Path, *, offset: int, next_seq: int) -> Iterator[JournalLine]:
    file.seek(offset)
    for raw in file:
        if not raw.endswith(b"\n"):
            return
        begin, offset = offset, offset + len(raw)
        content = _decoded(raw)
        if content is None:
            if not file.read(1):
                return  # a power failure can leave a last line of the right length with the wrong bytes
            raise _damaged(path, begin, f"it begins with {raw[:40]!r}")
        kind = content["type"]
        if kind == "record":
            if content.get("seq") != next_seq:
                raise _damaged(path, begin, f"record {next_seq} should be here and {content.get('seq')!r} is")
            next_seq += 1
        elif kind == "run" and content.get("schema") != JOURNAL_SCHEMA:
            raise RunLogError(
                f"The journal {path} has schema {content.get('schema')!r}; this version of odibi-core reads schema "
                f"{JOURNAL_SCHEMA}. Upgrade odibi-core, or move the journal out of the folder."
            )
        yield JournalLine(kind, content, offset)


def _decoded(raw: bytes) -> dict[str, Any] | None:
    try:
        content, end = _decode(raw.decode("ascii"))
    except ValueError:
        return None
    is_whole = end == len(raw) - 1 and isinstance(content, dict) and content.get("type") in _KINDS
    return content if is_whole else None


def _damaged(path: Path, offset: int, what: str) -> RunLogError:
    return RunLogError(
        f"The journal {path} is damaged at byte {offset}: {what}. Nothing was changed. Restore the file from a backup, "
        f"or move it out of the folder to go on without that run."
    )
