"""How executions of transformations fared, counted: each once, whatever its attempts and its records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from odibi_core.runlog.records import fold, iso

if TYPE_CHECKING:
    import sqlite3

__all__ = ["failed_executions", "figures", "layers_of", "start_of", "status_of"]

_ENDED: Final = ("SUCCESS", "FAILED", "ABORTED")
_FAILED: Final = """
SELECT transformation_id, start_time, end_time, error_message, duration_seconds, status, layer, run_id
FROM executions
WHERE project_key = :project AND env_key = :env AND start_time >= :since AND status IN ('FAILED', 'ABORTED')
ORDER BY start_time DESC, first_seq DESC
"""
_FIGURES: Final = """
SELECT layer, status, count(*) AS count, total(duration_seconds) AS seconds, count(duration_seconds) AS timed,
       max(start_time) AS last_run
FROM executions
WHERE project_key = :project AND env_key = :env AND start_time >= :since
GROUP BY layer, status ORDER BY min(first_seq), layer
"""


def start_of(hours: float) -> datetime | None:
    """Return the moment that lies so many hours back; None if there is no such date: from the beginning.

    Args:
        hours: How far back to look.
    """
    try:
        return datetime.now(UTC) - timedelta(hours=hours)
    except OverflowError:
        return None


def failed_executions(connection: sqlite3.Connection, *, project: str, env: str, hours: float) -> list[dict[str, Any]]:
    """Return the executions that failed or were aborted, the newest first; see `RunIndex.failed`."""
    return [dict(row) for row in connection.execute(_FAILED, _asked(project, env, hours))]


def figures(connection: sqlite3.Connection, *, project: str, env: str, hours: float) -> list[dict[str, Any]]:
    """Return counts and sums by layer and status, in the order in which the layers ran."""
    return [dict(row) for row in connection.execute(_FIGURES, _asked(project, env, hours))]


def status_of(found: Sequence[Mapping[str, Any]], *, project: str, env: str, hours: float) -> dict[str, Any]:
    """Return what `RunIndex.status` says, from `figures`."""
    summed = _summed(found)
    del summed["skipped_count"]
    return {"project": project, "environment": env, "period_hours": hours, **summed}


def layers_of(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what `RunIndex.layer_summary` says, from `figures`."""
    layers = dict.fromkeys(figure["layer"] for figure in found)
    return [{"layer": layer, **_summed([one for one in found if one["layer"] == layer])} for layer in layers]


def _asked(project: str, env: str, hours: float) -> dict[str, str]:
    since = start_of(hours)
    return {"project": fold(project), "env": fold(env), "since": "" if since is None else iso(since)}


def _summed(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    def total(column: str, *statuses: str) -> Any:
        return sum(figure[column] for figure in found if figure["status"] in statuses)

    ended, timed = total("count", *_ENDED), total("timed", *_ENDED)
    return {
        "total_runs": ended,
        "success_count": total("count", "SUCCESS"),
        "failed_count": total("count", "FAILED", "ABORTED"),
        "skipped_count": total("count", "SKIPPED"),
        "success_rate": _rate(total("count", "SUCCESS"), of=ended),
        "avg_duration_seconds": round(total("seconds", *_ENDED) / timed, 3) if timed else 0.0,
        "last_run": max((figure["last_run"] for figure in found), default=None),
    }


def _rate(successes: int, *, of: int) -> str:
    if not of:
        return "N/A"
    # Rounding may not turn one failure in ten thousand into none, nor one success into none.
    tenths = round(1000 * successes / of)
    tenths = min(tenths, 999) if successes < of else 1000
    return f"{max(tenths, 1 if successes else 0) / 10:.1f}%"
