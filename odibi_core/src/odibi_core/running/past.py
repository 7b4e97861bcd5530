"""What is known of a plan's transformations from the journals of earlier runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from odibi_core.runlog.layout import journal_path
from odibi_core.runlog.reading import scan_journal
from odibi_core.runlog.records import NoteKind

__all__ = ["Standing", "Standings", "UndecidedSave"]


@dataclass(frozen=True, slots=True)
class UndecidedSave:
    """A save that began and of which no journal says that it ended.

    Args:
        location: Where.
        before: The identity of what was there when it began.
    """

    location: str
    before: str


@dataclass(slots=True)
class Standing:
    """How a transformation stands after some runs.

    Args:
        run_id: The last run that began it, or that decided to reuse it.
        definition: The digest of its row in that run.
        stands: Why what it made stands, such as ``"succeeded in run X"``; None if it does not.
        fell: Why it does not, such as ``"failed in run X"``.
        saved: Positions of outputs that were saved although it did not succeed.
        undecided: Saves of which nobody knows whether they ended, by the output's position.
        doubtful: Positions of outputs that an earlier resuming run could not decide about.
    """

    run_id: str
    definition: str = ""
    stands: str | None = None
    fell: str = ""
    saved: set[int] = field(default_factory=set)
    undecided: dict[int, UndecidedSave] = field(default_factory=dict)
    doubtful: set[int] = field(default_factory=set)


class Standings:
    """The standings of all transformations after some runs, taken in from the oldest to the newest.

    A later run has the last word on what it began. What it did not begin stands as it stood.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, Standing] = {}
        self.planned: frozenset[str] = frozenset()
        """What the run that was taken in first had planned."""
        self._last_save: dict[str, tuple[str, str]] = {}

    def take_in(self, state_dir: Path, *, run_id: str) -> None:
        """Take in what the journal of a run says.

        Args:
            state_dir: The project's `.odibi` folder.
            run_id: The run; newer than those that were taken in before.

        Raises:
            RunLogError: The journal cannot be read.
        """
        reader = _JournalReader(self, run_id)
        for line in scan_journal(journal_path(state_dir, run_id)):
            reader.take(line.kind, line.content)
        if not self.planned:
            self.planned = frozenset(reader.planned)

    @property
    def is_done(self) -> bool:
        """Whether all that the run that was taken in first had planned stands by now."""
        return all(self.by_id[id_].stands is not None for id_ in self.planned)

    def take_in_saves(self, state_dir: Path, *, run_id: str) -> None:
        """Take in only where a run has saved: one of another environment, which may share places with this one.

        Args:
            state_dir: The project's `.odibi` folder.
            run_id: The run.

        Raises:
            RunLogError: The journal cannot be read.
        """
        for line in scan_journal(journal_path(state_dir, run_id)):
            if line.kind == NoteKind.SAVING:
                content = line.content
                self.note_save(content["location"], run_id=run_id, transformation_id=content["transformation_id"])

    def note_save(self, location: str, *, run_id: str, transformation_id: str) -> None:
        """Note that a save into a location began."""
        self._last_save[location] = max(self._last_save.get(location, ("", "")), (run_id, transformation_id))

    def saved_since(self, location: str, *, run_id: str, transformation_id: str) -> bool:
        """Return whether something else has saved into a location since a transformation of a run did."""
        return self._last_save.get(location, (run_id, transformation_id)) != (run_id, transformation_id)


@dataclass(slots=True)
class _JournalReader:
    standings: Standings
    run_id: str
    planned: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def take(self, kind: str, content: Mapping[str, Any]) -> None:
        if kind == "run":
            for entry in content.get("plan", ()):
                self._begin(entry)
        elif kind == "record":
            self._record(content)
        elif kind in (NoteKind.SAVING, NoteKind.SAVED, NoteKind.UNSAVED):
            self._note(kind, content)

    def _begin(self, entry: Mapping[str, Any]) -> None:
        id_ = entry["transformation_id"]
        self.planned[id_] = entry
        if id_ not in self.standings.by_id:
            known = self.standings.by_id[id_] = Standing(self.run_id, fell=f"was not reached in run {self.run_id}")
            self._carry(known, entry)

    def _carry(self, standing: Standing, entry: Mapping[str, Any]) -> None:
        # What a run that resumed another one had decided before it began: it knew more than this reader does.
        standing.run_id = self.run_id
        standing.definition = entry.get("definition", "")
        standing.stands = entry.get("stands")
        standing.saved = set(entry.get("saved", ()))
        standing.doubtful = set(entry.get("doubtful", ()))
        standing.undecided = {}

    def _record(self, record: Mapping[str, Any]) -> None:
        status, id_ = record["status"], record["transformation_id"]
        standing = self.standings.by_id.setdefault(id_, Standing(self.run_id))
        if status == "RUNNING":
            if record["attempt"] == 1:
                self._carry(standing, self.planned.get(id_, {}))
            standing.stands, standing.fell = None, f"was not finished in run {self.run_id}"
        elif status == "SUCCESS":
            standing.stands = f"succeeded in run {self.run_id}"
        elif status == "REUSED":
            self._carry(standing, self.planned.get(id_, {}))
            standing.stands = record["error_message"]
        elif status == "FAILED":
            standing.stands, standing.fell = None, f"failed in run {self.run_id}"
        elif status == "SKIPPED" and standing.stands is None and standing.run_id == self.run_id:
            standing.fell = f"was skipped in run {self.run_id}"

    def _note(self, kind: str, note: Mapping[str, Any]) -> None:
        id_, position, location = note["transformation_id"], note["output"], note["location"]
        standing = self.standings.by_id.setdefault(id_, Standing(self.run_id))
        if kind == NoteKind.SAVING:
            self.standings.note_save(location, run_id=self.run_id, transformation_id=id_)
            standing.undecided[position] = UndecidedSave(location, note["before"])
            return
        # After an error of the saver somebody may put right by hand what was wrong, so what is there says nothing.
        standing.undecided.pop(position, None)
        if kind == NoteKind.SAVED:
            standing.saved.add(position)
