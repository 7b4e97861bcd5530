"""TOML text as data, with the line of every key and table."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from odibi_core.project.documents import KeyPath, Parsed, TextFault

__all__ = ["parse"]

_WHERE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")
_KEY = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
_DOTTED = re.compile(rf"[ \t]*({_KEY}(?:[ \t]*\.[ \t]*{_KEY})*)")
_PART = re.compile(_KEY)
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'" r"|#[^\n]*|[\[\]{}\n]",
    re.DOTALL,
)


def parse(text: str) -> Parsed:
    """Read TOML text.

    Args:
        text: The text.

    Raises:
        TextFault: It is not TOML.
    """
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, and a number of more digits than Python converts
        reason = str(error)
        found = _WHERE.search(reason)
        expected = _WHERE.sub("", reason)
        expected = expected[:1].lower() + expected[1:]
        if found is None:
            raise TextFault(f"Not valid TOML: {expected}.") from error
        if found[1] is None:
            raise TextFault(f"Not valid TOML at the end: {expected}.", line=text.count("\n") + 1) from error
        raise TextFault(f"Not valid TOML at column {found[2]}: {expected}.", line=int(found[1])) from error
    return Parsed(data=_without_dates(data), locate=_TomlLocator(text).locate)


def _without_dates(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_dates(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value


class _TomlLocator:
    """Finds lines in TOML text that is known to be valid.

    Lines are those of statements: a key inside a value of several lines has the line on which the value begins.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: dict[tuple[str | int, ...], int] | None = None

    def locate(self, path: KeyPath) -> int | None:
        """Return the line of the nearest statement for a path."""
        if self._lines is None:
            self._lines = self._index()
        wanted = tuple(path)
        return next((line for end in range(len(wanted), 0, -1) if (line := self._lines.get(wanted[:end]))), 1)

    def _index(self) -> dict[tuple[str | int, ...], int]:
        lines: dict[tuple[str | int, ...], int] = {}
        tables: dict[tuple[str | int, ...], int] = {}  # how many items each array of tables has so far
        table: tuple[str | int, ...] = ()
        for line, statement in self._statements():
            brackets = len(statement) - len(statement.lstrip("[")) if statement.startswith("[") else 0
            keys = _keys(statement[brackets:])
            if not brackets:
                self._note(lines, path=table, keys=keys, line=line)
                continue
            table = ()
            for key in keys[:-1]:
                table = (*table, key)
                lines.setdefault(table, line)
                if table in tables:
                    table = (*table, tables[table] - 1)
            table = (*table, keys[-1])
            lines.setdefault(table, line)
            if brackets > 1:
                tables[table] = tables.get(table, 0) + 1
                table = (*table, tables[table] - 1)
                lines[table] = line
        return lines

    @staticmethod
    def _note(
        lines: dict[tuple[str | int, ...], int], *, path: tuple[str | int, ...], keys: list[str], line: int
    ) -> None:
        for key in keys:
            path = (*path, key)
            lines.setdefault(path, line)

    def _statements(self) -> Iterator[tuple[int, str]]:
        """Yield each header and each key with the line it is on; a value of several lines is passed over."""
        start, line, depth, first_line = 0, 1, 0, 1
        for match in _TOKEN.finditer(self._text + "\n"):
            mark = match[0]
            if mark in "[{":
                depth += 1
            elif mark in "]}":
                depth -= 1
            elif mark == "\n" and depth == 0:
                statement = self._text[start : match.start()].strip()
                if statement and not statement.startswith("#"):
                    yield first_line, statement
                start, first_line = match.end(), line + 1
            line += mark.count("\n")


def _keys(statement: str) -> list[str]:
    match = _DOTTED.match(statement)
    parts = _PART.findall(match[1]) if match else []
    return [next(iter(tomllib.loads(f"{part} = 0"))) if part[0] in "\"'" else part for part in parts]
