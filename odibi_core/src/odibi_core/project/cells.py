"""The cells of one row, read by type: text from a CSV or SQL cell and data from YAML or JSON come out the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from odibi_core.errors import Problem, did_you_mean
from odibi_core.project.documents import Document
from odibi_core.project.model_problems import describe

__all__ = ["Cells", "is_blank"]

_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_DIGITS = re.compile(r"[0-9]+")


def is_blank(value: object) -> bool:
    """Return whether a cell says nothing: it is missing, null, or text without a character.

    Args:
        value: The cell.
    """
    return value is None or (isinstance(value, str) and not value.strip())


class Cells:
    """One row's cells. What is wrong with one becomes a problem, and its reading is what an empty cell would give.

    Args:
        raw: The row, by column.
        document: Where it is from.
        path: Where in the document.
        label: What to call the row in messages until its id is known.
    """

    __slots__ = ("_document", "_faults", "_label", "_path", "_raw", "_written", "problems")

    def __init__(self, raw: Mapping[str, Any], *, document: Document, path: tuple[str | int, ...], label: str) -> None:
        self._raw = raw
        self._document = document
        self._path = path
        self._label = label
        self._written: dict[str, str] = {}
        self._faults: list[tuple[str | None, str]] = []
        self.problems: list[Problem] = []

    def rename(self, aliases: Mapping[str, str]) -> None:
        """Let columns have other names; messages keep the name that was written.

        Args:
            aliases: Other names, and what each means.
        """
        found = [name for name in aliases if name in self._raw]
        raw = {name: value for name, value in self._raw.items() if name not in found}
        for name in found:
            column = aliases[name]
            if not is_blank(raw.get(column)) and not is_blank(self._raw[name]):
                other = self._written.get(column, column)
                self.fault(f"{name!r} and {other!r} mean the same.", column=name, suggestion="Keep one of them.")
            elif is_blank(raw.get(column)):
                raw[column] = self._raw[name]
                self._written[column] = name
        self._raw = raw

    def called(self, column: str) -> str:
        """Return the quoted name by which a column was written.

        Args:
            column: The column.
        """
        return repr(self._written.get(column, column))

    def name_after(self, column: str, *, noun: str) -> str | None:
        """Read the row's id, and call the row by it from now on.

        Args:
            column: The id's column.
            noun: What kind of row it is.
        """
        value = self.required(column)
        if value is not None and not value.isprintable():
            self.fault(
                f"{self.called(column)} is {describe(value)}, which holds a character that cannot be shown.",
                column=column,
            )
            return None
        if value is not None:
            self._label = f"{noun} {value!r}"
        return value

    def fault(self, message: str, *, column: str | None = None, suggestion: str | None = None) -> None:
        """Note a problem of this row.

        Args:
            message: What is wrong, as one sentence that names the column.
            column: The column, for the line.
            suggestion: What to do about it.
        """
        self._faults.append((column, f"{message} {suggestion or ''}".rstrip()))
        path = self._path if column is None else (*self._path, self._written.get(column, column))
        text = f"{self._label}: {message}"
        self.problems.append(self._document.problem(text, path=path, suggestion=suggestion))

    def faults_of(self, columns: Iterable[str]) -> str | None:
        """Return what is wrong with the row, if nothing is wrong with it but what some of its cells hold.

        Args:
            columns: The columns of those cells.

        Returns:
            The sentences; None if there are none, or some about something else.
        """
        if not self._faults or not {column for column, _ in self._faults} <= set(columns):
            return None
        return " ".join(message for _, message in self._faults)

    def refuse_unknown(self, known: Iterable[str], *, meant: Mapping[str, str]) -> None:
        """Note each column that is not known.

        Args:
            known: The columns that are.
            meant: Columns of earlier formats, and what they are called now.
        """
        for column in self._raw:
            if column in known:
                continue
            name = str(column)
            hint = f"It is called {meant[name]!r} here." if name in meant else did_you_mean(name, known)
            self.fault(
                f"Unknown column {name!r}.", column=name, suggestion=hint or f"Columns: {', '.join(sorted(known))}."
            )

    def has(self, column: str) -> bool:
        """Return whether a cell says something.

        Args:
            column: The column.
        """
        return not is_blank(self._raw.get(column))

    def text(self, column: str) -> str | None:
        """Return a cell's text without surrounding blanks, None if it is empty.

        Args:
            column: The column.
        """
        value = self._raw.get(column)
        if value is None:
            return None
        if isinstance(value, str):
            return value.strip() or None
        hint = "Put it in quotes." if isinstance(value, int | float) else None
        self.fault(f"{self.called(column)} must be text, but is {describe(value)}.", column=column, suggestion=hint)
        return None

    def required(self, column: str) -> str | None:
        """Return a cell's text; an empty one is a problem.

        Args:
            column: The column.
        """
        if not self.has(column):
            self.fault(f"{self.called(column)} is missing.", column=column)
            return None
        return self.text(column)

    def flag(self, column: str, *, default: bool) -> bool:
        """Return a cell that is true or false, 1 or 0, yes or no.

        Args:
            column: The column.
            default: What an empty cell means.
        """
        value = self._raw.get(column)
        if isinstance(value, bool):
            return value
        if is_blank(value):
            return default
        found = _FLAGS.get(str(value).strip().lower()) if isinstance(value, str | int) else None
        if found is None:
            message = f"{self.called(column)} must be true or false, but is {describe(value)}."
            self.fault(message, column=column, suggestion="Write true or false, 1 or 0, yes or no.")
            return default
        return found

    def whole_number(self, column: str, *, default: int) -> int:
        """Return a cell that is a whole number, 0 or more.

        Args:
            column: The column.
            default: What an empty cell means.
        """
        value = self._raw.get(column)
        if type(value) is int and value >= 0:
            return value
        if is_blank(value):
            return default
        if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
            return int(value)
        self.fault(f"{self.called(column)} must be a whole number, 0 or more, but is {describe(value)}.", column=column)
        return default

    def mapping(self, column: str) -> dict[str, Any]:
        """Return a cell that is a mapping, or text that is one in JSON; an empty cell is an empty mapping.

        Args:
            column: The column.
        """
        value = self._data(column, starts=None)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return dict(value)
        self.fault(f"{self.called(column)} must be a mapping, but is {describe(value)}.", column=column)
        return {}

    def datasets(self, column: str) -> tuple[str | Mapping[str, Any], ...]:
        """Return a cell that is a list of names and mappings, or one of them.

        Args:
            column: The column.
        """
        value = self._data(column, starts=("[", "{", '"'))
        if value is None:
            return ()
        items = value if isinstance(value, list | tuple) else [value]
        for item in items:
            if isinstance(item, str | Mapping) and item and not is_blank(item):
                continue
            shown = "empty" if is_blank(item) or item == {} else describe(item)
            self.fault(
                f"{self.called(column)} must list names and mappings, but one of them is {shown}.", column=column
            )
            return ()
        return tuple(items)

    def words(self, column: str) -> tuple[str, ...]:
        """Return a cell that is a list of words; text is a JSON list, or words between commas.

        Args:
            column: The column.
        """
        value = self._data(column, starts=("[",))
        if value is None:
            return ()
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            self.fault(f"{self.called(column)} must be a list of texts, but is {describe(value)}.", column=column)
            return ()
        for item in items:
            if not isinstance(item, str):
                message = f"{self.called(column)} must be a list of texts, but one of them is {describe(item)}."
                hint = "Put it in quotes." if isinstance(item, int | float) else None
                self.fault(message, column=column, suggestion=hint)
                return ()
        return tuple(word for item in items if (word := item.strip()))

    def _data(self, column: str, *, starts: tuple[str, ...] | None) -> Any:
        """Return a cell's data; text is read as JSON, if it starts in one of these ways where some are given."""
        value = self._raw.get(column)
        if is_blank(value):
            return None
        if not isinstance(value, str):
            return value
        text = value.strip()
        if starts is not None and not text.startswith(starts):
            return text
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            reason = error.msg[0].lower() + error.msg[1:].removesuffix(" at")
            message = f"{self.called(column)} is not valid JSON: {reason} at character {error.pos + 1}."
        except (ValueError, RecursionError) as error:
            message = f"{self.called(column)} is not valid JSON: {error}."
        self.fault(message, column=column)
        return None
