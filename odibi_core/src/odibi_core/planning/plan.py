"""The plan: what will run, in which order, on what, with which readers and savers, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from odibi_core.planning.attempts import AttemptRules
from odibi_core.plugin import Dataset, ReaderSpec, SaverSpec

if TYPE_CHECKING:
    from odibi_core.functions import ResolvedFunction
    from odibi_core.project import Project, TransformationRow

__all__ = ["Plan", "PlannedInput", "PlannedOutput", "PlannedTransformation"]


@dataclass(frozen=True, slots=True)
class PlannedInput:
    """An input with what will read it.

    Args:
        binding: The name by which the function's parameters may ask for it.
        dataset: What is read.
        reader: What reads it; None for a v2-style function, which reads by itself.
    """

    binding: str
    dataset: Dataset
    reader: ReaderSpec | None


@dataclass(frozen=True, slots=True)
class PlannedOutput:
    """An output with what will save it.

    Args:
        binding: The name by which a function that returns several frames names it.
        dataset: What is saved.
        saver: What saves it; None for a v2-style function, which saves by itself.
    """

    binding: str
    dataset: Dataset
    saver: SaverSpec | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTransformation:
    """One row, with everything decided.

    Args:
        index: Its position in the plan, which is the order of layers, steps and rows.
        row: The row as written.
        layer: The layer, as the manifest spells it.
        engine: The engine that it runs on.
        engine_why: What chose the engine.
        function: The function that was found, and why that one.
        inputs: The inputs.
        outputs: The outputs.
        dependencies: Positions of those in this plan that must succeed first.
        dependencies_why: For each dependency, what made it one.
        rules: How often it is tried, and how long it may take.
    """

    index: int
    row: TransformationRow
    layer: str
    engine: str
    engine_why: str
    function: ResolvedFunction
    inputs: tuple[PlannedInput, ...]
    outputs: tuple[PlannedOutput, ...]
    dependencies: tuple[int, ...]
    dependencies_why: tuple[str, ...]
    rules: AttemptRules

    @property
    def transformation_id(self) -> str:
        """The row's id."""
        return self.row.transformation_id

    @property
    def function_engine(self) -> str:
        """The engine whose frames the function gets: the transformation's, unless they are converted for it."""
        return self.function.handed_to or self.engine

    @property
    def step(self) -> int:
        """The row's step."""
        return self.row.step

    @property
    def tags(self) -> tuple[str, ...]:
        """The row's tags."""
        return self.row.tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run will do. Making it has no side effect but importing the project's own functions.

    Args:
        project: The project.
        env: The environment.
        engine: The engine of the run as a whole.
        engine_why: What chose it.
        layers: The layers that will run, in order, including those without a transformation.
        transformations: What will run, by layer, step and row.
        warnings: What is not wrong but worth knowing, such as a source file that is not there yet.
    """

    project: Project
    env: str
    engine: str
    engine_why: str
    layers: tuple[str, ...]
    transformations: tuple[PlannedTransformation, ...]
    warnings: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        """Return how many transformations will run."""
        return len(self.transformations)

    def __iter__(self) -> Iterator[PlannedTransformation]:
        """Iterate over the transformations in order."""
        return iter(self.transformations)

    def by_layer(self) -> Mapping[str, tuple[PlannedTransformation, ...]]:
        """Return the transformations of each layer, empty layers included."""
        layers: dict[str, list[PlannedTransformation]] = {layer: [] for layer in self.layers}
        for transformation in self.transformations:
            layers[transformation.layer].append(transformation)
        return {layer: tuple(those) for layer, those in layers.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as JSON-ready data: ``odibi plan --json``."""
        return {
            "project": self.project.name,
            "env": self.env,
            "engine": self.engine,
            "engine_why": self.engine_why,
            "layers": list(self.layers),
            "transformation_count": len(self),
            "transformations": [self._transformation_dict(transformation) for transformation in self],
            "warnings": list(self.warnings),
        }

    def _transformation_dict(self, planned: PlannedTransformation) -> dict[str, Any]:
        ids = [self.transformations[position].transformation_id for position in planned.dependencies]
        return {
            "transformation_id": planned.transformation_id,
            "layer": planned.layer,
            "step": planned.step,
            "engine": planned.engine,
            "engine_why": planned.engine_why,
            "module": planned.row.module,
            "function": planned.row.function,
            "function_engine": planned.function_engine,
            "function_why": planned.function.why,
            "style": str(planned.function.signature.style),
            "inputs": [_dataset_dict(item.dataset, item.reader) for item in planned.inputs],
            "outputs": [
                _dataset_dict(item.dataset, item.saver) | {"mode": item.dataset.mode} for item in planned.outputs
            ],
            "depends_on": dict(zip(ids, planned.dependencies_why, strict=True)),
            "attempts": planned.rules.attempts,
            "timeout": planned.rules.timeout,
        }


def _dataset_dict(dataset: Dataset, spec: ReaderSpec | SaverSpec | None) -> dict[str, Any]:
    return {
        "name": dataset.name,
        "kind": dataset.kind,
        "format": dataset.format,
        "location": dataset.location,
        "connection": dataset.connection,
        "by": spec.factory if spec else None,
    }
