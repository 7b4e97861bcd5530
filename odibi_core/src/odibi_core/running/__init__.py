"""Running: the runner, its scheduler and its result."""

from __future__ import annotations

from odibi_core.running.project import plan_project, run_project
from odibi_core.running.result import RunResult, SinkError, TransformationResult

__all__ = ["RunResult", "SinkError", "TransformationResult", "plan_project", "run_project"]
