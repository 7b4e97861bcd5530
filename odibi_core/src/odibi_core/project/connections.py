"""Connections: the two that need nothing but a file system, and opening one of a manifest."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.errors import ConfigError, did_you_mean
from odibi_core.plugin import Connection, ConnectionConfig
from odibi_core.project.connection_options import LocalOptions, PackageOptions
from odibi_core.project.plugin_options import checked_options, resolve_options

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.project.project import Project

__all__ = ["LocalConnection", "PackageConnection", "open_connection"]

_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")


class LocalConnection:
    """A folder of this machine.

    Args:
        config: Options: ``path``, absolute or relative to the project's root.

    Example:
        >>> config = ConnectionConfig(name="lake", project_root=Path("/project"), options={"path": "../lake"})
        >>> LocalConnection(config).locate("sales/2024.csv")
        '/lake/sales/2024.csv'
    """

    def __init__(self, config: ConnectionConfig) -> None:
        options = checked_options(config.options, model=LocalOptions, what=f"connection {config.name!r}")
        self._name = config.name
        self._folder = os.path.normpath(config.project_root.absolute() / options.path)

    def locate(self, path: str, /) -> str:
        """Return the absolute path of a file of the folder.

        Args:
            path: Relative to the folder, or absolute and inside it.

        Raises:
            ConfigError: The path would leave the folder.
        """
        return _inside(self._folder, path, name=self._name)

    def storage_options(self) -> Mapping[str, Any]:
        """Return nothing: local files need no options."""
        return {}


class PackageConnection:
    """The data files inside an installed Python package, found without importing the package.

    Args:
        config: Options: ``package``, an import path, and ``path``, a folder inside it.

    Example:
        >>> options = {"package": "odibi_core", "path": "plugin"}
        >>> connection = PackageConnection(ConnectionConfig(name="code", project_root=Path(), options=options))
        >>> Path(connection.locate("events.py")).is_file()
        True
    """

    def __init__(self, config: ConnectionConfig) -> None:
        options = checked_options(config.options, model=PackageOptions, what=f"connection {config.name!r}")
        self._name = config.name
        folders = [Path(folder) for folder in _package_folders(options.package, name=config.name)]
        inner = [Path(_inside(str(folder), options.path or ".", name=config.name)) for folder in folders]
        found = [folder for folder in inner if folder.is_dir()]
        if not found:
            raise ConfigError(
                f"connection {config.name!r}: the package {options.package!r} is installed, but there is no folder "
                f"{options.path or '.'!r} in {', '.join(map(str, folders))}. Correct the option 'path'."
            )
        self._folder = str(found[0])

    def locate(self, path: str, /) -> str:
        """Return the absolute path of a file of the package.

        Args:
            path: Relative to the folder that the options name.

        Raises:
            ConfigError: The path would leave the folder.
        """
        return _inside(self._folder, path, name=self._name)

    def storage_options(self) -> Mapping[str, Any]:
        """Return nothing: local files need no options."""
        return {}


def open_connection(name: str, project: Project, manager: PluginManager) -> Connection:
    """Return a connection of a project's manifest, built.

    Args:
        name: Its name in the manifest.
        project: The project.
        manager: Where types of connection and providers of secrets come from.

    Raises:
        ConfigError: There is no such connection, its options are wrong, or a secret is missing.
        PluginError: Its type is not installed or cannot be loaded.
    """
    known = project.manifest.connections
    if name not in known:
        there = f"The manifest has: {', '.join(sorted(known))}." if known else "The manifest has none."
        hint = did_you_mean(name, known) or "Add it below 'connections' in the manifest."
        raise ConfigError(f"Connection {name!r} not found. {there} {hint}")
    what = f"connection {name!r}"
    options = {key: value for key, value in known[name].items() if key != "type"}
    spec = manager.connections.get(str(known[name].get("type", "")))
    resolved = resolve_options(options, spec=spec, manager=manager, what=what, root=project.root)
    config = ConnectionConfig(name=name, project_root=project.root, options=resolved)
    connection: Connection = manager.load(spec)(config)
    return connection


def _inside(folder: str, path: str, *, name: str) -> str:
    """Return a path of a folder; links inside the folder are its owner's business, ``..`` is not."""
    located = os.path.normpath(os.path.join(folder, path))  # noqa: PTH118 - a glob is text, and stays text
    is_inside = located == folder or located.startswith(folder.rstrip(os.sep) + os.sep)
    if "\0" in path or _SCHEME.match(path) or not is_inside:
        raise ConfigError(
            f"connection {name!r}: the path {path!r} would leave the connection's folder {folder}. "
            "Write a path inside it, or name another connection."
        )
    return located


def _package_folders(package: str, *, name: str) -> Sequence[str]:
    top, *inner = package.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # a module without a spec, such as __main__
        spec = None
    walked = top
    for part in inner:
        walked = f"{walked}.{part}"
        # `find_spec` with a dotted name imports the parent, which may load a whole data library.
        spec = None if spec is None else PathFinder.find_spec(walked, spec.submodule_search_locations)
    if spec is None:
        raise ConfigError(
            f"connection {name!r}: the package {package!r} is not installed. It needs: "
            f"pip install {top.replace('_', '-')}"
        )
    return _folders_of(spec, package=package, name=name)


def _folders_of(spec: ModuleSpec, *, package: str, name: str) -> Sequence[str]:
    folders = list(spec.submodule_search_locations or ())
    if not folders:
        raise ConfigError(
            f"connection {name!r}: {package!r} is a single module, not a package, so it has no data files. "
            "Name a package in the option 'package'."
        )
    return folders
