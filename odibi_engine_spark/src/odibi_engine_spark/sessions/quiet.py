"""PySpark's own loggers, which print an error with its whole Java trace on the screen before it is raised."""

from __future__ import annotations

import logging
import threading

__all__ = ["QUIET", "Quiet"]

_LOUD = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")


class Quiet:
    """Keeps them silent as long as somebody in this process wants it; what they print is in the error as well."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0

    def enter(self) -> None:
        """Silence them."""
        with self._lock:
            self._users += 1
            if self._users == 1:
                for logger in _loggers():
                    logger.addFilter(_nothing)

    def leave(self) -> None:
        """Let them talk again, when the last one leaves."""
        with self._lock:
            self._users -= 1
            if self._users == 0:
                for logger in _loggers():
                    logger.removeFilter(_nothing)


def _nothing(record: logging.LogRecord) -> bool:
    del record
    return False


def _loggers() -> list[logging.Logger]:
    from pyspark.logger import PySparkLogger

    return [PySparkLogger.getLogger(name) for name in _LOUD]


QUIET = Quiet()
