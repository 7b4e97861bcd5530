"""The five types of project, and the manifest that each begins with."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Any

from odibi_core.errors import ConfigError, did_you_mean

__all__ = ["ProjectType", "project_type_of", "template"]


class ProjectType(StrEnum):
    """What kind of project it is; decides what a new one begins with and nothing else."""

    MANUFACTURING = "manufacturing"
    ANALYTICS = "analytics"
    ML_PIPELINE = "ml_pipeline"
    DATA_INTEGRATION = "data_integration"
    CUSTOM = "custom"


_LAYERS: dict[ProjectType, dict[str, str]] = {
    ProjectType.MANUFACTURING: {
        "Bronze": "Raw data as it arrived",
        "Silver_1": "Cleaned data of each source",
        "Silver_2": "Sources joined, with units and limits applied",
        "Gold_1": "Figures per asset",
        "Gold_2": "Figures per plant",
    },
    ProjectType.ANALYTICS: {
        "Bronze": "Raw data as it arrived",
        "Silver": "Cleaned and joined data",
        "Gold": "Figures for reports",
    },
}

_LABELS = {
    ProjectType.MANUFACTURING: ("plant", "asset", "equipment"),
    ProjectType.ANALYTICS: ("domain", "subdomain", "metric"),
}

_TITLES = {
    ProjectType.MANUFACTURING: "Manufacturing Data Pipeline",
    ProjectType.ANALYTICS: "Analytics Pipeline",
}


def project_type_of(value: str) -> ProjectType:
    """Return the project type of a word.

    Args:
        value: One of the five values; case and surrounding blanks do not matter.

    Raises:
        ConfigError: There is no such type.

    Example:
        >>> project_type_of("Analytics")
        <ProjectType.ANALYTICS: 'analytics'>
    """
    try:
        return ProjectType(str(value).strip().lower())
    except ValueError:
        choices = sorted(choice.value for choice in ProjectType)
        text = f"Project type {str(value)!r} does not exist. There are: {', '.join(choices)}."
        raise ConfigError(f"{text} {did_you_mean(str(value), choices)}".strip()) from None


def template(project_name: str, *, project_type: ProjectType) -> dict[str, Any]:
    """Return the manifest, as plain data, that a project of a type begins with.

    ``transformation_modules`` stays empty: rows name their modules, and those are what a plan imports.

    Args:
        project_name: The project's name.
        project_type: Its type.

    Example:
        >>> template("Churn", project_type=ProjectType.ANALYTICS)["layer_order"]
        ['Bronze', 'Silver', 'Gold']
    """
    labels = _LABELS.get(project_type, ("category_1", "category_2", "category_3"))
    manifest: dict[str, Any] = {
        "project_name": project_name,
        "project_type": project_type.value,
        "description": f"{project_name} - {_TITLES.get(project_type, 'Data Pipeline')}",
        "layer_order": ["Bronze", "Silver", "Gold"],
        "entity_labels": dict(zip(("entity_1", "entity_2", "entity_3"), labels, strict=True)),
    }
    if layers := _LAYERS.get(project_type):
        before: dict[str, list[str]] = {after: [layer] for layer, after in pairwise(layers)}
        manifest["layer_order"] = list(layers)
        manifest["layers"] = {
            name: {"name": name, "description": text, "depends_on": before.get(name, [])}
            for name, text in layers.items()
        }
    return manifest
