"""The row of a transformation, whether it was written as one or as an ingestion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["TransformationRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformationRow:
    """One transformation, as its row says it.

    Args:
        transformation_id: Unique in the project and environment.
        transformation_group_id: A label for rows that belong together.
        project: The project as the row names it; None if it does not.
        environment: The environment; None means every one.
        layer: The layer, spelled as in the manifest.
        step: Its place in the layer: a higher step begins when the lower ones have succeeded.
        enabled: Whether it is run.
        entity_1: The first level of what the row is about, such as a plant.
        entity_2: The second level.
        entity_3: The third level.
        module: The import path of the function's module.
        function: The function's name.
        inputs: What it reads: names, or mappings that say more.
        constants: What the function is told.
        outputs: What it writes: names, or mappings that say more.
        description: What it is for.
        depends_on: Ids of transformations that must have succeeded before.
        tags: Words to select it by.
        is_ingestion: Whether it comes from an ingestion row.
        invalid: What is wrong with the row, so that it fails when its turn comes while others run; None if nothing is.
            Only a config store's rows can have this: what is wrong with a file stops a run before it begins.
        file: The file it is from, for messages.
        line: The line it begins on.

    Example:
        >>> row = TransformationRow(transformation_id="a", layer="Silver", module="silver.sales", function="clean")
        >>> row.step, row.enabled, row.inputs
        (1, True, ())
    """

    transformation_id: str
    transformation_group_id: str | None = None
    project: str | None = None
    environment: str | None = None
    layer: str
    step: int = 1
    enabled: bool = True
    entity_1: str | None = None
    entity_2: str | None = None
    entity_3: str | None = None
    module: str
    function: str
    inputs: tuple[str | Mapping[str, Any], ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str | Mapping[str, Any], ...] = ()
    description: str | None = None
    depends_on: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    is_ingestion: bool = False
    invalid: str | None = None
    file: str | None = None
    line: int | None = None
