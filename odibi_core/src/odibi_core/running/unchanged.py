"""Skipping what would make the same again: what a transformation was made from, compared with what there is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from glob import glob
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.plugin import Dataset, EngineSpec, ReaderSpec, SaverSpec
from odibi_core.runlog.records import NoteKind
from odibi_core.running.code_files import CodeFiles
from odibi_core.running.commits import MISSING, UNKNOWN, identify, local_path
from odibi_core.running.decisions import Decision, Decisions
from odibi_core.running.definitions import definition_digest

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.planning import Plan, PlannedTransformation
    from odibi_core.runlog import Journal

__all__ = ["Fingerprints"]


@dataclass(slots=True)
class Fingerprints:
    """Compares the transformations of a plan with their fingerprints, and takes new ones.

    A fingerprint says what a transformation was made from: its row, its code, the plugins that it ran on, and what was
    in the places of its inputs when it began and of its outputs when it had ended.

    Args:
        plan: The plan.
        manager: The plugins, for their versions.
        known: The newest fingerprint of each transformation, with the ``run_id`` that took it.
    """

    plan: Plan
    manager: PluginManager
    known: Mapping[str, Mapping[str, Any]]
    _code: CodeFiles = field(init=False)
    _plugins: dict[tuple[str, ...], str] = field(default_factory=dict)
    _inputs_at_start: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._code = CodeFiles(self.plan.project.root)

    def decide(self, planned: PlannedTransformation, decisions: Decisions, /) -> Decision:
        """Reuse a transformation of which nothing has changed since its fingerprint was taken."""
        if _does_its_own_saving(planned):
            return _runs("a v2-style function reads and saves by itself")
        self._code.digests_of(planned.function)  # as it is now, while it is what was imported for this run
        known = self.known.get(planned.transformation_id)
        if known is None:
            return _runs("first time")
        before = decisions.runs_before(planned)
        changed = (
            self._change_of_code(planned, known)
            or (f"{before.transformation_id!r} runs again" if before is not None else None)
            or _change_of_inputs(planned, known["inputs"])
            or _change_of_outputs(planned, known["outputs"])
        )
        if changed is not None:
            return _runs(changed)
        return Decision(is_reused=True, reason=f"unchanged since run {known['run_id']}")

    def begin(self, planned: PlannedTransformation) -> None:
        """Note what is in the places that a transformation is about to read."""
        self._inputs_at_start[planned.index] = [_identity_of_input(item.dataset) for item in planned.inputs]

    def take(self, planned: PlannedTransformation, *, journal: Journal) -> None:
        """Take the fingerprint of a transformation that has succeeded.

        Args:
            planned: The transformation.
            journal: Where it is noted.
        """
        inputs = self._inputs_at_start.pop(planned.index)
        if _does_its_own_saving(planned):
            return
        journal.note(
            NoteKind.FINGERPRINT,
            transformation_id=planned.transformation_id,
            definition=definition_digest(planned),
            engine=planned.engine,
            plugins=self._plugins_of(planned),
            code=self._code.digests_of(planned.function),
            inputs=inputs,
            outputs=[identify(item.dataset, inode=False) for item in planned.outputs],
        )

    def _change_of_code(self, planned: PlannedTransformation, known: Mapping[str, Any]) -> str | None:
        if known["engine"] != planned.engine:
            return f"its engine was {known['engine']} and is {planned.engine}"
        if known["definition"] != definition_digest(planned):
            return "its row changed"
        code, before = self._code.digests_of(planned.function), known["code"]
        if code is None or before is None:
            return f"the code of {planned.row.module}.{planned.row.function} is in no file that could be compared"
        changed = sorted(path for path in {*code, *before} if code.get(path) != before.get(path))
        if changed:
            return f"code of {changed[0]} changed"
        plugins = self._plugins_of(planned)
        return None if plugins == known["plugins"] else f"it ran on {known['plugins']} and runs on {plugins} now"

    def _plugins_of(self, planned: PlannedTransformation) -> str:
        specs: list[EngineSpec | ReaderSpec | SaverSpec] = [
            self.manager.engine(planned.engine),
            *(item.reader for item in planned.inputs if item.reader is not None),
            *(item.saver for item in planned.outputs if item.saver is not None),
        ]
        key = tuple(spec.factory for spec in specs)
        if key not in self._plugins:
            owners = (self.manager.owner_of(spec) for spec in specs)
            self._plugins[key] = ", ".join(
                sorted({f"{one.distribution or one.name} {one.version}".rstrip() for one in owners})
            )
        return self._plugins[key]


def _runs(why: str) -> Decision:
    return Decision(is_reused=False, reason=f"runs: {why}")


def _does_its_own_saving(planned: PlannedTransformation) -> bool:
    return str(planned.function.signature.style) == "v2"


def _change_of_inputs(planned: PlannedTransformation, known: Sequence[str]) -> str | None:
    for item, before in zip(planned.inputs, known, strict=True):
        now = _identity_of_input(item.dataset)
        if UNKNOWN in (now, before):
            return f"what {item.dataset.name} holds cannot be seen from here"
        if now != before:
            return f"{item.dataset.name} changed"
    return None


def _change_of_outputs(planned: PlannedTransformation, known: Sequence[str]) -> str | None:
    for item, before in zip(planned.outputs, known, strict=True):
        now = identify(item.dataset, inode=False)
        if UNKNOWN in (now, before):
            return f"whether its output {item.dataset.name} is what it was cannot be seen from here"
        if now == MISSING:
            return f"its output {item.dataset.name} is not there any more"
        if now != before:
            return f"its output {item.dataset.name} was changed by something else"
    return None


def _identity_of_input(dataset: Dataset) -> str:
    path = local_path(dataset.location)
    is_glob = path is not None and dataset.kind == "path" and bool(set("*?[") & set(path)) and not Path(path).exists()
    if path is None or not is_glob:
        return identify(dataset, inode=False)
    digest = blake2b(digest_size=12)
    for match in sorted(glob(path, recursive=True)):  # noqa: PTH207 - the pattern is absolute, which Path.glob refuses
        found = identify(replace(dataset, location=match), inode=False)
        digest.update(f"{match}\0{found}\0".encode("utf-8", "surrogateescape"))
    return f"files-{digest.hexdigest()}"
