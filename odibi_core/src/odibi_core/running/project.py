"""`run_project`: from a project's name to the result of its run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from odibi_core.plugin import LogSink, ProjectTask
from odibi_core.running.dry_run import planned_result
from odibi_core.running.logs import lines_of_run, shown_from
from odibi_core.running.plugin_costs import PluginCosts
from odibi_core.running.preparation import Prepared, Session, check_layers, check_max_workers, prepare
from odibi_core.running.request import RunRequest
from odibi_core.running.result import RunResult
from odibi_core.running.reuse import Reuse, check_unchanged

if TYPE_CHECKING:
    from odibi_core.events import HookManager
    from odibi_core.loading import PluginManager
    from odibi_core.planning import Plan
    from odibi_core.project import Project
    from odibi_core.runlog import Journal
    from odibi_core.running.resume import RunToResume

__all__ = ["plan_project", "run_project"]


def plan_project(
    project: str | Path | Project | None = None,
    env: str | None = None,
    *,
    target_layers: Iterable[str] | None = None,
    engine: object = None,
    manifest_path: str | Path | None = None,
    selected: Iterable[str] | None = None,
    layer_order: Iterable[str] | None = None,
    repo_path: str | Path | None = None,
    manager: PluginManager | None = None,
) -> Plan:
    """Return what `run_project` would do, without doing it: what ``odibi plan`` shows.

    Args:
        project: The project's name, its folder, or the project itself; None means the one in the working folder.
        env: The environment; None means the manifest's ``default_env``.
        target_layers: The layers to run; None means all.
        engine: The engine for rows that do not name one.
        manifest_path: The manifest, where it is not to be looked for.
        selected: Selector expressions: ids, ``tag:x``, ``layer:x``, with ``+`` before or after.
        layer_order: The layers that there are in this run, in their order; None means the manifest's.
        repo_path: The folder to look for the project from; None means the working folder.
        manager: The plugins; None means those installed, as the environment and the manifest allow.

    Raises:
        ProjectNotFoundError: There is no such project.
        ValidationFailed: The project has problems; it carries all of them.
        SelectionError: An unknown environment, layer or transformation was asked for.
        EngineNotFoundError: The engine is not installed.
    """
    prepared = prepare(project, manifest_path=manifest_path, repo_path=repo_path, manager=manager)
    return prepared.plan(
        env=env, target_layers=target_layers, layer_order=layer_order, engine=engine, selected=selected
    )


def run_project(
    project: str | Path | Project | None = None,
    env: str | None = None,
    *,
    target_layers: Iterable[str] | None = None,
    engine: object = None,
    hooks: HookManager | None = None,
    log_sink: LogSink | Sequence[LogSink] | None = None,
    manifest_path: str | Path | None = None,
    max_workers: int | None = None,
    cache_plan: Mapping[str, Sequence[str]] | None = None,
    selected: Iterable[str] | None = None,
    layer_order: Iterable[str] | None = None,
    resume: bool | str = False,
    unchanged: Literal["run", "skip"] = "run",
    dry_run: bool = False,
    fail_fast: bool = False,
    fail_on_empty_layer: bool = False,
    auth_provider: Callable[..., Mapping[str, Any]] | None = None,
    repo_path: str | Path | None = None,
    log_level: str | int | None = None,
    save_logs: bool = False,
    record_events: str | Path | None = None,
    raise_on_failure: bool = True,
    manager: PluginManager | None = None,
) -> RunResult:
    """Plan a project, run it on the installed engines, write its run log, and say what became of it.

    A failed transformation fails its layer and the run; whatever depends on it is skipped, whatever does not still
    runs. The run log is in the project's ``.odibi`` folder and is true even if this process is killed.

    Args:
        project: The project's name, its folder, or the project itself; None means the one in the working folder.
        env: The environment; None means the manifest's ``default_env``.
        target_layers: The layers to run, in the order of the layers; None means all.
        engine: The engine for rows that do not name one: a name or an `Engine`. None leaves it to the layer, the
            manifest, the only installed engine, or ``"spark"``.
        hooks: Callbacks for life-cycle events.
        log_sink: One or several sinks for run-log records, besides those of the manifest.
        manifest_path: The manifest, where it is not to be looked for.
        max_workers: How many transformations may run at once; a layer's own limit holds too. None means the number of
            processors.
        cache_plan: Tables to cache after a layer; ``{}`` switches the manifest's own plan off.
        selected: Selector expressions: ids, ``tag:x``, ``layer:x``, with ``+`` before or after.
        layer_order: The layers that there are in this run, in their order; None means the manifest's. A layer that it
            leaves out is no part of the run.
        resume: Go on with a run that failed or was killed: its id, or True for the last one that left something to do.
            What succeeded then and still is what it was is not run again. Layers, selection and engine are those of
            that run unless they are given.
        unchanged: ``"skip"`` leaves out what would make the same again, because its row, code, engine and inputs are
            what they were when it ran last; ``"run"`` runs everything.
        dry_run: Plan, and run nothing.
        fail_fast: Start nothing more once a transformation has failed; by default what can still run does.
        fail_on_empty_layer: Refuse to run if a layer has no enabled transformation; by default that is a warning.
        auth_provider: Called once, before the first transformation, with ``env``, ``repo_path`` and
            ``logger_metadata``; returns a mapping whose ``spark`` and ``sql_provider`` transformations see. None means
            that there is neither, which a project whose data is in files does not miss.
        repo_path: The folder to look for the project from, which ``auth_provider`` is told; None means the working
            folder, and ``auth_provider`` is told the project's.
        log_level: From which level on the program's own log is shown, for this run only; None leaves it to what the
            application has configured, or warnings.
        save_logs: Write the lines of the program's own log to ``.odibi/logs/<run_id>.log`` as well, from ``"INFO"`` on
            whatever is shown; the event ``logs_persisted`` names the file.
        record_events: A new file to write the run's events to, for `odibi hooks replay`: no rows and no secrets.
        raise_on_failure: Raise if the run does not succeed, rather than return its result.
        manager: The plugins; None means those installed, as the environment and the manifest allow.

    Returns:
        The result; also a mapping with v2's keys.

    Raises:
        ProjectNotFoundError: There is no such project.
        ValidationFailed: The project has problems; it carries all of them, and nothing has run.
        SelectionError: An unknown environment, layer or transformation was asked for.
        PluginError: An engine, reader, saver or sink is not installed or cannot be loaded; nothing has run.
        ConfigError: The request makes no sense; there is nothing to resume.
        RunFailed: A transformation failed; the error carries the result.
        KeyboardInterrupt: The run was interrupted; its journal is closed as ABORTED.

    Example:
        >>> run_project("Energy Efficiency", "qat", engine="pandas").status  # doctest: +SKIP
        'SUCCESS'
    """
    check_max_workers(max_workers)
    check_unchanged(unchanged)
    request = RunRequest.of(
        env=env, engine=engine, target_layers=target_layers, layer_order=layer_order, selected=selected
    )
    with shown_from(log_level) as level:
        prepared = prepare(project, manifest_path=manifest_path, repo_path=repo_path, manager=manager)
        earlier = prepared.run_to_resume(resume, env=env)
        if earlier is not None:
            request = request.going_on_with(earlier.request, env=earlier.env)
        costs = PluginCosts()
        with nullcontext() if dry_run else prepared.configured(request.env, costs=costs):
            plan = prepared.plan(**request.to_dict())
            check_layers(plan, fail_on_empty_layer=fail_on_empty_layer)
            if dry_run:
                return planned_result(
                    plan, Reuse.of(plan, earlier=earlier, unchanged=unchanged, manager=prepared.manager)
                )
            result = _run(
                plan,
                prepared=prepared,
                hooks=hooks,
                log_sink=log_sink,
                max_workers=max_workers,
                cache_plan=cache_plan,
                request=request,
                earlier=earlier,
                unchanged=unchanged,
                fail_fast=fail_fast,
                saved_from=level if save_logs else None,
                session=prepared.ask(auth_provider, env=plan.env),
                costs=costs,
                record_events=None if record_events is None else Path(record_events),
            )
    return result.raise_for_status() if raise_on_failure else result


def _run(
    plan: Plan,
    *,
    prepared: Prepared,
    hooks: HookManager | None,
    log_sink: LogSink | Sequence[LogSink] | None,
    max_workers: int | None,
    cache_plan: Mapping[str, Sequence[str]] | None,
    request: RunRequest,
    earlier: RunToResume | None,
    unchanged: str,
    fail_fast: bool,
    saved_from: int | None,
    session: Session,
    costs: PluginCosts,
    record_events: Path | None,
) -> RunResult:
    from odibi_core.events import Dispatcher, HookManager
    from odibi_core.loading import project_imports
    from odibi_core.planning import DatasetResolver
    from odibi_core.runlog import Delivery, RunLease, new_run_id
    from odibi_core.running.caching import Caching, merge_cache_plans
    from odibi_core.running.earlier_runs import settle_earlier_runs
    from odibi_core.running.engines import EngineRoom
    from odibi_core.running.event_recording import recorded_to
    from odibi_core.running.header import start_journal
    from odibi_core.running.retries import RetryPolicies
    from odibi_core.running.runner import Runner
    from odibi_core.running.sinks import sink_targets
    from odibi_core.running.transformation import TransformationRunner

    project, manager = prepared.project, prepared.manager
    sinks = sink_targets(project, manager=manager, extra=log_sink)
    engines = EngineRoom(project, manager, session.spark, costs)
    run_id = new_run_id(project.state_dir)
    lease = RunLease.acquire(project.state_dir, project=project.name, env=plan.env, run_id=run_id)
    with (
        lease,
        lines_of_run(project, run_id=run_id, saved_from=saved_from) as log_file,
        project_imports(project.root),
        ExitStack() as at_end,
    ):
        settle_earlier_runs(project.state_dir, sinks)
        reuse = Reuse.of(plan, earlier=earlier, unchanged=unchanged, manager=manager)
        at_end.enter_context(engines.opened(reuse.left_to_run(plan)))
        recorder = at_end.enter_context(
            recorded_to(
                record_events,
                columns_of=engines.describe_frame,
                run_id=run_id,
                project=project.name,
                env=plan.env,
                engine=plan.engine,
            )
        )
        policies = RetryPolicies(engines)
        for planned in plan:
            policies.of(planned)
        journal = start_journal(
            plan, run_id=run_id, lease_token=lease.token, request=request, reuse=reuse, manager=manager
        )
        at_end.callback(_close_if_left_open, journal)
        # A function may emit events of its own, whether or not anybody listens.
        hooks = HookManager() if hooks is None else hooks
        owners = {record.name: record for record in manager.records}
        observers = costs.observers(manager.observers(), owners=owners)
        dispatcher = Dispatcher(observers=observers if recorder is None else recorder.observers(observers), hooks=hooks)
        delivery = Delivery(journal, sinks, project.state_dir)
        at_end.callback(delivery.give_up)
        cancelled = threading.Event()
        caching = Caching(
            tables=merge_cache_plans(plan, cache_plan),
            plan=plan,
            engines=engines,
            dispatcher=dispatcher,
            resolver=DatasetResolver(project, manager),
        )
        runner = Runner(
            plan=plan,
            run_id=run_id,
            transformations=TransformationRunner(
                plan=plan,
                run_id=run_id,
                manager=manager,
                engines=engines,
                dispatcher=dispatcher,
                journal=journal,
                delivery=delivery,
                policies=policies,
                cancelled=cancelled,
                check_lease=lease.check,
                fail_fast=fail_fast,
                hooks=hooks,
                sql_provider=session.sql_provider,
                decisions=reuse.decisions,
                fingerprints=reuse.fingerprints,
            ),
            dispatcher=dispatcher,
            journal=journal,
            delivery=delivery,
            caching=caching,
            cancelled=cancelled,
            check_lease=lease.check,
            max_workers=max_workers,
            default_workers=os.cpu_count() or 1,
            target_layers=None if request.target_layers is None else plan.layers,
            warnings=reuse.warnings,
            log_file=log_file,
            costs=costs,
        )
        task = ProjectTask(
            run_id=run_id,
            project=project.name,
            env=plan.env,
            engine=plan.engine,
            layers=plan.layers,
            transformation_ids=tuple(one.transformation_id for one in plan),
            _execute=runner.execute,
        )
        result: RunResult = manager.run_project(task, charge=costs.charge)
    return result


def _close_if_left_open(journal: Journal) -> None:
    # A plugin wraps the run and never let it begin, or Ctrl-C came before it did.
    if journal.is_open:
        journal.close("ABORTED", error="the run did not begin", duration_seconds=0.0)
