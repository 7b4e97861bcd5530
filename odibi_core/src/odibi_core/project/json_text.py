"""JSON text as data, with the line of every key and item."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import Any

from odibi_core.project.documents import KeyPath, Parsed, TextFault

__all__ = ["parse"]

_BLANKS = re.compile(r"[ \t\n\r]*")
_HINT = "JSON takes double quotes, no comments and no comma after the last item."


def parse(text: str) -> Parsed:
    """Read JSON text.

    Args:
        text: The text.

    Raises:
        TextFault: It is not JSON.
    """
    has_duplicates = False

    def to_mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal has_duplicates
        mapping = dict(pairs)
        has_duplicates = has_duplicates or len(mapping) != len(pairs)
        return mapping

    try:
        data = json.loads(text, object_pairs_hook=to_mapping)
    except json.JSONDecodeError as error:
        expected = error.msg[0].lower() + error.msg[1:].removesuffix(" at")
        message = f"Not valid JSON at column {error.colno}: {expected}."
        raise TextFault(message, line=error.lineno, suggestion=_HINT) from error
    except ValueError as error:  # a number of more digits than Python converts
        raise TextFault(f"Not valid JSON: {error}.") from error
    locator = _JsonLocator(text)
    return Parsed(data=data, locate=locator.locate, faults=locator.duplicates() if has_duplicates else [])


class _JsonLocator:
    """Finds lines in JSON text that is known to be valid.

    Values that are not looked into are passed over by json's own decoder, so that escapes, tabs and numbers need no
    second grammar here, and the items of a long list are found at the speed of C.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._decoder = json.JSONDecoder()
        self._line_ends: list[int] | None = None
        self._found: dict[int, dict[str | int, tuple[int, int]]] = {}

    def locate(self, path: KeyPath) -> int | None:
        """Return the line of the key or item at a path."""
        position = start = self._after_blanks(0)
        for part in path:
            if (found := self._lookup(start).get(part)) is None:
                break
            position, start = found
        return self._line(position)

    def duplicates(self) -> list[TextFault]:
        """Return a fault for each key that a mapping has twice."""
        faults: list[TextFault] = []
        waiting = [self._after_blanks(0)]
        while waiting:
            first: dict[str | int, int] = {}
            for key, position, start in self._entries_at(waiting.pop()):
                if key in first:
                    message = f"The key {key!r} is already there, in line {self._line(first[key])}."
                    faults.append(TextFault(message, line=self._line(position), suggestion="Keep one of the two."))
                first.setdefault(key, position)
                waiting.append(start)
        return sorted(faults, key=lambda fault: fault.line or 0)

    def _lookup(self, start: int) -> dict[str | int, tuple[int, int]]:
        if start not in self._found:
            self._found[start] = {key: (position, value) for key, position, value in self._entries_at(start)}
        return self._found[start]

    def _entries_at(self, start: int) -> list[tuple[str | int, int, int]]:
        """Return key, its offset and the value's offset for each entry of the mapping or list that starts here."""
        opening = self._text[start]
        return self._scan(start, is_mapping=opening == "{") if opening in "{[" else []

    def _scan(self, start: int, *, is_mapping: bool) -> list[tuple[str | int, int, int]]:
        text = self._text
        entries: list[tuple[str | int, int, int]] = []
        offset = self._after_blanks(start + 1)
        while text[offset] not in "}]":
            key: str | int = len(entries)
            position = value = offset
            if is_mapping:
                key, offset = self._decoder.raw_decode(text, offset)
                value = self._after_blanks(self._after_blanks(offset) + 1)
            entries.append((key, position, value))
            _, offset = self._decoder.raw_decode(text, value)
            offset = self._after_blanks(offset)
            if text[offset] == ",":
                offset = self._after_blanks(offset + 1)
        return entries

    def _after_blanks(self, offset: int) -> int:
        match = _BLANKS.match(self._text, offset)
        return offset if match is None else match.end()

    def _line(self, offset: int) -> int:
        if self._line_ends is None:
            self._line_ends = [match.start() for match in re.finditer("\n", self._text)]
        return bisect_right(self._line_ends, offset) + 1
