"""Write the reference pages that are made from docstrings: ``python docs/build_reference.py``.

A test compares the pages in the repository with what this writes, so they cannot drift.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path

from odibi_core.plugin import hookspecs

KINDS = (
    ("Provide", "odibi_register_"),
    ("Configure", ("odibi_configure", "odibi_unconfigure")),
    ("Run", "odibi_run_"),
    ("Observe", "odibi_"),
)


def hooks_page() -> str:
    """Return the page of all hooks, by kind, in the order of their definition."""
    lines = ["# Hooks", "", "<!-- made by docs/build_reference.py from the hookspecs' docstrings -->", ""]
    introduction = inspect.getdoc(hookspecs) or ""
    lines += [_as_markdown(introduction), ""]
    left = sorted(hookspecs.__all__, key=lambda name: inspect.getsourcelines(getattr(hookspecs, name))[1])
    for kind, prefix in KINDS:
        lines += [f"## {kind}", ""]
        for name in [name for name in left if name.startswith(prefix)]:
            left.remove(name)
            function = getattr(hookspecs, name)
            lines += [
                f"### `{name}({', '.join(inspect.signature(function).parameters)})`",
                "",
                _as_markdown(inspect.getdoc(function) or ""),
                "",
            ]
    return "\n".join(lines).rstrip() + "\n"


def _as_markdown(docstring: str) -> str:
    """Turn a docstring's literal blocks into fenced ones and the names of its sections into bold words."""
    text = re.sub(r"^Example:\n    (?=A whole plugin::)", "", docstring, flags=re.MULTILINE)
    text = re.sub(r"^(Args|Yields|Returns|Raises):$", r"**\1**\n", text, flags=re.MULTILINE)
    return re.sub(r"::\n\n((?: {4}.*(?:\n|$)|\n)+)", _fenced, text)


def _fenced(block: re.Match[str]) -> str:
    return f":\n\n```python\n{textwrap.dedent(block[1]).strip()}\n```\n\n"


PAGES = {"reference/hooks.md": hooks_page}


def main() -> None:
    """Write every page."""
    folder = Path(__file__).parent
    for name, page in PAGES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
