"""The jobs of a transformation: named after it, in a pool of its own, and stopped together."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from py4j.protocol import Py4JError

from odibi_core.plugin import OdibiError, TransformationTask
from odibi_engine_spark.explain import is_unimplemented
from odibi_engine_spark.interrupts import interrupts_between_calls
from odibi_engine_spark.sessions.connect import at_first_try, close_alone, release_connect

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from odibi_engine_spark.flavours import Flavour

__all__ = ["Jobs", "JobsStoppedError"]

_GROUP = "spark.jobGroup.id"
_DESCRIPTION = "spark.job.description"
_INTERRUPT = "spark.job.interruptOnCancel"
_POOL = "spark.scheduler.pool"


class JobsStoppedError(OdibiError, RuntimeError):
    """The attempt was given up; it starts no more jobs."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Attempt:
    """One attempt at a transformation.

    Args:
        session: The session that it uses.
        group: The name of its jobs, unique in the session.
        is_alone: Whether nobody else uses the session.
        stopped: Set when it was given up.
    """

    session: SparkSession
    group: str
    is_alone: bool
    stopped: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """Surrounds attempts at transformations, each on its own thread.

    Args:
        session: The run's session.
        flavour: What it can do.
        isolate: Give each attempt a session of its own over the same Spark application.
    """

    def __init__(self, session: SparkSession, *, flavour: Flavour, isolate: bool) -> None:
        self._session = session
        self._flavour = flavour
        self._isolate = isolate
        self._running: dict[tuple[str, str, int], _Attempt] = {}
        self._here = threading.local()
        self._lock = threading.Lock()
        self._clones: dict[tuple[str, str], SparkSession] = {}
        self._cannot_clone = False

    @property
    def session(self) -> SparkSession:
        """The session of the attempt that this thread makes, else the run's.

        Raises:
            JobsStoppedError: The attempt was given up.
        """
        attempt: _Attempt | None = getattr(self._here, "attempt", None)
        if attempt is None:
            return self._session
        if attempt.stopped.is_set():
            raise JobsStoppedError(f"The jobs of {attempt.group!r} were stopped; it starts no more.")
        return attempt.session

    @contextmanager
    def around(self, task: TransformationTask) -> Iterator[None]:
        """Name the jobs that are started inside, on this thread, after a transformation.

        Args:
            task: The attempt.
        """
        child = self._child(task)
        group = f"{task.transformation_id} [{task.run_id}#{task.attempt}]"
        attempt = _Attempt(session=child or self._session, group=group, is_alone=child is not None)
        key = _key(task)
        self._running[key] = self._here.attempt = attempt
        try:
            with self._interruptible(task), self._named(attempt, task):
                yield
        finally:
            self._here.attempt = None
            self._running.pop(key, None)

    def stop(self, task: TransformationTask) -> None:
        """Stop the jobs of an attempt, and those that it yet starts.

        Args:
            task: The attempt; one that is over is no error.
        """
        attempt = self._running.get(_key(task))
        if attempt is None:
            return
        attempt.stopped.set()
        if not self._flavour.job_groups:
            return
        if self._flavour.kind == "connect":
            # A session of its own holds also what threads of the function itself have started, without the tag.
            with at_first_try(attempt.session):
                attempt.session.interruptAll() if attempt.is_alone else attempt.session.interruptTag(_tag(attempt))
            return
        context = attempt.session.sparkContext
        try:
            context._jsc.sc().cancelJobGroupAndFutureJobs(attempt.group)  # noqa: SLF001 - PySpark has only the half of it
        except (AttributeError, Py4JError):
            context.cancelJobGroup(attempt.group)

    def close(self) -> None:
        """Let a Spark Connect server forget the sessions that attempts had."""
        with self._lock:
            clones: list[Any] = list(self._clones.values())
            self._clones.clear()
        for clone in clones:
            release_connect(clone)
            clone.client.close()

    def _child(self, task: TransformationTask) -> SparkSession | None:
        if not self._isolate:
            return None
        if self._flavour.kind == "classic":
            return self._session.newSession()
        return self._clone(task) if self._flavour.kind == "connect" else None

    def _clone(self, task: TransformationTask) -> SparkSession | None:
        """Return a transformation's copy of the session: one for all attempts, which may save the first's frames."""
        key = (task.run_id, task.transformation_id)
        with self._lock:
            # Only Spark Connect can copy a session, since 4.1, and a server may be older than its client.
            copy = getattr(self._session, "cloneSession", None)
            if key in self._clones or copy is None or self._cannot_clone:
                return self._clones.get(key)
            try:
                clone = copy()
            except Exception as error:
                if not is_unimplemented(error):
                    raise
                self._cannot_clone = True
                return None
            close_alone(clone)
            return self._clones.setdefault(key, clone)

    def _interruptible(self, task: TransformationTask) -> AbstractContextManager[None]:
        if self._flavour.kind != "classic":
            return nullcontext()
        return interrupts_between_calls(lambda: self.stop(task))

    @contextmanager
    def _named(self, attempt: _Attempt, task: TransformationTask) -> Iterator[None]:
        if not self._flavour.job_groups:
            yield
        elif self._flavour.kind == "connect":
            tag = _tag(attempt)
            attempt.session.addTag(tag)
            try:
                yield
            finally:
                attempt.session.removeTag(tag)
        else:
            context = attempt.session.sparkContext
            before = {name: context.getLocalProperty(name) for name in (_GROUP, _DESCRIPTION, _INTERRUPT, _POOL)}
            description = f"{task.transformation_id}: {task.module}.{task.function}"
            context.setJobGroup(attempt.group, description, interruptOnCancel=True)
            context.setLocalProperty(_POOL, task.transformation_id)
            try:
                yield
            finally:
                for name, value in before.items():
                    # None takes a property away; PySpark passes it on, whatever its annotation says.
                    context.setLocalProperty(name, value)  # type: ignore[arg-type]  # see above


def _key(task: TransformationTask) -> tuple[str, str, int]:
    return task.run_id, task.transformation_id, task.attempt


def _tag(attempt: _Attempt) -> str:
    return attempt.group.replace(",", ";")
