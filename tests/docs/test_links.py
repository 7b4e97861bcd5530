"""Links from one page to another lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

LINK = re.compile(r"\[[^]]*\]\((?!https?:|mailto:)([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made on the web."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_of_the_page_resolve(doc_page: Path) -> None:
    broken = []
    for link in LINK.findall(doc_page.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = doc_page.parent / name if name else doc_page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []
