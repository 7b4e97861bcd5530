"""What comes before a run: the project, its plugins, what is wrong with the request, and the caller's session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.errors import ConfigError
from odibi_core.plugin import ProjectConfig

if TYPE_CHECKING:
    from odibi_core.errors import Problem
    from odibi_core.loading import PluginManager, PluginRecord
    from odibi_core.planning import Plan
    from odibi_core.project import Project
    from odibi_core.running.plugin_costs import PluginCosts
    from odibi_core.running.resume import RunToResume

__all__ = ["Prepared", "Session", "check_layers", "check_max_workers", "prepare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What the caller's ``auth_provider`` handed in.

    Args:
        spark: A session, for the engine that can use it.
        sql_provider: What functions get as ``context.sql_provider``.
    """

    spark: Any = None
    sql_provider: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A project that was read, with the plugins it is to run on.

    Args:
        project: The project, without what is wrong with it.
        manager: The plugins.
        problems: What is wrong; making a plan tells it.
        repo_path: The folder that the caller named as ``repo_path``, else the project's.
    """

    project: Project
    manager: PluginManager
    problems: tuple[Problem, ...] = ()
    repo_path: Path

    def plan(
        self,
        *,
        env: str | None,
        target_layers: Iterable[str] | None,
        layer_order: Iterable[str] | None,
        engine: object,
        selected: Iterable[str] | None,
    ) -> Plan:
        """Return the plan of what was asked for; see `odibi_core.planning.make_plan`."""
        from odibi_core.planning import make_plan

        return make_plan(
            self.project,
            manager=self.manager,
            env=env,
            engine=engine,
            target_layers=target_layers,
            layer_order=layer_order,
            selected=selected,
            known_problems=self.problems,
        )

    def run_to_resume(self, resume: bool | str, *, env: str | None) -> RunToResume | None:
        """Return the run that the caller wants to go on with: the one named, with True the last, with False none.

        Raises:
            ConfigError: There is nothing to resume, or the run still goes on.
            SelectionError: There is no such run in this project and environment.
            RunLogError: A journal cannot be read.
        """
        if resume is False:
            return None
        from odibi_core.running.resume import find_run_to_resume

        return find_run_to_resume(self.project, env=env, run_id=None if resume is True else resume)

    @contextmanager
    def configured(self, env: str | None, *, costs: PluginCosts) -> Iterator[None]:
        """Call the plugins' configure hooks, and inside out their unconfigure hooks; note what they cost."""
        from odibi_core.planning import choose_env

        config = ProjectConfig(
            project=self.project.name,
            env=choose_env(self.project, env),
            root=self.project.root,
            settings=self.project.manifest.plugins.settings,
        )

        def timed(owner: PluginRecord, function: Callable[..., Any]) -> Callable[..., Any]:
            return costs.meter(owner, "hooks").timed(function)

        self.manager.configure(config, timed=timed)
        try:
            yield
        finally:
            self.manager.unconfigure(config, timed=timed)

    def ask(self, auth_provider: Callable[..., Mapping[str, Any]] | None, *, env: str) -> Session:
        """Return what the caller's ``auth_provider`` hands in; without one, nothing.

        Raises:
            ConfigError: It returned no mapping.
        """
        if auth_provider is None:
            return Session()
        handed_in = auth_provider(
            env=env,
            repo_path=str(self.repo_path),
            logger_metadata={"project": self.project.name, "stage": "Bootstrap"},
        )
        if not isinstance(handed_in, Mapping):
            raise ConfigError(
                f"auth_provider returned {type(handed_in).__name__}. It must return a mapping, whose 'spark' and "
                "'sql_provider' transformations see; both may be left out."
            )
        return Session(spark=handed_in.get("spark"), sql_provider=handed_in.get("sql_provider"))


def prepare(
    project: str | Path | Project | Prepared | None,
    *,
    manifest_path: str | Path | None,
    repo_path: str | Path | None,
    manager: PluginManager | None,
) -> Prepared:
    """Return the project that was asked for, read.

    Raises:
        ProjectNotFoundError: There is no such project.
        ValidationFailed: Its manifest cannot be read.
        PluginLockError: The plugins are not those of the project's lock, and it says that this matters.
    """
    from odibi_core.project import Project, read_project_with_plugins
    from odibi_core.project.plugin_choices import refuse_drift

    if isinstance(project, Prepared):
        return project
    start = None if repo_path is None else Path(repo_path)
    if isinstance(project, Project):
        if manager is not None:
            refuse_drift(project.manifest, root=project.root, manager=manager)
        plugins = project.manager() if manager is None else manager
        return Prepared(project=project, manager=plugins, repo_path=start or project.root)
    found, problems, plugins = read_project_with_plugins(
        project, manifest_path=manifest_path, start=start, manager=manager
    )
    return Prepared(project=found, manager=plugins, problems=problems, repo_path=start or found.root)


def check_max_workers(max_workers: object) -> None:
    """Refuse a number of workers that makes no sense."""
    if max_workers is not None and (type(max_workers) is not int or max_workers < 1):
        raise ConfigError(f"max_workers is {max_workers!r}; it must be a whole number of at least 1.")


def check_layers(plan: Plan, *, fail_on_empty_layer: bool) -> None:
    """Refuse a plan in which nothing would run, or nothing in one of the layers if that was asked for."""
    hint = "`odibi validate` shows what the project's files hold."
    if len(plan) == 0:
        layers = ", ".join(plan.layers) or "none"
        raise ConfigError(
            f"Nothing to run: project {plan.project.name!r} has no enabled transformation in environment {plan.env!r} "
            f"for the layers asked for ({layers}). {hint}"
        )
    empty = [layer for layer, planned in plan.by_layer().items() if not planned]
    if fail_on_empty_layer and empty:
        raise ConfigError(
            f"Nothing to run in {', '.join(empty)}: project {plan.project.name!r} has no enabled transformation there "
            f"in environment {plan.env!r}, and fail_on_empty_layer says that this is an error. {hint}"
        )
