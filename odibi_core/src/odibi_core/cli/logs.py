"""What ``-v`` and ``ODIBI_LOG_FORMAT`` show: what Odibi logs while it works, on stderr."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

__all__ = ["loader_silenced", "logged"]

_LOGGER: Final = "odibi"
_LEVELS: Final = (logging.WARNING, logging.INFO, logging.DEBUG)
"""By how often ``-v`` was given."""


@contextmanager
def logged(verbosity: int) -> Iterator[None]:
    """Print what Odibi, and a project's own functions, log inside the block: without secrets, with their run's id.

    Of what functions log, warnings and worse are shown, as wherever nobody has configured the standard library's
    logging. The root logger stays as it is.

    Args:
        verbosity: 0 for warnings, 1 for what is worth knowing, 2 and more for everything.

    Raises:
        ConfigError: ``ODIBI_LOG_FORMAT`` names no format.
    """
    from odibi_core.diagnostics.formats import ConsoleFormatter, log_formatter
    from odibi_core.diagnostics.program_log import StderrHandler
    from odibi_core.errors import ConfigError

    is_asked_for = bool(verbosity or os.environ.get("ODIBI_LOG_FORMAT"))
    try:
        formatter = log_formatter() if is_asked_for else ConsoleFormatter("%(message)s")
    except ValueError as error:
        raise ConfigError(str(error)) from error
    last_resort, logger = StderrHandler(logging.WARNING), logging.getLogger(_LOGGER)
    last_resort.setFormatter(formatter)
    before, logging.lastResort = logging.lastResort, last_resort
    try:
        with (
            _shown(logger, formatter, level=_LEVELS[min(verbosity, len(_LEVELS) - 1)])
            if is_asked_for
            else nullcontext()
        ):
            yield
    finally:
        logging.lastResort = before


@contextmanager
def _shown(logger: logging.Logger, formatter: logging.Formatter, *, level: int) -> Iterator[None]:
    from odibi_core.diagnostics.program_log import StderrHandler

    handler = StderrHandler()
    handler.setFormatter(formatter)
    before = logger.level
    logger.setLevel(level)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


@contextmanager
def loader_silenced() -> Iterator[None]:
    """Let the loader's warnings about plugins be, where the states of plugins are the answer itself."""
    logger = logging.getLogger(f"{_LOGGER}.loading")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
