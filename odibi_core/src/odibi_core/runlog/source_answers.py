"""Answers about runs from a log sink that can be read back, where the journals are on another machine, or gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from odibi_core.diagnostics import describe_error
from odibi_core.errors import ConfigError, ProjectNotFoundError, RunLogError, SelectionError, did_you_mean
from odibi_core.plugin.protocols import LogSink, ReadableLogSink
from odibi_core.runlog.figures import failed_executions, figures, layers_of, start_of, status_of
from odibi_core.runlog.records import fold

if TYPE_CHECKING:
    import sqlite3

__all__ = ["SourceAnswers"]

T = TypeVar("T")


class SourceAnswers:
    """Answers the questions of `RunIndex` that records alone can answer.

    Whether a run that has not ended still goes on is not known here; what is RUNNING is not counted.

    Args:
        source: The log sink.

    Raises:
        ConfigError: It cannot be read back.

    Example:
        >>> class Shelf:
        ...     def read_records(self, *, project=None, since=None):
        ...         return []
        >>> SourceAnswers(Shelf()).status("P", "qat")["success_rate"]
        'N/A'
    """

    def __init__(self, source: ReadableLogSink | LogSink) -> None:
        if not isinstance(source, ReadableLogSink):
            raise ConfigError(
                f"{type(source).__name__} cannot be read back, so it cannot say how runs went: it has no method "
                f"'read_records'. The sinks 'file', 'sql' and 'delta' have one; without a source, the project's own "
                f"run log answers."
            )
        self._source = source

    def must_know(self, project: str, env: str) -> None:
        """Make sure that the sink ever got a record of a project and environment, which nobody else can vouch for.

        Args:
            project: The project's name.
            env: The environment.

        Raises:
            ProjectNotFoundError: It has none of the project.
            SelectionError: It has none of the environment.
            RunLogError: The sink cannot be read.
        """
        envs: set[str] = set()
        with self._errors():
            for record in self._source.read_records(project=project):
                if fold(str(record.get("project") or "")) == fold(project):
                    if fold(str(record.get("env") or "")) == fold(env):
                        return
                    envs.add(str(record.get("env")))
        sink = f"the log sink {type(self._source).__name__}"
        if not envs:
            raise ProjectNotFoundError(
                f"Project {project!r} not found: it is not on this machine, and {sink} has no record of it. Correct "
                f"the name."
            )
        raise SelectionError(
            f"Environment {env!r} of project {project!r} not found: {sink} has no record of it. It has: "
            f"{', '.join(sorted(envs))}. {did_you_mean(env, envs)}".rstrip()
        )

    def failed(self, project: str, env: str, hours: float = 24) -> list[dict[str, Any]]:
        """Return what `RunIndex.failed` returns.

        Raises:
            RunLogError: The sink cannot be read.
        """
        return self._ask(
            lambda connection: failed_executions(connection, project=project, env=env, hours=hours), project, hours
        )

    def status(self, project: str, env: str, hours: float = 24) -> dict[str, Any]:
        """Return what `RunIndex.status` returns.

        Raises:
            RunLogError: The sink cannot be read.
        """
        return status_of(self._figures(project, env, hours), project=project, env=env, hours=hours)

    def layer_summary(self, project: str, env: str, hours: float = 24) -> list[dict[str, Any]]:
        """Return what `RunIndex.layer_summary` returns.

        Raises:
            RunLogError: The sink cannot be read.
        """
        return layers_of(self._figures(project, env, hours))

    def _figures(self, project: str, env: str, hours: float) -> list[dict[str, Any]]:
        return self._ask(lambda connection: figures(connection, project=project, env=env, hours=hours), project, hours)

    def _ask(self, question: Callable[[sqlite3.Connection], T], project: str, hours: float) -> T:
        from odibi_core.runlog.index_store import answer_from_records

        with self._errors():
            records = self._source.read_records(project=project, since=start_of(hours))
            return answer_from_records(records, question)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except RunLogError:
            raise
        except Exception as error:
            # Whatever a sink raises: that it is not known must not look like an empty log.
            raise RunLogError(
                f"The log sink {type(self._source).__name__} cannot be read: {describe_error(error)}"
            ) from error
