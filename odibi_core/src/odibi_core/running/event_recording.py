"""Writes down the events of a run, so that they can be sent to plugins again without the run.

JSON lines: a header, one line per event, an end. No rows and no secrets: a frame is its class, and its columns and
types if its engine can name them without computing anything; texts are masked as in logs; what a connection says about
reaching a place is left out.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from odibi_core.diagnostics import get_logger, redact, redact_value
from odibi_core.errors import ConfigError
from odibi_core.plugin import EVENT_TYPES, Dataset, Event, Frame

if TYPE_CHECKING:
    from odibi_core.events import Observer

__all__ = ["RECORDING_VERSION", "EventRecorder", "recorded_to"]

_log = get_logger("running")

RECORDING_VERSION: Final = 1
"""The version of the format; a later one may add keys."""

_FRAME: Final = "frame"
_FRAMES: Final = "frames"

ColumnsOf = Callable[[str, Frame], Mapping[str, str] | None]
"""Returns the columns of a frame of an engine with their types; None if they are not known."""


@dataclass(slots=True)
class EventRecorder:
    """Observes every event of one run and writes it down.

    Args:
        file: Where to.
        columns_of: What the engines know of a frame.
    """

    file: TextIOWrapper
    columns_of: ColumnsOf
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def observers(self, observers: Mapping[str, tuple[Observer, ...]]) -> dict[str, tuple[Observer, ...]]:
        """Return these observers with the recorder before them: what is recorded is what the kernel has sent.

        Args:
            observers: By event, the observers of plugins.
        """
        from odibi_core.events import Observer

        mine = Observer("event recorder", "odibi-core", "--record-events", self.record)
        return {event: (mine, *observers.get(event, ())) for event in EVENT_TYPES}

    def record(self, event: Event) -> None:
        """Write an event down.

        Raises:
            OSError: It cannot be written; the run goes on, and says so.
        """
        data = {
            name: self._plain(name, getattr(event, name), event.engine) for name in (one.name for one in fields(event))
        }
        with self._lock:
            self._count += 1
            self.write({"type": "event", "seq": self._count, "event": event.name, "data": data})

    def write(self, line: Mapping[str, Any]) -> None:
        """Write one line, whole and at once."""
        self.file.write(json.dumps(line, allow_nan=False, default=str) + "\n")
        self.file.flush()

    def end(self) -> None:
        """Write the last line, by which a recording is known to be whole."""
        with self._lock:
            self.write({"type": "end", "events": self._count})

    def _plain(self, name: str, value: Any, engine: str) -> Any:
        if name == _FRAME:
            return self._shape(value, engine)
        if name == _FRAMES:
            return {redact(key): self._shape(frame, engine) for key, frame in value.items()}
        if isinstance(value, Dataset):
            return _dataset(value)
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, float):
            return round(value, 6)
        return redact_value(value)

    def _shape(self, frame: Frame, engine: str) -> dict[str, Any]:
        columns = self.columns_of(engine, frame)
        class_ = type(frame)
        return {
            "class": f"{class_.__module__}.{class_.__qualname__}",
            "columns": None if columns is None else {str(name): str(kind) for name, kind in columns.items()},
        }


@contextmanager
def recorded_to(
    path: Path | None, *, columns_of: ColumnsOf, run_id: str, project: str, env: str, engine: str
) -> Iterator[EventRecorder | None]:
    """Open a recording for the time of a run; None without a path.

    Args:
        path: The file, which must not be there yet.
        columns_of: What the engines know of a frame.
        run_id: The run.
        project: The project's name.
        env: The environment.
        engine: The run's engine.

    Raises:
        ConfigError: It is there already, or cannot be written.
    """
    if path is None:
        yield None
        return
    from importlib.metadata import version

    header = {"kernel_version": version("odibi-core"), "run_id": run_id, "project": project, "env": env}
    try:
        file = path.open("x", encoding="utf-8", newline="\n")
        recorder = EventRecorder(file, columns_of)
        recorder.write({"type": "recording", "version": RECORDING_VERSION, **header, "engine": engine})
    except FileExistsError as error:
        raise ConfigError(f"{path} is there already. A recording is written to a new file; choose another.") from error
    except OSError as error:
        raise ConfigError(f"The events cannot be recorded to {path}: {error.strerror}.") from error
    try:
        yield recorder
        try:
            recorder.end()
        except OSError as error:
            # A recording without its end is known not to be whole; the run is what it is.
            _log.warning("the recording of events is not whole", path=str(path), error=str(error))
    finally:
        with suppress(OSError):
            file.close()


def _dataset(dataset: Dataset) -> dict[str, Any]:
    plain = {one.name: getattr(dataset, one.name) for one in fields(Dataset) if one.name != "storage_options"}
    shown: dict[str, Any] = redact_value(plain)
    return shown
