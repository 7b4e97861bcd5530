"""What a transformation's events, function and plugins are told about it and its run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from odibi_core.diagnostics import get_logger
from odibi_core.functions import Engine, ExecutionContext
from odibi_core.plugin import TransformationOutcome, TransformationTask

if TYPE_CHECKING:
    from odibi_core.events import HookManager
    from odibi_core.planning import Plan, PlannedTransformation

__all__ = ["context_of", "identity_of", "task_of"]


def identity_of(planned: PlannedTransformation, *, plan: Plan, run_id: str) -> dict[str, Any]:
    """Return the fields that all events of a transformation have.

    Args:
        planned: The transformation.
        plan: The plan that it is in.
        run_id: The run's id.
    """
    return {
        "run_id": run_id,
        "project": plan.project.name,
        "env": plan.env,
        "engine": planned.engine,
        "layer": planned.layer,
        "transformation_id": planned.transformation_id,
        "module": planned.row.module,
        "function": planned.row.function,
        "step": planned.step,
    }


def context_of(
    planned: PlannedTransformation,
    *,
    plan: Plan,
    run_id: str,
    spark: Any,
    sql_provider: Any,
    hooks: HookManager | None,
) -> ExecutionContext:
    """Return what a transformation's function gets as ``context``.

    Args:
        planned: The transformation.
        plan: The plan that it is in.
        run_id: The run's id.
        spark: The session of the function's engine, if that has one.
        sql_provider: What the caller's auth_provider returned.
        hooks: The caller's hooks.
    """
    row = planned.row
    return ExecutionContext(
        engine=Engine(planned.function_engine),
        project=plan.project.name,
        env=plan.env,
        spark=spark,
        sql_provider=sql_provider,
        logger=get_logger("transformation"),
        hooks=hooks,
        extras={
            "plant": row.entity_1,
            "asset": row.entity_2,
            "entity_1": row.entity_1,
            "entity_2": row.entity_2,
            "entity_3": row.entity_3,
            "layer": planned.layer,
            "step": planned.step,
            "transformation_id": planned.transformation_id,
            "run_id": run_id,
        },
    )


def task_of(
    planned: PlannedTransformation,
    *,
    plan: Plan,
    run_id: str,
    attempt: int,
    execute: Callable[[], TransformationOutcome],
) -> TransformationTask:
    """Return an attempt as ``odibi_run_transformation`` sees it.

    Args:
        planned: The transformation.
        plan: The plan that it is in.
        run_id: The run's id.
        attempt: Which attempt, counted from 1.
        execute: Does the default steps.
    """
    return TransformationTask(
        run_id=run_id,
        project=plan.project.name,
        env=plan.env,
        layer=planned.layer,
        engine=planned.engine,
        transformation_id=planned.transformation_id,
        module=planned.row.module,
        function=planned.row.function,
        attempt=attempt,
        constants=planned.row.constants,
        inputs=tuple(item.dataset for item in planned.inputs),
        outputs=tuple(item.dataset for item in planned.outputs),
        _execute=execute,
    )
