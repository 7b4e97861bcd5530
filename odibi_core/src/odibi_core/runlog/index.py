"""Answers about runs: from an SQLite index that is derived from the journals and never written by a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from odibi_core.errors import SelectionError, did_you_mean
from odibi_core.runlog.figures import failed_executions, figures, layers_of, status_of
from odibi_core.runlog.layout import run_ids
from odibi_core.runlog.records import fold
from odibi_core.runlog.run_rows import RunRow, fetch_runs

if TYPE_CHECKING:
    import sqlite3

__all__ = ["RunIndex"]

T = TypeVar("T")

_TRANSFORMATIONS: Final = """
SELECT transformation_id, layer, step, engine, module, function, status, attempts, duration_seconds, rows_read,
       rows_written, CASE WHEN status != 'REUSED' THEN error_message END AS error,
       CASE WHEN status = 'REUSED' THEN error_message END AS reason, start_time, end_time, plant, asset
FROM transformations WHERE run_id = ? ORDER BY first_seq
"""
_FINGERPRINTS: Final = """
SELECT transformation_id, run_id, content FROM fingerprints WHERE project_key = ? AND env_key = ?
"""
_LAST_RUNS: Final = """
SELECT transformation_id, max(run_id) AS run_id FROM executions
WHERE project_key = ? AND env_key = ? AND status != 'SKIPPED' GROUP BY transformation_id
"""


class RunIndex:
    """Answers questions about a project's runs. Every answer takes in what the journals say at that moment.

    Names of projects and environments match whatever their case. An answer that cannot be given is a `RunLogError`,
    never an empty list: "there were no failures" and "it is not known" are different things at 3 am.

    Args:
        state_dir: The project's `.odibi` folder; one that does not exist means that nothing ever ran.

    Example:
        >>> index = RunIndex(Path("a-project-that-never-ran/.odibi"))
        >>> index.has_runs, index.runs()
        (False, [])
    """

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir

    @property
    def has_runs(self) -> bool:
        """Whether there ever was a run.

        Raises:
            RunLogError: That cannot be known.
        """
        return bool(run_ids(self._state_dir))

    def refresh(self) -> None:
        """Take in what the journals say; every other method does that too.

        Raises:
            RunLogError: A journal cannot be read.
        """
        self._ask(lambda _: None)

    def runs(self, project: str | None = None, env: str | None = None, limit: int | None = None) -> list[RunRow]:
        """Return runs, the newest first.

        Args:
            project: Only of this project.
            env: Only of this environment.
            limit: At most so many.

        Raises:
            RunLogError: A journal cannot be read.
        """
        return self._ask(lambda connection: fetch_runs(connection, project=project, env=env, limit=limit)) or []

    def run(self, run_id: str | None = None) -> RunRow | None:
        """Return one run.

        Args:
            run_id: Its id; None for the newest.

        Returns:
            The run, or None if the newest was asked for and there never was one.

        Raises:
            SelectionError: There is no such run.
            RunLogError: A journal cannot be read.
        """
        found = self._ask(lambda connection: fetch_runs(connection, run_id=run_id, limit=1))
        if not found and run_id is not None:
            raise self._unknown(run_id)
        return found[0] if found else None

    def find(self, name: str) -> RunRow:
        """Return the run that a name means: its id, or the beginning or the end of it if that fits one run only.

        Args:
            name: What somebody typed.

        Raises:
            SelectionError: There is no such run, or there are several.
            RunLogError: A journal cannot be read.
        """
        known = run_ids(self._state_dir)
        fitting = [run_id for run_id in known if name and (run_id.startswith(name) or run_id.endswith(name))]
        if len(fitting) > 1 and name not in fitting:
            raise SelectionError(
                f"{name!r} is the beginning or the end of {len(fitting)} runs. Say more of the one that is meant. The "
                f"newest of them: {', '.join(reversed(fitting[-5:]))}."
            )
        row = self.run(fitting[0] if len(fitting) == 1 else name)
        if row is None:
            raise self._unknown(name)
        return row

    def transformations(self, run_id: str) -> list[dict[str, Any]]:
        """Return what became of each transformation that a run began or skipped, in the order in which it did.

        Args:
            run_id: The run.

        Returns:
            One dictionary each: ``transformation_id``, ``layer``, ``step``, ``engine``, ``module``, ``function``, the
            last ``status``, ``attempts``, ``duration_seconds``, ``rows_read``, ``rows_written``, ``error``,
            ``reason`` (why it was reused), and also ``start_time``, ``end_time``, ``plant`` and ``asset``.

        Raises:
            SelectionError: There is no such run.
            RunLogError: A journal cannot be read.
        """

        def question(connection: sqlite3.Connection) -> list[dict[str, Any]] | None:
            if not fetch_runs(connection, run_id=run_id, limit=1):
                return None
            return [dict(row) for row in connection.execute(_TRANSFORMATIONS, (run_id,))]

        found = self._ask(question)
        if found is None:
            raise self._unknown(run_id)
        return found

    def failed(self, project: str, env: str, hours: float = 24) -> list[dict[str, Any]]:
        """Return the executions that failed or were aborted, the newest first.

        Args:
            project: The project's name.
            env: The environment.
            hours: How far back they may have begun.

        Returns:
            One dictionary each: ``transformation_id``, ``start_time``, ``end_time``, ``error_message``,
            ``duration_seconds``, ``status``, ``layer``, ``run_id``.

        Raises:
            RunLogError: A journal cannot be read.
        """
        found = self._ask(lambda connection: failed_executions(connection, project=project, env=env, hours=hours))
        return found or []

    def last_runs(self, project: str, env: str) -> dict[str, str]:
        """Return the newest run in which each transformation began, or was reused, by its id.

        Args:
            project: The project's name.
            env: The environment.

        Raises:
            RunLogError: A journal cannot be read.
        """

        def question(connection: sqlite3.Connection) -> dict[str, str]:
            rows = connection.execute(_LAST_RUNS, (fold(project), fold(env)))
            return {row["transformation_id"]: row["run_id"] for row in rows}

        return self._ask(question) or {}

    def fingerprints(self, project: str, env: str) -> dict[str, dict[str, Any]]:
        """Return the newest fingerprint of each transformation, as its journal has it, with ``run_id``.

        Args:
            project: The project's name.
            env: The environment.

        Raises:
            RunLogError: A journal cannot be read.
        """

        def question(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
            rows = connection.execute(_FINGERPRINTS, (fold(project), fold(env)))
            return {row["transformation_id"]: {**json.loads(row["content"]), "run_id": row["run_id"]} for row in rows}

        return self._ask(question) or {}

    def status(self, project: str, env: str, hours: float = 24) -> dict[str, Any]:
        """Return how a project's transformations fared. Each execution counts once, whatever its attempts.

        Args:
            project: The project's name.
            env: The environment.
            hours: How far back they may have begun.

        Returns:
            ``project``, ``environment``, ``period_hours``, ``total_runs`` (executions that have ended),
            ``success_count``, ``failed_count`` (aborted ones included), ``success_rate`` (such as ``"97.4%"``, or
            ``"N/A"`` if nothing has ended), ``avg_duration_seconds``, ``last_run`` (when the last one began, or None).

        Raises:
            RunLogError: A journal cannot be read.
        """
        return status_of(self._figures(project, env, hours), project=project, env=env, hours=hours)

    def layer_summary(self, project: str, env: str, hours: float = 24) -> list[dict[str, Any]]:
        """Return the figures of `status` by layer, in the order in which the layers ran.

        Args:
            project: The project's name.
            env: The environment.
            hours: How far back the executions may have begun.

        Returns:
            One dictionary per layer: ``layer``, ``total_runs``, ``success_count``, ``failed_count``,
            ``skipped_count``, ``success_rate``, ``avg_duration_seconds``, ``last_run``.

        Raises:
            RunLogError: A journal cannot be read.
        """
        return layers_of(self._figures(project, env, hours))

    def _figures(self, project: str, env: str, hours: float) -> list[dict[str, Any]]:
        return self._ask(lambda connection: figures(connection, project=project, env=env, hours=hours)) or []

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T | None:
        if not self.has_runs:
            return None
        from odibi_core.runlog.index_store import answer

        return answer(self._state_dir, question)

    def _unknown(self, run_id: str) -> SelectionError:
        known = run_ids(self._state_dir)
        newest = ", ".join(reversed(known[-5:]))
        hint = " ".join(filter(None, [f"The newest: {newest}." if known else "", did_you_mean(run_id, known)]))
        return SelectionError(
            f"Run {run_id!r} not found among {len(known)} run(s) in {self._state_dir}. {hint}".strip()
        )
