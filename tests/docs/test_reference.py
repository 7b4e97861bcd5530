"""Pages made from docstrings are what the docstrings say today."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
_spec = importlib.util.spec_from_file_location("build_reference", DOCS / "build_reference.py")
build_reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(build_reference)


@pytest.mark.parametrize("name", build_reference.PAGES)
def test_page_is_up_to_date(name):
    page = build_reference.PAGES[name]()

    assert (DOCS / name).read_text(encoding="utf-8") == page, "run: python docs/build_reference.py"


def test_every_hook_has_its_heading():
    from odibi_core.plugin import hookspecs

    page = (DOCS / "reference" / "hooks.md").read_text(encoding="utf-8")

    assert all(f"### `{name}(" in page for name in hookspecs.__all__)
