"""What ``-v`` shows: what Odibi logs while it works, on stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["loader_silenced", "logged"]

_LOGGER: Final = "odibi"


class _StderrHandler(logging.Handler):
    """Writes to what stderr is at that moment: a live display puts itself in front of it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            self.handleError(record)


@contextmanager
def logged(verbosity: int) -> Iterator[None]:
    """Print what Odibi logs inside the block.

    Args:
        verbosity: 1 for what is worth knowing, 2 and more for everything.
    """
    handler = _StderrHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger(_LOGGER)
    before = logger.level
    logger.setLevel(logging.INFO if verbosity == 1 else logging.DEBUG)
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
