"""`run_project`: from a project's name to the result of its run."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.plugin import LogSink, ProjectConfig, ProjectTask
from odibi_core.running.result import RunResult, TransformationResult

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odibi_core.events import HookManager
    from odibi_core.loading import PluginManager
    from odibi_core.planning import Plan
    from odibi_core.project import Project

__all__ = ["plan_project", "run_project"]


def plan_project(
    project: str | Path | Project | None = None,
    env: str | None = None,
    *,
    target_layers: Iterable[str] | None = None,
    engine: object = None,
    manifest_path: str | Path | None = None,
    selected: Iterable[str] | None = None,
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
        manager: The plugins; None means those installed, as the environment and the manifest allow.

    Raises:
        ProjectNotFoundError: There is no such project.
        ValidationFailed: The project has problems; it carries all of them.
        SelectionError: An unknown environment, layer or transformation was asked for.
        EngineNotFoundError: The engine is not installed.
    """
    return _prepare(project, manifest_path, manager).plan(
        env=env, target_layers=target_layers, engine=engine, selected=selected
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
    dry_run: bool = False,
    fail_fast: bool = False,
    auth_provider: Callable[..., Mapping[str, Any]] | None = None,
    raise_on_failure: bool = True,
    manager: PluginManager | None = None,
) -> RunResult:
    """Plan a project, run it on the installed engines, write its run log, and say what became of it.

    A failed transformation fails its layer and the run; whatever depends on it is skipped, whatever does not still
    runs. The run log is in the project's ``.odibi`` folder and is true even if this process is killed.

    Args:
        project: The project's name, its folder, or the project itself; None means the one in the working folder.
        env: The environment; None means the manifest's ``default_env``.
        target_layers: The layers to run, in the manifest's order; None means all.
        engine: The engine for rows that do not name one: a name or an `Engine`. None leaves it to the layer, the
            manifest, the only installed engine, or ``"spark"``.
        hooks: Callbacks for life-cycle events.
        log_sink: One or several sinks for run-log records, besides those of the manifest.
        manifest_path: The manifest, where it is not to be looked for.
        max_workers: How many transformations may run at once; a layer's own limit holds too. None means the number of
            processors.
        cache_plan: Tables to cache after a layer; ``{}`` switches the manifest's own plan off.
        selected: Selector expressions: ids, ``tag:x``, ``layer:x``, with ``+`` before or after.
        dry_run: Plan, and run nothing.
        fail_fast: Start nothing more once a transformation has failed; by default what can still run does.
        auth_provider: Called with ``env``, ``repo_path`` and ``logger_metadata``; returns a mapping whose ``spark`` and
            ``sql_provider`` transformations see.
        raise_on_failure: Raise if the run does not succeed, rather than return its result.
        manager: The plugins; None means those installed, as the environment and the manifest allow.

    Returns:
        The result; also a mapping with v2's keys.

    Raises:
        ProjectNotFoundError: There is no such project.
        ValidationFailed: The project has problems; it carries all of them, and nothing has run.
        SelectionError: An unknown environment, layer or transformation was asked for.
        PluginError: An engine, reader, saver or sink is not installed or cannot be loaded; nothing has run.
        RunFailed: A transformation failed; the error carries the result.
        KeyboardInterrupt: The run was interrupted; its journal is closed as ABORTED.

    Example:
        >>> run_project("Energy Efficiency", "qat", engine="pandas").status  # doctest: +SKIP
        'SUCCESS'
    """
    _check_workers(max_workers)
    prepared = _prepare(project, manifest_path, manager)
    if dry_run:
        plan = prepared.plan(env=env, target_layers=target_layers, engine=engine, selected=selected)
        return _planned_result(plan)
    handed_in = _ask(auth_provider, env=env, prepared=prepared)
    with prepared.configured(env):
        plan = prepared.plan(env=env, target_layers=target_layers, engine=engine, selected=selected)
        result = _run(
            plan,
            prepared=prepared,
            hooks=hooks,
            log_sink=log_sink,
            max_workers=max_workers,
            cache_plan=cache_plan,
            target_layers=None if target_layers is None else plan.layers,
            fail_fast=fail_fast,
            session=handed_in.get("spark"),
            sql_provider=handed_in.get("sql_provider"),
        )
    return result.raise_for_status() if raise_on_failure else result


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A project that was read, with the plugins it is to run on."""

    project: Project
    problems: tuple[Any, ...]
    manager: PluginManager

    def plan(self, *, env: str | None, target_layers: Any, engine: object, selected: Any) -> Plan:
        from odibi_core.planning import make_plan

        return make_plan(
            self.project,
            manager=self.manager,
            env=env,
            engine=engine,
            target_layers=target_layers,
            selected=selected,
            known_problems=self.problems,
        )

    @contextmanager
    def configured(self, env: str | None) -> Iterator[None]:
        from odibi_core.planning import choose_env

        config = ProjectConfig(
            project=self.project.name,
            env=choose_env(self.project, env),
            root=self.project.root,
            settings=self.project.manifest.plugins.settings,
        )
        self.manager.configure(config)
        try:
            yield
        finally:
            self.manager.unconfigure(config)


def _prepare(project: Any, manifest_path: str | Path | None, manager: PluginManager | None) -> _Prepared:
    from odibi_core.project import Project, read_project_with_plugins

    if isinstance(project, Project):
        return _Prepared(project, (), project.manager() if manager is None else manager)
    return _Prepared(*read_project_with_plugins(project, manifest_path=manifest_path, manager=manager))


def _check_workers(max_workers: object) -> None:
    if max_workers is not None and (type(max_workers) is not int or max_workers < 1):
        from odibi_core.errors import ConfigError

        raise ConfigError(f"max_workers is {max_workers!r}; it must be a whole number of at least 1.")


def _ask(
    auth_provider: Callable[..., Mapping[str, Any]] | None, *, env: str | None, prepared: _Prepared
) -> Mapping[str, Any]:
    if auth_provider is None:
        return {}
    from odibi_core.planning import choose_env

    return auth_provider(
        env=choose_env(prepared.project, env),
        repo_path=str(prepared.project.root),
        logger_metadata={"project": prepared.project.name, "stage": "Bootstrap"},
    )


def _run(
    plan: Plan,
    *,
    prepared: _Prepared,
    hooks: HookManager | None,
    log_sink: LogSink | Sequence[LogSink] | None,
    max_workers: int | None,
    cache_plan: Mapping[str, Sequence[str]] | None,
    target_layers: tuple[str, ...] | None,
    fail_fast: bool,
    session: Any,
    sql_provider: Any,
) -> RunResult:
    from odibi_core.events import Dispatcher
    from odibi_core.loading import project_imports
    from odibi_core.planning import DatasetResolver
    from odibi_core.runlog import Delivery, Journal, new_run_id
    from odibi_core.running.caching import Caching, merge_cache_plans
    from odibi_core.running.earlier_runs import settle_earlier_runs
    from odibi_core.running.engines import EngineRoom
    from odibi_core.running.retries import RetryPolicies
    from odibi_core.running.runner import Runner
    from odibi_core.running.sinks import sink_targets
    from odibi_core.running.transformation import TransformationRunner

    project, manager = prepared.project, prepared.manager
    _must_have_something_to_do(plan)
    sinks = sink_targets(project, manager=manager, extra=log_sink)
    engines = EngineRoom(project, manager, session)
    run_id = new_run_id()
    with project_imports(project.root), engines.opened(plan):
        policies = RetryPolicies(engines)
        for planned in plan:
            policies.of(planned)
        settle_earlier_runs(project.state_dir, sinks)
        journal = _journal(plan, run_id, prepared, Journal)
        dispatcher = Dispatcher(observers=manager.observers(), hooks=hooks)
        delivery = Delivery(journal, sinks, project.state_dir)
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
                fail_fast=fail_fast,
                hooks=hooks,
                sql_provider=sql_provider,
            ),
            dispatcher=dispatcher,
            journal=journal,
            delivery=delivery,
            caching=caching,
            cancelled=cancelled,
            max_workers=max_workers,
            default_workers=os.cpu_count() or 1,
            target_layers=target_layers,
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
        result: RunResult = manager.run_project(task)
    return result


def _journal(plan: Plan, run_id: str, prepared: _Prepared, journal_class: Any) -> Any:
    active = [record for record in prepared.manager.records if str(record.state) == "active"]
    return journal_class.create(
        prepared.project.state_dir,
        run_id=run_id,
        project=prepared.project.name,
        env=plan.env,
        engine=plan.engine,
        layers=plan.layers,
        plugins={record.distribution: record.version for record in active},
        plan=[
            {
                "transformation_id": one.transformation_id,
                "layer": one.layer,
                "engine": one.engine,
                "engine_why": one.engine_why,
                "function_why": one.function.why,
            }
            for one in plan
        ],
    )


def _must_have_something_to_do(plan: Plan) -> None:
    if len(plan) == 0:
        from odibi_core.errors import ConfigError

        layers = ", ".join(plan.layers) or "none"
        raise ConfigError(
            f"Nothing to run: project {plan.project.name!r} has no enabled transformation in environment {plan.env!r} "
            f"for the layers asked for ({layers}). `odibi validate` shows what the project's files hold."
        )


def _planned_result(plan: Plan) -> RunResult:
    return RunResult(
        status="PLANNED",
        run_id="",
        project=plan.project.name,
        env=plan.env,
        engine=plan.engine,
        layers_run=(),
        duration_seconds=0.0,
        transformations=tuple(
            TransformationResult(
                transformation_id=one.transformation_id,
                layer=one.layer,
                step=one.step,
                engine=one.engine,
                module=one.row.module,
                function=one.row.function,
                status="PLANNED",
            )
            for one in plan
        ),
        warnings=plan.warnings,
    )
