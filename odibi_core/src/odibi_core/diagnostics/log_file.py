"""A file that takes a run's own log lines, one JSON object each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from odibi_core.diagnostics.formats import json_line

__all__ = ["LogFile"]


class LogFile:
    """Takes log lines from several threads; each is in the file, whole, before the call returns.

    What is on the disk when it is full, or gone, stays as it is: a log line is no reason for a run to fail. What went
    wrong is in `error`.

    Args:
        path: The file; its folder is made, and what is in it stays.
        level: The lowest level that is taken, as a number of the standard library.

    Raises:
        OSError: It cannot be opened.

    Example:
        >>> import json
        >>> file = LogFile(Path("logs/r1.log"))
        >>> file.write("info", "odibi.running", {"event": "run started", "run_id": "r1"})
        >>> file.close()
        >>> json.loads(Path("logs/r1.log").read_text())["event"], file.lines
        ('run started', 1)
    """

    def __init__(self, path: Path, *, level: int = logging.INFO) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.level = level
        self.lines = 0
        self.error: str | None = None
        # Unbuffered: what a full disk did not take must not be waiting for the next line.
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()

    def write(self, level: str, logger: str, values: Mapping[str, Any]) -> None:
        """Write one line.

        Args:
            level: The level's name.
            logger: The logger's name.
            values: What was said, without secrets; its ``event`` comes first.
        """
        line = json_line(level, logger, values, moment=datetime.now(UTC))
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        try:
            with self._lock:
                while data:
                    data = data[self._file.write(data) :]
                self.lines += 1
        except (OSError, ValueError) as error:
            self.error = self.error or f"{self.path}: {type(error).__name__}: {error}"

    def close(self) -> None:
        """Close the file; a line that comes later is not written."""
        with self._lock:
            self._file.close()
