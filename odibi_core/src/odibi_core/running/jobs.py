"""The attempts that are being made on engines which can stop their jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from odibi_core.diagnostics import get_logger, redact
from odibi_core.plugin import JobControl, TransformationTask

__all__ = ["RunningJobs"]

T = TypeVar("T")


@dataclass(slots=True)
class RunningJobs:
    """Surrounds attempts with what their engine has for them, and stops the jobs of all of them at once."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: dict[tuple[int, int], tuple[JobControl, TransformationTask]] = field(default_factory=dict)

    def surround(self, engine: JobControl, task: TransformationTask, work: Callable[[], T]) -> T:
        """Return what an attempt returns, made inside of what its engine surrounds it with.

        Args:
            engine: The engine that the transformation, or its function, runs on.
            task: The attempt.
            work: Makes it.
        """
        key = (id(engine), id(task))
        with self._lock:
            self._running[key] = (engine, task)
        try:
            with engine.transformation(task):
                try:
                    return work()
                except BaseException as error:
                    # Still inside: an engine may forget an attempt with its surroundings.
                    if not isinstance(error, Exception):
                        self.cancel(engine, task)
                    raise
        finally:
            with self._lock:
                del self._running[key]

    def cancel_all(self) -> None:
        """Stop the jobs of every attempt that is being made; one that cannot be stopped is waited for, and logged."""
        with self._lock:
            running = list(self._running.values())
        for engine, task in running:
            self.cancel(engine, task)

    def cancel(self, engine: JobControl, task: TransformationTask) -> None:
        """Stop the jobs of one attempt.

        Args:
            engine: The engine that the transformation runs on.
            task: The attempt.
        """
        try:
            engine.cancel(task)
        except Exception as error:  # noqa: BLE001 - the attempt ends by itself then; said in the log
            get_logger("running").warning(
                "jobs were not stopped", transformation_id=task.transformation_id, error=redact(str(error))
            )
