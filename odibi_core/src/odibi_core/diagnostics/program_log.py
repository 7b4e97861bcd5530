"""The program's own log.

It goes through the standard library's logger ``odibi`` and its children, so an application configures it as any other
library's log. If nobody configured logging, warnings reach stderr and the rest is silent. Neither structlog's
configuration nor the root logger is ever touched. What one run wants otherwise is in `odibi_core.diagnostics.scopes`.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from odibi_core.diagnostics.formats import JsonFormatter, log_format, shown_values
from odibi_core.diagnostics.redaction import redact_value
from odibi_core.diagnostics.scopes import current_file, current_level, current_values

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

__all__ = ["StderrHandler", "get_logger"]

_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "exception": logging.ERROR,
    "critical": logging.CRITICAL,
    "fatal": logging.CRITICAL,
}
"""What structlog calls the levels of the standard library."""


@functools.cache
def get_logger(name: str) -> BoundLogger:
    """Return the program's log for one room, a structlog logger over the standard logger ``odibi.<name>``.

    Args:
        name: The room's name, such as ``"loading"``.

    Returns:
        A logger whose methods take an event and keywords; structlog is imported when the first line is really wanted.

    Example:
        >>> get_logger("loading").info("plugin skipped", plugin="acme", reason="blocked")
    """
    return _LazyLogger(f"odibi.{name}")  # type: ignore[return-value]  # it becomes one at the first attribute


class _LazyLogger:
    """Stands for a structlog logger until a line is wanted, because importing structlog takes a while."""

    def __init__(self, name: str) -> None:
        self._emitter = _Emitter(logging.getLogger(name))

    @functools.cached_property
    def _logger(self) -> BoundLogger:
        import structlog

        # Every argument is given, so that nothing is taken from the application's own structlog.configure().
        logger: BoundLogger = structlog.wrap_logger(
            self._emitter,
            processors=[
                _drop_unwanted,
                _add_context,
                structlog.stdlib.PositionalArgumentsFormatter(),
                structlog.processors.format_exc_info,
                _redact_values,
                _write_to_file,
                _render,
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
            context_class=dict,
            cache_logger_on_first_use=False,
        ).bind()
        return logger

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._logger, attribute)


def _saying(method: str, level: int) -> Callable[..., None]:
    def say(logger: _LazyLogger, /, *args: Any, **values: Any) -> None:
        if logger._emitter.is_wanted(level):  # noqa: SLF001  # this is a method
            getattr(logger._logger, method)(*args, **values)  # noqa: SLF001  # as above

    return say


for _method, _level in _LEVELS.items():
    # Methods, not __getattr__: a line that nobody wants takes 0.6 us, not 2.4, and each transformation has two.
    setattr(_LazyLogger, _method, _saying(_method, _level))


class _Emitter:
    """What structlog takes for a standard logger: it hands lines to one, by the run's level rather than its own."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        for method, level in _LEVELS.items():
            setattr(self, method, functools.partial(self._emit, level))
        self.isEnabledFor = self.is_wanted

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._logger, attribute)

    def is_shown(self, level: int) -> bool:
        wanted = current_level()
        if wanted is None:
            return self._logger.isEnabledFor(level)
        return level >= wanted and level > self._logger.manager.disable

    def is_wanted(self, level: int) -> bool:
        file = current_file()
        return (file is not None and level >= file.level) or self.is_shown(level)

    def _emit(self, level: int, message: str, *, extra: Mapping[str, Any]) -> None:
        logger = self._logger
        file, line, function = _caller()
        record = logger.makeRecord(logger.name, level, file, line, message, (), None, function, extra)
        if logger.hasHandlers() or logging.lastResort is None:
            logger.handle(record)
        elif current_level() is not None or level >= logging.lastResort.level:
            # The standard library's last resort shows warnings and worse, as text; somebody may have asked for more.
            _last_resort().handle(record)


def _last_resort() -> logging.Handler:
    try:
        is_json = log_format() == "json"
    except ValueError:
        is_json = False  # the command line says what is wrong with it; a line of the log must not raise
    return _json_on_stderr() if is_json else logging.lastResort or logging.NullHandler()


@functools.cache
def _json_on_stderr() -> logging.Handler:
    handler = StderrHandler()
    handler.setFormatter(JsonFormatter())
    return handler


class StderrHandler(logging.Handler):
    """Writes to what stderr is at that moment: a live display puts itself in front of it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            self.handleError(record)


def _caller() -> tuple[str, int, str]:
    frame = sys._getframe(1)  # noqa: SLF001  # as the standard library does
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).startswith(_OURS):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name


_OURS: Final = ("structlog", "odibi_core.diagnostics")


def _drop_unwanted(logger: Any, method: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if not logger.is_wanted(_LEVELS.get(method, logging.NOTSET)):
        from structlog import DropEvent

        raise DropEvent
    return event_dict


def _add_context(_logger: Any, _method: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {**current_values(), **event_dict}


def _redact_values(_logger: Any, _method: str, event_dict: MutableMapping[str, Any]) -> Mapping[str, Any]:
    masked: Mapping[str, Any] = redact_value(event_dict)
    return masked


def _write_to_file(logger: Any, method: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    file, level = current_file(), _LEVELS.get(method, logging.NOTSET)
    if file is not None and level >= file.level:
        file.write(logging.getLevelName(level).lower(), logger.name, {"event": "", **event_dict})
    if not logger.is_shown(level):
        from structlog import DropEvent

        raise DropEvent
    return event_dict


def _render(_logger: Any, _method: str, event_dict: MutableMapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    # One readable line for whoever has configured nothing; the values themselves ride along as `record.odibi`, for
    # whoever formats logs as JSON.
    values = {**event_dict}
    message = str(values.pop("event", ""))
    trace = values.pop("exception", None)
    line = f"{message} {shown_values(values)}" if values else message
    extra = {"odibi": {"event": message, **values, **({"exception": trace} if trace else {})}}
    return (f"{line}\n{trace}" if trace else line,), {"extra": extra}
