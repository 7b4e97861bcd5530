"""Every page of the documentation is a case of the tests that take a ``doc_page``."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATTERNS = ("*.md", "[!.]*/README.md", "plugins/*/README.md", "examples/*/README.md", "docs/**/*.md")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "doc_page" in metafunc.fixturenames:
        pages = sorted({page for pattern in PATTERNS for page in ROOT.glob(pattern)})
        metafunc.parametrize("doc_page", pages, ids=[str(page.relative_to(ROOT)) for page in pages])
