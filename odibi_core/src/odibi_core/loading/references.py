"""The one place of the kernel that imports something by a name in a string."""

from __future__ import annotations

import importlib
from functools import reduce
from typing import Any

from odibi_core.errors import PluginContractError, did_you_mean

__all__ = ["resolve_reference"]


def resolve_reference(reference: str) -> Any:
    """Return what a reference names, importing its module.

    Args:
        reference: ``"package.module:Name"`` or ``"package.module:Name.attribute"``.

    Returns:
        The object.

    Raises:
        PluginContractError: It is no reference.
        ImportError: The module cannot be imported, or has no such name; whatever else the module raises while it is
            imported comes through as it is.

    Example:
        >>> resolve_reference("pathlib:Path.home").__name__
        'home'
    """
    module_name, separator, name = reference.partition(":")
    if not (separator and module_name and name):
        raise PluginContractError(f"{reference!r} is no reference; write it as 'package.module:Name'")
    module = importlib.import_module(module_name)
    try:
        return reduce(getattr, name.split("."), module)
    except AttributeError as error:
        hint = did_you_mean(name, [one for one in vars(module) if not one.startswith("_")])
        raise ImportError(f"module {module_name!r} has no {name!r}. {hint}".rstrip(), name=module_name) from error
