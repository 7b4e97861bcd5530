"""Finding a project's manifest."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from odibi_core.errors import ConfigError, ProjectNotFoundError, did_you_mean
from odibi_core.project.documents import read_document
from odibi_core.project.names import check_project_name, is_same_project, name_fault

__all__ = ["MANIFEST_NAMES", "find_manifest", "locate_project"]

MANIFEST_NAMES = ("manifest.json", "manifest.yaml", "manifest.yml", "manifest.toml")
"""The names of a manifest's file."""

_PROJECTS = "projects"


def find_manifest(
    project: str | None = None, *, manifest_path: str | Path | None = None, start: Path | None = None
) -> Path:
    """Return the manifest of a project.

    A project by name is looked for in ``projects/<slug>``, ``<slug>`` and ``../projects/<slug>``, then in the folder
    itself and those above it, where the manifest must have the name. Without a name, the manifest of the folder or
    of the nearest one above it is meant.

    Args:
        project: The project's name; case, and blank or underscore, do not matter.
        manifest_path: The manifest, or its folder; nothing is looked for then.
        start: The folder to look from; by default the working folder.

    Returns:
        The manifest's absolute path.

    Raises:
        ProjectNotFoundError: There is no such manifest; the message says where it was looked for.
        ConfigError: The name is none that a project can have, or a folder has two manifests.
    """
    if manifest_path is not None:
        return _given(Path(manifest_path))
    folder = _absolute(Path.cwd() if start is None else start)
    if project is None:
        return _nearest(folder)
    slug = check_project_name(project)
    candidates = [folder / _PROJECTS / slug, folder / slug, folder.parent / _PROJECTS / slug]
    for candidate in candidates:
        if (found := _manifest_in(candidate)) is not None:
            return found
    others: dict[str, Path] = {}
    for above in (folder, *folder.parents):
        found = _manifest_in(above)
        name = None if found is None else _name_in(found)
        if found is not None and name is not None:
            if is_same_project(name, other=project):
                return found
            others.setdefault(name, found)
    raise ProjectNotFoundError(_not_found(project, candidates=candidates, others=others))


def locate_project(where: str | Path | None, *, start: Path | None = None) -> Path:
    """Return the manifest that a person means by a name, a folder or a file.

    Args:
        where: A manifest, a project's folder or any folder inside it, or a project's name; None means the folder that
            is looked from.
        start: The folder to look from, which paths are relative to; by default the working folder.

    Raises:
        ProjectNotFoundError: There is no such project.
        ConfigError: The name is none that a project can have, or a folder has two manifests.
    """
    if where is None:
        return find_manifest(start=start)
    path = (start or Path()) / where
    if path.is_file():
        return _absolute(path)
    is_folder = path.is_dir()
    is_path = isinstance(where, Path) or Path(where).name != where
    if is_folder and (is_path or where in (".", "..") or _manifest_in(path) is not None):
        return find_manifest(start=path)
    if isinstance(where, Path):
        return _given(path)
    if fault := name_fault(where):
        hint = "Give the project's name, its folder or its manifest."
        raise ProjectNotFoundError(f"There is no folder {where!r}, and as a project's name it {fault}. {hint}")
    return find_manifest(where, start=start)


def _absolute(path: Path) -> Path:
    return Path(os.path.normpath(path.absolute()))


def _given(path: Path) -> Path:
    if path.is_dir():
        found = _manifest_in(path)
        if found is not None:
            return found
        raise ProjectNotFoundError(f"There is no manifest in {path}. It would be one of: {', '.join(MANIFEST_NAMES)}.")
    if not path.exists():
        near = did_you_mean(path.name, _names_in(path.parent))
        raise ProjectNotFoundError(f"There is no manifest {path}. {near or 'Correct the path.'}")
    return _absolute(path)


def _names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def _manifest_in(folder: Path) -> Path | None:
    found = [path for name in MANIFEST_NAMES if (path := folder / name).is_file()]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise ConfigError(f"The folder {folder} has {names}. Keep one of them.")
    return _absolute(found[0]) if found else None


def _nearest(folder: Path) -> Path:
    for above in (folder, *folder.parents):
        if (found := _manifest_in(above)) is not None:
            return found
    hint = _existing_projects([folder / _PROJECTS, folder])
    raise ProjectNotFoundError(
        f"There is no manifest in {folder} or any folder above it. "
        + (f"Name one of the projects: {', '.join(hint)}." if hint else "Make a project with: odibi init NAME")
    )


def _name_in(manifest: Path) -> str | None:
    document, _ = read_document(manifest)
    name = document.data.get("project_name") if document is not None and isinstance(document.data, Mapping) else None
    return name if isinstance(name, str) else None


def _existing_projects(folders: list[Path]) -> list[str]:
    return sorted({name for folder in folders for name in _projects_in(folder)})


def _projects_in(folder: Path) -> Iterator[str]:
    for name in _names_in(folder):
        if any((folder / name / manifest).is_file() for manifest in MANIFEST_NAMES):
            yield name


def _not_found(project: str, *, candidates: list[Path], others: Mapping[str, Path]) -> str:
    known = [*_existing_projects([candidate.parent for candidate in candidates]), *others]
    looked = ", ".join(str(candidate) for candidate in candidates)
    near = did_you_mean(project, known)
    there = f" Projects here: {', '.join(sorted(known))}." if known else ""
    hint = near or (there and "Correct the name.") or "Make it with: odibi init NAME"
    return f"Project {project!r} not found. Looked for a manifest in {looked}, and above.{there} {hint}"
