"""The beginning of a run's journal: what will run and why, for whoever looks later and for the run that goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odibi_core.running.definitions import definition_digest

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.planning import Plan, PlannedTransformation
    from odibi_core.runlog import Journal
    from odibi_core.running.decisions import Decision
    from odibi_core.running.request import RunRequest
    from odibi_core.running.reuse import Reuse

__all__ = ["start_journal"]


def start_journal(
    plan: Plan, *, run_id: str, lease_token: int, request: RunRequest, reuse: Reuse, manager: PluginManager
) -> Journal:
    """Start the journal of a run.

    Args:
        plan: What will run.
        run_id: The run's id.
        lease_token: The token of the lease that the run has.
        request: What was asked for.
        reuse: What of earlier runs stands.
        manager: The plugins, for their versions.

    Raises:
        RunLogError: It cannot be written.
    """
    from odibi_core.runlog import Journal

    active = [record for record in manager.records if str(record.state) == "active"]
    return Journal.create(
        plan.project.state_dir,
        run_id=run_id,
        project=plan.project.name,
        env=plan.env,
        engine=plan.engine,
        layers=plan.layers,
        plugins={record.distribution: record.version for record in active},
        lease_token=lease_token,
        request=request.to_dict(),
        resumes=reuse.resumes,
        plan=[_entry(planned, None if reuse.decisions is None else reuse.decisions.of(planned)) for planned in plan],
    )


def _entry(planned: PlannedTransformation, decision: Decision | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "transformation_id": planned.transformation_id,
        "layer": planned.layer,
        "engine": planned.engine,
        "engine_why": planned.engine_why,
        "function_engine": planned.function_engine,
        "function_why": planned.function.why,
        "definition": definition_digest(planned),
    }
    if decision is None:
        return entry
    # So that the run after this one needs this journal only, however early this run is cut off.
    carried = {
        "stands": decision.reason if decision.is_reused else None,
        "saved": sorted(decision.saved),
        "doubtful": sorted(decision.doubtful),
    }
    return entry | {name: value for name, value in carried.items() if value}
