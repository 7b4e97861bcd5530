r"""Run-log records as CSV: UTF-8, a header, v2's ten columns first, missing values empty.

Rows end with CR LF, and no value has a CR in it, so the end of a file tells whether its last row is whole. For that a
line break inside a value is always a bare LF. A NUL and a lone surrogate, which many readers cannot take, are spelled
out (``\x00``, ``\ud800``). JSON lines keep everything exactly.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA, RunLogError
from odibi_sinks.record_columns import are_in_utc, columns_of, iso_texts, without_nan
from odibi_sinks.stored import record_of

__all__ = ["CsvLines"]

_HEADER: Final = ",".join(RECORD_COLUMNS).encode("ascii")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_QUOTED_CELL: Final = re.compile(r'"([^"]*(?:""[^"]*)*)"')
_RUN_ID: Final = RECORD_COLUMNS.index("run_id")
_SEQ: Final = RECORD_COLUMNS.index("seq")
_TIMES: Final = tuple(place for place, column in enumerate(RECORD_SCHEMA) if column.type == "timestamp")
_FLOATS: Final = tuple(place for place, column in enumerate(RECORD_SCHEMA) if column.type == "float")


class CsvLines:
    """The CSV format of `FileLogSink`."""

    header = _HEADER + b"\r\n"

    def encode(self, records: Sequence[Mapping[str, Any]]) -> bytes:
        """Return rows for records, each with its end of line."""
        rows = _rows(records)
        text = _written(rows)
        # Looking at the whole text once is much cheaper than looking at each value; it is nearly always clean.
        if text.count("\r") != len(rows) or "\0" in text:
            text = _written([[_spelled_out(cell) for cell in row] for row in rows])
        return text.encode("utf-8", "backslashreplace")

    def repaired(self, path: Path) -> tuple[int, bytes]:
        """Return how much of a file is whole, and what has to be written behind that before the next row.

        Args:
            path: The file; not empty.

        Raises:
            RunLogError: It is not a run log with these columns.
        """
        with path.open("rb") as file:
            _check_header(path, file.read(len(_BYTE_ORDER_MARK + self.header)))
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - 2))
            if file.read() == b"\r\n":
                return size, b""
            # Torn, or its line ends were changed by another program: only counting quotes from the start tells which.
            file.seek(0)
            whole = 0
            for row in _whole_rows(file):
                whole += len(row)
        return whole, b"" if whole else self.header

    def runs_and_seqs(self, path: Path) -> Iterator[tuple[str, int]]:
        """Yield run id and ``seq`` of each whole row; the id is empty if there is none, or if it had to be quoted."""
        with path.open("rb") as file:
            rows = _whole_rows(file)
            next(rows, None)
            for row in rows:
                # What is between quotes goes, and with it every comma that is not between two columns.
                cells = b"".join(row.split(b'"')[::2]).split(b",")
                if len(cells) == len(RECORD_COLUMNS):
                    seq = cells[_SEQ]
                    yield cells[_RUN_ID].decode("utf-8", "replace"), int(seq) if seq.isdigit() else 0

    def records(self, file: IO[bytes]) -> Iterator[dict[str, Any]]:
        """Yield each whole row of an open file as a record.

        Raises:
            RunLogError: It is not a run log with these columns, or a row is damaged.
        """
        path = Path(file.name)
        _check_header(path, file.read(len(_BYTE_ORDER_MARK + self.header)))
        file.seek(0)
        for number, row in enumerate(_whole_rows(file)):
            if number:
                try:
                    yield record_of(dict(zip(RECORD_COLUMNS, _cells(row.decode("utf-8")), strict=True)))
                except ValueError as error:
                    raise RunLogError(f"{path} is damaged: row {number} is no record ({error}).") from error


def _check_header(path: Path, start: bytes) -> None:
    start = start.removeprefix(_BYTE_ORDER_MARK)
    line, line_end, _ = start.partition(b"\n")
    line = line.removesuffix(b"\r")
    if line == _HEADER or (not line_end and _HEADER.startswith(line)):
        return
    found = line.decode("utf-8", "replace")
    raise RunLogError(
        f"{path} is not a run log of this version: its first line is {found[:120]!r}, and {len(RECORD_COLUMNS)} "
        f"columns from {RECORD_COLUMNS[0]} to {RECORD_COLUMNS[-1]} are expected. Nothing was written to it. Move that "
        f"file away, or give the log sink another path."
    )


def _whole_rows(file: IO[bytes]) -> Iterator[bytes]:
    # A line break belongs to a value as long as a quote is open, so a row ends where the number of quotes is even.
    lines: list[bytes] = []
    quotes = 0
    for line in file:
        lines.append(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0 and line.endswith(b"\n"):
            yield b"".join(lines)
            lines.clear()


def _cells(row: str) -> Iterator[str]:
    # Not the csv module's reader: how long a value may be is a setting of the whole process there.
    row = row.rstrip("\r\n")
    place = 0
    while place <= len(row):
        quoted = _QUOTED_CELL.match(row, place)
        end = quoted.end() if quoted else row.find(",", place)
        end = len(row) if end < 0 else end
        yield quoted[1].replace('""', '"') if quoted else row[place:end]
        place = end + 1


def _rows(records: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
    columns = list(columns_of(records))
    for place in _FLOATS:
        columns[place] = without_nan(columns[place])
    for place in _TIMES:
        cells = columns[place]
        columns[place] = iso_texts(cells) if are_in_utc(cells) else [_as_it_is(cell) for cell in cells]
    return list(zip(*columns, strict=True))


def _as_it_is(cell: Any) -> Any:
    return cell.isoformat(timespec="microseconds") if isinstance(cell, datetime) else cell


def _written(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _spelled_out(cell: Any) -> Any:
    if cell is None or isinstance(cell, int | float):
        return cell
    return str(cell).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\\x00")
