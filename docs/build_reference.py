"""Write the reference pages that are made from docstrings: ``python docs/build_reference.py``.

A test compares the pages in the repository with what this writes, so they cannot drift.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from odibi_core.plugin import RECORD_SCHEMA, RecordColumn, hookspecs
from odibi_core.runlog import RecordStatus

sys.path.insert(0, str(Path(__file__).parent))  # the tests load this file by its path
from plugin_tables import filled

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


def run_log_page() -> str:
    """Return the page of the run log with its table of columns as the code has them today."""
    page = (Path(__file__).parent / "reference" / "run-log.md").read_text(encoding="utf-8")
    rows = [f"| `{one.name}` | {one.type} | {'yes' if one.required else ''} | {one.meaning} |" for one in RECORD_SCHEMA]
    table = "\n".join(["| column | type | always there | meaning |", "|---|---|---|---|", *rows])
    return re.sub(
        r"(<!-- columns: .*? -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}{table}\n{match[2]}",
        page,
        flags=re.DOTALL,
    )


def record_schema() -> str:
    """Return the JSON Schema of a record, which is shipped with the kernel."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Run-log record of Odibi, version 1",
        "description": "A line of a JSON-lines log sink, or a line of type 'record' in a journal.",
        "type": "object",
        "properties": {column.name: _column_schema(column) for column in RECORD_SCHEMA},
        "required": [column.name for column in RECORD_SCHEMA if column.required],
    }
    return json.dumps(schema, indent=2) + "\n"


def _column_schema(column: RecordColumn) -> dict[str, object]:
    kind = {"string": "string", "integer": "integer", "float": "number", "timestamp": "string"}[column.type]
    schema: dict[str, object] = {"type": kind if column.required else [kind, "null"], "description": column.meaning}
    if column.type == "timestamp":
        schema["format"] = "date-time"
    if column.name == "status":
        schema["enum"] = [str(status) for status in RecordStatus]
    if column.name in ("seq", "attempt"):
        schema["minimum"] = 1
    return schema


def _author_page(path: Path) -> Callable[[], str]:
    return lambda: filled(path.read_text(encoding="utf-8"))


PAGES = {
    **{f"plugins/{path.name}": _author_page(path) for path in sorted((Path(__file__).parent / "plugins").glob("*.md"))},
    "reference/hooks.md": hooks_page,
    "reference/run-log.md": run_log_page,
    "../odibi_core/src/odibi_core/runlog/record.schema.json": record_schema,
}


def main() -> None:
    """Write every page."""
    folder = Path(__file__).parent
    for name, page in PAGES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
