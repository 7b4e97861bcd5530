"""The installed distribution of a plugin, as its metadata describes it."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable
from dataclasses import dataclass

from odibi_core.loading.records import canonical_name
from odibi_core.plugin import ENTRY_POINT_GROUP
from odibi_core.testing.contract import find_plugin_module, refuse

__all__ = ["InstalledPlugin", "distribution_of", "limits_from_above"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPlugin:
    """The distribution that an entry point belongs to.

    Args:
        name: Its name.
        version: Its version.
        requires: Its requirements.
    """

    name: str
    version: str
    requires: tuple[str, ...]


def distribution_of(plugin: str) -> InstalledPlugin:
    """Return the distribution that lists a plugin, or fail the test: none does, or it does so in a wrong way.

    Args:
        plugin: The registration module, or the entry point's name.

    Example:
        >>> distribution_of("odibi_sinks.plugin").name
        'odibi-sinks'
    """
    module = find_plugin_module(plugin)[1].__name__
    found = next((one for one in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP) if _names(one, module)), None)
    if found is None or found.dist is None:
        package = module.partition(".")[0].replace("_", "-")
        refuse(
            f"No installed distribution has an entry point of the group {ENTRY_POINT_GROUP!r} for {module}.",
            advice=f'Add to pyproject.toml, and install it again: [project.entry-points."{ENTRY_POINT_GROUP}"] '
            f'{package} = "{module}"',
        )
    if found.value.strip() != module:
        refuse(
            f"The entry point {found.name!r} is {found.value!r}, and an entry point names a module.",
            advice=f'Write {found.name} = "{module}" without attribute or extras.',
        )
    return InstalledPlugin(name=found.dist.name, version=found.dist.version, requires=tuple(found.dist.requires or ()))


def _names(entry_point: importlib.metadata.EntryPoint, module: str) -> bool:
    # With what it should not have, an attribute or extras: then that is what is wrong with it.
    return entry_point.value.partition(":")[0].partition("[")[0].strip() == module


def limits_from_above(requires: Iterable[str], *, name: str) -> bool:
    """Return whether requirements, outside of extras, have one of a distribution with an upper bound.

    Args:
        requires: PEP 508 requirements.
        name: The distribution's name.

    Example:
        >>> limits_from_above(["odibi-core>=0.1,<1"], name="odibi-core")
        True
        >>> limits_from_above(["odibi_core>=0.1", 'odibi-core<1; extra == "old"'], name="odibi-core")
        False
    """
    from packaging.requirements import InvalidRequirement, Requirement

    for text in requires:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # pip has let it pass, and it is not one of ours
        is_always = requirement.marker is None or "extra" not in str(requirement.marker)
        operators = {one.operator for one in requirement.specifier}
        if canonical_name(requirement.name) == name and is_always and operators & {"<", "<=", "==", "~=", "==="}:
            return True
    return False
