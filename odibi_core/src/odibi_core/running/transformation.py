"""Runs one transformation, with a record and an event for whatever happens to it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from odibi_core.diagnostics import error_location, get_logger, log_context, redact
from odibi_core.plugin import (
    OnError,
    TransformationOutcome,
    TransformationTask,
    TransformFailure,
    TransformRetry,
    TransformSkipped,
    TransformStart,
    TransformSuccess,
)
from odibi_core.running.call import TransformationCall
from odibi_core.running.result import TransformationResult, TransformationStatus
from odibi_core.running.retries import RetryPolicies
from odibi_core.running.timeouts import within

if TYPE_CHECKING:
    from odibi_core.events import Dispatcher, HookManager
    from odibi_core.functions import ExecutionContext
    from odibi_core.loading import PluginManager
    from odibi_core.planning import Plan, PlannedTransformation
    from odibi_core.runlog import Delivery, Journal
    from odibi_core.running.engines import EngineRoom

__all__ = ["TransformationRunner"]


@dataclass(slots=True, kw_only=True)
class TransformationRunner:
    """Runs the transformations of one run, each on the thread that asks for it.

    Args:
        plan: The plan that they are in.
        run_id: The run's id.
        manager: Where the run hook is.
        engines: The engines, opened.
        dispatcher: Where events go.
        journal: Where records go.
        delivery: Told that there are records.
        policies: When a transformation is tried again.
        cancelled: Set when the run is interrupted.
        fail_fast: Start nothing more once a transformation has failed.
        hooks: The caller's hooks, for the context.
        sql_provider: What the caller's auth_provider returned, for the context.
        results: What became of each transformation, by its position in the plan.
    """

    plan: Plan
    run_id: str
    manager: PluginManager
    engines: EngineRoom
    dispatcher: Dispatcher
    journal: Journal
    delivery: Delivery
    policies: RetryPolicies
    cancelled: threading.Event
    fail_fast: bool = False
    hooks: HookManager | None = None
    sql_provider: Any = None
    results: dict[int, TransformationResult] = field(default_factory=dict)
    first_failure: TransformationResult | None = None
    _started: dict[int, tuple[datetime, float]] = field(default_factory=dict)
    _begun: dict[int, float] = field(default_factory=dict)
    _attempts: dict[int, int] = field(default_factory=dict)
    _causes: dict[int, int] = field(default_factory=dict)

    def run(self, index: int) -> bool:
        """Run a transformation unless one that it depends on did not succeed; return whether it succeeded.

        Raises:
            KeyboardInterrupt: On the thread that was interrupted; as any other exception that is no `Exception`.
        """
        planned = self.plan.transformations[index]
        for other in planned.dependencies:
            if other in self.results and self.results[other].status != "SUCCESS":
                self.skip_because_of(index, other)
                return False
        if self.fail_fast and self.first_failure is not None:
            self.skip(planned, reason=f"fail_fast, and {self.first_failure.transformation_id!r} failed")
            return False
        with log_context(run_id=self.run_id, transformation_id=planned.transformation_id):
            return self._run(index, planned)

    def _run(self, index: int, planned: PlannedTransformation) -> bool:
        started = self._begun[index] = time.perf_counter()
        self._begin_attempt(planned)
        call = self._call(planned)
        try:
            if self.dispatcher.listens("transform_start"):
                self.dispatcher.dispatch(TransformStart(**call.identity))
            outcome = self._attempt_until_settled(planned, call)
            seconds = time.perf_counter() - started
            if self.dispatcher.listens("transform_success"):
                self.dispatcher.dispatch(
                    TransformSuccess(
                        **call.identity,
                        duration_seconds=seconds,
                        rows_read=outcome.rows_read,
                        rows_written=outcome.rows_written,
                        attempts=self._attempts[index],
                    )
                )
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a function, reader or saver raises is the outcome
            self._fail(planned, call, error)
            return False
        except BaseException as interrupt:
            self._end(planned, "ABORTED", error=f"interrupted ({type(interrupt).__name__})")
            raise
        self._end(planned, "SUCCESS", outcome=outcome)
        return True

    def _begin_attempt(self, planned: PlannedTransformation) -> None:
        index = planned.index
        self._attempts[index] = self._attempts.get(index, 0) + 1
        self._started[index] = (datetime.now(UTC), time.perf_counter())
        self._record(planned, "RUNNING")

    def _attempt_until_settled(self, planned: PlannedTransformation, call: TransformationCall) -> TransformationOutcome:
        try:
            return self._attempt(planned, call)
        except Exception as error:  # noqa: BLE001 - raised again unless the policy covers it
            return self.policies.of(planned).try_again(
                partial(self._attempt_again, planned, call),
                after=error,
                before_pause=partial(self._note_retry, planned, call),
                cancelled=self.cancelled,
            )

    def _attempt_again(self, planned: PlannedTransformation, call: TransformationCall) -> TransformationOutcome:
        self._begin_attempt(planned)
        return self._attempt(planned, call)

    def _attempt(self, planned: PlannedTransformation, call: TransformationCall) -> TransformationOutcome:
        work = partial(self.manager.run_transformation, self._task(planned, call))
        try:
            if planned.rules.timeout is None:
                return work()
            what = f"transformation {planned.transformation_id!r}"
            return within(planned.rules.timeout, work, gate=call.gate, what=what)
        except Exception as error:
            if self.dispatcher.listens("on_error"):
                self._tell(OnError(**call.identity, stage=call.stage, error=self._in_words(call, error)))
            raise

    def _note_retry(
        self, planned: PlannedTransformation, call: TransformationCall, attempt: int, pause: float, error: BaseException
    ) -> None:
        text = self._in_words(call, error)
        self._record(planned, "RETRY", error=text)
        if self.dispatcher.listens("transform_retry"):
            self._tell(
                TransformRetry(
                    **call.identity,
                    attempt=attempt,
                    max_retries=planned.rules.attempts - 1,
                    delay_seconds=pause,
                    error=text,
                )
            )

    def skip_because_of(self, index: int, other: int) -> None:
        """Note that a transformation will not run because another one did not succeed."""
        if self.cancelled.is_set():
            return
        cause = self._causes[index] = self._causes.get(other, other)
        failed = self.plan.transformations[cause].transformation_id
        because = self.results[cause].error if self.results[cause].status == "SKIPPED" else f"{failed!r} failed"
        self.skip(self.plan.transformations[index], reason=because or f"{failed!r} did not run")

    def skip(self, planned: PlannedTransformation, *, reason: str) -> None:
        """Note that a transformation will not run, and why."""
        text = f"skipped: {reason.removeprefix('skipped: ')}"
        self._causes.setdefault(planned.index, planned.index)
        self._end(planned, "SKIPPED", error=text)
        if self.dispatcher.listens("transform_skipped"):
            self.dispatcher.dispatch(TransformSkipped(**self._identity(planned), reason=text))

    def abort_unfinished(self, plan: Plan) -> None:
        """Note that what has not ended will not: the run was interrupted."""
        for planned in plan:
            if planned.index not in self.results:
                self._end(planned, "ABORTED", error="the run was interrupted")

    def _fail(self, planned: PlannedTransformation, call: TransformationCall, error: BaseException) -> None:
        text = self._in_words(call, error)
        self._end(planned, "FAILED", error=text)
        if self.dispatcher.listens("transform_failure"):
            result = self.results[planned.index]
            self._tell(
                TransformFailure(
                    **call.identity, duration_seconds=result.duration_seconds, error=text, attempts=result.attempts
                )
            )

    def _in_words(self, call: TransformationCall, error: BaseException) -> str:
        where = error_location(error, root=self.plan.project.root)
        return redact(call.explain(error) + (f" ({where})" if where else ""))

    def _tell(self, event: OnError | TransformFailure | TransformRetry) -> None:
        # A verdict on an attempt that has failed already has nothing left to decide.
        try:
            self.dispatcher.dispatch(event)
        except Exception as verdict:  # noqa: BLE001 - see above
            get_logger("running").info("verdict on a failed attempt", event_name=event.name, error=str(verdict))

    def _call(self, planned: PlannedTransformation) -> TransformationCall:
        return TransformationCall(
            planned=planned,
            context=self._context(planned),
            engines=self.engines,
            dispatcher=self.dispatcher,
            identity=self._identity(planned),
            was_saved=self.journal.barrier,
            is_cancelled=self.cancelled.is_set,
        )

    def _identity(self, planned: PlannedTransformation) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "project": self.plan.project.name,
            "env": self.plan.env,
            "engine": planned.engine,
            "layer": planned.layer,
            "transformation_id": planned.transformation_id,
            "module": planned.row.module,
            "function": planned.row.function,
            "step": planned.step,
        }

    def _context(self, planned: PlannedTransformation) -> ExecutionContext:
        from odibi_core.functions import Engine, ExecutionContext

        row = planned.row
        return ExecutionContext(
            engine=Engine(planned.engine),
            project=self.plan.project.name,
            env=self.plan.env,
            spark=self.engines.session_of(planned.engine),
            sql_provider=self.sql_provider,
            logger=get_logger("transformation"),
            hooks=self.hooks,
            extras={
                "plant": row.entity_1,
                "asset": row.entity_2,
                "entity_1": row.entity_1,
                "entity_2": row.entity_2,
                "entity_3": row.entity_3,
                "layer": planned.layer,
                "step": planned.step,
                "transformation_id": planned.transformation_id,
                "run_id": self.run_id,
            },
        )

    def _task(self, planned: PlannedTransformation, call: TransformationCall) -> TransformationTask:
        return TransformationTask(
            run_id=self.run_id,
            project=self.plan.project.name,
            env=self.plan.env,
            layer=planned.layer,
            engine=planned.engine,
            transformation_id=planned.transformation_id,
            module=planned.row.module,
            function=planned.row.function,
            attempt=self._attempts[planned.index],
            constants=planned.row.constants,
            inputs=tuple(item.dataset for item in planned.inputs),
            outputs=tuple(item.dataset for item in planned.outputs),
            _execute=call.execute,
        )

    def _end(
        self,
        planned: PlannedTransformation,
        status: TransformationStatus,
        *,
        outcome: TransformationOutcome | None = None,
        error: str | None = None,
    ) -> None:
        begun = self._begun.get(planned.index)
        seconds = 0.0 if begun is None else time.perf_counter() - begun
        result = TransformationResult(
            transformation_id=planned.transformation_id,
            layer=planned.layer,
            step=planned.step,
            engine=planned.engine,
            module=planned.row.module,
            function=planned.row.function,
            status=status,
            attempts=self._attempts.get(planned.index, 0),
            duration_seconds=seconds,
            rows_read=outcome.rows_read if outcome else None,
            rows_written=outcome.rows_written if outcome else None,
            error=error,
        )
        if begun is not None or status == "SKIPPED":
            self._record(planned, status, result=result)
        self.results[planned.index] = result
        if status == "FAILED" and self.first_failure is None:
            self.first_failure = result

    def _record(
        self,
        planned: PlannedTransformation,
        status: str,
        *,
        result: TransformationResult | None = None,
        error: str | None = None,
    ) -> None:
        row = planned.row
        now = datetime.now(UTC)
        was_started = self._started.get(planned.index)
        self.journal.append(
            transformation_id=planned.transformation_id,
            plant=row.entity_1,
            asset=row.entity_2,
            start_time=was_started[0] if was_started else now,
            end_time=None if status == "RUNNING" else now,
            status=status,
            duration_seconds=time.perf_counter() - was_started[1] if was_started and status != "RUNNING" else None,
            error_message=result.error if result else error,
            layer=planned.layer,
            step=planned.step,
            module=row.module,
            function=row.function,
            engine=planned.engine,
            attempt=self._attempts.get(planned.index, 1),
            rows_read=result.rows_read if result else None,
            rows_written=result.rows_written if result else None,
        )
        self.delivery.notify()
