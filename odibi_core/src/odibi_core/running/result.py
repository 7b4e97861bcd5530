"""What a run did: attributes, v2's dictionary, JSON, and a display for notebooks and terminals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final, Literal, TypeAlias

from odibi_core.diagnostics import shortened
from odibi_core.errors import RunFailed
from odibi_core.running.plugin_costs import PluginCost

__all__ = ["RunResult", "RunStatus", "SinkError", "TransformationResult", "TransformationStatus"]

RunStatus: TypeAlias = Literal["SUCCESS", "FAILED", "ABORTED", "PLANNED"]
TransformationStatus: TypeAlias = Literal["SUCCESS", "FAILED", "SKIPPED", "REUSED", "ABORTED", "PLANNED"]

_KEYS: Final = (
    "status",
    "run_id",
    "project",
    "env",
    "engine",
    "layers_run",
    "layers_executed",
    "duration_seconds",
    "transformation_count",
    "transformations",
    "errors",
    "error",
    "warnings",
    "sink_errors",
    "accidents",
    "plugins",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformationResult:
    """What became of one transformation.

    Args:
        transformation_id: The row's id.
        layer: Its layer.
        step: Its step.
        engine: The engine that it ran on.
        module: The row's module.
        function: The row's function.
        status: ``"SUCCESS"``, ``"FAILED"``, ``"SKIPPED"`` (because of another), ``"REUSED"`` (what it made in an
            earlier run stands), ``"ABORTED"`` (the run was interrupted) or ``"PLANNED"`` (nothing was to run).
        attempts: How often it was tried; 0 if it did not start.
        duration_seconds: Seconds that it took, all attempts together.
        rows_read: Rows of all inputs, None if a reader did not know.
        rows_written: Rows of all outputs, None if a saver did not know.
        error: Why it did not succeed.
        reason: Why it was run or reused, if the run resumed another one or was to skip what is unchanged.
    """

    transformation_id: str
    layer: str
    step: int
    engine: str
    module: str
    function: str
    status: TransformationStatus
    attempts: int = 0
    duration_seconds: float = 0.0
    rows_read: int | None = None
    rows_written: int | None = None
    error: str | None = None
    reason: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether what it makes is there, from this run or an earlier one."""
        return self.status in ("SUCCESS", "REUSED")

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkError:
    """A log sink that did not take all records of a run; they are kept and delivered by the next start.

    Args:
        sink: The sink's name.
        error: What it said.
    """

    sink: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult(Mapping[str, Any]):
    """What a run did. Also a read-only mapping with the keys that v2 returned.

    Args:
        status: ``"SUCCESS"``, ``"FAILED"``, ``"ABORTED"`` or, after a dry run, ``"PLANNED"``.
        run_id: The run's id; empty after a dry run.
        project: The project's name.
        env: The environment.
        engine: The engine of the run as a whole; a transformation's own is in its result.
        layers_run: The layers in which something ran, in order.
        duration_seconds: Seconds from start to end.
        transformations: One result each, in the order of the plan.
        error: Why the run did not succeed, in one line.
        warnings: What is not wrong but worth knowing.
        sink_errors: Log sinks that did not take all records.
        accidents: Exceptions of observers and callbacks, which changed nothing.
        plugins: What each plugin that was called cost the run, by its name: calls, seconds, errors.

    Example:
        >>> result = RunResult(status="SUCCESS", run_id="r1", project="P", env="qat", engine="pandas",
        ...                    layers_run=("Bronze",), duration_seconds=0.5)
        >>> result["status"], result.errors, result.raise_for_status() is result
        ('SUCCESS', (), True)
    """

    status: RunStatus
    run_id: str
    project: str
    env: str
    engine: str
    layers_run: tuple[str, ...]
    duration_seconds: float
    transformations: tuple[TransformationResult, ...] = ()
    error: str | None = None
    warnings: tuple[str, ...] = ()
    sink_errors: tuple[SinkError, ...] = ()
    accidents: tuple[str, ...] = field(default=())
    plugins: Mapping[str, PluginCost] = field(default_factory=dict, hash=False)

    @property
    def layers_executed(self) -> tuple[str, ...]:
        """`layers_run` by its other name in v2's documentation."""
        return self.layers_run

    @property
    def errors(self) -> tuple[dict[str, str], ...]:
        """Each failed transformation as ``{"transformation_id", "layer", "error"}``."""
        return tuple(
            {"transformation_id": one.transformation_id, "layer": one.layer, "error": one.error or ""}
            for one in self.transformations
            if one.status == "FAILED"
        )

    @property
    def transformation_count(self) -> int:
        """How many transformations the plan had."""
        return len(self.transformations)

    def count(self, status: TransformationStatus) -> int:
        """Return how many transformations have a status."""
        return sum(one.status == status for one in self.transformations)

    def raise_for_status(self) -> RunResult:
        """Return the result itself if the run did not fail.

        Raises:
            RunFailed: It did; the error carries this result.
        """
        if self.status in ("SUCCESS", "PLANNED"):
            return self
        lines = [f"{one['transformation_id']}: {shortened(one['error'])}" for one in self.errors]
        lines = lines or [shortened(self.error or "")]
        raise RunFailed("\n".join([f"Run {self.run_id} of {self.project} ended {self.status}.", *lines]), result=self)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready data: ``odibi run --json``."""
        return {
            "status": self.status,
            "run_id": self.run_id,
            "project": self.project,
            "env": self.env,
            "engine": self.engine,
            "layers_run": list(self.layers_run),
            "layers_executed": list(self.layers_run),
            "duration_seconds": round(self.duration_seconds, 6),
            "transformation_count": self.transformation_count,
            "transformations": [one.to_dict() for one in self.transformations],
            "errors": list(self.errors),
            "error": self.error,
            "warnings": list(self.warnings),
            "sink_errors": [{"sink": one.sink, "error": one.error} for one in self.sink_errors],
            "accidents": list(self.accidents),
            "plugins": {name: cost.to_dict() for name, cost in self.plugins.items()},
        }

    def __getitem__(self, key: str) -> Any:
        """Return what ``to_dict`` has under a key."""
        if key not in _KEYS:
            raise KeyError(key)
        return self.to_dict()[key]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys."""
        return iter(_KEYS)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(_KEYS)

    def __str__(self) -> str:
        """Return the summary as plain text, one line per transformation that did not succeed."""
        counted = ", ".join(
            f"{count} {word}"
            for word in ("SUCCESS", "REUSED", "FAILED", "SKIPPED", "ABORTED", "PLANNED")
            if (count := self.count(word))
        )
        where = f"{self.project} ({self.env}, {self.engine})"
        lines = [f"{self.status}  {where} in {self.duration_seconds:.2f} s: {counted or 'nothing'}"]
        lines += [
            f"  {one.status:8} {one.transformation_id}: {shortened(one.error or '')}"
            for one in self.transformations
            if one.status in ("FAILED", "SKIPPED", "ABORTED")
        ]
        lines += [f"  log sink {one.sink}: {one.error}" for one in self.sink_errors]
        lines += [f"  warning: {one}" for one in self.warnings]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return the result as a table, for notebooks."""
        head = (
            "transformation",
            "layer",
            "engine",
            "status",
            "seconds",
            "rows read",
            "rows written",
            "error or reason",
        )
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in _display_row(one)) + "</tr>"
            for one in self.transformations
        )
        heads = "".join(f"<th>{name}</th>" for name in head)
        title = f"{self.project} ({self.env}, {self.engine}): {self.status} in {self.duration_seconds:.2f} s"
        notes = "".join(f"<li>{escape(note)}</li>" for note in (*(e.error for e in self.sink_errors), *self.warnings))
        return (
            f"<table><caption>{escape(title)}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
            + (f"<ul>{notes}</ul>" if notes else "")
        )


def _display_row(one: TransformationResult) -> tuple[object, ...]:
    return (
        one.transformation_id,
        one.layer,
        one.engine,
        one.status,
        f"{one.duration_seconds:.3f}",
        one.rows_read,
        one.rows_written,
        shortened(one.error or one.reason or ""),
    )


def _cell(value: object) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
