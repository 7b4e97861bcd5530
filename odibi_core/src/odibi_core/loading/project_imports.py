"""Makes the modules of a project importable, and keeps those of two projects apart.

Every project has a package ``silver``, and a process knows one module of that name. So before a project's module is
imported, modules that another project left in `sys.modules` are put out of it, and so is whatever has the name of a
module of this project and is neither of the standard library nor installed. Whoever holds such a module keeps it.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from odibi_core.loading.module_files import file_of, is_file_of, is_installed, location_of, provides, top_level_names

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["digest_when_imported", "edited_files", "import_project_module", "project_imports", "source_digest"]

_lock = threading.RLock()
_active: list[str] = []
"""The roots in use, the one entered last at the end; a root that was entered twice is there twice."""
_inserted: list[str] = []
"""What of `sys.path` was put there by this module."""
_known: set[str] = set()
"""Every root that was ever in use: their modules may still be in `sys.modules`."""
_digests: dict[str, str] = {}
"""What each file of a project held when it was imported last."""


@contextmanager
def project_imports(root: Path) -> Iterator[None]:
    """Make the modules of a project importable, in front of everything else.

    Functions of a project may import its other modules whenever they run, so a run keeps this open. Where two projects
    are open at once, plain imports find the one that was opened last; `import_project_module` always finds the right
    one. Compiled files are not written next to the project's own.

    Args:
        root: The project's folder.

    Yields:
        Nothing.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "odibi_doctest_module.py").write_text("answer = 42")
        ...     with project_imports(Path(folder)):
        ...         import odibi_doctest_module
        >>> odibi_doctest_module.answer
        42
    """
    folder = _folder(root)
    with _lock:
        _active.append(folder)
        _known.add(folder)
        _bring_to_front()
    try:
        yield
    finally:
        with _lock:
            # The last one of this root, so that roots that were opened later keep their place.
            del _active[len(_active) - 1 - _active[::-1].index(folder)]
            _bring_to_front()


def import_project_module(name: str, root: Path) -> ModuleType:
    """Import a module as the project sees it: a file of the project, or else whatever is installed.

    Args:
        name: The module's import path, such as ``"silver.functions"``.
        root: The project's folder.

    Returns:
        The module.

    Raises:
        ImportError: Whatever the import raises, as it is; or the module is a file of the project, and Python has
            something of its own under the name.

    Example:
        >>> import_project_module("json", Path.cwd()).__name__
        'json'
    """
    folder = _folder(root)
    with _lock:
        module = sys.modules.get(name)
        if module is not None and is_file_of(name, location_of(module), folder):
            # Imported already, or being imported by another thread, for which this waits.
            return importlib.import_module(name)
        with project_imports(root):
            module = importlib.import_module(name)
    file = file_of(name, folder)
    if file is not None and not is_file_of(name, location_of(module), folder):
        raise ImportError(
            f"module {name!r} is the project's {file}, but Python has another of that name already "
            f"({location_of(module) or 'built in'}); rename the file",
            name=name,
        )
    return module


def source_digest(source: bytes) -> str:
    """Return a digest of a file's content.

    Args:
        source: The content.
    """
    from hashlib import blake2b

    return blake2b(source, digest_size=8).hexdigest()


def digest_when_imported(file: str, *, root: Path) -> str | None:
    """Return the digest of what a file of a project held when this process imported it, which may not be what it holds.

    Args:
        file: The file, relative to the project, with slashes.
        root: The project's folder.

    Returns:
        Its `source_digest`; None if it was not imported.
    """
    return _digests.get(os.path.join(_folder(root), *file.split("/")))  # noqa: PTH118 - the same text as the import system's


def edited_files(root: Path) -> Iterator[str]:
    """Find the files of a project that hold something else than the modules that this process has imported from them.

    Args:
        root: The project's folder.

    Yields:
        The files, relative to the project, with slashes; one that is gone is among them.
    """
    folder = _folder(root) + os.sep
    changed = [file for file, digest in _digests.items() if file.startswith(folder) and _digest_now(file) != digest]
    if changed:
        in_use = {location_of(module) for module in tuple(sys.modules.values())}
        yield from sorted(file.removeprefix(folder).replace(os.sep, "/") for file in changed if file in in_use)


def _digest_now(file: str) -> str | None:
    try:
        return source_digest(Path(file).read_bytes())
    except OSError:
        return None


class _ProjectFinder:
    """Finds modules of the open projects, and loads them without writing ``__pycache__`` into the project."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for folder in dict.fromkeys(reversed(_active)):
            # Without this look at the path, each module of a large library would be searched for twice.
            if path is None or any(entry.startswith(folder) for entry in path):
                spec = PathFinder.find_spec(fullname, [folder] if path is None else path, target)
                if spec is None:
                    continue
                if type(spec.loader) is SourceFileLoader:
                    loader = _ProjectFileLoader(spec.loader.name, spec.loader.path)
                    if is_file_of(fullname, loader.path, folder):
                        spec.loader = loader
                        return spec
                elif path is None and spec.origin is None and provides(folder, fullname):
                    return _spec_of_folder(fullname, target)
        return None


def _spec_of_folder(name: str, target: ModuleType | None) -> ModuleSpec | None:
    """Find a top-level folder of modules without an ``__init__.py``, in the open projects and what is installed.

    To Python it comes after every file of that name, wherever on the path: a ``gold.py`` that lies beside a notebook
    would be run in place of the project's ``gold/functions.py``.
    """
    installed = [entry for entry in sys.path if is_installed("", entry + os.sep)]
    return PathFinder.find_spec(name, [*dict.fromkeys(reversed(_active)), *installed], target)


class _ProjectFileLoader(SourceFileLoader):
    """Loads a file of a project."""

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the module's code, and keep in mind what it was made from."""
        _digests[self.path] = source_digest(self.get_data(self.path))
        return super().get_code(fullname)

    def set_data(self, path: str, data: ReadableBuffer, *, _mode: int = 0o666) -> None:
        """Write nothing: this is where the compiled file would be written."""


_finder = _ProjectFinder()


def _folder(root: Path) -> str:
    # Not resolved: modules say where they are by the path they were found on, links included.
    return os.path.abspath(root)  # noqa: PTH100


def _bring_to_front() -> None:
    """Put the roots in front of `sys.path`, the one opened last first, and put out what is not of that one."""
    roots = list(dict.fromkeys(reversed(_active)))
    if _inserted != roots or sys.path[: len(roots)] != roots:
        rest = list(sys.path)
        for folder in _inserted:
            # Only the first: an entry that the user has of the same folder is the user's.
            if folder in rest:
                rest.remove(folder)
        # In one step, because other threads are importing.
        sys.path[:] = [*roots, *rest]
        _inserted[:] = roots
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
    if roots:
        sys.meta_path.insert(0, _finder)
        _put_out_others(roots[0])
        # A folder that was written to within one tick of the clock looks unchanged to the import system.
        importlib.invalidate_caches()


def _put_out_others(folder: str) -> None:
    ours = top_level_names(folder)
    others = tuple(root for root in _known if root != folder)
    foreign: set[str] = set()
    for name, module in tuple(sys.modules.items()):
        top = name.partition(".")[0]
        if top in foreign or (top not in ours and not others):
            continue
        location = location_of(module)
        if location is None or (top not in ours and not location.startswith(others)):
            continue
        if not is_file_of(name, location, folder) and not is_installed(top, location):
            is_of_another = any(is_file_of(name, location, other) for other in others)
            if is_of_another or provides(folder, top):
                foreign.add(top)
    for name in tuple(sys.modules):
        if name.partition(".")[0] in foreign:
            sys.modules.pop(name, None)
