"""How a project has fared, for notebooks and scripts: the predecessor's helpers, with answers that can be believed.

Each of them can be called in two ways::

    get_project_status("Energy Efficiency", "qat")                          the short form
    get_project_status(sql_provider, spark, "Energy Efficiency", "qat")     the predecessor's form

The answers come from the project's own run log, so neither provider nor session is needed, and both may be None. A log
sink that can be read back answers instead if it is named as ``source``. What cannot be read is an error, and never
"nothing".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from odibi_core.running.asked import Place, find_place, read_arguments, unknown_layer

if TYPE_CHECKING:
    from odibi_core.plugin import ReadableLogSink
    from odibi_core.project import Project

__all__ = ["get_failed_transformations", "get_layer_summary", "get_project_status"]

_POSITIONS: Final = ("project", "env", "hours")
_NO_FIGURES: Final[Mapping[str, Any]] = {
    "total_runs": 0,
    "success_count": 0,
    "failed_count": 0,
    "skipped_count": 0,
    "success_rate": "N/A",
    "avg_duration_seconds": 0.0,
    "last_run": None,
}


def get_project_status(
    *args: Any,
    sql_provider: Any = None,
    spark: Any = None,
    project: str | Path | Project | None = None,
    env: str | None = None,
    hours: float | None = None,
    source: ReadableLogSink | str | None = None,
) -> dict[str, Any]:
    """Return how a project's transformations have fared lately. Each execution counts once, whatever its attempts.

    Args:
        args: ``project, env, hours`` or ``sql_provider, spark, project, env, hours``, by position.
        sql_provider: Not used.
        spark: Not used.
        project: The project's name, its folder, or the project itself; None means the one of the working folder.
        env: The environment; None means the manifest's ``default_env``. Case does not matter, as with the project.
        hours: How far back executions may have begun; 24 if not given.
        source: A log sink that can be read back, or the type of one that the manifest names; None means the project's
            own run log.

    Returns:
        ``project``, ``environment``, ``period_hours``, ``total_runs`` (executions that have ended), ``success_count``,
        ``failed_count`` (aborted ones included), ``success_rate`` (such as ``"97.4%"``, or ``"N/A"``),
        ``avg_duration_seconds``, ``last_run``.

    Raises:
        RunLogError: The run log cannot be read, so it is not known.
        ConfigError: There is no such project or environment, or the source cannot be read back.

    Example:
        >>> get_project_status("Energy Efficiency", "qat")["success_rate"]  # doctest: +SKIP
        '97.4%'
    """
    named = {"sql_provider": sql_provider, "spark": spark, "project": project, "env": env, "hours": hours}
    asked = read_arguments("get_project_status", args, named, positions=_POSITIONS)
    place = find_place(asked, source=source)
    return place.log.status(place.name, place.env, asked.hours)


def get_layer_summary(
    *args: Any,
    sql_provider: Any = None,
    spark: Any = None,
    project: str | Path | Project | None = None,
    env: str | None = None,
    layer: str | None = None,
    hours: float | None = None,
    source: ReadableLogSink | str | None = None,
) -> Any:
    """Return what is configured in each layer of a project and how it has fared lately; or in one layer.

    Args:
        args: ``project, env, layer, hours`` or ``sql_provider, spark, project, env, layer, hours``, by position.
        sql_provider: Not used.
        spark: Not used.
        project: As for `get_project_status`.
        env: As for `get_project_status`.
        layer: The layer, in any case; None means all.
        hours: How far back executions may have begun; 24 if not given.
        source: As for `get_project_status`.

    Returns:
        With a layer a dictionary, else a list of them in the order of the layers: ``layer``, ``config_count``,
        ``enabled_count``, ``disabled_count`` (rows), and ``total_runs``, ``success_count``, ``failed_count``,
        ``skipped_count``, ``success_rate``, ``avg_duration_seconds``, ``last_run`` (executions).

    Raises:
        RunLogError: The run log cannot be read, so it is not known.
        ConfigError: There is no such project, environment or layer, or the source cannot be read back.

    Example:
        >>> get_layer_summary("Energy Efficiency", "qat", "Silver_1")["success_count"]  # doctest: +SKIP
        12
    """
    named = {"sql_provider": sql_provider, "spark": spark, "project": project, "env": env, "layer": layer}
    positions = ("project", "env", "layer", "hours")
    asked = read_arguments("get_layer_summary", args, {**named, "hours": hours}, positions=positions)
    place = find_place(asked, source=source)
    figures = {one["layer"]: one for one in place.log.layer_summary(place.name, place.env, asked.hours)}
    summaries = [
        {"layer": name, **counts, **{key: figures.get(name, {}).get(key, value) for key, value in _NO_FIGURES.items()}}
        for name, counts in _configured(place, figures).items()
    ]
    if asked.layer is None:
        return summaries
    wanted = asked.layer
    for summary in summaries:
        if summary["layer"].casefold() == wanted.strip().casefold():
            return summary
    raise unknown_layer(place.name, wanted, known=[summary["layer"] for summary in summaries])


def get_failed_transformations(
    *args: Any,
    sql_provider: Any = None,
    spark: Any = None,
    project: str | Path | Project | None = None,
    env: str | None = None,
    hours: float | None = None,
    source: ReadableLogSink | str | None = None,
) -> list[dict[str, Any]]:
    """Return the executions that failed or were aborted lately, the newest first.

    Args:
        args: ``project, env, hours`` or ``sql_provider, spark, project, env, hours``, by position.
        sql_provider: Not used.
        spark: Not used.
        project: As for `get_project_status`.
        env: As for `get_project_status`.
        hours: How far back executions may have begun; 24 if not given.
        source: As for `get_project_status`.

    Returns:
        One dictionary each: ``transformation_id``, ``start_time``, ``end_time``, ``error_message``,
        ``duration_seconds``, ``status``, ``layer``, ``run_id``. An empty list means that there were none.

    Raises:
        RunLogError: The run log cannot be read, so it is not known.
        ConfigError: There is no such project or environment, or the source cannot be read back.

    Example:
        >>> get_failed_transformations("Energy Efficiency", "qat", 12)  # doctest: +SKIP
        []
    """
    named = {"sql_provider": sql_provider, "spark": spark, "project": project, "env": env, "hours": hours}
    asked = read_arguments("get_failed_transformations", args, named, positions=_POSITIONS)
    place = find_place(asked, source=source)
    return place.log.failed(place.name, place.env, asked.hours)


def _configured(place: Place, figures: Mapping[str, Any]) -> dict[str, dict[str, int | None]]:
    if place.project is None:
        return {name: dict.fromkeys(("config_count", "enabled_count", "disabled_count")) for name in figures}
    from odibi_core.project import read_project_with_plugins

    project, _, _ = read_project_with_plugins(manifest_path=place.project.manifest_path)
    rows = project.rows_for(place.env)
    layers = dict.fromkeys([*project.manifest.layer_order, *(row.layer for row in rows), *figures])
    counts: dict[str, dict[str, int | None]] = {}
    for name in layers:
        enabled = [row.enabled for row in rows if row.layer == name]
        counts[name] = {
            "config_count": len(enabled),
            "enabled_count": sum(enabled),
            "disabled_count": len(enabled) - sum(enabled),
        }
    return counts
