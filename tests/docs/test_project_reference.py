"""The project reference names every key that there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from odibi_core.project.ingestion import INGESTION_COLUMNS
from odibi_core.project.manifest import LayerConfig, PluginChoices, ProjectManifest, Warehouse
from odibi_core.project.transformations import TRANSFORMATION_COLUMNS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "project.md"


@pytest.mark.parametrize("model", [LayerConfig, PluginChoices, ProjectManifest, Warehouse])
def test_every_key_of_the_manifest_is_described(model: type[BaseModel]) -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [key for key in model.model_fields if f"`{key}`" not in page] == []


@pytest.mark.parametrize("columns", [TRANSFORMATION_COLUMNS, INGESTION_COLUMNS], ids=["transformation", "ingestion"])
def test_every_column_of_a_row_is_described(columns: frozenset[str]) -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [column for column in sorted(columns) if f"`{column}`" not in page] == []
