"""Errors as text: what they say, and where they were raised."""

from __future__ import annotations

import traceback
from pathlib import Path

from odibi_core.diagnostics.redaction import as_text, redact

__all__ = ["describe_error", "error_location"]


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
