"""Project names, and the folder name that a project's name becomes."""

from __future__ import annotations

from pathlib import PureWindowsPath

from odibi_core.errors import ConfigError

__all__ = ["check_project_name", "is_same_project", "name_fault", "project_slug"]

_LONGEST_SLUG_BYTES = 200
"""File systems stop at 255 bytes for one name; what is left is for suffixes of temporary folders."""

_LONGEST_SHOWN = 80


def project_slug(name: str) -> str:
    """Return the folder name of a project: lower case, blanks become underscores.

    Args:
        name: The project's name, as a person writes it.

    Example:
        >>> project_slug("Energy Efficiency")
        'energy_efficiency'
        >>> project_slug("O'Brien")
        "o'brien"
    """
    return name.strip().lower().replace(" ", "_")


def is_same_project(name: str, *, other: str) -> bool:
    """Return whether two names mean one project: case, and blank or underscore, do not matter.

    Args:
        name: A project's name or slug.
        other: Another one.

    Example:
        >>> is_same_project("Energy Efficiency", other="energy_efficiency")
        True
    """
    return project_slug(name).casefold() == project_slug(other).casefold()


def name_fault(name: str) -> str | None:
    """Return what is wrong with a project's name, or None.

    Both kinds of slash and drive letters count on every platform, because a project moves between them.

    Args:
        name: The project's name.

    Example:
        >>> name_fault("O'Brien") is None
        True
        >>> name_fault("../../x")
        'would be a folder outside the folder of the projects'
    """
    slug = project_slug(name)
    if not slug:
        return "is empty"
    if not name.strip().isprintable():
        return "holds a character that cannot be shown, such as a line break"
    if {"/", "\\"} & set(slug) or PureWindowsPath(slug).drive or not slug.strip("."):
        return "would be a folder outside the folder of the projects"
    if len(slug.encode()) > _LONGEST_SLUG_BYTES:
        return f"is longer than the {_LONGEST_SLUG_BYTES} bytes that a folder name can safely have"
    return None


def check_project_name(name: object) -> str:
    """Return the slug of a project's name.

    Args:
        name: The project's name.

    Returns:
        The folder name, always a single part of a path.

    Raises:
        ConfigError: The name is empty, cannot be shown, or as a folder would leave the folder of the projects.

    Example:
        >>> check_project_name("Customer Churn")
        'customer_churn'
    """
    if isinstance(name, str) and (fault := name_fault(name)) is None:
        return project_slug(name)
    reason = fault if isinstance(name, str) else f"is not text but {type(name).__name__}"
    shown = repr(name) if len(repr(name)) <= _LONGEST_SHOWN else f"{repr(name)[:_LONGEST_SHOWN]}..."
    raise ConfigError(f"Project name {shown} {reason}. Use a plain name without slashes, such as 'Energy Efficiency'.")
