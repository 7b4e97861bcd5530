"""The result of a dry run: what would be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odibi_core.running.result import RunResult, TransformationResult

if TYPE_CHECKING:
    from odibi_core.planning import Plan, PlannedTransformation
    from odibi_core.running.reuse import Reuse

__all__ = ["planned_result"]


def planned_result(plan: Plan, reuse: Reuse) -> RunResult:
    """Return a plan as a result of which nothing has run.

    Args:
        plan: The plan.
        reuse: What of earlier runs would be reused.
    """
    return RunResult(
        status="PLANNED",
        run_id="",
        project=plan.project.name,
        env=plan.env,
        engine=plan.engine,
        layers_run=(),
        duration_seconds=0.0,
        transformations=tuple(_planned(one, reuse) for one in plan),
        warnings=(*plan.warnings, *reuse.warnings),
    )


def _planned(planned: PlannedTransformation, reuse: Reuse) -> TransformationResult:
    decision = None if reuse.decisions is None else reuse.decisions.of(planned)
    return TransformationResult(
        transformation_id=planned.transformation_id,
        layer=planned.layer,
        step=planned.step,
        engine=planned.engine,
        module=planned.row.module,
        function=planned.row.function,
        status="REUSED" if decision is not None and decision.is_reused else "PLANNED",
        reason=None if decision is None else decision.reason,
    )
