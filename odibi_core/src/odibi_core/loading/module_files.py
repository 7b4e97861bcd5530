"""Where modules come from: which file a name means in a project, and what is installed rather than a project's."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Final

__all__ = ["file_of", "is_file_of", "is_installed", "location_of", "provides", "top_level_names"]

_PROTECTED: Final = frozenset({"__main__", "odibi_core"}) | sys.stdlib_module_names


def file_of(name: str, folder: str) -> str | None:
    """Return the file that a module's name means in a project, relative to the project; None if there is none.

    Args:
        name: The module's import path.
        folder: The project's folder.

    Example:
        >>> file_of("silver.functions", "/no/such/project") is None
        True
    """
    stem = Path(*name.split("."))
    candidates = (stem.with_name(f"{stem.name}.py"), stem / "__init__.py")
    return next((str(file) for file in candidates if (folder / file).is_file()), None)


def is_file_of(name: str, location: str | None, folder: str) -> bool:
    """Return whether a module is what its name means in a project.

    Args:
        name: The module's import path.
        location: Where it was loaded from.
        folder: The project's folder.

    Example:
        >>> is_file_of("silver.functions", "/project/silver/functions.py", "/project")
        True
        >>> is_file_of("silver.functions", "/project/src/silver/functions.py", "/project")
        False
    """
    if location is None:
        return False
    if _matches(name, location, folder):
        return True
    # The same folder by another name: a link, or the working directory, which is always resolved.
    return os.path.basename(folder) in location and _matches(name, os.path.realpath(location), _real(folder))  # noqa: PTH119


def is_installed(top: str, location: str) -> bool:
    """Return whether a module is of the standard library, the kernel, or an installed distribution.

    Args:
        top: The first part of the module's name.
        location: Where it was loaded from.
    """
    return top in _PROTECTED or location.startswith(_installation_folders())


def location_of(module: object) -> str | None:
    """Return the file of a module, or the folder of a package without one; None for what is built in.

    Args:
        module: Anything that was found in `sys.modules`.
    """
    try:
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            return file
        path = getattr(module, "__path__", None)
        return next((entry for entry in path or () if isinstance(entry, str)), None)
    except Exception:  # noqa: BLE001 - lazy modules of others may fail when they are looked at; they are nobody's file
        return None


def provides(folder: str, top: str) -> bool:
    """Return whether a project has Python files under a top-level name; a folder of data has none.

    Args:
        folder: The project's folder.
        top: The name.
    """
    if Path(folder, f"{top}.py").is_file():
        return True
    return any(file.endswith(".py") for _, _, files in os.walk(Path(folder, top)) for file in files)


def top_level_names(folder: str) -> frozenset[str]:
    """Return the names that may be imported from a project's folder: its Python files and its folders.

    Args:
        folder: The project's folder; one that is not there has none, and the import that follows says so.
    """
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return frozenset()
    return frozenset(
        entry.name.removesuffix(".py") for entry in entries if entry.name.endswith(".py") or entry.is_dir()
    )


def _matches(name: str, location: str, folder: str) -> bool:
    expected = os.path.join(folder, *name.split("."))  # noqa: PTH118 - compared as text, thousands of times
    parent, file = os.path.split(location)
    stem = file.partition(".")[0]
    return expected in {location, parent if stem == "__init__" else os.path.join(parent, stem)}  # noqa: PTH118


@cache
def _real(folder: str) -> str:
    return os.path.realpath(folder)


@cache
def _installation_folders() -> tuple[str, ...]:
    import site
    import sysconfig

    paths = sysconfig.get_paths()
    folders = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders.update(site.getsitepackages())
    folders.add(site.getusersitepackages())
    folders.update(entry for entry in sys.path if os.path.basename(entry) in {"dist-packages", "site-packages"})  # noqa: PTH119
    return tuple(sorted(folder + os.sep for folder in folders | {os.path.realpath(folder) for folder in folders}))
