"""The project reference names every key that there is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from odibi_core.project.ingestion import INGESTION_COLUMNS
from odibi_core.project.manifest import LayerConfig, PluginChoices, ProjectManifest, Warehouse
from odibi_core.project.transformations import TRANSFORMATION_COLUMNS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "project.md"


def describe_default(field: FieldInfo) -> str:
    """Write a default as the page does: as YAML on one line."""
    default = "required" if field.is_required() else field.default
    if default is None or default == "":
        return "empty" if default == "" else "none"
    if isinstance(default, PluginChoices):
        default = default.model_dump(exclude_defaults=True)
    elif isinstance(default, BaseModel):
        default = default.model_dump()
    plain = str(default) if isinstance(default, str) else default
    text = yaml.safe_dump(plain, default_flow_style=True, sort_keys=False, width=999).removesuffix("...\n").strip()
    return text if text == "required" else f"`{text}`"


@pytest.mark.parametrize("model", [LayerConfig, PluginChoices, ProjectManifest, Warehouse])
def test_every_key_of_the_manifest_is_described(model: type[BaseModel]) -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [key for key in model.model_fields if f"`{key}`" not in page] == []


@pytest.mark.parametrize(
    ("key", "field"), [pytest.param(key, field, id=key) for key, field in ProjectManifest.model_fields.items()]
)
def test_default_of_a_key_is_the_one_that_is_described(key: str, field: FieldInfo) -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert f"| `{key}` | {describe_default(field)} |" in page


@pytest.mark.parametrize("columns", [TRANSFORMATION_COLUMNS, INGESTION_COLUMNS], ids=["transformation", "ingestion"])
def test_every_column_of_a_row_is_described(columns: frozenset[str]) -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [column for column in sorted(columns) if f"`{column}`" not in page] == []
