"""A new project: a folder that runs as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from odibi_core.errors import ConfigError
from odibi_core.project.manifest import ProjectManifest
from odibi_core.project.names import check_project_name
from odibi_core.project.new_folder import write_folder
from odibi_core.project.scaffold_files import scaffold_files
from odibi_core.project.templates import ProjectType

__all__ = ["initialize_project"]

_BASE = "projects"


def initialize_project(
    project_name: str,
    project_type: ProjectType | str = ProjectType.CUSTOM,
    base_path: str | Path | None = None,
    *,
    description: str | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Make a project: a folder with a manifest, sample data and functions that run unedited on every engine.

    The folder appears whole or not at all.

    Args:
        project_name: The project's name; its folder is the name in lower case with underscores.
        project_type: One of the five types, or its value.
        base_path: The folder of the projects; by default ``projects`` in the working folder.
        description: What the project does; by default the type's own words.
        overwrite: Write the files again if the project exists; others in its folder stay.

    Returns:
        ``project_name``, ``project_slug``, ``project_path``, ``manifest_path``, ``created_files``, ``layer_order`` and
        ``next_steps``, five sentences. Paths are text, relative if ``base_path`` is.

    Raises:
        ConfigError: The project exists, the name cannot be that of a folder, there is no such type, or the folder
            cannot be written. Nothing was changed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     made = initialize_project("Customer Churn", "analytics", folder)
        >>> made["project_slug"], made["layer_order"]
        ('customer_churn', ['Bronze', 'Silver', 'Gold'])
    """
    slug = check_project_name(project_name)
    manifest = ProjectManifest.create_template(project_name.strip(), project_type)
    # Sample functions run on every engine; where several are installed, one has to be named.
    manifest.default_engine = "pandas"
    if description is not None:
        manifest.description = description
    base = Path(_BASE) if base_path is None else Path(base_path)
    target = base / slug
    if target.exists() and not (overwrite and target.is_dir()):
        over = "Choose another name, or overwrite it: overwrite=True, --overwrite on the command line."
        hint = over if target.is_dir() else "Remove it first."
        raise ConfigError(f"Project {project_name!r} already exists: there is {target}. {hint}")
    files = scaffold_files(manifest)
    try:
        write_folder(target, files=files)
    except OSError as error:
        raise ConfigError(f"Project {project_name!r} cannot be written to {target}: {error}.") from error
    return {
        "project_name": manifest.project_name,
        "project_slug": slug,
        "project_path": str(target),
        "manifest_path": str(target / "manifest.json"),
        "created_files": [str(target / name) for name in files],
        "layer_order": list(manifest.layer_order),
        "next_steps": [
            f"Go to the project's folder: cd {target}",
            "See what it does: config/ingestion.yaml and config/transformations.yaml",
            "Check it: odibi validate",
            f"Run it: odibi run --env {manifest.default_env}",
            "Make it yours: put data into landing/ and functions into transformations/",
        ],
    }
