"""What becomes of each transformation of a run: noted in the run log, and kept for the result."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from odibi_core.diagnostics import get_logger
from odibi_core.plugin import TransformationOutcome
from odibi_core.running.result import TransformationResult, TransformationStatus

if TYPE_CHECKING:
    from odibi_core.planning import PlannedTransformation
    from odibi_core.runlog import Delivery, Journal

__all__ = ["Recorder"]

_log = get_logger("running")


@dataclass(slots=True)
class Recorder:
    """Keeps the results of a run and writes its records.

    Args:
        journal: Where records go.
        delivery: Told that there are records.
        results: What became of each transformation, by its position in the plan.
        first_failure: The first transformation that failed.
    """

    journal: Journal
    delivery: Delivery
    results: dict[int, TransformationResult] = field(default_factory=dict)
    first_failure: TransformationResult | None = None
    _begun: dict[int, float] = field(default_factory=dict)
    _attempts: dict[int, int] = field(default_factory=dict)
    _attempt_started: dict[int, tuple[datetime, float]] = field(default_factory=dict)

    def begin_attempt(self, planned: PlannedTransformation) -> None:
        """Note that an attempt begins."""
        index, now = planned.index, time.perf_counter()
        self._begun.setdefault(index, now)
        self._attempts[index] = self._attempts.get(index, 0) + 1
        self._attempt_started[index] = (datetime.now(UTC), now)
        self._record(planned, "RUNNING")
        _log.debug("attempt begins", attempt=self._attempts[index])

    def attempt_of(self, planned: PlannedTransformation) -> int:
        """Return which attempt at a transformation is going on, counted from 1."""
        return self._attempts[planned.index]

    def seconds_of(self, planned: PlannedTransformation) -> float:
        """Return how long a transformation has been going on, all attempts together; 0 if it has not begun."""
        begun = self._begun.get(planned.index)
        return 0.0 if begun is None else time.perf_counter() - begun

    def note_retry(self, planned: PlannedTransformation, *, error: str) -> None:
        """Note that an attempt failed and that there will be another one."""
        self._record(planned, "RETRY", message=error)
        _log.info("attempt failed, another follows", attempt=self._attempts[planned.index], error=error)

    def end(
        self,
        planned: PlannedTransformation,
        status: TransformationStatus,
        *,
        outcome: TransformationOutcome | None = None,
        error: str | None = None,
        reason: str | None = None,
    ) -> TransformationResult:
        """Note what has become of a transformation.

        Args:
            planned: The transformation.
            status: How it ended.
            outcome: What it did, if it succeeded.
            error: Why it did not succeed.
            reason: Why it was run or not, if somebody decided.
        """
        result = self._result(planned, status, outcome=outcome, error=error, reason=reason)
        # Before the record: where that cannot be written, it is not tried again at the end of the run.
        self.results[planned.index] = result
        if planned.index in self._begun or status in ("SKIPPED", "REUSED"):
            self._record(planned, status, outcome=outcome, message=reason if status == "REUSED" else error)
        if status == "FAILED" and self.first_failure is None:
            self.first_failure = result
        # INFO, whatever became of it: the result and the run log carry the error, and the caller hears it from them.
        _log.info(
            "transformation ended",
            transformation_id=result.transformation_id,
            status=status,
            seconds=round(result.duration_seconds, 3),
            rows_written=result.rows_written,
            error=error,
        )
        return result

    def abandon(self, planned: PlannedTransformation) -> None:
        """Note that the run was interrupted before a transformation ended; closing the journal writes that down."""
        self.results[planned.index] = self._result(planned, "ABORTED", error="the run was interrupted")

    def _result(
        self,
        planned: PlannedTransformation,
        status: TransformationStatus,
        *,
        outcome: TransformationOutcome | None = None,
        error: str | None = None,
        reason: str | None = None,
    ) -> TransformationResult:
        index = planned.index
        return TransformationResult(
            transformation_id=planned.transformation_id,
            layer=planned.layer,
            step=planned.step,
            engine=planned.engine,
            module=planned.row.module,
            function=planned.row.function,
            status=status,
            attempts=self._attempts.get(index, 0),
            duration_seconds=self.seconds_of(planned),
            rows_read=outcome.rows_read if outcome else None,
            rows_written=outcome.rows_written if outcome else None,
            error=error,
            reason=reason,
        )

    def _record(
        self,
        planned: PlannedTransformation,
        status: str,
        *,
        outcome: TransformationOutcome | None = None,
        message: str | None = None,
    ) -> None:
        row = planned.row
        now = datetime.now(UTC)
        was_started = self._attempt_started.get(planned.index)
        self.journal.append(
            transformation_id=planned.transformation_id,
            plant=row.entity_1,
            asset=row.entity_2,
            start_time=was_started[0] if was_started else now,
            end_time=None if status == "RUNNING" else now,
            status=status,
            duration_seconds=time.perf_counter() - was_started[1] if was_started and status != "RUNNING" else None,
            error_message=message,
            layer=planned.layer,
            step=planned.step,
            module=row.module,
            function=row.function,
            engine=planned.engine,
            attempt=self._attempts.get(planned.index, 1),
            rows_read=outcome.rows_read if outcome else None,
            rows_written=outcome.rows_written if outcome else None,
        )
        self.delivery.notify()
