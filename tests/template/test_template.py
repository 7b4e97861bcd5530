"""`plugins/odibi_template` is what `odibi plugins new` writes, word by word."""

from __future__ import annotations

import ast
import doctest
import importlib
import sys
from pathlib import Path

import pytest

from odibi_core.authoring import make_plugin
from odibi_core.loading import PluginManager, PluginSettings

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "plugins" / "odibi_template"
WORK = {"__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", "build", "dist"}


def files_of(folder: Path) -> dict[str, str]:
    """Return the text of each file, but for what tools leave."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not WORK & set(path.parts) and not any(part.endswith(".egg-info") for part in path.parts)
    }


def test_template_is_what_the_command_writes(tmp_path: Path) -> None:
    nothing_installed = PluginManager(PluginSettings(discover=False)).freeze()
    make_plugin("odibi_template", kind="reader", path=tmp_path, manager=nothing_installed)

    again = "make it anew: remove plugins/odibi_template, then odibi plugins new odibi_template --kind reader --path plugins"
    assert files_of(TEMPLATE) == files_of(tmp_path / "odibi_template"), again


def test_template_is_not_active_where_it_is_developed() -> None:
    """It would be in every list and record; it is tested in an environment of its own."""
    from odibi_core.loading import list_plugins

    assert "odibi-template" not in {plugin["name"] for plugin in list_plugins()}


@pytest.mark.parametrize("module", ["odibi_template", "odibi_template.plugin", "odibi_template.reader"])
def test_examples_of_the_template_hold(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TEMPLATE / "src"))
    try:
        outcome = doctest.testmod(importlib.import_module(module))
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "odibi_template"]:
            del sys.modules[name]

    assert outcome.failed == 0


def test_template_imports_nothing_private_of_the_kernel() -> None:
    """import-linter looks at packages that are installed, and this one is not."""
    imported = {
        node.module
        for path in TEMPLATE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("odibi_")
    }

    assert imported <= {"odibi_core.plugin", "odibi_core.testing"} | {
        f"odibi_template.{name}" for name in ("contracts", "reader")
    }
