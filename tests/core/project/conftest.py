"""A project's files, written as a test needs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odibi_core.loading import PluginManager, PluginSettings

WriteProject = Callable[..., Path]


@pytest.fixture
def kernel() -> PluginManager:
    """A manager with nothing but the kernel's own plugin."""
    return PluginManager(PluginSettings(discover=False)).freeze()


@pytest.fixture
def write_project(tmp_path: Path) -> WriteProject:
    """Write files below one folder and return its manifest; text is written as it is, data as JSON."""

    def write(manifest: Any = None, **files: Any) -> Path:
        folder = tmp_path / "project"
        contents = {
            "manifest.json": {"project_name": "Sales", "layer_order": ["Bronze", "Silver", "Gold"]}
            if manifest is None
            else manifest,
            **files,
        }
        for name, content in contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return folder / "manifest.json"

    return write


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    """A transformation row that is right, with some cells changed."""

    def make(**cells: Any) -> dict[str, Any]:
        return {
            "transformation_id": "clean",
            "layer": "Silver",
            "module": "silver.sales",
            "function": "clean",
            **cells,
        }

    return make
