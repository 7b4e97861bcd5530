"""A clean process-wide registry, and projects made of real files."""

from __future__ import annotations

import sys
import textwrap

import pytest

from odibi_core.functions import REGISTRY, clear_context


@pytest.fixture(autouse=True)
def clean_registry():
    """The process-wide registry is empty for a test, and afterwards what it was."""
    before = REGISTRY.list_all()
    REGISTRY.clear()
    clear_context()
    yield REGISTRY
    REGISTRY.clear()
    clear_context()
    for entry in before:
        REGISTRY.register(entry.name, entry.engine, entry.function, **entry.metadata)


@pytest.fixture
def project(tmp_path):
    """Write modules as files of a project: `project("name", {"silver/functions.py": source})` returns its root."""
    roots = []

    def write(name="project", files=None):
        root = tmp_path / name
        roots.append(root)
        for path, source in (files or {}).items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(textwrap.dedent(source), encoding="utf-8")
        root.mkdir(exist_ok=True)
        return root

    yield write
    for module_name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if any(file.startswith(str(root)) for root in roots):
            del sys.modules[module_name]
