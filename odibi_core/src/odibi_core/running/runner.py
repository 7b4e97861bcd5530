"""Runs a plan: layers in order, steps in order, and whatever that leaves to choose, at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from odibi_core.diagnostics import redact
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
from odibi_core.running.result import RunResult, RunStatus, SinkError, TransformationResult
from odibi_core.running.scheduler import Scheduler

if TYPE_CHECKING:
    from odibi_core.events import Dispatcher
    from odibi_core.planning import Plan, PlannedTransformation
    from odibi_core.runlog import Delivery, Journal
    from odibi_core.running.caching import Caching
    from odibi_core.running.transformation import TransformationRunner

__all__ = ["Runner"]


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
        max_workers: How many transformations may run at once; None leaves it to each layer and the machine.
        default_workers: How many may run at once where nobody says.
        target_layers: What the caller asked for, for the first event.
        delivery_seconds: How long to wait at the end for log sinks that are slow.
    """

    plan: Plan
    run_id: str
    transformations: TransformationRunner
    dispatcher: Dispatcher
    journal: Journal
    delivery: Delivery
    caching: Caching
    cancelled: threading.Event
    max_workers: int | None
    default_workers: int
    target_layers: tuple[str, ...] | None = None
    delivery_seconds: float = 30.0
    _layer_troubles: dict[str, str] = field(default_factory=dict)
    _layers_run: list[str] = field(default_factory=list)
    _empty_layers: list[str] = field(default_factory=list)

    def execute(self) -> RunResult:
        """Do the default steps of `odibi_run_project`.

        Raises:
            KeyboardInterrupt: The run was interrupted; its journal is closed as ABORTED.
        """
        started = time.perf_counter()
        status: RunStatus = "SUCCESS"
        error: str | None = None
        interrupt: BaseException | None = None
        try:
            if self.dispatcher.listens("orchestrator_run_start"):
                start = OrchestratorRunStart(
                    **self._identity(), target_layers=self.target_layers, transformation_count=len(self.plan)
                )
                self.dispatcher.dispatch(start)
            for layer, planned in self.plan.by_layer().items():
                self._run_layer(layer, planned)
        except Exception as raised:  # noqa: BLE001 - a verdict on a layer's event is the run's outcome, told in the result
            status, error = "FAILED", redact(f"{type(raised).__name__}: {raised}")
        except BaseException as raised:  # noqa: BLE001 - raised again once the journal is closed
            status, error, interrupt = "ABORTED", f"interrupted ({type(raised).__name__})", raised
            self.cancelled.set()
        failed = self.transformations.first_failure
        if failed is not None and status == "SUCCESS":
            status, error = "FAILED", f"{failed.transformation_id}: {failed.error}"
        result = self._finish(status, error, started)
        if interrupt is not None:
            raise interrupt
        return result

    def _identity(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "project": self.plan.project.name,
            "env": self.plan.env,
            "engine": self.plan.engine,
        }

    def _run_layer(self, layer: str, planned: tuple[PlannedTransformation, ...]) -> None:
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
            ).execute()
            for index in members:
                result = self.transformations.results[index]
                if result.status != "SUCCESS":
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
        first = next((result for result in results if result.status != "SUCCESS"), None)
        if first is not None:
            self._layer_troubles[layer] = _trouble(first)

    def _finish(self, status: RunStatus, error: str | None, started: float) -> RunResult:
        if status == "ABORTED":
            self.transformations.abort_unfinished(self.plan)
        seconds = time.perf_counter() - started
        self.journal.close(status, error=error, duration_seconds=seconds)
        sink_errors = self._deliver()
        if self.dispatcher.listens("orchestrator_run_end"):
            end = OrchestratorRunEnd(
                **self._identity(),
                status=status.lower(),
                layers_executed=tuple(self._layers_run),
                duration_seconds=seconds,
                error=error,
            )
            try:
                self.dispatcher.dispatch(end)
            except Exception as verdict:  # noqa: BLE001 - the last verdict there can be; the records are written already
                status, error = "FAILED", redact(f"{type(verdict).__name__}: {verdict}")
        empty = tuple(f"layer {layer} has no enabled transformation in {self.plan.env}" for layer in self._empty_layers)
        return RunResult(
            status=status,
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
            error=error,
            warnings=(*self.plan.warnings, *empty, *self.caching.warnings),
            sink_errors=sink_errors,
            accidents=tuple(f"{one.source} on {one.event}: {one.error}" for one in self.dispatcher.accidents),
        )

    def _deliver(self) -> tuple[SinkError, ...]:
        reports = self.delivery.finish(self.delivery_seconds)
        if self.dispatcher.listens("logs_persisted"):
            persisted: list[tuple[str, int, str | None]] = [("journal", self.journal.last_seq, str(self.journal.path))]
            persisted += [(report.name, report.records, report.path) for report in reports if report.error is None]
            for sink, records, path in persisted:
                self.dispatcher.dispatch(LogsPersisted(**self._identity(), sink=sink, records=records, path=path))
        return tuple(SinkError(sink=report.name, error=report.error) for report in reports if report.error is not None)


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
    return "success" if "SUCCESS" in statuses else "skipped"


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
        succeeded=sum(result.status == "SUCCESS" for result in results),
        failed=sum(result.status == "FAILED" for result in results),
        skipped=sum(result.status == "SKIPPED" for result in results),
        error=_first_error(results),
    )
