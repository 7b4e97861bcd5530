"""The code behind a function: its own file and, from there, every file of the project that is imported."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from odibi_core.loading.module_files import file_of
from odibi_core.loading.project_imports import digest_when_imported, source_digest

if TYPE_CHECKING:
    from odibi_core.functions import ResolvedFunction

__all__ = ["CodeFiles"]


@dataclass(slots=True)
class CodeFiles:
    """Finds and digests the code of a project's functions; each file is read once.

    Imports are found in the text, wherever in it they stand. What is imported by a name that is put together while the
    program runs is not found, and neither is a file that a function opens by itself.

    Args:
        root: The project's folder.
    """

    root: Path
    _digests: dict[str, str] = field(default_factory=dict)
    _imports: dict[str, frozenset[str]] = field(default_factory=dict)
    _found: dict[tuple[str, str | None], dict[str, str] | None] = field(default_factory=dict)

    def digests_of(self, function: ResolvedFunction) -> Mapping[str, str] | None:
        """Return a digest of each file behind a function, by its path in the project.

        A function that is not the project's own has one entry: its file, or the distribution that it comes from with
        the version.

        Args:
            function: The function.

        Returns:
            The digests; None if the function is written in no file that can be read.
        """
        key = (function.module, function.file)
        if key not in self._found:
            try:
                self._found[key] = self._look(function.module, function.file)
            except OSError:
                self._found[key] = None
        return self._found[key]

    def _look(self, module: str, file: str | None) -> dict[str, str] | None:
        start = set(self._files_of(module))
        if file is not None:
            inside = self._inside(file)
            if inside is not None:
                start.add(inside)
            elif not start:
                return self._foreign(module, file)
        if not start:
            return None
        return {path: self._digest(path) for path in sorted(self._reached_from(start))}

    def _reached_from(self, start: set[str]) -> set[str]:
        reached, waiting = set(start), list(start)
        while waiting:
            for path in self._imports_of(waiting.pop()):
                if path not in reached:
                    reached.add(path)
                    waiting.append(path)
        return reached

    def _imports_of(self, path: str) -> frozenset[str]:
        if path not in self._imports:
            try:
                tree = ast.parse((self.root / path).read_bytes())
            except (SyntaxError, ValueError):  # nobody has imported it yet
                self._imports[path] = frozenset()
            else:
                names = _imported_names(tree, package=_package_of(path))
                self._imports[path] = frozenset(file for name in names for file in self._files_of(name))
        return self._imports[path]

    def _files_of(self, module: str) -> Iterator[str]:
        # Importing a.b.c runs a and a.b too.
        parts = module.split(".")
        for count in range(1, len(parts) + 1):
            file = file_of(".".join(parts[:count]), str(self.root)) if all(parts[:count]) else None
            if file is not None:
                yield Path(file).as_posix()

    def _inside(self, file: str) -> str | None:
        root, path = os.path.realpath(self.root), os.path.realpath(file)
        return Path(path).relative_to(root).as_posix() if Path(path).is_relative_to(root) else None

    def _foreign(self, module: str, file: str) -> dict[str, str] | None:
        distribution = _distribution_of(module.partition(".")[0])
        if distribution is not None:
            return {distribution[0]: distribution[1]}
        return {file: self._digest(file)}

    def _digest(self, path: str) -> str:
        if path not in self._digests:
            # Code that was edited after this process had imported it is not what runs.
            imported = digest_when_imported(path, root=self.root)
            self._digests[path] = imported or source_digest((self.root / path).read_bytes())
        return self._digests[path]


def _package_of(path: str) -> tuple[str, ...]:
    return Path(path).parent.parts


def _imported_names(tree: ast.Module, *, package: tuple[str, ...]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*above, *filter(None, [node.module])))
            for alias in node.names:
                # Either an attribute of the module or a module in the package.
                yield f"{base}.{alias.name}" if base else alias.name


def _distribution_of(top: str) -> tuple[str, str] | None:
    from importlib.metadata import packages_distributions, version

    # Looking through all that is installed takes 0.1 s, and nearly every project has rows of the kernel's `ingest`.
    names = ["odibi-core"] if top == "odibi_core" else packages_distributions().get(top)
    return (names[0], version(names[0])) if names else None
