"""What is known of a run while it goes on, from its events; and the plain lines that say so."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from odibi_core.cli.output import Output, describe_rows, describe_seconds

if TYPE_CHECKING:
    from odibi_core.events import HookManager

__all__ = ["Finished", "PlainLines", "RunWatch", "Written"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Something that is to be told about one transformation.

    Args:
        status: ``"SUCCESS"``, ``"FAILED"``, ``"SKIPPED"``, ``"REUSED"`` or ``"RETRY"``.
        transformation_id: The transformation.
        rows: Rows written, None if that is not known.
        seconds: Seconds that it took, None if it did not run.
        error: Why it did not succeed, or did not need to run.
    """

    status: str
    transformation_id: str
    rows: int | None = None
    seconds: float | None = None
    error: str | None = None

    def describe(self) -> str:
        """Return it as one line.

        Example:
            >>> Finished(status="SUCCESS", transformation_id="flights", rows=12, seconds=0.5).describe()
            'SUCCESS  flights                               12 rows  0.50 s'
            >>> Finished(status="SKIPPED", transformation_id="planes", error="skipped: 'flights' failed").describe()
            "SKIPPED  planes: skipped: 'flights' failed"
        """
        if self.error is None:
            figures = f"{describe_rows(self.rows):>14}  {describe_seconds(self.seconds)}"
            return f"{self.status:8} {self.transformation_id:30} {figures}".rstrip()
        from odibi_core.diagnostics import shortened

        took = "" if self.seconds is None else f" ({describe_seconds(self.seconds)})"
        return f"{self.status:8} {self.transformation_id}: {' '.join(shortened(self.error).split())}{took}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An output that was saved.

    Args:
        name: What the row calls it.
        location: Where it is, None if the event did not say.
        rows: Rows written, None if that is not known.
    """

    name: str
    location: str | None
    rows: int | None


@dataclass(slots=True)
class RunWatch:
    """Follows a run by its events, from whatever thread they come.

    Args:
        began: Told once, when the run begins.
        told: Told of each `Finished`, one at a time.
    """

    began: Callable[[RunWatch], None] = lambda _watch: None
    told: Callable[[Finished], None] = lambda _finished: None
    run_id: str | None = None
    title: str = ""
    total: int | None = None
    done: int = 0
    failed: int = 0
    is_closed: bool = False
    interrupt: KeyboardInterrupt | None = None
    running: dict[str, float] = field(default_factory=dict)
    written: list[Written] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def register(self, hooks: HookManager) -> HookManager:
        """Listen to the events of a run, and return the hooks."""
        hooks.register("orchestrator_run_start", self._run_started)
        hooks.register("transform_start", self._started)
        hooks.register("transform_success", self._succeeded)
        hooks.register("transform_failure", self._failed)
        hooks.register("transform_skipped", self._skipped)
        hooks.register("transform_retry", self._retried)
        hooks.register("post_save", self._saved)
        hooks.register("orchestrator_run_end", self._run_ended)
        return hooks

    @property
    def is_interrupted(self) -> bool:
        """Whether somebody wants the run to end."""
        return self.interrupt is not None

    def interrupted(self, interrupt: KeyboardInterrupt) -> None:
        """Note that somebody wants the run to end; called from a signal handler."""
        self.interrupt = interrupt

    def _run_started(self, payload: Mapping[str, Any]) -> None:
        self.run_id = payload["run_id"]
        self.title = f"{payload['project']} ({payload['env']}, {payload['engine']})"
        self.total = payload.get("transformation_count")
        self.began(self)

    def _started(self, payload: Mapping[str, Any]) -> None:
        if self.interrupt is not None:
            # What the handler raised was lost: Python only prints an exception that comes up in a destructor.
            raise type(self.interrupt)
        with self._lock:
            self.running[payload["transformation_id"]] = time.monotonic()

    def _succeeded(self, payload: Mapping[str, Any]) -> None:
        self._finish(payload, status="SUCCESS")

    def _failed(self, payload: Mapping[str, Any]) -> None:
        self._finish(payload, status="FAILED", error=payload["error"])

    def _skipped(self, payload: Mapping[str, Any]) -> None:
        status = "REUSED" if payload["is_reused"] else "SKIPPED"
        self._finish(payload, status=status, error=payload["reason"])

    def _finish(self, payload: Mapping[str, Any], *, status: str, error: str | None = None) -> None:
        finished = Finished(
            status=status,
            transformation_id=payload["transformation_id"],
            rows=payload.get("rows_written"),
            seconds=payload.get("duration_seconds"),
            error=error,
        )
        with self._lock:
            self.running.pop(finished.transformation_id, None)
            self.done += 1
            self.failed += status == "FAILED"
            self.told(finished)

    def _retried(self, payload: Mapping[str, Any]) -> None:
        again = f"attempt {payload['attempt']} failed, again in {describe_seconds(payload['delay_seconds'])}"
        finished = Finished(
            status="RETRY", transformation_id=payload["transformation_id"], error=f"{again}: {payload['error']}"
        )
        with self._lock:
            self.told(finished)

    def _saved(self, payload: Mapping[str, Any]) -> None:
        written = Written(name=payload["dataset"], location=payload.get("location"), rows=payload["rows"])
        with self._lock:
            self.written.append(written)

    def _run_ended(self, _payload: Mapping[str, Any]) -> None:
        self.is_closed = True


@dataclass(slots=True)
class PlainLines:
    """One line per finished transformation, for logs and pipes.

    Args:
        output: Where the lines go.
    """

    output: Output
    _has_reader: bool = True

    def began(self, watch: RunWatch) -> None:
        """Say what begins."""
        self._print(f"Run {watch.run_id} of {watch.title}")

    def told(self, finished: Finished) -> None:
        """Say what has become of a transformation."""
        self._print(finished.describe())

    def _print(self, line: str) -> None:
        if not self._has_reader:
            return
        try:
            self.output.line(line, hanging=9)
        except OSError:
            # `odibi run | head` must not change what the run does, and an error of a hook would be logged each time.
            self._has_reader = False
