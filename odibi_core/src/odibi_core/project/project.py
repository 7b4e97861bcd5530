"""A project: its manifest and its rows, read and checked together."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from odibi_core.errors import Problem, ValidationFailed
from odibi_core.project.discovery import find_manifest, locate_project
from odibi_core.project.manifest import ProjectManifest
from odibi_core.project.manifest_reading import ManifestReading, read_manifest
from odibi_core.project.plugin_choices import plugin_settings_for, refuse_drift, settings_of_reading
from odibi_core.project.plugin_options import check_plugin_options, needs_plugins, store_type
from odibi_core.project.row_reading import RowScope
from odibi_core.project.row_sources import RowsReading, read_file_rows, read_store_rows
from odibi_core.project.rows import TransformationRow

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager

__all__ = ["Project", "ProjectReading", "plugin_manager_for", "read_project", "read_project_with_plugins"]


@dataclass(slots=True)
class Project:
    """A project that was read.

    Args:
        name: Its name, as the manifest has it.
        root: Its folder, absolute.
        manifest: Its manifest.
        manifest_path: The manifest's file, absolute.
        rows: Its rows, of every environment, enabled or not: ingestion first, each in the order of its file.
    """

    name: str
    root: Path
    manifest: ProjectManifest
    manifest_path: Path
    rows: tuple[TransformationRow, ...] = field(default=(), repr=False)

    @property
    def state_dir(self) -> Path:
        """Where Odibi keeps what it knows about runs."""
        return self.root / ".odibi"

    def rows_for(self, env: str) -> tuple[TransformationRow, ...]:
        """Return the rows of an environment, and those of every environment, disabled ones too.

        Args:
            env: The environment; case does not matter.
        """
        wanted = env.casefold()
        return tuple(row for row in self.rows if row.environment is None or row.environment.casefold() == wanted)

    def manager(self) -> PluginManager:
        """Return the plugins that this project uses: those installed, as environment and manifest allow.

        Raises:
            PluginLockError: The manifest says ``plugins: {lock: true}``, and they are not those of the lock.
        """
        return plugin_manager_for(self.manifest, root=self.root)

    @classmethod
    def load(cls, where: str | Path = ".", *, manager: PluginManager | None = None) -> Self:
        """Read a project.

        Args:
            where: Its name, its folder or any folder inside it, or its manifest.
            manager: The plugins; by default those installed, as environment and manifest allow.

        Raises:
            ProjectNotFoundError: There is no manifest.
            ValidationFailed: Something is wrong; all of it, with file and line, is in ``problems``.
        """
        reading = read_project(locate_project(where), manager=manager)
        if reading.project is None or reading.problems:
            raise ValidationFailed(reading.problems, what=str(where))
        found = reading.project
        return cls(found.name, found.root, found.manifest, found.manifest_path, found.rows)

    @classmethod
    def without_rows(cls, manifest_path: Path) -> Self:
        """Read a project's manifest and nothing else: what is wrong with its rows must not hide what has run.

        Args:
            manifest_path: The manifest, absolute.

        Raises:
            ValidationFailed: The manifest cannot be read.
        """
        manifest = ProjectManifest.from_file(manifest_path)
        return cls(manifest.project_name, manifest_path.parent, manifest, manifest_path)


@dataclass(slots=True)
class ProjectReading:
    """What could be read of a project.

    Args:
        project: The project, without what is wrong with it; None if the manifest cannot be read.
        problems: What is wrong, in the order of files and lines.
    """

    project: Project | None
    problems: list[Problem] = field(default_factory=list)


def read_project(manifest_path: Path, *, manager: PluginManager | None = None) -> ProjectReading:
    """Read a project and check everything that can be checked without running it.

    Rows come from ``config/ingestion.*`` and ``config/transformations.*``, or from the manifest's ``config_store``; the
    files are then not read.

    Args:
        manifest_path: The manifest.
        manager: The plugins; by default those installed, as environment and manifest allow, if any are needed.

    Returns:
        The project and all problems; wrong content is never raised.
    """
    path = Path(os.path.normpath(Path(manifest_path).absolute()))
    reading = read_manifest(path)
    if reading.manifest is None:
        return ProjectReading(None, reading.problems)
    if manager is None and needs_plugins(reading.manifest):
        manager = _manager_of(reading, root=path.parent)
    return ProjectReading(*_assemble(path, reading=reading, manifest=reading.manifest, manager=manager))


def read_project_with_plugins(
    project: str | Path | None = None,
    *,
    manifest_path: str | Path | None = None,
    start: Path | None = None,
    manager: PluginManager | None = None,
) -> tuple[Project, tuple[Problem, ...], PluginManager]:
    """Find and read a project, together with the plugins it uses.

    Args:
        project: Its name, its folder or any folder inside it; None means the working folder.
        manifest_path: Its manifest, where it is not to be looked for.
        start: The folder to look from; by default the working folder.
        manager: The plugins; by default those installed, as environment and manifest allow.

    Returns:
        The project without what is wrong with it, what is wrong, and the plugins.

    Raises:
        ProjectNotFoundError: There is no manifest.
        ValidationFailed: The manifest cannot be read.
        PluginLockError: The manifest says ``plugins: {lock: true}``, and the plugins are not those of the lock.
    """
    if manifest_path is None:
        found = locate_project(project, start=start)
    else:
        found = find_manifest(manifest_path=manifest_path)
    reading = read_manifest(found)
    if reading.manifest is None:
        raise ValidationFailed(reading.problems, what=str(found))
    if manager is None:
        plugins = _manager_of(reading, root=found.parent)
    else:
        plugins = manager
        refuse_drift(reading.manifest, root=found.parent, manager=plugins)
    read, problems = _assemble(found, reading=reading, manifest=reading.manifest, manager=plugins)
    return read, tuple(problems), plugins


def plugin_manager_for(manifest: ProjectManifest, *, root: Path) -> PluginManager:
    """Return the plugins that a manifest uses: those installed, as the environment and its ``plugins`` allow.

    Args:
        manifest: The manifest.
        root: The project's folder, where its lock is.

    Raises:
        PluginLockError: The manifest says ``plugins: {lock: true}``, and the plugins are not those of the lock.
    """
    from odibi_core.loading import get_manager

    return get_manager(plugin_settings_for(manifest, root=root))


def _manager_of(reading: ManifestReading, *, root: Path) -> PluginManager:
    from odibi_core.loading import PluginSettings, get_manager

    return get_manager(settings_of_reading(reading, root=root, settings=PluginSettings.from_environment()))


def _assemble(
    path: Path, *, reading: ManifestReading, manifest: ProjectManifest, manager: PluginManager | None
) -> tuple[Project, list[Problem]]:
    """Return the project of a manifest that could be read, and all problems, those of the manifest first."""
    root = path.parent
    problems = list(reading.problems)
    if manager is not None:
        problems += check_plugin_options(manifest, document=reading.document, manager=manager, root=root)
        problems.sort(key=lambda problem: problem.line or 0)
    rows = _read_rows(manifest, root=root, broken=reading.broken, manager=manager)
    problems += [*rows.problems, *_duplicates(rows.rows)]
    return Project(manifest.project_name, root, manifest, path, tuple(rows.rows)), problems


def _read_rows(
    manifest: ProjectManifest, *, root: Path, broken: Iterable[str], manager: PluginManager | None
) -> RowsReading:
    scope = RowScope.of(manifest, broken=broken)
    if store_type(manifest) is None or manager is None:
        return read_file_rows(root, scope=scope)
    return read_store_rows(
        manifest.config_store or {},
        project=manifest.project_name,
        environments=manifest.environments,
        root=root,
        scope=scope,
        manager=manager,
    )


def _duplicates(rows: Iterable[TransformationRow]) -> list[Problem]:
    """Return a problem for each row whose id another row of the same environment has; no environment means all."""
    problems = []
    seen: dict[str, list[TransformationRow]] = defaultdict(list)
    for row in rows:
        for other in seen[row.transformation_id]:
            if None in (row.environment, other.environment) or row.environment == other.environment:
                where = f"{other.file}:{other.line}" if other.line else str(other.file)
                env = row.environment or other.environment
                problems.append(
                    Problem(
                        message=f"The id {row.transformation_id!r} is already used in {where}"
                        f"{f' for the environment {env!r}' if env else ''}.",
                        file=row.file,
                        line=row.line,
                        suggestion="Ids are unique in a project and environment: rename one of the two.",
                    )
                )
                break
        seen[row.transformation_id].append(row)
    return problems
