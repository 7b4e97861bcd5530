"""Runs a plan: layers in order, steps in order, and whatever that leaves to choose, at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from odibi_core.diagnostics import get_logger, redact
from odibi_core.errors import LeaseLostError, OdibiError, RunLogError
from odibi_core.plugin import (
    BronzeEnd,
    BronzeStart,
    ConfigsLoaded,
    LayerEnd,
    LayerStart,
    LogsPersisted,
    OrchestratorRunEnd,
    OrchestratorRunStart,
)
from odibi_core.running.plugin_costs import PluginCosts
from odibi_core.running.result import RunResult, RunStatus, SinkError, TransformationResult
from odibi_core.running.scheduler import Scheduler

if TYPE_CHECKING:
    from odibi_core.diagnostics import LogFile
    from odibi_core.events import Dispatcher
    from odibi_core.planning import Plan, PlannedTransformation
    from odibi_core.runlog import Delivery, Journal
    from odibi_core.running.caching import Caching
    from odibi_core.running.transformation import TransformationRunner

__all__ = ["Runner"]

_log = get_logger("running")


@dataclass(slots=True, kw_only=True)
class Runner:
    """One run of a plan.

    Args:
        plan: What to run.
        run_id: The run's id.
        transformations: What runs one transformation and records it.
        dispatcher: Where events go.
        journal: Where records go.
        delivery: What takes them from the journal to the log sinks.
        caching: What caches the tables of the cache plan.
        cancelled: Set when the run is interrupted.
        check_lease: Raises LeaseLostError if another run has taken this one's place.
        max_workers: How many transformations may run at once; None leaves it to each layer and the machine.
        default_workers: How many may run at once where nobody says.
        target_layers: What the caller asked for, for the first event.
        warnings: What the caller should know besides what the plan warns of.
        log_file: What saves the lines of the program's log, if they are saved.
        delivery_seconds: How long to wait at the end for log sinks that are slow.
        costs: What the plugins cost the run.
    """

    plan: Plan
    run_id: str
    transformations: TransformationRunner
    dispatcher: Dispatcher
    journal: Journal
    delivery: Delivery
    caching: Caching
    cancelled: threading.Event
    check_lease: Callable[[], None]
    max_workers: int | None
    default_workers: int
    target_layers: tuple[str, ...] | None = None
    warnings: tuple[str, ...] = ()
    log_file: LogFile | None = None
    delivery_seconds: float = 30.0
    costs: PluginCosts = field(default_factory=PluginCosts)
    _layer_troubles: dict[str, str] = field(default_factory=dict)
    _layers_run: list[str] = field(default_factory=list)
    _empty_layers: list[str] = field(default_factory=list)

    def execute(self) -> RunResult:
        """Do the default steps of `odibi_run_project`.

        Raises:
            KeyboardInterrupt: The run was interrupted; its journal is closed as ABORTED.
            LeaseLostError: Another run has taken this one's place; as after an interrupt.
            RunLogError: The journal cannot be written; the next start closes it as ABORTED.
        """
        started = time.perf_counter()
        outcome = _Outcome()
        try:
            self._run_to_its_end(outcome, started)
            result = self._finish(outcome)
        except BaseException as raised:
            # Ctrl-C once more: nothing is waited for, but the journal is closed.
            self.cancelled.set()
            with suppress(RunLogError):  # the next start closes it then
                self._write_end("ABORTED", error=_why(raised), seconds=time.perf_counter() - started)
            raise
        if outcome.interrupt is not None:
            raise outcome.interrupt
        return result

    def _run_to_its_end(self, outcome: _Outcome, started: float) -> None:
        try:
            self._run_layers(outcome)
            self._check_lease(outcome)
            self._close_journal(outcome, started)
        except KeyboardInterrupt as raised:
            if outcome.interrupt is not None:
                raise
            outcome.abort(raised)  # it came just as the run was about to end
            self._close_journal(outcome, started)

    def _run_layers(self, outcome: _Outcome) -> None:
        _log.info("run started", env=self.plan.env, layers=self.plan.layers, transformations=len(self.plan))
        try:
            if self.dispatcher.listens("orchestrator_run_start"):
                start = OrchestratorRunStart(
                    **self._identity(), target_layers=self.target_layers, transformation_count=len(self.plan)
                )
                self.dispatcher.dispatch(start)
            for layer, planned in self.plan.by_layer().items():
                self._run_layer(layer, planned)
        except RunLogError as raised:
            outcome.abort(raised)
        except Exception as raised:  # noqa: BLE001 - a verdict on a layer's event is the run's outcome, told in the result
            outcome.fail(redact(f"{type(raised).__name__}: {raised}"))
            self._skip_the_rest(because=outcome.error)
        except BaseException as raised:  # noqa: BLE001 - raised again once the journal is closed
            self.cancelled.set()
            outcome.abort(raised)
        failed = self.transformations.first_failure
        if failed is not None and outcome.status == "SUCCESS":
            outcome.fail(f"{failed.transformation_id}: {failed.error}")

    def _skip_the_rest(self, *, because: str | None) -> None:
        for planned in self.plan:
            if planned.index not in self.transformations.results:
                try:
                    self.transformations.skip(planned, reason=f"the run was stopped: {because}")
                except RunLogError:
                    raise
                except Exception as verdict:  # noqa: BLE001 - the run has failed: it has nothing left to decide
                    _log.info("verdict on a run that has failed", error=redact(str(verdict)))

    def _check_lease(self, outcome: _Outcome) -> None:
        # Also after an interrupt: a transformation that finds the lease lost only says that it was interrupted.
        try:
            self.check_lease()
        except LeaseLostError as lost:
            outcome.abort(lost)

    def _close_journal(self, outcome: _Outcome, started: float) -> None:
        outcome.seconds = time.perf_counter() - started
        if outcome.status == "ABORTED":
            self.transformations.abort_unfinished(self.plan)
        try:
            self._write_end(outcome.status, error=outcome.error, seconds=outcome.seconds)
        except RunLogError as problem:
            outcome.abort(problem)

    def _write_end(self, status: RunStatus, *, error: str | None, seconds: float) -> None:
        self.journal.close(status, error=error, duration_seconds=seconds, plugin_costs=self.costs.to_dict())

    def _identity(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "project": self.plan.project.name,
            "env": self.plan.env,
            "engine": self.plan.engine,
        }

    def _run_layer(self, layer: str, planned: tuple[PlannedTransformation, ...]) -> None:
        _log.info("layer started", layer=layer, transformations=len(planned))
        is_bronze = layer.casefold() == "bronze"
        identity = self._identity() | {"layer": layer}
        listens, dispatch = self.dispatcher.listens, self.dispatcher.dispatch
        started = time.perf_counter()
        if is_bronze:
            if listens("bronze_start"):
                dispatch(BronzeStart(**identity))
        else:
            if listens("layer_start"):
                dispatch(LayerStart(**identity))
            if listens("configs_loaded"):
                dispatch(ConfigsLoaded(**identity, count=len(planned)))
        trouble = self._trouble_upstream(layer)
        if trouble is None:
            self._run_steps(layer, planned)
        else:
            for one in planned:
                self.transformations.skip(one, reason=trouble)
        self.caching.cache_after(layer, identity=identity)
        results = [self.transformations.results[one.index] for one in planned]
        self._note(layer, results)
        seconds = time.perf_counter() - started
        _log.info("layer ended", layer=layer, status=_status(results, empty="empty"), seconds=round(seconds, 3))
        if is_bronze and listens("bronze_end"):
            dispatch(_bronze_end(results, identity=identity, seconds=seconds))
        elif not is_bronze and listens("layer_end"):
            dispatch(_layer_end(results, identity=identity, seconds=seconds))

    def _trouble_upstream(self, layer: str) -> str | None:
        config = self.plan.project.manifest.layers.get(layer)
        for other in config.depends_on if config else ():
            if other in self._layer_troubles:
                return f"layer {layer} depends on layer {other}, in which {self._layer_troubles[other]}"
        return None

    def _run_steps(self, layer: str, planned: Sequence[PlannedTransformation]) -> None:
        stopped: str | None = None
        for step, group in groupby(planned, key=lambda one: one.step):
            members = {one.index: one for one in group}
            if stopped is not None:
                for one in members.values():
                    self.transformations.skip(one, reason=stopped)
                continue
            Scheduler(
                {index: one.dependencies for index, one in members.items()},
                run=self.transformations.run,
                skip=self.transformations.skip_because_of,
                max_workers=self._workers(layer),
                cancelled=self.cancelled,
                on_cancel=self.transformations.jobs.cancel_all,
            ).execute()
            for index in members:
                result = self.transformations.results[index]
                if not result.succeeded:
                    stopped = f"step {step} of layer {layer} did not succeed: {_trouble(result)}"
                    break

    def _workers(self, layer: str) -> int:
        config = self.plan.project.manifest.layers.get(layer)
        limits = [limit for limit in (self.max_workers, config.max_workers if config else None) if limit is not None]
        return min(limits) if limits else self.default_workers

    def _note(self, layer: str, results: Sequence[TransformationResult]) -> None:
        if any(result.attempts for result in results):
            self._layers_run.append(layer)
        if not results:
            self._empty_layers.append(layer)
        first = next((result for result in results if not result.succeeded), None)
        if first is not None:
            self._layer_troubles[layer] = _trouble(first)

    def _finish(self, outcome: _Outcome) -> RunResult:
        seconds = outcome.seconds
        _log.info("run ended", status=outcome.status, seconds=round(seconds, 3), error=outcome.error)
        sink_errors = self._deliver()
        if self.dispatcher.listens("orchestrator_run_end"):
            end = OrchestratorRunEnd(
                **self._identity(),
                status=outcome.status.lower(),
                layers_executed=tuple(self._layers_run),
                duration_seconds=seconds,
                error=outcome.error,
            )
            try:
                self.dispatcher.dispatch(end)
            except Exception as verdict:  # noqa: BLE001 - the last verdict there can be; the records are written already
                outcome.fail(redact(f"{type(verdict).__name__}: {verdict}"))
        empty = tuple(f"layer {layer} has no enabled transformation in {self.plan.env}" for layer in self._empty_layers)
        return RunResult(
            status=outcome.status,
            run_id=self.run_id,
            project=self.plan.project.name,
            env=self.plan.env,
            engine=self.plan.engine,
            layers_run=tuple(self._layers_run),
            duration_seconds=seconds,
            transformations=tuple(
                self.transformations.results[one.index]
                for one in self.plan
                if one.index in self.transformations.results
            ),
            error=outcome.error,
            warnings=(*self.plan.warnings, *self.warnings, *empty, *self.caching.warnings, *self._unsaved_lines()),
            sink_errors=sink_errors,
            plugins=self.costs.read(),
            accidents=tuple(f"{one.source} on {one.event}: {one.error}" for one in self.dispatcher.accidents),
        )

    def _unsaved_lines(self) -> Iterator[str]:
        if self.log_file is not None and self.log_file.error is not None:
            yield f"not all lines of the program's log were saved: {self.log_file.error}"

    def _deliver(self) -> tuple[SinkError, ...]:
        reports = self.delivery.finish(self.delivery_seconds)
        if self.dispatcher.listens("logs_persisted"):
            persisted: list[tuple[str, int, str | None]] = [("journal", self.journal.last_seq, str(self.journal.path))]
            persisted += [(report.name, report.records, report.path) for report in reports if report.error is None]
            if self.log_file is not None:
                persisted.append(("log_file", self.log_file.lines, str(self.log_file.path)))
            for sink, records, path in persisted:
                self.dispatcher.dispatch(LogsPersisted(**self._identity(), sink=sink, records=records, path=path))
        return tuple(SinkError(sink=report.name, error=report.error) for report in reports if report.error is not None)


@dataclass(slots=True)
class _Outcome:
    status: RunStatus = "SUCCESS"
    error: str | None = None
    interrupt: BaseException | None = None
    seconds: float = 0.0

    def fail(self, error: str) -> None:
        self.status, self.error = "FAILED", error

    def abort(self, raised: BaseException) -> None:
        """Note why the run was broken off, unless there is a reason already that explains this one too."""
        if not isinstance(self.interrupt, (KeyboardInterrupt, LeaseLostError)):
            self.status, self.error, self.interrupt = "ABORTED", _why(raised), raised


def _why(raised: BaseException) -> str:
    if isinstance(raised, OdibiError):
        return redact(str(raised))
    return f"interrupted ({type(raised).__name__})"


def _trouble(result: TransformationResult) -> str:
    if result.status == "SKIPPED":
        return result.error or f"{result.transformation_id!r} was skipped"
    return f"{result.transformation_id!r} failed"


def _first_error(results: Sequence[TransformationResult]) -> str | None:
    return next((f"{one.transformation_id}: {one.error}" for one in results if one.status == "FAILED"), None)


def _status(results: Sequence[TransformationResult], *, empty: str) -> str:
    statuses = {result.status for result in results}
    if not statuses:
        return empty
    if "FAILED" in statuses:
        return "failed"
    return "success" if any(result.succeeded for result in results) else "skipped"


def _bronze_end(results: Sequence[TransformationResult], *, identity: Mapping[str, Any], seconds: float) -> BronzeEnd:
    return BronzeEnd(
        **identity,
        status=_status(results, empty="skipped"),
        sources_processed=sum(result.status == "SUCCESS" for result in results),
        duration_seconds=seconds,
        error=_first_error(results),
    )


def _layer_end(results: Sequence[TransformationResult], *, identity: Mapping[str, Any], seconds: float) -> LayerEnd:
    return LayerEnd(
        **identity,
        status=_status(results, empty="empty"),
        duration_seconds=seconds,
        succeeded=sum(result.succeeded for result in results),
        failed=sum(result.status == "FAILED" for result in results),
        skipped=sum(result.status == "SKIPPED" for result in results),
        error=_first_error(results),
    )
