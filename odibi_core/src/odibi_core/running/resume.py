"""Going on with a run that failed or was killed: which one, and what of it stands."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odibi_core.errors import ConfigError, SelectionError
from odibi_core.runlog.layout import journal_path
from odibi_core.runlog.reading import scan_journal
from odibi_core.running.commits import UNKNOWN, identify, local_path
from odibi_core.running.decisions import Decision, Decisions
from odibi_core.running.definitions import definition_digest
from odibi_core.running.past import Standing, Standings
from odibi_core.running.request import RunRequest

if TYPE_CHECKING:
    from odibi_core.planning import PlannedTransformation
    from odibi_core.project import Project
    from odibi_core.runlog import RunIndex, RunRow

__all__ = ["ResumeDecider", "RunToResume", "find_run_to_resume", "must_be_over", "read_standings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunToResume:
    """A run that another one is to go on with.

    Args:
        run_id: Its id.
        env: Its environment.
        request: What it was asked for, as its journal has it.
    """

    run_id: str
    env: str
    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResumeDecider:
    """Decides what of a run stands that another one goes on with.

    Args:
        run_id: The run.
        standings: How its transformations stand, later runs included.
    """

    run_id: str
    standings: Standings

    def decide(self, planned: PlannedTransformation, decisions: Decisions, /) -> Decision:
        """Reuse what succeeded and still is what it was; of what did not, keep the outputs that were saved."""
        standing = self.standings.by_id.get(planned.transformation_id)
        if standing is None:
            return Decision(is_reused=False, reason=f"runs: is not in run {self.run_id}")
        if standing.definition != definition_digest(planned):
            return _again(planned, standing, f"its row has changed since run {standing.run_id}")
        before = decisions.runs_before(planned)
        if before is not None:
            return _again(planned, standing, f"{before.transformation_id!r} runs again")
        newer = self._ran_later(planned, standing, decisions)
        if newer is not None:
            return _again(planned, standing, newer)
        if standing.stands is None:
            return self._rest_of(planned, standing, decisions)
        gone = _missing_output(planned)
        if gone is not None:
            return _again(planned, standing, f"its output {gone!r} is not there any more")
        return Decision(is_reused=True, reason=standing.stands)

    def _ran_later(self, planned: PlannedTransformation, standing: Standing, decisions: Decisions) -> str | None:
        for index in planned.dependencies:
            other = decisions.plan.transformations[index].transformation_id
            known = self.standings.by_id.get(other)
            if known is not None and known.run_id > standing.run_id:
                return f"{other!r} ran again in run {known.run_id}"
        return None

    def _rest_of(self, planned: PlannedTransformation, standing: Standing, decisions: Decisions) -> Decision:
        saved, doubtful = set(standing.saved), set(standing.doubtful)
        for position, save in standing.undecided.items():
            now = identify(planned.outputs[position].dataset)
            moved_on = self.standings.saved_since(
                save.location, run_id=standing.run_id, transformation_id=planned.transformation_id
            )
            if UNKNOWN in (now, save.before) or (moved_on and now != save.before):
                doubtful.add(position)
            elif now != save.before:
                saved.add(position)
        names = ", ".join(repr(planned.outputs[position].dataset.name) for position in sorted(saved))
        return Decision(
            is_reused=False,
            reason=f"runs: {standing.fell}" + (f", which had saved {names} already" if names else ""),
            saved=frozenset(saved),
            doubtful=frozenset(doubtful),
            refusal=_refusal(planned, standing, decisions) if doubtful else None,
        )


def find_run_to_resume(project: Project, *, env: str | None, run_id: str | None) -> RunToResume:
    """Return the run to go on with.

    Without an id that is the newest run that did not succeed and of which something is still to be done.

    Args:
        project: The project.
        env: The environment that was asked for; None means that of the run, or the manifest's.
        run_id: The run's id, or its beginning or end; None for the newest.

    Raises:
        ConfigError: There is nothing to resume, or the run still goes on.
        SelectionError: There is no such run in this project and environment.
        RunLogError: A journal cannot be read.
    """
    from odibi_core.planning import choose_env
    from odibi_core.runlog import RunIndex

    index = RunIndex(project.state_dir)
    if run_id is not None:
        return _named(index, project, env=env, run_id=run_id)
    chosen = choose_env(project, env)
    runs = index.runs(project.name, chosen)
    for position, row in enumerate(runs):
        must_be_over(row)
        request = _request_of(project, row)
        if row.status != "SUCCESS":
            found = RunToResume(run_id=row.run_id, env=row.env, request=request)
            if position == 0 or not read_standings(project, earlier=found).standings.is_done:
                return found
        elif RunRequest.from_dict(request).is_for_all:
            break  # all that there was to do has been done
    raise ConfigError(_nothing_to_resume(project, chosen, runs))


def read_standings(project: Project, *, earlier: RunToResume) -> ResumeDecider:
    """Return what is known by now of the transformations of a run.

    Args:
        project: The project.
        earlier: The run.

    Raises:
        ConfigError: A later run still goes on.
        RunLogError: A journal cannot be read.
    """
    from odibi_core.runlog import RunIndex

    standings = Standings()
    index = RunIndex(project.state_dir)
    for row in reversed(index.runs(project.name, earlier.env)):
        if row.run_id >= earlier.run_id:
            must_be_over(row)
            standings.take_in(project.state_dir, run_id=row.run_id)
    if any(standing.undecided for standing in standings.by_id.values()):
        # Another environment may append to the same places.
        for row in index.runs():
            if row.run_id > earlier.run_id:
                standings.take_in_saves(project.state_dir, run_id=row.run_id)
    return ResumeDecider(earlier.run_id, standings)


def _named(index: RunIndex, project: Project, *, env: str | None, run_id: str) -> RunToResume:
    from odibi_core.runlog.records import fold

    row = index.find(run_id)
    if fold(row.project) != fold(project.name):
        raise SelectionError(f"Run {row.run_id} is of project {row.project!r}, not of {project.name!r}.")
    if env is not None and fold(row.env) != fold(env):
        raise SelectionError(
            f"Run {row.run_id} was in environment {row.env!r} and can be resumed there only, not in {env!r}."
        )
    must_be_over(row)
    if row.status == "SUCCESS":
        raise ConfigError(f"Run {row.run_id} ended SUCCESS: there is nothing to resume. Start a new one: odibi run")
    return RunToResume(run_id=row.run_id, env=row.env, request=_request_of(project, row))


def must_be_over(row: RunRow) -> None:
    """Refuse to go on with a run that still goes on itself.

    Raises:
        ConfigError: It does.
    """
    if row.status == "RUNNING":
        raise ConfigError(
            f"Run {row.run_id} is still going on (process {row.pid} on {row.host}). Wait until it has ended, or end it."
        )


def _request_of(project: Project, row: RunRow) -> Mapping[str, Any]:
    header = next(iter(scan_journal(journal_path(project.state_dir, row.run_id))))
    request: Mapping[str, Any] = header.content.get("request", {})
    return request


def _nothing_to_resume(project: Project, env: str, runs: Sequence[RunRow]) -> str:
    if not runs:
        return f"There is nothing to resume: {project.name} has never run in {env}. Start with: odibi run"
    return (
        f"There is nothing to resume: all that runs of {project.name} in {env} were asked for has been done, the last "
        f"of it by run {runs[0].run_id}. Start a new one: odibi run"
    )


def _refusal(planned: PlannedTransformation, standing: Standing, decisions: Decisions) -> str:
    id_ = planned.transformation_id
    modes = " or ".join(sorted({item.dataset.mode for item in planned.outputs} - {"overwrite", "ignore", "merge"}))
    names = ", ".join(repr(item.dataset.name) for item in planned.outputs if item.dataset.mode in ("append", "error"))
    followers = [one.transformation_id for one in decisions.plan if planned.index in one.dependencies]
    onward = " ".join(f"--select '{follower}+'" for follower in followers)
    return (
        f"Run {standing.run_id} was cut off while {id_!r} saved {names} (mode {modes}). Whether that got through "
        f"cannot be seen from here, and saving it again might double it. Look what is there. If it is complete, go on "
        f"behind it{': odibi run ' + onward if onward else ''}; if it is not, run it again: "
        f"odibi run --select '{id_}+'"
    )


def _again(planned: PlannedTransformation, standing: Standing, why: str) -> Decision:
    appended = [
        item.dataset.name
        for position, item in enumerate(planned.outputs)
        if item.dataset.mode == "append"
        and (standing.stands is not None or position in standing.saved or position in standing.undecided)
    ]
    warning = (
        f"{planned.transformation_id!r} appends to {', '.join(map(repr, appended))} once more, as it did in run "
        f"{standing.run_id}, because {why}"
        if appended and planned.outputs[0].saver is not None
        else None
    )
    return Decision(is_reused=False, reason=f"runs: {why}", warning=warning)


def _missing_output(planned: PlannedTransformation) -> str | None:
    for item in planned.outputs:
        path = local_path(item.dataset.location)
        # What a v2-style function names as its outputs is for itself to understand.
        if item.saver is not None and path is not None and not os.path.exists(path):  # noqa: PTH110 - text
            return item.dataset.name
    return None
