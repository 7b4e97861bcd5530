"""The program's own log during one run: from which level on it is shown, and where its lines are saved."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from odibi_core.diagnostics import LogFile, level_number, log_context, log_level, log_to_file
from odibi_core.errors import ConfigError, RunLogError

if TYPE_CHECKING:
    from odibi_core.project import Project

__all__ = ["lines_of_run", "shown_from"]


@contextmanager
def shown_from(level: str | int | None) -> Iterator[int]:
    """Show the program's log inside the block from a level on; None changes nothing.

    Args:
        level: A level of the standard library, by name or number.

    Yields:
        The level from which on lines are to be saved, if they are: INFO, because a file of nothing but warnings would
        be empty for nearly every run, or lower if more is shown.

    Raises:
        ConfigError: There is no such level.
    """
    try:
        number = None if level is None else level_number(level)
    except ValueError as error:
        raise ConfigError(f"log_level: {error}") from error
    with log_level(number):
        yield logging.INFO if number is None else min(number, logging.INFO)


@contextmanager
def lines_of_run(project: Project, *, run_id: str, saved_from: int | None) -> Iterator[LogFile | None]:
    """Let each line of the program's log inside the block name the run, and save it if that was asked for.

    Args:
        project: The project.
        run_id: The run's id.
        saved_from: The level from which on lines are saved; None means that they are not.

    Yields:
        The file, None if there is none.

    Raises:
        RunLogError: The file cannot be written.
    """
    path = project.state_dir / "logs" / f"{run_id}.log"
    try:
        file = None if saved_from is None else LogFile(path, level=saved_from)
    except OSError as error:
        raise RunLogError(f"The log lines of the run cannot be saved to {path}: {error}.") from error
    with log_context(run_id=run_id, project=project.name), log_to_file(file):
        yield file
