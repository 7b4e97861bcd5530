"""How a line of the program's own log looks: for people, or as JSON for whatever collects logs."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from odibi_core.diagnostics.redaction import redact

__all__ = ["ConsoleFormatter", "JsonFormatter", "json_line", "log_format", "log_formatter"]

_VARIABLE: Final = "ODIBI_LOG_FORMAT"
_FORMATS: Final = ("console", "json")


def json_line(level: str, logger: str, values: Mapping[str, Any], *, moment: datetime) -> str:
    """Return a line of the program's log as one JSON object on one line.

    Args:
        level: The level's name.
        logger: The logger's name.
        values: What was said, without secrets; its ``event`` comes first.
        moment: When.
    """
    head = {"timestamp": moment.isoformat(), "level": level.lower(), "logger": logger}
    return json.dumps({**head, **values, **head}, ensure_ascii=False, default=str, skipkeys=True)


class JsonFormatter(logging.Formatter):
    """Formats lines as JSON objects: ``timestamp``, ``level``, ``logger``, ``event``, and every value by its name.

    An application that configures logging itself gives it to a handler of its own.

    Example:
        >>> handler = logging.StreamHandler()
        >>> handler.setFormatter(JsonFormatter())
        >>> record = logging.makeLogRecord({"name": "odibi.running", "levelname": "INFO", "msg": "run started"})
        >>> json.loads(handler.format(record))["event"]
        'run started'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        values: Mapping[str, Any] | None = getattr(record, "odibi", None)
        if values is None:
            values = {"event": redact(record.getMessage())}
            if record.exc_info:
                values = {**values, "exception": redact(self.formatException(record.exc_info))}
        return json_line(record.levelname, record.name, values, moment=datetime.fromtimestamp(record.created, UTC))


class ConsoleFormatter(logging.Formatter):
    """Formats lines for people; what did not come through the program's own log has its secrets masked here."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = super().format(record)
        return line if hasattr(record, "odibi") else redact(line)


def log_format() -> str:
    """Return what ``ODIBI_LOG_FORMAT`` says: ``"console"`` (also if it says nothing) or ``"json"``.

    Raises:
        ValueError: It says something else.

    Example:
        >>> log_format()
        'console'
    """
    said = os.environ.get(_VARIABLE, "").strip().lower() or _FORMATS[0]
    if said not in _FORMATS:
        raise ValueError(f"{_VARIABLE} is {said!r}. It can be: {', '.join(_FORMATS)}.")
    return said


def log_formatter() -> logging.Formatter:
    """Return the formatter that ``ODIBI_LOG_FORMAT`` asks for.

    Raises:
        ValueError: There is no such format.
    """
    return JsonFormatter() if log_format() == "json" else ConsoleFormatter()
