"""The options of inputs and outputs, checked against the plugin's own model before anything runs."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

from odibi_core.errors import ConfigError
from odibi_core.plugin import Dataset, ReaderSpec, SaverSpec

if TYPE_CHECKING:
    from pydantic import BaseModel

    from odibi_core.loading import PluginManager

__all__ = ["check_options"]


def check_options(dataset: Dataset, *, spec: ReaderSpec | SaverSpec, manager: PluginManager) -> Dataset:
    """Return the dataset with its options validated, its mode and partitions checked against the spec.

    Args:
        dataset: What will be read or saved.
        spec: What will read or save it.
        manager: Where the options model is loaded from.

    Returns:
        The dataset with the options that were set, in the model's types.

    Raises:
        ConfigError: Everything that is wrong with the options, in one message.
    """
    if isinstance(spec, SaverSpec):
        if dataset.mode not in spec.modes:
            raise ConfigError(
                f"output {dataset.name!r} has mode {dataset.mode!r}; the saver for {spec.format} on {spec.engine} "
                f"knows {', '.join(sorted(spec.modes))}."
            )
        if dataset.partition_by and not spec.supports_partitions:
            raise ConfigError(
                f"output {dataset.name!r} has 'partition_by', which the saver for {spec.format} on {spec.engine} "
                "does not support."
            )
    model = manager.load_options_model(spec)
    if model is None:
        return dataset
    is_merged = isinstance(spec, SaverSpec) and dataset.mode == "merge"
    if not dataset.options and not is_merged and not _has_required_options(model):
        return dataset
    from odibi_core.project import checked_options

    what = f"options of {dataset.name!r} for {spec.format} on {spec.engine}"
    # Which options a saver needs may depend on the mode: by which columns to merge, for one.
    context = {"mode": dataset.mode} if isinstance(spec, SaverSpec) else None
    checked = checked_options(dataset.options, model=model, what=what, context=context)
    return replace(dataset, options=checked.model_dump(exclude_unset=True))


@functools.cache
def _has_required_options(model: type[BaseModel]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())
