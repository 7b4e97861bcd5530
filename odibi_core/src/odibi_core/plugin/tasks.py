"""What the two run hooks are called with, and what they return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from odibi_core.plugin.datasets import Dataset

__all__ = ["ProjectConfig", "ProjectTask", "TransformationOutcome", "TransformationTask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """What ``odibi_configure`` is told, once per run, before anything else happens.

    Args:
        project: The project's name.
        env: The environment.
        root: The project's folder.
        settings: The manifest's ``plugins.settings``: a mapping per plugin name, for plugins to read their own.
    """

    project: str
    env: str
    root: Path
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformationOutcome:
    """What a transformation did.

    Args:
        rows_read: Rows of all inputs, None if a reader did not know.
        rows_written: Rows of all outputs, None if a saver did not know.
    """

    rows_read: int | None = None
    rows_written: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformationTask:
    """One attempt at one transformation, as ``odibi_run_transformation`` sees it.

    Args:
        run_id: The run's id.
        project: The project's name.
        env: The environment.
        layer: The layer's name.
        engine: The name of the engine that the row runs on.
        transformation_id: The row's id.
        module: The row's module.
        function: The row's function.
        attempt: Which attempt this is, counted from 1.
        constants: The row's constants, read-only.
        inputs: The inputs, resolved.
        outputs: The outputs, resolved.
    """

    run_id: str
    project: str
    env: str
    layer: str
    engine: str
    transformation_id: str
    module: str
    function: str
    attempt: int
    constants: Mapping[str, Any]
    inputs: tuple[Dataset, ...]
    outputs: tuple[Dataset, ...]
    _execute: Callable[[], TransformationOutcome] = field(repr=False, compare=False)

    def execute(self) -> TransformationOutcome:
        """Do the default steps: read the inputs, call the function, save the outputs."""
        return self._execute()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectTask:
    """One run of a project, as ``odibi_run_project`` sees it.

    Args:
        run_id: The run's id.
        project: The project's name.
        env: The environment.
        engine: The run's engine.
        layers: The layers that will run, in order.
        transformation_ids: What will run, in the order of the plan.
    """

    run_id: str
    project: str
    env: str
    engine: str
    layers: tuple[str, ...]
    transformation_ids: tuple[str, ...]
    _execute: Callable[[], Any] = field(repr=False, compare=False)

    def execute(self) -> Any:
        """Do the default steps: run the layers in order and return the `RunResult`."""
        return self._execute()
