"""One run, as the index has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from odibi_core.runlog.records import fold

if TYPE_CHECKING:
    import sqlite3

__all__ = ["RunRow", "fetch_runs"]

_RUNS: Final = """
SELECT * FROM runs
WHERE (:project IS NULL OR project_key = :project) AND (:env IS NULL OR env_key = :env)
  AND (:run_id IS NULL OR run_id = :run_id)
ORDER BY run_id DESC LIMIT :limit
"""
_COUNTS: Final = """
SELECT status, count(*) AS count FROM transformations WHERE run_id = ? GROUP BY status ORDER BY status
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run.

    Args:
        run_id: Its id.
        project: The project's name.
        env: The environment.
        engine: The run's engine.
        layers: The layers it was to run, in order.
        status: A `RunStatus`; RUNNING only if its process lives.
        started: When it began; ISO 8601 in UTC.
        ended: When it ended, None if it has not, or if that is not known.
        duration_seconds: How long it took.
        error: Why it did not succeed.
        host: Where its process ran.
        pid: That process.
        kernel_version: The version of odibi-core.
        plugins: The version of every plugin, by name.
        planned: How many transformations it was to run.
        resumes: The run that it went on with, None for most.
        counts: How many transformations have which status, by status; those that never began are in none.
    """

    run_id: str
    project: str
    env: str
    engine: str
    layers: tuple[str, ...]
    status: str
    started: str
    ended: str | None
    duration_seconds: float | None
    error: str | None
    host: str
    pid: int
    kernel_version: str
    plugins: Mapping[str, str]
    planned: int
    resumes: str | None
    counts: Mapping[str, int]

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            name: list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
            for name in self.__slots__
            for value in [getattr(self, name)]
        }


def fetch_runs(
    connection: sqlite3.Connection,
    *,
    project: str | None = None,
    env: str | None = None,
    run_id: str | None = None,
    limit: int | None = None,
) -> list[RunRow]:
    """Return the runs that match, the newest first.

    Args:
        connection: The index, with `sqlite3.Row` as its row factory.
        project: Only of this project, whatever the case.
        env: Only of this environment, whatever the case.
        run_id: Only this run.
        limit: At most so many.
    """
    values = {
        "project": None if project is None else fold(project),
        "env": None if env is None else fold(env),
        "run_id": run_id,
        "limit": -1 if limit is None else limit,
    }
    return [
        RunRow(
            run_id=row["run_id"],
            project=row["project"],
            env=row["env"],
            engine=row["engine"],
            layers=tuple(json.loads(row["layers"])),
            status=row["status"],
            started=row["started"],
            ended=row["ended"],
            duration_seconds=row["duration_seconds"],
            error=row["error"],
            host=row["host"],
            pid=row["pid"],
            kernel_version=row["kernel_version"],
            plugins=json.loads(row["plugins"]),
            planned=row["planned"],
            resumes=row["resumes"],
            counts={count["status"]: count["count"] for count in connection.execute(_COUNTS, (row["run_id"],))},
        )
        for row in connection.execute(_RUNS, values).fetchall()
    ]
