"""Running again exactly what failed in the last run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from odibi_core.errors import ConfigError
from odibi_core.running.preparation import Prepared, prepare
from odibi_core.running.project import run_project
from odibi_core.running.result import RunResult
from odibi_core.running.resume import must_be_over

if TYPE_CHECKING:
    from odibi_core.events import HookManager
    from odibi_core.loading import PluginManager
    from odibi_core.plugin import LogSink
    from odibi_core.project import Project
    from odibi_core.runlog import RunRow

__all__ = ["retry_failed"]


def retry_failed(
    project: str | Path | Project | None = None,
    env: str | None = None,
    *,
    engine: object = None,
    hooks: HookManager | None = None,
    log_sink: LogSink | Sequence[LogSink] | None = None,
    manifest_path: str | Path | None = None,
    max_workers: int | None = None,
    dry_run: bool = False,
    auth_provider: Callable[..., Mapping[str, Any]] | None = None,
    raise_on_failure: bool = True,
    manager: PluginManager | None = None,
) -> RunResult:
    """Run the transformations again that failed in the last run of a project and environment, and no others.

    What was skipped because of them is not run; ``run_project(resume=True)`` does that, before or after. Outputs that
    were saved before the failure and must not be saved twice are not saved again, as in a run that is resumed.

    Args:
        project: The project's name, its folder, or the project itself; None means the one in the working folder.
        env: The environment; None means the manifest's ``default_env``.
        engine: The engine for rows that do not name one; None means that of the last run.
        hooks: Callbacks for life-cycle events.
        log_sink: One or several sinks for run-log records, besides those of the manifest.
        manifest_path: The manifest, where it is not to be looked for.
        max_workers: How many transformations may run at once.
        dry_run: Plan, and run nothing.
        auth_provider: As for `run_project`.
        raise_on_failure: Raise if the run does not succeed, rather than return its result.
        manager: The plugins; None means those installed, as the environment and the manifest allow.

    Returns:
        The result. If nothing had failed there is no run: its ``run_id`` is empty, its ``status`` SUCCESS, and a
        warning says so.

    Raises:
        ConfigError: The last run still goes on, or nothing of what failed is in the project any more.
        RunLogError: The run log cannot be read, so what failed is not known.
        RunFailed: A transformation failed again; the error carries the result.

    Example:
        >>> retry_failed("Energy Efficiency", "qat").status  # doctest: +SKIP
        'SUCCESS'
    """
    from odibi_core.planning import choose_env

    prepared = prepare(project, manifest_path=manifest_path, repo_path=None, manager=manager)
    env = choose_env(prepared.project, env)
    last, failed = _last_failures(prepared, env)
    if last is None or not failed:
        return _nothing_to_retry(prepared, env, last)
    ids, gone = _still_there(prepared, env, failed)
    if not ids:
        raise ConfigError(
            f"What failed in run {last.run_id} is not in project {prepared.project.name!r} any more, or disabled: "
            f"{', '.join(gone)}. Start a new run: odibi run"
        )
    result = run_project(
        cast("Any", prepared),
        env,
        engine=engine,
        hooks=hooks,
        log_sink=log_sink,
        max_workers=max_workers,
        selected=ids,
        resume=last.run_id,
        dry_run=dry_run,
        auth_provider=auth_provider,
        raise_on_failure=False,
    )
    warnings = tuple(f"{id_!r} failed in run {last.run_id} and is not in the project any more" for id_ in gone)
    result = replace(result, warnings=(*warnings, *result.warnings))
    return result.raise_for_status() if raise_on_failure else result


def _last_failures(prepared: Prepared, env: str) -> tuple[RunRow | None, list[str]]:
    from odibi_core.runlog import RunIndex

    index = RunIndex(prepared.project.state_dir)
    last = next(iter(index.runs(prepared.project.name, env, limit=1)), None)
    if last is None:
        return None, []
    must_be_over(last)
    ended = index.transformations(last.run_id)
    return last, [one["transformation_id"] for one in ended if one["status"] == "FAILED"]


def _still_there(prepared: Prepared, env: str, failed: Sequence[str]) -> tuple[list[str], list[str]]:
    if prepared.problems:
        return list(failed), []  # a row that cannot be read is not gone; the plan will say what is wrong with it
    enabled = {row.transformation_id for row in prepared.project.rows_for(env) if row.enabled}
    return [id_ for id_ in failed if id_ in enabled], [id_ for id_ in failed if id_ not in enabled]


def _nothing_to_retry(prepared: Prepared, env: str, last: RunRow | None) -> RunResult:
    name = prepared.project.name
    what = (
        f"{name} has never run in {env}"
        if last is None
        else f"nothing failed in the last run of {name} in {env}, {last.run_id} ({last.status})"
    )
    # Whoever retries after a run was killed would take an exit code of 0 for a run that is complete now.
    was_aborted = last is not None and last.status == "ABORTED"
    also = " It was aborted before it was done; what it left is run by: odibi run --resume" if was_aborted else ""
    return RunResult(
        status="SUCCESS",
        run_id="",
        project=name,
        env=env,
        engine="" if last is None else last.engine,
        layers_run=(),
        duration_seconds=0.0,
        warnings=(f"Nothing to retry: {what}.{also}",),
    )
