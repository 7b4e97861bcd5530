"""A new plugin: a distribution that builds, installs and passes its contract tests as it is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.authoring.design import design_plugin, kind_of
from odibi_core.authoring.kinds import PluginKind
from odibi_core.authoring.names import check_free, name_plugin
from odibi_core.authoring.texts import plugin_files
from odibi_core.errors import ConfigError

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager

__all__ = ["make_plugin"]


def make_plugin(
    name: str,
    *,
    kind: PluginKind | str,
    path: str | Path | None = None,
    engine: str | None = None,
    data_format: str | None = None,
    manager: PluginManager | None = None,
) -> dict[str, Any]:
    """Make a plugin: a folder with a distribution that builds, installs and passes its contract tests unedited.

    The folder appears whole or not at all.

    Args:
        name: The distribution's name, such as ``"acme-historian"``; the folder is called as it is written here.
        kind: What it provides: one of the six kinds, or its value.
        path: The folder to put the plugin's folder in; the working folder if not given.
        engine: For a reader or saver the engine that it is for, by default ``"any"``, which means Arrow in or out for
            every engine; for an engine its own name.
        data_format: For readers, savers and engines: what users write as the format.
        manager: What is installed, so that nothing is called like something that is there; by default as anywhere.

    Returns:
        ``name``, ``kind``, ``package``, ``provides`` (as ``odibi plugins list`` will show it), ``path``,
        ``created_files`` and ``next_steps``, three commands. Paths are text, relative if ``path`` is.

    Raises:
        ConfigError: A name cannot be used or is taken, the folder is there and not empty, an option does not fit the
            kind, or the folder cannot be written. Nothing was changed.
        EngineNotFoundError: The engine that a reader or saver is for is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made = make_plugin("acme-historian", kind="reader", path=folder)
        >>> made["package"], made["provides"]
        ('acme_historian', ['reader any/historian'])
    """
    if manager is None:
        from odibi_core.loading import get_manager

        manager = get_manager()
    names, chosen = name_plugin(name), kind_of(kind)
    check_free(names)
    target = (Path() if path is None else Path(path)) / names.folder
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        what = "is there already, and not empty" if target.is_dir() else "is a file"
        raise ConfigError(f"Plugin {name!r} cannot be made: {target} {what}. Choose another name, or another --path.")
    design = design_plugin(names, kind=chosen, engine=engine, data_format=data_format, manager=manager)
    files = plugin_files(design)
    from odibi_core.project.new_folder import write_folder

    try:
        write_folder(target, files=files)
    except OSError as error:
        raise ConfigError(f"Plugin {name!r} cannot be written to {target}: {error}.") from error
    return {
        "name": names.distribution,
        "kind": chosen.value,
        "package": names.package,
        "provides": design.provides,
        "path": str(target),
        "created_files": [str(target / file) for file in files],
        "next_steps": [f"cd {shlex.quote(str(target))}", "pip install -e '.[test]'", "pytest"],
    }
