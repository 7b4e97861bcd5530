"""What ``-v`` and ``ODIBI_LOG_FORMAT`` show: what Odibi logs while it works, on stderr."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["loader_silenced", "logged"]

_LOGGER: Final = "odibi"
_LEVELS: Final = (logging.WARNING, logging.INFO, logging.DEBUG)
"""By how often ``-v`` was given."""


@contextmanager
def logged(verbosity: int) -> Iterator[None]:
    """Print what Odibi logs inside the block.

    Args:
        verbosity: 0 for warnings, 1 for what is worth knowing, 2 and more for everything.

    Raises:
        ConfigError: ``ODIBI_LOG_FORMAT`` names no format.
    """
    from odibi_core.diagnostics.formats import log_formatter
    from odibi_core.diagnostics.program_log import StderrHandler
    from odibi_core.errors import ConfigError

    handler = StderrHandler()
    try:
        handler.setFormatter(log_formatter())
    except ValueError as error:
        raise ConfigError(str(error)) from error
    logger = logging.getLogger(_LOGGER)
    before = logger.level
    logger.setLevel(_LEVELS[min(verbosity, len(_LEVELS) - 1)])
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
