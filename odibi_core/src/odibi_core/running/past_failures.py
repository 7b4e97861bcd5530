"""Running again what has failed, as the predecessor's helper of that name promised."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.running.asked import Asked, find_project, read_arguments, unknown_layer

if TYPE_CHECKING:
    from odibi_core.project import Project
    from odibi_core.running.result import RunResult

__all__ = ["retry_failed_transformations"]


def retry_failed_transformations(
    *args: Any,
    sql_provider: Any = None,
    spark: Any = None,
    project: str | Path | Project | None = None,
    env: str | None = None,
    layer: str | None = None,
    hours: float | None = None,
    dry_run: bool | None = None,
    **run_options: Any,
) -> dict[str, Any]:
    """Run again exactly the transformations whose last execution failed or was aborted.

    Args:
        args: ``project, env, layer, hours, dry_run`` or ``sql_provider, spark, project, env, layer, hours, dry_run``,
            by position.
        sql_provider: Not used.
        spark: Not used.
        project: As for `get_project_status`.
        env: As for `get_project_status`.
        layer: Only those of this layer, in any case; None means all.
        hours: How far back the executions may have begun; 24 if not given.
        dry_run: False runs them. Otherwise, and by default as in the predecessor, it is only said which they are.
        run_options: Further arguments of `run_project`, such as ``engine`` or ``hooks``.

    Returns:
        ``project``, ``environment``, ``layer``, ``failed_count``, ``failed_ids``, ``dry_run`` and ``message``; after a
        run also ``status``, ``retry_count``, ``run_ids``, ``transformations`` and, if something failed, ``error``.

    Raises:
        RunLogError: The run log cannot be read, so what failed is not known.
        ConfigError: There is no such project, environment or layer, or a run still goes on.

    Example:
        >>> retry_failed_transformations("Energy Efficiency", "qat", dry_run=False)["status"]  # doctest: +SKIP
        'SUCCESS'
    """
    from odibi_core.planning import choose_env

    named = {"sql_provider": sql_provider, "spark": spark, "project": project, "env": env, "layer": layer}
    positions = ("project", "env", "layer", "hours", "dry_run")
    asked = read_arguments(
        "retry_failed_transformations", args, {**named, "hours": hours, "dry_run": dry_run}, positions=positions
    )
    found = find_project(asked)
    chosen = choose_env(found, asked.env)
    _check_layer(found, asked.layer)
    failed = _failed(found, chosen, asked)
    run_of, gone = _still_there(found, chosen, _still_failing(found, chosen, failed))
    answer = {
        "project": found.name,
        "environment": chosen,
        "layer": asked.layer,
        "failed_count": len(run_of),
        "failed_ids": list(run_of),
        "dry_run": asked.is_dry_run,
    }
    also = f" Not in the project any more, or disabled: {', '.join(gone)}." if gone else ""
    if not run_of:
        since = f"in the last {asked.hours:g} hours"
        nothing = f"All that failed {since} has succeeded since." if failed and not gone else f"Nothing failed {since}."
        return {**answer, "message": f"{'Nothing to run again.' if gone else nothing}{also}"}
    if asked.is_dry_run:
        return {**answer, "message": f"{len(run_of)} to run again. With dry_run=False they are run.{also}"}
    retried = _retried(found, chosen, run_of, run_options)
    return {**answer, **retried, "message": retried["message"] + also}


def _check_layer(project: Project, layer: str | None) -> None:
    # A layer that is misspelt must not look like one in which nothing failed.
    known = project.manifest.layer_order
    if layer is not None and layer.strip().casefold() not in {name.casefold() for name in known}:
        raise unknown_layer(project.name, layer, known=known)


def _failed(project: Project, env: str, asked: Asked) -> set[tuple[str, str]]:
    """Return run and transformation of each execution that failed."""
    from odibi_core.runlog import RunIndex

    layer = asked.layer
    return {
        (one["run_id"], one["transformation_id"])
        for one in RunIndex(project.state_dir).failed(project.name, env, asked.hours)
        if layer is None or one["layer"].casefold() == layer.strip().casefold()
    }


def _still_failing(project: Project, env: str, failed: set[tuple[str, str]]) -> dict[str, str]:
    """Return the run in which each transformation failed that has not succeeded since, by id."""
    from odibi_core.runlog import RunIndex

    # One question, and not one about each run: with some thousand runs that took a minute.
    last = RunIndex(project.state_dir).last_runs(project.name, env) if failed else {}
    still = sorted((run_id, id_) for id_, run_id in last.items() if (run_id, id_) in failed)
    return {id_: run_id for run_id, id_ in still}


def _still_there(project: Project, env: str, run_of: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    from odibi_core.project import read_project_with_plugins

    if not run_of:
        return {}, []
    whole, problems, _ = (
        (project, (), None) if project.rows else read_project_with_plugins(manifest_path=project.manifest_path)
    )
    if problems:
        return dict(run_of), []  # a row that cannot be read is not gone; the plan will say what is wrong with it
    enabled = {row.transformation_id for row in whole.rows_for(env) if row.enabled}
    return {id_: run_id for id_, run_id in run_of.items() if id_ in enabled}, sorted(run_of.keys() - enabled)


def _retried(project: Project, env: str, run_of: Mapping[str, str], run_options: Mapping[str, Any]) -> dict[str, Any]:
    from odibi_core.running.project import run_project

    results: list[RunResult] = []
    # Run by run: what an earlier run saved, and must not be saved twice, is known of one run at a time.
    for run_id in dict.fromkeys(run_of.values()):
        ids = [id_ for id_, failed_in in run_of.items() if failed_in == run_id]
        results.append(
            run_project(
                project if project.rows else None,
                env,
                manifest_path=None if project.rows else project.manifest_path,
                selected=ids,
                resume=run_id,
                raise_on_failure=False,
                **run_options,
            )
        )
    done = [one for result in results for one in result.transformations]
    succeeded = sum(one.status == "SUCCESS" for one in done)
    errors = [f"{one.transformation_id}: {one.error}" for one in done if one.status != "SUCCESS"]
    answer = {
        "message": f"{succeeded} of {len(done)} succeeded.",
        "status": next((result.status for result in results if result.status != "SUCCESS"), "SUCCESS"),
        "retry_count": len(done),
        "run_ids": [result.run_id for result in results],
        "transformations": [one.to_dict() for one in done],
    }
    return {**answer, "error": "\n".join(errors)} if errors else answer
