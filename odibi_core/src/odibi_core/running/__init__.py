"""Running: the runner, its scheduler and its result."""

from __future__ import annotations

from odibi_core.running.listening import list_listeners
from odibi_core.running.project import plan_project, run_project
from odibi_core.running.result import RunResult, SinkError, TransformationResult
from odibi_core.running.retry import retry_failed

__all__ = [
    "RunResult",
    "SinkError",
    "TransformationResult",
    "list_listeners",
    "plan_project",
    "retry_failed",
    "run_project",
]
