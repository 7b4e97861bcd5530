"""The files of a new plugin, as text: templates of this package, with the names put in."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template
from typing import Final

from odibi_core.authoring.design import Design
from odibi_core.authoring.kinds import KINDS
from odibi_core.loading.provided import ANY_ENGINE

__all__ = ["plugin_files"]

_SUFFIX: Final = ".template"
"""So that nobody takes one for a module of the kernel: no linter, no type checker, no import."""


def plugin_files(design: Design) -> dict[str, str]:
    """Return the text of each file of a new plugin, by its path in the plugin's folder.

    Args:
        design: What the plugin will be.
    """
    values = _values(design)
    templates = files("odibi_core.authoring").joinpath("templates")
    found = {
        path.replace("PACKAGE", design.names.package): Template(text).substitute(values)
        for folder in (*KINDS[design.kind].templates, design.kind.value)
        for path, text in _read(templates.joinpath(folder))
    }
    return dict(sorted(found.items()))


def _read(folder: Traversable, parents: str = "") -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _read(entry, f"{parents}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield parents + entry.name.removesuffix(_SUFFIX), entry.read_text(encoding="utf-8")


def _values(design: Design) -> dict[str, str]:
    kind = KINDS[design.kind]
    requirements = sorted(filter(None, (kind.dependency, design.engine_requirement)))
    return {
        "distribution": design.names.distribution,
        "package": design.names.package,
        "kind": design.kind.value,
        "subject": design.subject,
        "title": design.title,
        "engine": design.engine,
        "format": design.data_format,
        "summary": kind.summary.format(subject=design.subject),
        "dependencies": "".join(f'    "{requirement}",\n' for requirement in requirements),
        "contracts": ", ".join(kind.contracts),
        "contract_names": ", ".join(f'"{name}"' for name in kind.contracts),
        "untyped": _UNTYPED if kind.has_data else "",
        **(_OF_ANY_ENGINE if design.engine == ANY_ENGINE else _OF_ONE_ENGINE),
    }


_UNTYPED: Final = """
[[tool.mypy.overrides]]
module = ["pyarrow.*"]
ignore_missing_imports = true
"""

_OF_ANY_ENGINE: Final = {
    "imports": "ExecutionEngine",
    "arrow_import": "import pyarrow as pa\n",
    "keeping": "del engine  # rows leave as Arrow, which every engine takes",
    "frame": "pa.Table",
    "returned": "table",
    "keeping_saver": "del engine  # rows come as Arrow, which every engine gives",
    "given_as": ", as an Arrow stream",
    "given": "frame",
}
_OF_ONE_ENGINE: Final = {
    "imports": "ExecutionEngine, Frame",
    "arrow_import": "",
    "keeping": "self._engine = engine",
    "frame": "Frame",
    "returned": "self._engine.from_arrow(table)",
    "keeping_saver": "self._engine = engine",
    "given_as": ", as a frame of the engine",
    "given": "self._engine.to_arrow(frame)",
}
