"""A project on disk and an engine whose frames are lists of rows: the kernel, tested without any data library."""

from __future__ import annotations

import importlib.util
import json
import sys
import textwrap
from pathlib import Path

import pytest

from odibi_core.loading import PluginManager, PluginSettings

ENGINE_FILE = Path(__file__).with_name("rows_engine.py")


@pytest.fixture(autouse=True)
def keep_our_modules():
    """A scaffolded project has a package ``tests`` too, and while it is open that one is meant."""
    ours = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "tests"}
    yield
    sys.modules.update(ours)


@pytest.fixture
def rows_engine(monkeypatch):
    """The registration module of the engines ``rows`` and ``rows2``, importable as ``rows_engine``."""
    spec = importlib.util.spec_from_file_location("rows_engine", ENGINE_FILE)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "rows_engine", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def manager(rows_engine):
    """The kernel with the engines of `rows_engine` and nothing that is installed."""
    manager = PluginManager(PluginSettings(discover=False))
    manager.register(rows_engine, name="rows-engine")
    return manager.freeze()


@pytest.fixture
def make_project(tmp_path):
    """Write a project: ``make_project(rows, manifest={...}, functions={"silver/functions.py": "..."})``."""

    def make(rows=(), *, manifest=None, functions=None, files=None, ingestion=None, name="Shop"):
        root = tmp_path / "project"
        given = {
            "project_name": name,
            "layer_order": ["Bronze", "Silver", "Gold"],
            "environments": ["qat", "prod"],
            "default_env": "qat",
            "default_engine": "rows",
            "warehouse": {"path": "data", "format": "json"},
        }
        given.update(manifest or {})
        write(root / "manifest.json", json.dumps(given, indent=2))
        defaults = {"layer": "Silver", "module": "steps"}
        write(root / "config/transformations.json", json.dumps([{**defaults, **row} for row in rows], indent=2))
        if ingestion is not None:
            write(root / "config/ingestion.json", json.dumps(ingestion, indent=2))
        for path, text in {**(functions or {}), **(files or {})}.items():
            write(root / path, textwrap.dedent(text))
        return root

    def write(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return make
