"""The kernel's own plugin. It is always there, cannot be disabled, and is not in the list of plugins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from odibi_core.plugin import (
    ConnectionSpec,
    ProjectTask,
    SecretProviderSpec,
    TransformationOutcome,
    TransformationTask,
    hookimpl,
)

__all__ = [
    "odibi_register_connections",
    "odibi_register_secret_providers",
    "odibi_run_project",
    "odibi_run_transformation",
]


@hookimpl
def odibi_register_connections() -> Iterator[ConnectionSpec]:
    """Yield the connections that need nothing but a file system."""
    yield ConnectionSpec(
        name="local",
        factory="odibi_core.project.connections:LocalConnection",
        summary="A folder of this machine, given as path",
        options_model="odibi_core.project.connection_options:LocalOptions",
    )
    yield ConnectionSpec(
        name="package",
        factory="odibi_core.project.connections:PackageConnection",
        summary="Data files inside an installed Python package, found without importing it",
        options_model="odibi_core.project.connection_options:PackageOptions",
    )


@hookimpl
def odibi_register_secret_providers() -> Iterator[SecretProviderSpec]:
    """Yield the environment."""
    yield SecretProviderSpec(
        name="env",
        factory="odibi_core.loading.secrets:EnvironmentSecrets",
        summary="Environment variables",
    )


@hookimpl(trylast=True)
def odibi_run_project(task: ProjectTask) -> Any:
    """Do the default steps."""
    return task.execute()


@hookimpl(trylast=True)
def odibi_run_transformation(task: TransformationTask) -> TransformationOutcome:
    """Do the default steps."""
    return task.execute()
