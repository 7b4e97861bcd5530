"""Processes of the kit's own: an environment in which they import what the test imports."""

from __future__ import annotations

import os
import sys

__all__ = ["child_environment"]


def child_environment() -> dict[str, str]:
    """Return the environment of a child of this interpreter, with this process's import path.

    A plugin that is tested from a folder, without being installed, is importable there too.

    Example:
        >>> "PYTHONPATH" in child_environment()
        True
    """
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109 - as text, as the path is
    return os.environ | {"PYTHONPATH": path}
