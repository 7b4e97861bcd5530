"""Transformation rows from documents: the columns of the TransformationRegistry, checked one by one."""

from __future__ import annotations

import keyword

from odibi_core.errors import Problem, did_you_mean
from odibi_core.project.cells import Cells
from odibi_core.project.documents import Document
from odibi_core.project.row_reading import (
    IGNORED_COLUMNS,
    SHARED_COLUMNS,
    RowPlace,
    RowScope,
    invalid_cells,
    read_rows,
    shared_cells,
)
from odibi_core.project.rows import TransformationRow

__all__ = ["TRANSFORMATION_COLUMNS", "parse_transformations"]

TRANSFORMATION_COLUMNS = SHARED_COLUMNS | IGNORED_COLUMNS | {
    "transformation_id", "layer", "module", "function", "inputs", "constants", "outputs",
}  # fmt: skip
"""The twenty columns of the TransformationRegistry, and depends_on and tags."""

_JSON_COLUMNS = ("inputs", "constants", "outputs", "depends_on", "tags")

_MEANT = {
    "id": "transformation_id",
    "env": "environment",
    "plant": "entity_1",
    "asset": "entity_2",
    "input_table": "inputs",
    "target_table": "outputs",
    "group": "transformation_group_id",
    "function_params": "constants",
}
"""Columns of the predecessor's older tables and documents."""


def parse_transformations(document: Document, *, scope: RowScope) -> tuple[list[TransformationRow], list[Problem]]:
    """Return a document's transformation rows, and what is wrong with the others.

    Args:
        document: A list of mappings, or one below ``transformations``.
        scope: What to check against; rows of another project are passed over.

    Example:
        >>> cells = {"transformation_id": "a", "layer": "silver", "module": "silver.sales", "function": "clean"}
        >>> scope = RowScope("P", {"silver": "Silver"}, None)
        >>> rows, problems = parse_transformations(Document(file="rows", data=[cells]), scope=scope)
        >>> rows[0].layer, problems
        ('Silver', [])
    """

    def read(cells: Cells, place: RowPlace) -> TransformationRow | None:
        return _read_row(cells, place, scope=scope)

    return read_rows(document, key="transformations", scope=scope, read=read)


def _read_row(cells: Cells, place: RowPlace, *, scope: RowScope) -> TransformationRow | None:
    transformation_id = cells.name_after("transformation_id", noun="transformation")
    cells.refuse_unknown(TRANSFORMATION_COLUMNS, meant=_MEANT)
    layer = _layer(cells, scope=scope)
    module, function = _module(cells), _function(cells)
    shared = shared_cells(cells, scope=scope)
    inputs, outputs, constants = cells.datasets("inputs"), cells.datasets("outputs"), cells.mapping("constants")
    invalid = invalid_cells(cells, scope=scope, columns=_JSON_COLUMNS)
    if cells.problems and invalid is None:
        return None
    if transformation_id is None or layer is None or module is None or function is None:
        return None
    return TransformationRow(
        transformation_id=transformation_id,
        layer=layer,
        module=module,
        function=function,
        inputs=inputs,
        outputs=outputs,
        constants=constants,
        invalid=invalid,
        file=place.file,
        line=place.line,
        **shared,
    )


def _layer(cells: Cells, *, scope: RowScope) -> str | None:
    layer = cells.required("layer")
    if layer is None or scope.layers is None:
        return layer
    found = scope.layers.get(layer.casefold())
    if found is None:
        known = list(scope.layers.values())
        message = f"Unknown layer {layer!r}; the manifest's layer_order has {', '.join(known) or 'none'}."
        cells.fault(message, column="layer", suggestion=did_you_mean(layer, known))
    return found


def _module(cells: Cells) -> str | None:
    module = cells.required("module")
    if module is None or all(part.isidentifier() and not keyword.iskeyword(part) for part in module.split(".")):
        return module
    hint = None
    if "/" in module or module.endswith(".py"):
        hint = f"Write {module.removesuffix('.py').replace('/', '.').strip('.')!r}."
    message = f"'module' must be an import path such as 'silver.sales', but is {module!r}."
    cells.fault(message, column="module", suggestion=hint)
    return None


def _function(cells: Cells) -> str | None:
    function = cells.required("function")
    if function is None or (function.isidentifier() and not keyword.iskeyword(function)):
        return function
    cells.fault(f"'function' must be the name of a function, but is {function!r}.", column="function")
    return None
