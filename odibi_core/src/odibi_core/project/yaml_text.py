"""YAML text as data, with the line of every key and item.

The dialect is PyYAML's safe one with four differences, each for data that would otherwise change without a word:
a date is text, ``12:30`` is text and not 750, ``0123`` is text and not 83, and ``1e5`` is a number.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import yaml  # noqa: TID253 - documents.py imports this module when YAML is read, and for nothing else

from odibi_core.project.documents import KeyPath, Locator, Parsed, TextFault

if TYPE_CHECKING:
    from yaml import SafeLoader as FastLoader
else:
    FastLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

__all__ = ["parse"]

_MOST_EXPANDED_NODES = 5_000_000
"""Aliases of aliases can make a few lines mean billions of items; ten thousand rows have some 300,000."""

_DEEPEST = 200
"""libyaml's composer calls itself for each level and takes the process down at some 20,000 (PyYAML 6.0.3)."""

_FLOW = re.compile(r"[\[\]{}]")
_DEEP_BLOCK = re.compile(rf"(?:[-?:] +){{{_DEEPEST}}}|^ {{{5 * _DEEPEST}}}", re.MULTILINE)

_TAG = "tag:yaml.org,2002:"


class _DataLoader(FastLoader):
    """PyYAML's safe loader for data that JSON can say, which notices keys that are there twice."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.faults: list[TextFault] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Build a mapping, after a look at its keys as they are written: merging changes them."""
        if isinstance(node, yaml.MappingNode):
            keys = [(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            if len(set(keys)) != len(keys):
                self._note_duplicates(node)
        return super().construct_mapping(node, deep=deep)

    def _note_duplicates(self, node: yaml.MappingNode) -> None:
        first: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if (key.tag, key.value) in first:
                message = f"The key {key.value!r} is already there, in line {first[key.tag, key.value]}."
                self.faults.append(TextFault(message, line=line, suggestion="Keep one of the two."))
            first.setdefault((key.tag, key.value), line)


def _refuse(_loader: _DataLoader, node: yaml.Node) -> Any:
    raise yaml.constructor.ConstructorError(
        None, None, f"a value of the type {node.tag.removeprefix(_TAG)!r} has no counterpart in JSON", node.start_mark
    )


def _set_up_dialect() -> None:
    _DataLoader.yaml_implicit_resolvers = {}
    for tag, pattern, first in (
        ("bool", r"^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$", "yYnNtTfFoO"),
        ("int", r"^[-+]?(?:0|[1-9][0-9_]*|0b[0-1_]+|0x[0-9a-fA-F_]+)$", "-+0123456789"),
        (
            "float",
            (
                r"^(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?"
                r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
            ),
            "-+.0123456789",
        ),
        ("merge", r"^<<$", "<"),
        ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ):
        _DataLoader.add_implicit_resolver(_TAG + tag, re.compile(pattern), list(first))
    for tag in ("binary", "omap", "pairs", "set", "timestamp"):
        _DataLoader.add_constructor(_TAG + tag, _refuse)


_set_up_dialect()


def parse(text: str) -> Parsed:
    """Read YAML text of one document.

    Args:
        text: The text.

    Raises:
        TextFault: It is not YAML, holds several documents, or data that JSON cannot say.
    """
    _check_depth(text)
    try:
        loader = _DataLoader(text)
        try:
            root = loader.get_single_node()
            if root is None:
                raise TextFault("The file holds nothing but comments.")
            if "&" in text:
                _check_aliases(root)
            data = loader.construct_document(root)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        raise _as_fault(error) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise TextFault(f"Not valid YAML: a character that YAML does not allow ({error.reason}).", line=line) from error
    except TextFault:
        raise
    except ValueError as error:  # a number of more digits than Python converts
        raise TextFault(f"Not valid YAML: {error}.") from error
    return Parsed(data=data, locate=_locator(root), faults=sorted(loader.faults, key=lambda fault: fault.line or 0))


def _as_fault(error: yaml.MarkedYAMLError) -> TextFault:
    mark = error.problem_mark or error.context_mark
    line, column = (None, None) if mark is None else (mark.line + 1, mark.column + 1)
    problem = error.problem or "it cannot be read"
    if "single document" in (error.context or ""):
        message = "The file holds more than one YAML document."
        return TextFault(message, line=line, suggestion="Remove the '---' between them, or use one file for each.")
    hint = None
    if "cannot start any token" in problem:
        hint = "YAML is indented with blanks, not tabs, and text that begins with @, ` or % needs quotes."
    elif "mapping values are not allowed" in problem:
        hint = "Text with a colon and a blank in it needs quotes."
    context = f"{error.context}: " if error.context else ""
    return TextFault(f"Not valid YAML at column {column}: {context}{problem}.", line=line, suggestion=hint)


def _check_depth(text: str) -> None:
    depth = 0
    deep = _DEEP_BLOCK.search(text)
    for match in _FLOW.finditer(text):
        depth = depth + 1 if match[0] in "[{" else max(0, depth - 1)
        if depth > _DEEPEST:
            deep = match
            break
    if deep is not None:
        line = text.count("\n", 0, deep.start()) + 1
        raise TextFault(f"The data is nested more than {_DEEPEST} levels deep.", line=line)


def _check_aliases(root: yaml.Node) -> None:
    """Refuse aliases that contain themselves, or that expand to more than anybody has written."""
    sizes: dict[int, int] = {}
    open_nodes: set[int] = set()

    def size(node: yaml.Node) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        key = id(node)
        if key in sizes:
            return sizes[key]
        line = node.start_mark.line + 1
        if key in open_nodes:
            raise TextFault("The value of an anchor contains its own alias.", line=line)
        open_nodes.add(key)
        children = node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
        sizes[key] = 1 + sum(size(child) for child in children)
        open_nodes.discard(key)
        if sizes[key] > _MOST_EXPANDED_NODES:
            raise TextFault(f"Aliases make this more than {_MOST_EXPANDED_NODES:,} values.", line=line)
        return sizes[key]

    size(root)


def _locator(root: yaml.Node) -> Locator:
    def locate(path: KeyPath) -> int | None:
        node, line = root, root.start_mark.line
        for part in path:
            if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line
            elif isinstance(node, yaml.MappingNode):
                found = [pair for pair in node.value if pair[0].value == str(part)]
                if not found:
                    break
                line = found[-1][0].start_mark.line
                node = found[-1][1]
            else:
                break
        return int(line) + 1

    return locate
