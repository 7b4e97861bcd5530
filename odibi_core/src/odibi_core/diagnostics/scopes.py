"""What holds for the log lines of one run and not for those of another: its level, its file, its values.

All of it is in context variables: it belongs to the block that sets it, on its thread and on threads that are started
with a copy of its context, and to nobody else.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from odibi_core.diagnostics.log_file import LogFile

__all__ = ["current_file", "current_level", "current_values", "level_number", "log_context", "log_level", "log_to_file"]

_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_values: ContextVar[Mapping[str, Any]] = ContextVar("odibi_log_context", default={})  # noqa: B039  # never changed, only replaced
_level: ContextVar[int | None] = ContextVar("odibi_log_level", default=None)
_file: ContextVar[LogFile | None] = ContextVar("odibi_log_file", default=None)

current_values = _values.get
"""The values of the blocks of `log_context` around the caller."""

current_level = _level.get
"""The level of the innermost block of `log_level`; None leaves it to the standard library."""

current_file = _file.get
"""The file of the innermost block of `log_to_file`; None if there is none."""


@contextmanager
def log_context(**values: Any) -> Iterator[None]:
    """Add values, such as the run's id, to every line that this thread or task logs inside the block.

    They are bound for structlog too if it is imported, so lines that a function of the project logs by itself name its
    run and transformation: structlog shows them unless it was told not to (``structlog.contextvars``).

    Args:
        values: What to add; a value of an outer block with the same name is hidden.

    Example:
        >>> from odibi_core.diagnostics import get_logger
        >>> with log_context(run_id="r1", transformation_id="t1"):
        ...     get_logger("running").info("attempt failed")
    """
    merged = {**_values.get(), **values}
    token = _values.set(merged)
    bound: Mapping[str, Any] = {}
    # structlog is not imported for this: that takes 0.1 s, and who uses it has imported it with the project's modules.
    structlog: Any = sys.modules.get("structlog.contextvars")
    try:
        # Another thread may be at importing it.
        if hasattr(structlog, "bind_contextvars") and hasattr(structlog, "reset_contextvars"):
            bound = structlog.bind_contextvars(**merged)
        yield
    finally:
        if bound:
            structlog.reset_contextvars(**bound)
        _values.reset(token)


@contextmanager
def log_level(level: str | int | None) -> Iterator[None]:
    """Show what this thread or task logs inside the block from a level on, whatever the application has set.

    The application's handlers, and their own levels, stay in force. If there are none, lines go to stderr.

    Args:
        level: A level of the standard library, by name or number; None changes nothing.

    Raises:
        ValueError: There is no such level.

    Example:
        >>> from odibi_core.diagnostics import get_logger
        >>> with log_level("error"):
        ...     get_logger("running").warning("this line is not shown")
    """
    token = _level.set(_level.get() if level is None else level_number(level))
    try:
        yield
    finally:
        _level.reset(token)


@contextmanager
def log_to_file(file: LogFile | None) -> Iterator[None]:
    """Write what this thread or task logs inside the block to a file as well, whatever level is shown.

    Args:
        file: The file, with the level from which on it takes lines; it is closed at the end. None changes nothing.
    """
    if file is None:
        yield
        return
    token = _file.set(file)
    try:
        yield
    finally:
        _file.reset(token)
        file.close()


def level_number(level: str | int) -> int:
    """Return the number of a level.

    Args:
        level: A level of the standard library, by name, in any case, or number.

    Raises:
        ValueError: There is no such level.

    Example:
        >>> level_number("info"), level_number(30)
        (20, 30)
    """
    if isinstance(level, int) and not isinstance(level, bool):
        return level
    name = level.strip().upper() if isinstance(level, str) else ""
    if name not in _LEVELS:
        raise ValueError(f"{level!r} is no log level. The levels are: {', '.join(_LEVELS)}.")
    return int(getattr(logging, name))
