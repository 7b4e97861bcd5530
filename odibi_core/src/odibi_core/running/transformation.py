"""Runs one transformation, with a record and an event for whatever happens to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from odibi_core.diagnostics import error_location, get_logger, log_context, redact
from odibi_core.errors import DataError
from odibi_core.plugin import (
    JobControl,
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
from odibi_core.running.commits import SaveNotes
from odibi_core.running.identity import context_of, identity_of, task_of
from odibi_core.running.jobs import RunningJobs
from odibi_core.running.recording import Recorder
from odibi_core.running.result import TransformationResult
from odibi_core.running.retries import RetryPolicies
from odibi_core.running.timeouts import within

if TYPE_CHECKING:
    from odibi_core.events import Dispatcher, HookManager
    from odibi_core.loading import PluginManager
    from odibi_core.planning import Plan, PlannedTransformation
    from odibi_core.runlog import Delivery, Journal
    from odibi_core.running.decisions import Decision, Decisions
    from odibi_core.running.engines import EngineRoom
    from odibi_core.running.unchanged import Fingerprints

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
        check_lease: Raises LeaseLostError if another run has taken this one's place.
        fail_fast: Start nothing more once a transformation has failed.
        hooks: The caller's hooks, for the context.
        sql_provider: What the caller's auth_provider returned, for the context.
        decisions: What is reused rather than run; None if everything is run.
        fingerprints: Takes the fingerprint of what succeeds; None if nobody asked for it.
        jobs: The attempts that are being made on engines which can stop their jobs.
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
    check_lease: Callable[[], None]
    fail_fast: bool = False
    hooks: HookManager | None = None
    sql_provider: Any = None
    decisions: Decisions | None = None
    fingerprints: Fingerprints | None = None
    jobs: RunningJobs = field(default_factory=RunningJobs)
    _recorder: Recorder = field(init=False)
    _causes: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._recorder = Recorder(self.journal, self.delivery)

    @property
    def results(self) -> Mapping[int, TransformationResult]:
        """What became of each transformation, by its position in the plan."""
        return self._recorder.results

    @property
    def first_failure(self) -> TransformationResult | None:
        """The first transformation that failed."""
        return self._recorder.first_failure

    def run(self, index: int) -> bool:
        """Run a transformation unless one that it depends on did not succeed; return whether what it makes is there.

        Raises:
            KeyboardInterrupt: On the thread that was interrupted; as any other exception that is no `Exception`.
        """
        planned = self.plan.transformations[index]
        for other in planned.dependencies:
            if other in self.results and not self.results[other].succeeded:
                self.skip_because_of(index, other)
                return False
        if self.fail_fast and self.first_failure is not None:
            self.skip(planned, reason=f"fail_fast, and {self.first_failure.transformation_id!r} failed")
            return False
        decision = None if self.decisions is None else self.decisions.of(planned)
        if decision is not None and decision.is_reused:
            self._reuse(planned, decision)
            return True
        with log_context(run_id=self.run_id, transformation_id=planned.transformation_id):
            return self._run(planned, decision)

    def _run(self, planned: PlannedTransformation, decision: Decision | None) -> bool:
        recorder = self._recorder
        recorder.begin_attempt(planned)
        call = self._call(planned, decision)
        reason = None if decision is None else decision.reason
        if self.fingerprints is not None:
            self.fingerprints.begin(planned)
        try:
            if self.dispatcher.listens("transform_start"):
                self.dispatcher.dispatch(TransformStart(**call.identity))
            if decision is not None and decision.refusal is not None:
                raise DataError(decision.refusal)
            outcome = self._attempt_until_settled(planned, call)
            if self.dispatcher.listens("transform_success"):
                self.dispatcher.dispatch(
                    TransformSuccess(
                        **call.identity,
                        duration_seconds=recorder.seconds_of(planned),
                        rows_read=outcome.rows_read,
                        rows_written=outcome.rows_written,
                        attempts=recorder.attempt_of(planned),
                    )
                )
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a function, reader or saver raises is the outcome
            self._fail(planned, call, error, reason=reason)
            return False
        except BaseException as interrupt:
            text = str(interrupt) or f"interrupted ({type(interrupt).__name__})"
            recorder.end(planned, "ABORTED", error=text, reason=reason)
            raise
        recorder.end(planned, "SUCCESS", outcome=outcome, reason=reason)
        if self.fingerprints is not None:
            self.fingerprints.take(planned, journal=self.journal)
        return True

    def _reuse(self, planned: PlannedTransformation, decision: Decision) -> None:
        self._recorder.end(planned, "REUSED", reason=decision.reason)
        if self.dispatcher.listens("transform_skipped"):
            identity = identity_of(planned, plan=self.plan, run_id=self.run_id)
            self.dispatcher.dispatch(TransformSkipped(**identity, reason=decision.reason, is_reused=True))

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
        self._recorder.begin_attempt(planned)
        return self._attempt(planned, call)

    def _attempt(self, planned: PlannedTransformation, call: TransformationCall) -> TransformationOutcome:
        attempt = self._recorder.attempt_of(planned)
        task = task_of(planned, plan=self.plan, run_id=self.run_id, attempt=attempt, execute=call.execute)
        work: Callable[[], TransformationOutcome] = partial(
            self.manager.run_transformation, task, charge=self.engines.costs.charge
        )
        stop: Callable[[], None] | None = None
        controls = self.engines.job_controls(planned)
        for engine in controls:
            work = partial(self.jobs.surround, engine, task, work)
        if controls:
            stop = partial(self._stop_jobs, controls, task)
        try:
            if planned.rules.timeout is None:
                return work()
            what = f"transformation {planned.transformation_id!r}"
            return within(planned.rules.timeout, work, gate=call.gate, what=what, stop=stop)
        except Exception as error:
            if self.dispatcher.listens("on_error"):
                self._tell(OnError(**call.identity, stage=call.stage, error=self._in_words(call, error)))
            raise

    def _stop_jobs(self, controls: Iterable[JobControl], task: TransformationTask) -> None:
        for engine in controls:
            self.jobs.cancel(engine, task)

    def _note_retry(
        self, planned: PlannedTransformation, call: TransformationCall, attempt: int, pause: float, error: BaseException
    ) -> None:
        text = self._in_words(call, error)
        self._recorder.note_retry(planned, error=text)
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
        self._recorder.end(planned, "SKIPPED", error=text)
        if self.dispatcher.listens("transform_skipped"):
            identity = identity_of(planned, plan=self.plan, run_id=self.run_id)
            self.dispatcher.dispatch(TransformSkipped(**identity, reason=text))

    def abort_unfinished(self, plan: Plan) -> None:
        """Note that what has not ended will not: the run was interrupted."""
        for planned in plan:
            if planned.index not in self.results:
                self._recorder.abandon(planned)

    def _fail(
        self, planned: PlannedTransformation, call: TransformationCall, error: BaseException, *, reason: str | None
    ) -> None:
        text = self._in_words(call, error)
        result = self._recorder.end(planned, "FAILED", error=text, reason=reason)
        if self.dispatcher.listens("transform_failure"):
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

    def _call(self, planned: PlannedTransformation, decision: Decision | None) -> TransformationCall:
        context = context_of(
            planned,
            plan=self.plan,
            run_id=self.run_id,
            spark=self.engines.session_of(planned.function_engine),
            sql_provider=self.sql_provider,
            hooks=self.hooks,
        )
        saves = SaveNotes(planned, self.journal)
        return TransformationCall(
            planned=planned,
            context=context,
            engines=self.engines,
            dispatcher=self.dispatcher,
            identity=identity_of(planned, plan=self.plan, run_id=self.run_id),
            before_save=saves.before,
            after_save=saves.after,
            failed_save=saves.failed,
            is_cancelled=self.cancelled.is_set,
            check_lease=self.check_lease,
            saved=set() if decision is None else set(decision.saved),
        )
