"""Run-log records for tests of log sinks, and how what a sink holds differs from what it was given.

Imported by a bare child process as well, so it needs nothing but the standard library and the plugin surface.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from odibi_core.plugin import RECORD_COLUMNS, RECORD_SCHEMA

__all__ = ["HARD_TEXTS", "describe_difference", "make_record", "make_records", "shown_value"]

_START: Final = datetime(2026, 3, 29, 1, 30, 0, 5, tzinfo=UTC)
"""Within the hour that Central Europe skips, and with microseconds: who drops the zone or rounds is found out."""

HARD_TEXTS: Final[Mapping[str, str]] = {
    "emoji": "😀👩‍👩‍👧",
    "quotes": "\"'`;,|\\ '; DROP TABLE runs; --",
    "new lines": "one\ntwo\r\nthree",
    "tabs": "\t\x0b",
    "accents": "é = e\u0301, ß, İ, \u202eright to left",
    "nul": "\0",
    "lone surrogate": "\ud83d",
    "byte order mark": "\ufeff\uffff",
    "terminal": "\x1b[2J\x07",
}
"""Texts that real error messages have held."""


def make_record(seq: int = 1, *, run_id: str = "20260329T013000-a", **columns: Any) -> dict[str, Any]:
    """Return a record as the kernel hands it to a sink.

    Args:
        seq: Its number in the run.
        run_id: The run.
        **columns: Columns with another value than the plausible one.

    Example:
        >>> tuple(make_record()) == RECORD_COLUMNS
        True
    """
    values = {
        "transformation_id": f"t{seq}",
        "project": "Energy Efficiency",
        "plant": "NKC",
        "asset": "Boiler 3",
        "start_time": _START + timedelta(seconds=seq),
        "end_time": _START + timedelta(seconds=seq, microseconds=1_250_001),
        "status": "SUCCESS",
        "duration_seconds": 1.2500011,
        "error_message": None,
        "env": "qat",
        "run_id": run_id,
        "seq": seq,
        "layer": "Silver",
        "step": 1,
        "module": "silver.functions",
        "function": "clean",
        "engine": "pandas",
        "attempt": 1,
        "rows_read": 2**53 + 1,  # no float holds it
        "rows_written": 0,
        "plugin_versions": "odibi-core 0.1.0",
    }
    return {**{name: values[name] for name in RECORD_COLUMNS}, **columns}


def make_records(count: int, *, after: int = 0, **columns: Any) -> list[dict[str, Any]]:
    """Return the next records of a run.

    Args:
        count: How many.
        after: The ``seq`` before the first.
        **columns: As for `make_record`.
    """
    return [make_record(seq, **columns) for seq in range(after + 1, after + count + 1)]


def describe_difference(expected: Sequence[Mapping[str, Any]], found: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the first thing in which stored records differ from what was written, None if nothing does.

    The records of different runs may be mixed; those of each run are in the order of their ``seq``.

    Args:
        expected: What was written.
        found: What is stored.

    Example:
        >>> describe_difference(make_records(2), make_records(1))
        "of run '20260329T013000-a' the records 2 are missing"
    """
    wanted, there = _by_run(expected), _by_run(found)
    for run in sorted({*wanted, *there}, key=str):
        problem = _numbers(wanted.get(run, []), there.get(run, []))
        if problem is not None:
            return f"of run {run!r} {problem}"
        for one, other in zip(wanted[run], there[run], strict=True):
            for problem in _cells(one, other):
                return f"in record {one.get('seq')} of run {run!r} {problem}"
    return None


def shown_value(value: object) -> str:
    """Return a value for a message, cut to a length that can be read.

    Args:
        value: The value.
    """
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}... ({len(text)} characters)"  # noqa: PLR2004 - a line


def _by_run(records: Iterable[Mapping[str, Any]]) -> dict[Any, list[Mapping[str, Any]]]:
    runs: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        runs[record.get("run_id")].append(record)
    return runs


def _numbers(wanted: Sequence[Mapping[str, Any]], there: Sequence[Mapping[str, Any]]) -> str | None:
    expected, found = [one.get("seq") for one in wanted], [one.get("seq") for one in there]
    if expected == found:
        return None
    missing, more = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    twice = [seq for seq, count in Counter(found).items() if count > 1 and seq in expected]
    if missing:
        return f"the records {_listed(missing)} are missing"
    if twice:
        return f"the records {_listed(twice)} are there more than once"
    if more:
        return f"the records {_listed(more)} are there and were not written"
    return f"the records are in the order {_listed(found)}, not in that of their seq"


def _listed(numbers: Iterable[Any]) -> str:
    listed = [str(number) for number in numbers]
    return ", ".join(listed) if len(listed) <= 10 else f"{', '.join(listed[:10])} and {len(listed) - 10} more"  # noqa: PLR2004 - a line


def _cells(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for column in RECORD_SCHEMA:
        expected = wanted.get(column.name)
        if column.name not in found:
            yield f"the column {column.name!r} is missing"
        elif expected is None and found[column.name] is not None:
            yield f"{column.name} is {shown_value(found[column.name])}, and None was written"
        elif expected is not None and type(found[column.name]) is not type(expected):
            name = type(found[column.name]).__name__
            yield f"{column.name} is a {name}, {shown_value(found[column.name])}, not {shown_value(expected)}"
        elif found[column.name] != expected:
            yield f"{column.name} is {shown_value(found[column.name])}, not {shown_value(expected)}"
        elif isinstance(expected, datetime) and found[column.name].utcoffset() != timedelta(0):
            yield f"{column.name} is not in UTC, but {shown_value(found[column.name])}"
