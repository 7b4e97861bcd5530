"""How a line of the program's own log looks: for people, or as JSON for whatever collects logs."""

from __future__ import annotations

import json
import logging
import math
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from odibi_core.diagnostics.redaction import redact, redact_value
from odibi_core.diagnostics.scopes import current_values

__all__ = ["ConsoleFormatter", "JsonFormatter", "json_line", "log_format", "log_formatter", "shown_values"]

_VARIABLE: Final = "ODIBI_LOG_FORMAT"
_FORMATS: Final = ("console", "json")
_OWN_ATTRIBUTES: Final = frozenset(vars(logging.makeLogRecord({}))) | {"asctime", "message", "taskName"}
"""What every record of the standard library has; the rest is what somebody gave as ``extra``."""


def json_line(level: str, logger: str, values: Mapping[str, Any], *, moment: datetime) -> str:
    """Return a line of the program's log as one JSON object on one line, which every program can read.

    NaN and infinity, for which JSON has no word, are null; half a character, as in the name of a file that is no text,
    is escaped.

    Args:
        level: The level's name.
        logger: The logger's name.
        values: What was said, without secrets; its ``event`` comes first.
        moment: When.
    """
    head = {"timestamp": moment.isoformat(), "level": level.lower(), "logger": logger}
    line = {**head, **values, **head}
    try:
        text = _encode(line)
    except ValueError:
        text = _encode(_finite(line))
    return _storable(text)


_encode: Final = json.JSONEncoder(ensure_ascii=False, default=str, skipkeys=True, allow_nan=False).encode


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _storable(text: str) -> str:
    # A stream in UTF-8 refuses all of a line for it. What stands in its place means the same in JSON.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def shown_values(values: Mapping[str, Any]) -> str:
    """Return values as they follow a message in a line for people.

    Example:
        >>> shown_values({"rows": 3, "path": "a b", "layer": "Silver"})
        "rows=3 path='a b' layer=Silver"
    """
    return " ".join(f"{key}={_shown(value)}" for key, value in values.items())


def _shown(value: object) -> str:
    return value if isinstance(value, str) and value and not re.search(r"[\s=\"']", value) else repr(value)


class JsonFormatter(logging.Formatter):
    """Formats lines as JSON objects: ``timestamp``, ``level``, ``logger``, ``event``, and every value by its name.

    An application that configures logging itself gives it to a handler of its own. On the root logger's, it also makes
    lines of others name the run and the transformation that they are logged in, and masks the secrets in them.

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
            given = {name: value for name, value in vars(record).items() if name not in _OWN_ATTRIBUTES}
            said = {"event": redact(record.getMessage())}
            if record.exc_info:
                said["exception"] = redact(self.formatException(record.exc_info))
            values = {"event": "", **current_values(), **redact_value(given), **said}
        return json_line(record.levelname, record.name, values, moment=datetime.fromtimestamp(record.created, UTC))


class ConsoleFormatter(logging.Formatter):
    """Formats lines for people; what did not come through the program's own log is completed as by `JsonFormatter`.

    Args:
        line: What a line is made of, as the standard library's formatter takes it.
    """

    def __init__(self, line: str = "%(levelname)s %(name)s: %(message)s") -> None:
        super().__init__(line)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = _storable(super().format(record))
        return line if hasattr(record, "odibi") else redact(line)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the standard library's name
        """Return the line without a traceback."""
        line = super().formatMessage(record)
        return line if hasattr(record, "odibi") else f"{line} {shown_values(current_values())}".rstrip()


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
