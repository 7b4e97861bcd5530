"""What of earlier runs stands: put together for one run, from what its caller asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odibi_core.errors import ConfigError, did_you_mean
from odibi_core.running.decisions import Decider, Decisions, decide
from odibi_core.running.resume import RunToResume, read_standings
from odibi_core.running.unchanged import Fingerprints

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.planning import Plan, PlannedTransformation

__all__ = ["UNCHANGED", "Reuse", "check_unchanged"]

UNCHANGED: Sequence[str] = ("run", "skip")
"""What may become of transformations of which nothing has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """What a run reuses.

    Args:
        resumes: The id of the run that it goes on with.
        decisions: What becomes of each transformation; None if everything is run.
        fingerprints: What takes the fingerprints of what succeeds; None if nobody asked for it.
    """

    resumes: str | None = None
    decisions: Decisions | None = None
    fingerprints: Fingerprints | None = None

    @classmethod
    def of(cls, plan: Plan, *, earlier: RunToResume | None, unchanged: str, manager: PluginManager) -> Reuse:
        """Decide what a run reuses. While it is decided and until the run ends no other run may go on.

        Args:
            plan: The plan.
            earlier: The run that it goes on with, if any.
            unchanged: One of `UNCHANGED`.
            manager: The plugins.

        Raises:
            RunLogError: A journal cannot be read.
        """
        deciders: list[Decider] = []
        fingerprints = None
        if earlier is not None:
            deciders.append(read_standings(plan.project, earlier=earlier))
        if unchanged == "skip":
            from odibi_core.runlog import RunIndex

            known = RunIndex(plan.project.state_dir).fingerprints(plan.project.name, plan.env)
            fingerprints = Fingerprints(plan, manager, known)
            deciders.append(fingerprints)
        return cls(
            resumes=None if earlier is None else earlier.run_id,
            decisions=decide(plan, deciders=deciders) if deciders else None,
            fingerprints=fingerprints,
        )

    def left_to_run(self, plan: Plan) -> list[PlannedTransformation]:
        """Return what of a plan will run: an engine on which nothing runs need not be started."""
        decisions = self.decisions
        return [one for one in plan if decisions is None or not decisions.of(one).is_reused]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know about what runs again."""
        return () if self.decisions is None else self.decisions.warnings()


def check_unchanged(unchanged: str) -> None:
    """Refuse a word that is none of `UNCHANGED`.

    Raises:
        ConfigError: It is none.
    """
    if unchanged not in UNCHANGED:
        hint = did_you_mean(str(unchanged), UNCHANGED)
        raise ConfigError(f"unchanged is {unchanged!r}; it must be 'run' or 'skip'. {hint}".rstrip())
