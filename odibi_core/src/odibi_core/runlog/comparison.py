"""What changed between two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from odibi_core.runlog.index import RunIndex
    from odibi_core.runlog.run_rows import RunRow

__all__ = ["compare_runs"]

_OF_THE_RUN: Final = ("project", "env", "status", "engine", "layers", "planned", "kernel_version", "error")
_OF_A_TRANSFORMATION: Final = (
    *("layer", "step", "status", "engine", "module", "function", "attempts", "rows_read", "rows_written", "error"),
)
_SLOWER: Final = 1.5
"""From this factor on a duration has changed, faster or slower; less is the weather of a shared machine."""

_SECONDS: Final = 0.1
"""Differences below this are none, whatever the factor."""


def compare_runs(index: RunIndex, /, *, before: RunRow, after: RunRow) -> dict[str, Any]:
    """Return what changed from one run to another.

    Args:
        index: Where the runs are.
        before: One run.
        after: The other.

    Returns:
        ``before`` and ``after`` (the runs), ``changes`` of the run, ``only_before`` and ``only_after``
        (transformations that only one of them began), ``transformations`` (those that differ, each with ``changes``)
        and ``same`` (how many do not). A change is ``{name: [before, after]}``; a duration has changed if it is half
        as long again, or the other way round, and at least a tenth of a second longer.

    Raises:
        RunLogError: A journal cannot be read.
    """
    old = {one["transformation_id"]: one for one in index.transformations(before.run_id)}
    new = {one["transformation_id"]: one for one in index.transformations(after.run_id)}
    first, second = before.to_dict(), after.to_dict()
    differing = [
        {"transformation_id": id_, "layer": new[id_]["layer"], "changes": changes}
        for id_ in new
        if id_ in old and (changes := _changes(old[id_], new[id_], names=_OF_A_TRANSFORMATION))
    ]
    return {
        "before": first,
        "after": second,
        "changes": _changes(first, second, names=_OF_THE_RUN) | _plugin_changes(first["plugins"], second["plugins"]),
        "only_before": [id_ for id_ in old if id_ not in new],
        "only_after": [id_ for id_ in new if id_ not in old],
        "transformations": differing,
        "same": len(old.keys() & new.keys()) - len(differing),
    }


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], *, names: Sequence[str]) -> dict[str, list[Any]]:
    changes = {name: [old[name], new[name]] for name in names if old[name] != new[name]}
    seconds = old["duration_seconds"], new["duration_seconds"]
    if None not in seconds and max(seconds) - min(seconds) >= _SECONDS and max(seconds) >= _SLOWER * min(seconds):
        changes["duration_seconds"] = list(seconds)
    return changes


def _plugin_changes(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, list[Any]]:
    names = sorted(old.keys() | new.keys())
    return {f"plugin {name}": [old.get(name), new.get(name)] for name in names if old.get(name) != new.get(name)}
