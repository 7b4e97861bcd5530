"""Where a command's answer goes: one JSON document, text for people, or text for pipes."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TextIO

import click  # noqa: TID253 - there is no command line without it

__all__ = ["COLOURS", "Output", "describe_count", "describe_path", "describe_rows", "describe_seconds", "describe_time"]

COLOURS: Final[Mapping[str, str]] = {
    "SUCCESS": "green",
    "FAILED": "red",
    "SKIPPED": "yellow",
    "REUSED": "blue",
    "ABORTED": "yellow",
    "RUNNING": "cyan",
    "PLANNED": "cyan",
    "active": "green",
    "failed": "red",
    "incompatible": "red",
    "blocked": "yellow",
    "ok": "green",
    "error": "red",
    "warning": "yellow",
}
"""The colour of a word that stands by itself in a table or at the start of a line."""

_NARROWEST: Final = 20
_LONGEST_LINE: Final = 10_000
"""Characters. More than that nobody reads, and a terminal takes long to show it; ``--json`` has all."""


@dataclass(slots=True)
class Output:
    """The answer's way out. On a terminal text is coloured and wrapped; anywhere else it is neither.

    Args:
        stdout: Where the answer goes.
        as_json: Whether the answer is one JSON document and nothing else.
        quiet: Whether remarks are left out.
        lost: Why the answer does not get through any more.
    """

    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    as_json: bool = False
    quiet: bool = False
    lost: OSError | None = None

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at it, on something that can move its cursor."""
        return not self.as_json and self.stdout.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")

    @property
    def has_colour(self) -> bool:
        """Whether it is a terminal, and nobody asked for no colours."""
        return self.is_terminal and not os.environ.get("NO_COLOR")

    @property
    def width(self) -> int | None:
        """The columns of the terminal; None where lines may be as long as they are."""
        return max(shutil.get_terminal_size().columns, _NARROWEST) if self.is_terminal else None

    def document(self, data: Any) -> None:
        """Print data as the one JSON document of this command."""
        is_unicode = (getattr(self.stdout, "encoding", None) or "").lower().startswith("utf")
        with self._noting_loss():
            self.stdout.write(json.dumps(data, indent=2, ensure_ascii=not is_unicode, default=str) + "\n")
            self.stdout.flush()

    def line(self, text: str = "", *, indent: int = 0, hanging: int = 0) -> None:
        """Print a line, wrapped on a terminal.

        Args:
            text: The text; line breaks in it are kept.
            indent: Blanks before it.
            hanging: Further blanks before the lines that follow from wrapping.
        """
        for one in self._wrapped(text, indent, hanging):
            self._write(self._coloured(one))

    def heading(self, text: str) -> None:
        """Print a line that begins something."""
        for one in self._wrapped(text, 0, 2):
            self._write(click.style(one, bold=True))

    def _wrapped(self, text: str, indent: int, hanging: int) -> Iterator[str]:
        from odibi_core.diagnostics import shortened

        before, after, width = " " * indent, " " * (indent + hanging), self.width
        for one in (shortened(line, longest=_LONGEST_LINE) for line in text.splitlines() or [""]):
            if width is None or len(before) + len(one) <= width:
                yield before + one if one else ""
            else:
                width = max(width, len(after) + _NARROWEST)
                yield from textwrap.wrap(
                    one, width, initial_indent=before, subsequent_indent=after, break_on_hyphens=False
                )

    def remark(self, text: str = "", *, indent: int = 0) -> None:
        """Print a line that nobody asked for, unless told to be quiet."""
        if not self.quiet:
            self.line(text, indent=indent)

    def table(
        self,
        headings: Sequence[str],
        rows: Sequence[Sequence[object]],
        *,
        whole: Sequence[int] = (0,),
        right: Sequence[int] = (),
    ) -> None:
        """Print a table: fitted to the terminal, or with columns as wide as they need to be.

        Args:
            headings: The names of the columns.
            rows: The cells; None is shown as nothing.
            whole: The columns that are not broken, as far as the terminal is wide enough: what people copy.
            right: The columns that are aligned to the right.
        """
        from odibi_core.diagnostics import shortened

        cells = [["" if cell is None else " ".join(shortened(str(cell)).split()) for cell in row] for row in rows]
        if self.is_terminal:
            from odibi_core.cli.terminal import print_table

            print_table(self, headings, cells, whole=whole, right=right)
            return
        widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
        for row in ([heading.upper() for heading in headings], *cells):
            parts = [
                cell.rjust(width) if position in right else cell.ljust(width)
                for position, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            self._write("  ".join(parts).rstrip())

    def _write(self, line: str) -> None:
        # Where colours are not wanted, click takes out those in messages of other programs too.
        with self._noting_loss():
            click.echo(line, file=self.stdout, color=self.has_colour)

    @contextmanager
    def _noting_loss(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.lost = error
            raise

    def _coloured(self, line: str) -> str:
        word = line.split(maxsplit=1)[0] if line.strip() else ""
        colour = COLOURS.get(word)
        return line if colour is None else line.replace(word, click.style(word, fg=colour), 1)

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Let nothing but the document reach stdout: what a project's code prints goes to stderr instead.

        Programs that the project's code starts write to the file descriptor, so that is turned around too.
        """
        sys.stdout.flush()
        saved, stdout = sys.stdout, self.stdout
        copy = _turn_around(saved)
        if copy is None:
            sys.stdout = sys.stderr
        else:
            encoding, errors = saved.encoding, saved.errors
            self.stdout = os.fdopen(os.dup(copy), "w", encoding=encoding, errors=errors)
        try:
            yield
        finally:
            if copy is None:
                sys.stdout = saved
            else:
                saved.flush()
                os.dup2(copy, 1)
                os.close(copy)
                with suppress(OSError):
                    self.stdout.close()
            self.stdout = stdout


def _turn_around(stdout: TextIO) -> int | None:
    """Let descriptor 1 be stderr and return a copy of what it was; None if this stdout is not descriptor 1."""
    try:
        if stdout.fileno() != 1:
            return None
        copy = os.dup(1)
    except (OSError, ValueError, AttributeError):
        return None
    try:
        os.dup2(2, 1)
    except OSError:
        os.close(copy)
        return None
    return copy


def describe_rows(rows: int | None) -> str:
    """Return a number of rows in words; empty if it is not known.

    Example:
        >>> describe_rows(336776), describe_rows(1), describe_rows(None)
        ('336,776 rows', '1 row', '')
    """
    return "" if rows is None else describe_count(rows, "row")


def describe_count(count: int, noun: str) -> str:
    """Return a number of things in words.

    Example:
        >>> describe_count(2, "problem")
        '2 problems'
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def describe_seconds(seconds: float | None) -> str:
    """Return a duration as short as is useful; empty if it is not known.

    Example:
        >>> describe_seconds(0.0312), describe_seconds(75.2), describe_seconds(3725)
        ('0.03 s', '1 min 15 s', '1 h 2 min')
    """
    if seconds is None:
        return ""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"  # noqa: PLR2004 - three digits either way
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def describe_path(location: str | None) -> str:
    """Return a location as it is best written where the command was started; empty if there is none.

    Example:
        >>> describe_path("s3://bucket/sales"), describe_path(None)
        ('s3://bucket/sales', '')
    """
    if not location:
        return ""
    from odibi_core.diagnostics import redact

    path, here = Path(location), Path.cwd()
    if not path.is_absolute():
        return redact(location)
    return str(path.relative_to(here)) if path.is_relative_to(here) else location


def describe_time(stamp: str | None) -> str:
    """Return an ISO 8601 stamp in UTC as local time, to the minute; empty if there is none.

    Example:
        >>> len(describe_time("2026-11-21T21:30:00.123456+00:00"))
        16
    """
    return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M") if stamp else ""
