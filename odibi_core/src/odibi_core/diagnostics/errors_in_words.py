"""Errors as text: what they say, and where they were raised."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Final

from odibi_core.diagnostics.redaction import as_text, redact

__all__ = ["describe_error", "error_location", "shortened"]

_LONGEST: Final = 2000
_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What moves a terminal's cursor, or turns the direction of writing; line ends and tabs do no harm."""


def describe_error(error: BaseException) -> str:
    """Return an error's type and message as one text, with secrets masked.

    Args:
        error: Any exception, also one that cannot be printed.

    Example:
        >>> describe_error(ValueError("bad url http://u:p@host"))
        'ValueError: bad url http://u:***@host'
    """
    message = redact(as_text(error))
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def error_location(error: BaseException, *, root: Path | None = None) -> str | None:
    """Return where an error was raised, as ``file:line``, or None if that is not known.

    Args:
        error: An exception that was caught.
        root: Only frames inside this folder count, and the file is named relative to it.

    Example:
        >>> try:
        ...     compile("x = (", "silver/functions.py", "exec")
        ... except SyntaxError as error:
        ...     error_location(error)
        'silver/functions.py:1'
    """
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno or 1))
    if root is not None:
        for file, line in reversed(places):
            if Path(file).is_relative_to(root):
                return f"{Path(file).relative_to(root).as_posix()}:{line}"
        return None
    return f"{places[-1][0]}:{places[-1][1]}" if places else None


def shortened(text: str, /, *, longest: int = _LONGEST) -> str:
    r"""Return a text as people can read it, such as the message of somebody else's error.

    An error may say megabytes. The run log has all of it; a screen, a notebook and the message of another error have
    the beginning and how much is left out. Colours are left out, and what would move the cursor is spelled out.

    Args:
        text: Any text.
        longest: How many characters of it are kept.

    Example:
        >>> shortened("row 7: \x00\x1b[2J")
        'row 7: \\x00\\x1b[2J'
        >>> shortened("x" * 10_000_000)[1990:]
        'xxxxxxxxxx ... (9,998,000 more characters)'
    """
    shown = _UNSEEN.sub(lambda match: repr(match[0])[1:-1], _COLOUR.sub("", text[:longest]))
    return shown if len(text) <= longest else f"{shown} ... ({len(text) - longest:,} more characters)"
