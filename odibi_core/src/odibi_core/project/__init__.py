"""The project model: from the text of a manifest and of rows to a checked project."""

from __future__ import annotations

from odibi_core.project.connections import open_connection
from odibi_core.project.discovery import find_manifest, locate_project
from odibi_core.project.manifest import LayerConfig, PluginChoices, ProjectManifest, ProjectType, RetryConfig, Warehouse
from odibi_core.project.manifest_checks import validate_manifest
from odibi_core.project.names import project_slug
from odibi_core.project.plugin_choices import plugin_settings_for
from odibi_core.project.plugin_options import checked_options, resolve_options
from odibi_core.project.project import (
    Project,
    ProjectReading,
    plugin_manager_for,
    read_project,
    read_project_with_plugins,
)
from odibi_core.project.rows import TransformationRow
from odibi_core.project.scaffolding import initialize_project
from odibi_core.project.schema import project_schema
from odibi_core.project.secrets import resolve_secrets

__all__ = [
    "LayerConfig",
    "PluginChoices",
    "Project",
    "ProjectManifest",
    "ProjectReading",
    "ProjectType",
    "RetryConfig",
    "TransformationRow",
    "Warehouse",
    "checked_options",
    "find_manifest",
    "initialize_project",
    "locate_project",
    "open_connection",
    "plugin_manager_for",
    "plugin_settings_for",
    "project_schema",
    "project_slug",
    "read_project",
    "read_project_with_plugins",
    "resolve_options",
    "resolve_secrets",
    "validate_manifest",
]
