"""What a row says, in sixteen characters: to see whether it has changed since an earlier run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from odibi_core.planning import PlannedTransformation
    from odibi_core.plugin import Dataset

__all__ = ["definition_digest"]


def definition_digest(planned: PlannedTransformation) -> str:
    """Return a digest of what a transformation is: function, engine, constants, inputs and outputs.

    Inputs and outputs count as written and as resolved, so a warehouse that was moved is a change too. Layer, step,
    tags and whatever else does not change what is made do not count.

    Args:
        planned: The transformation.
    """
    row = planned.row
    parts = (
        row.module,
        row.function,
        # Another engine may make something else of the same function.
        planned.engine if planned.function.handed_to is None else [planned.engine, planned.function.handed_to],
        row.constants,
        row.inputs,
        row.outputs,
        [_place(item.dataset) for item in planned.inputs],
        [_place(item.dataset) for item in planned.outputs],
    )
    return blake2b(_encode(parts).encode(), digest_size=8).hexdigest()


def _place(dataset: Dataset) -> tuple[str, str, str]:
    return dataset.location, dataset.format, dataset.mode


def _plain(value: object) -> Any:
    return dict(value) if isinstance(value, Mapping) else repr(value)


_encode: Final = json.JSONEncoder(sort_keys=True, default=_plain).encode
