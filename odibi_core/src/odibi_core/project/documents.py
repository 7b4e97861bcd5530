"""Documents: JSON, YAML, TOML and CSV text as plain data, with the line of every key and item.

Whatever the format, the data is what JSON can say: mappings, lists, text, numbers, true, false and null. A date in
YAML or TOML is text, so a row means the same in each format.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from odibi_core.errors import Problem, did_you_mean

__all__ = ["SUFFIXES", "Document", "KeyPath", "Locator", "Parsed", "TextFault", "parse_text", "read_document"]

KeyPath: TypeAlias = Sequence[str | int]
"""Keys and indexes from the top of a document to a place in it."""

Locator: TypeAlias = Callable[[KeyPath], int | None]
"""Returns the line, counted from 1, of a key or item; of the nearest thing around it if it is not written."""

_PARSERS = {
    ".json": "json_text",
    ".yaml": "yaml_text",
    ".yml": "yaml_text",
    ".toml": "toml_text",
    ".csv": "csv_text",
}

SUFFIXES = tuple(_PARSERS)
"""The file suffixes that can be read."""


class TextFault(ValueError):  # noqa: N818 - never leaves the room: it becomes a Problem
    """Text that is not of its format.

    Args:
        message: What is wrong, as one sentence.
        line: The line, counted from 1.
        suggestion: What to do about it.
    """

    def __init__(self, message: str, *, line: int | None = None, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a parser of one format returns.

    Args:
        data: The data.
        locate: The line of a key or item.
        faults: What is wrong with text that can be read all the same, such as a key that is there twice.
    """

    data: Any
    locate: Locator
    faults: list[TextFault] = field(default_factory=list)


def _no_line(_path: KeyPath) -> int | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Data, and where each part of it is written.

    Args:
        file: The file's name for messages.
        data: The data.
        locator: The line of a key or item; without one, lines are unknown.

    Example:
        >>> document = Document(file="a.json", data={"tags": []})
        >>> str(document.problem("'tags' is empty.", path=("tags",)))
        "a.json: 'tags' is empty."
    """

    file: str
    data: Any
    locator: Locator = _no_line

    def locate(self, path: KeyPath = ()) -> int | None:
        """Return the line of a key or item, or of the nearest thing around it.

        Args:
            path: Keys and indexes from the top.
        """
        return self.locator(path)

    def problem(self, message: str, *, path: KeyPath = (), suggestion: str | None = None) -> Problem:
        """Return a problem at a place of this document.

        Args:
            message: What is wrong, as one sentence.
            path: Keys and indexes from the top.
            suggestion: What to do about it.
        """
        return Problem(message=message, file=self.file, line=self.locate(path), suggestion=suggestion or None)


def read_document(path: Path, *, file: str | None = None) -> tuple[Document | None, list[Problem]]:
    """Read a file as data; what is wrong with it is returned, not raised.

    Args:
        path: The file; its suffix says what format it has.
        file: Its name for messages; by default the path.

    Returns:
        The document, None if there is nothing to work with, and the problems.
    """
    shown = str(path) if file is None else file
    text, problem = _read_text(path, shown=shown)
    if text is None:
        return None, [] if problem is None else [problem]
    return parse_text(text, file=shown, suffix=path.suffix)


def parse_text(text: str, *, file: str, suffix: str) -> tuple[Document | None, list[Problem]]:
    """Read text as data; what is wrong with it is returned, not raised.

    Args:
        text: The text.
        file: Its name for messages.
        suffix: What format it has, such as ``".yaml"``; case does not matter.

    Returns:
        The document, None if there is nothing to work with, and the problems.

    Example:
        >>> document, problems = parse_text('{"tags": ["a"]}', file="a.json", suffix=".json")
        >>> document.data, problems
        ({'tags': ['a']}, [])
        >>> _, problems = parse_text('{"tags": [}', file="a.json", suffix=".json")
        >>> problems[0].line
        1
    """
    parser = _PARSERS.get(suffix.lower())
    if parser is None:
        hint = did_you_mean(suffix, SUFFIXES)
        message = f"A file with the suffix {suffix!r} cannot be read; the suffixes are {', '.join(SUFFIXES)}."
        return None, [Problem(message=message, file=file, suggestion=hint or None)]
    if not text.strip():
        return None, [Problem(message="The file is empty.", file=file)]
    parse = importlib.import_module(f"odibi_core.project.{parser}").parse
    try:
        parsed: Parsed = parse(text)
    except TextFault as fault:
        return None, [_as_problem(fault, file=file)]
    except RecursionError:
        return None, [Problem(message="The data is nested too deeply to be read.", file=file)]
    document = Document(file=file, data=parsed.data, locator=parsed.locate)
    return document, [_as_problem(fault, file=file) for fault in parsed.faults]


def _as_problem(fault: TextFault, *, file: str) -> Problem:
    return Problem(message=fault.message, file=file, line=fault.line, suggestion=fault.suggestion)


def _read_text(path: Path, *, shown: str) -> tuple[str | None, Problem | None]:
    try:
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "not a regular file"
            return None, Problem(message=f"A file is expected here, but this is {kind}.", file=shown)
        content = path.read_bytes()
    except FileNotFoundError:
        return None, Problem(message="There is no such file.", file=shown)
    except OSError as error:
        return None, Problem(message=f"The file cannot be read: {error.strerror or error}.", file=shown)
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        return None, _encoding_problem(content, error=error, shown=shown)


def _encoding_problem(content: bytes, *, error: UnicodeDecodeError, shown: str) -> Problem:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem(message="The file is UTF-16, not UTF-8.", file=shown, suggestion="Save it as UTF-8.")
    before = content[: error.start]
    line = before.count(b"\n") + 1
    column = error.start - (before.rfind(b"\n") + 1) + 1
    message = f"The file is not UTF-8: byte 0x{content[error.start]:02x} at column {column}."
    return Problem(message=message, file=shown, line=line, suggestion="Save it as UTF-8.")
