"""The module that a row names: importing it, and what to say if it is not there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final
from weakref import WeakValueDictionary

from odibi_core.errors import did_you_mean

__all__ = ["describe_missing_module", "import_row_module"]

_SHOWN_NAMES: Final = 20
_SEARCHED_FILES: Final = 5000

_found: WeakValueDictionary[tuple[str, Path], ModuleType] = WeakValueDictionary()


def import_row_module(module: str, root: Path | None) -> ModuleType:
    """Import the module of a row, the project's own first.

    Args:
        module: Its name.
        root: The project's folder; None if there is no project.

    Raises:
        ModuleNotFoundError: There is no such module, or it imports one that is not there.
        Exception: Whatever the module raises while it is imported.
    """
    from odibi_core.loading import import_project_module, resolve_reference

    if root is None:
        resolve_reference(f"{module}:__name__")
        return sys.modules[module]
    # Making a project importable takes about a millisecond, and a plan asks for the same few modules again and again.
    # A module that is still the one in use was found to be this project's before.
    known = _found.get((module, root))
    if known is not None and sys.modules.get(module) is known:
        return known
    found = import_project_module(module, root)
    _found[module, root] = found
    return found


def describe_missing_module(module: str, root: Path | None) -> str:
    """Return a message for a module that does not exist, with what the project has instead.

    Args:
        module: The name that was asked for.
        root: The project's folder; None if there is no project.
    """
    if root is None:
        return f"There is no module {module!r}. Install what provides it, or correct the row's module."
    modules = list(_project_modules(root))
    message = f"There is no module {module!r}, neither in the project {root} nor installed."
    hint = did_you_mean(module, modules)
    if hint:
        return f"{message} {hint}"
    parent = module.rpartition(".")[0]
    siblings = sorted(name for name in modules if name.rpartition(".")[0] == parent)
    return f"{message} Beside it there are: {', '.join(siblings[:_SHOWN_NAMES])}." if siblings else message


def _project_modules(root: Path) -> Iterator[str]:
    count = 0
    for folder, folders, files in os.walk(root):
        # A virtual environment inside the project is not the project.
        folders[:] = sorted(
            name for name in folders if name.isidentifier() and not Path(folder, name, "pyvenv.cfg").exists()
        )
        package = Path(folder).relative_to(root).parts
        for file in sorted(files):
            count += 1
            if count > _SEARCHED_FILES:
                return
            stem = file.removesuffix(".py")
            if stem != file and stem.isidentifier():
                yield ".".join(package if stem == "__init__" else (*package, stem))
