"""What rows, each fine by itself, can get wrong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from odibi_core.errors import did_you_mean
from odibi_core.planning.drafts import Draft, Drafter
from odibi_core.planning.graph import Edge, find_cycle

if TYPE_CHECKING:
    from odibi_core.project import TransformationRow

__all__ = ["check_depends_on", "check_order", "check_outputs"]


def check_depends_on(rows: Sequence[TransformationRow], drafter: Drafter) -> None:
    """Note every ``depends_on`` that names what does not exist or is disabled."""
    enabled = {row.transformation_id: row.enabled for row in rows}
    for row in rows:
        for id_ in row.depends_on if row.enabled else ():
            if id_ not in enabled:
                drafter.problem(
                    f"depends_on names {id_!r}, which does not exist. {did_you_mean(id_, enabled)}".rstrip(), row
                )
            elif not enabled[id_]:
                drafter.problem(
                    f"depends_on names {id_!r}, which is disabled. Enable it, or remove the dependency.", row
                )


def check_outputs(drafts: Sequence[Draft], drafter: Drafter) -> None:
    """Note every output that two transformations write, and tables whose names differ only by case."""
    writers: dict[str, Draft] = {}
    spellings: dict[str, str] = {}
    for draft in drafts:
        for output in draft.outputs:
            location, name = output.dataset.location, output.dataset.name
            other = writers.setdefault(location, draft)
            if other is not draft:
                drafter.problem(
                    f"writes {name!r}, which {other.transformation_id!r} writes too. One transformation, one output.",
                    draft.row,
                )
    for draft in drafts:
        for dataset in (*(item.dataset for item in draft.inputs), *(item.dataset for item in draft.outputs)):
            spelling = spellings.setdefault(dataset.location.casefold(), dataset.location)
            if dataset.kind == "table" and spelling != dataset.location:
                drafter.problem(
                    f"table {dataset.name!r} is also written with other capitals. Names that differ only by case are "
                    "one table on some engines and two on others; use one spelling.",
                    draft.row,
                )


def check_order(drafts: Sequence[Draft], edges: Sequence[Edge], order: Mapping[str, int], drafter: Drafter) -> None:
    """Note every wait for a later layer or step, and one cycle if there is any."""
    within: list[Edge] = []
    for edge in edges:
        before, after = drafts[edge.before], drafts[edge.after]
        if edge.before == edge.after:
            within.append(edge)
        elif order[before.layer] > order[after.layer]:
            drafter.problem(
                f"{_waits(edge, before=before, after=after)}, which belongs to the later layer {before.layer}. "
                "Move one of the two.",
                after.row,
            )
        elif before.layer == after.layer and before.row.step > after.row.step:
            drafter.problem(
                f"{_waits(edge, before=before, after=after)}, which belongs to the later step {before.row.step}; "
                f"this is step {after.row.step}. Change one of the steps.",
                after.row,
            )
        else:
            within.append(edge)
    cycle = find_cycle(len(drafts), within)
    if cycle is not None:
        path = " -> ".join(drafts[position].transformation_id for position in cycle)
        drafter.problem(f"is part of a cycle: {path}. Each waits for the one before it.", drafts[cycle[0]].row)


def _waits(edge: Edge, *, before: Draft, after: Draft) -> str:
    if not edge.location:
        return f"depends on {before.transformation_id!r}"
    return f"reads {after.input_at(edge.location)!r} of {before.transformation_id!r}"
