"""What a run delivers its records to, and what it says about it afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from odibi_core.diagnostics import get_logger, redact
from odibi_core.plugin.protocols import LogSink

__all__ = ["SinkReport", "SinkTarget", "described", "path_of", "warn_of_failure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkTarget:
    """A log sink and what it goes by.

    Args:
        name: What users call it, such as ``"file"``; for reports.
        sink: The sink.
        key: A text that is the same in every run that means this sink, such as its type and path; no secrets.
    """

    name: str
    sink: LogSink
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkReport:
    """What became of a sink.

    Args:
        name: The sink's name.
        records: How many records it has of the run; from `deliver_pending`, how many it took of earlier runs.
        error: Why it does not have all of them, None if it does.
        path: Where it keeps them, if it says so with a ``path`` attribute.
    """

    name: str
    records: int
    error: str | None
    path: str | None


def path_of(target: SinkTarget, /) -> str | None:
    """Return where a sink keeps its records, if it says so with a ``path`` attribute."""
    path = getattr(target.sink, "path", None)
    return None if path is None else str(path)


def described(target: SinkTarget, /) -> str:
    """Return what a sink is called and where it keeps its records, without secrets."""
    path = path_of(target)
    return target.name if path is None else f"{target.name} ({redact(path)})"


def warn_of_failure(target: SinkTarget, *, run_id: str, error: str) -> None:
    """Write a sink's failure to the program's own log; the run's result says it too."""
    get_logger("runlog").warning("log sink failed", sink=target.name, run_id=run_id, error=error)
