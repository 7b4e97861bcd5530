"""Sends recorded events to the plugins of today: no engine, no data, no run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from odibi_core.errors import ConfigError, DataError
from odibi_core.plugin import EVENT_TYPES, Dataset, Event
from odibi_core.running.event_recording import RECORDING_VERSION

if TYPE_CHECKING:
    from odibi_core.events import Observer

__all__ = ["RecordedFrame", "RecordedFrameError", "Recording", "Replay", "ReplayAccident", "read_recording", "replay"]


class RecordedFrameError(DataError, AttributeError):
    """Somebody asked a replayed frame for its data; a recording has none."""


class RecordedFrame:
    """Stands in for a frame of a replayed event.

    Args:
        class_name: The class of the frame that was recorded.
        types: Its columns with their types; None if they were not known.

    Example:
        >>> frame = RecordedFrame("pandas.DataFrame", {"n": "int64"})
        >>> frame.columns, frame.recorded_types
        (['n'], {'n': 'int64'})
        >>> len(frame)
        Traceback (most recent call last):
            ...
        odibi_core.running.event_replay.RecordedFrameError: This frame is replayed from a recording ...
    """

    __slots__ = ("recorded_class", "recorded_types")

    def __init__(self, class_name: str, types: Mapping[str, str] | None) -> None:
        self.recorded_class = class_name
        self.recorded_types = None if types is None else dict(types)

    @property
    def columns(self) -> list[str]:
        """The names of the columns, if they were recorded."""
        return list(self.recorded_types) if self.recorded_types is not None else self._refuse("columns")

    def __repr__(self) -> str:
        return f"<recorded {self.recorded_class}, without its data>"

    def _refuse(self, what: str) -> NoReturn:
        known = "columns and recorded_types" if self.recorded_types is not None else "no columns either"
        raise RecordedFrameError(
            f"This frame is replayed from a recording and has no data, so it has no {what!r}. It was a "
            f"{self.recorded_class}; known of it: {known}. To see real data, run the project."
        )

    def __getattr__(self, name: str) -> NoReturn:
        self._refuse(name)

    def __getitem__(self, _key: object) -> NoReturn:
        self._refuse("rows")

    def __iter__(self) -> Iterator[Any]:
        self._refuse("rows")

    def __len__(self) -> int:  # noqa: PLE0303 - it always raises
        self._refuse("number of rows")

    def __bool__(self) -> bool:  # noqa: PLE0304 - it always raises
        # What a pandas frame does too; a plugin that asks is wrong with data as well.
        self._refuse("truth value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording that was read.

    Args:
        header: What is known of the run: ``run_id``, ``project``, ``env``, ``engine``, ``kernel_version``.
        events: The events in their order, with the number that each has in the file.
        unknown: Names of recorded events that this kernel does not have, or cannot build.
        is_whole: Whether the recording has its end; without it, the run was killed or still goes on.
    """

    header: Mapping[str, Any]
    events: tuple[tuple[int, Event], ...]
    unknown: tuple[str, ...] = ()
    is_whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayAccident:
    """An observer that raised.

    Args:
        seq: The number of the event in the recording.
        event: Its name.
        plugin: The plugin.
        hook: The hook as the plugin spells it.
        error: The error's type and message.
        at: Where it was raised.
        wants_data: Whether it asked for the data of a frame, which says nothing about the plugin.
    """

    seq: int
    event: str
    plugin: str
    hook: str
    error: str
    at: str
    wants_data: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the accident as JSON-ready data."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True, kw_only=True)
class Replay:
    """What became of a replay.

    Args:
        calls: How many calls each plugin got.
        accidents: What was raised.
    """

    calls: dict[str, int] = field(default_factory=dict)
    accidents: list[ReplayAccident] = field(default_factory=list)


def read_recording(path: Path) -> Recording:
    """Read a recording; a last line that is torn is left out.

    Args:
        path: The file.

    Raises:
        ConfigError: It cannot be read, is no recording, or is one of a later Odibi.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"The recording {path} cannot be read: {why}.") from error
    whole = text[: text.rfind("\n") + 1].splitlines()
    lines = [_line(line, number, path) for number, line in enumerate(whole, 1)]
    header = lines[0] if lines else {}
    if header.get("type") != "recording":
        raise ConfigError(f"{path} is no recording of events. One is made by: odibi run --record-events FILE")
    if header.get("version") != RECORDING_VERSION:
        raise ConfigError(
            f"The recording {path} has version {header.get('version')!r}, and this Odibi reads {RECORDING_VERSION}. "
            "Upgrade odibi-core, or record the run again."
        )
    events: list[tuple[int, Event]] = []
    unknown: dict[str, None] = {}
    for line in lines[1:]:
        if line.get("type") == "event":
            event = _event(line)
            if event is None:
                unknown[str(line.get("event"))] = None
            else:
                events.append((int(line.get("seq", 0)), event))
    return Recording(
        header={key: value for key, value in header.items() if key not in ("type", "version")},
        events=tuple(events),
        unknown=tuple(unknown),
        is_whole=lines[-1].get("type") == "end",
    )


def replay(recording: Recording, *, observers: Mapping[str, tuple[Observer, ...]]) -> Replay:
    """Send recorded events to observers, each to all that listen, in their order, on this one thread.

    Every event is built once and shown to all observers, as in a run.

    Args:
        recording: The recording.
        observers: By event, whom to send it to.
    """
    from odibi_core.diagnostics import describe_error, error_location

    result = Replay()
    for seq, event in recording.events:
        for observer in observers.get(event.name, ()):
            result.calls[observer.plugin] = result.calls.get(observer.plugin, 0) + 1
            try:
                observer.function(event)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - what is raised is what is asked for
                result.accidents.append(
                    ReplayAccident(
                        seq=seq,
                        event=event.name,
                        plugin=observer.plugin,
                        hook=observer.hook,
                        error=describe_error(error),
                        at=error_location(error) or "",
                        wants_data=_wants_data(error),
                    )
                )
    return result


def _wants_data(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, RecordedFrameError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _line(text: str, number: int, path: Path) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path}:{number}: this is no line of a recording: {error}.") from error
    if not isinstance(line, dict):
        raise ConfigError(f"{path}:{number}: this is no line of a recording: it is no JSON object.")
    return line


def _event(line: Mapping[str, Any]) -> Event | None:
    """Build a recorded event; None if this kernel has none of that name, or it lacks what this kernel's has."""
    type_, data = EVENT_TYPES.get(str(line.get("event"))), line.get("data")
    if type_ is None or not isinstance(data, Mapping):
        return None
    known = {one.name for one in fields(type_)}
    try:
        return type_(**{name: _value(name, value) for name, value in data.items() if name in known})
    except (TypeError, ValueError, AttributeError, KeyError):
        return None


def _value(name: str, value: Any) -> Any:
    match name:
        case "frame":
            return RecordedFrame(value["class"], value["columns"])
        case "frames":
            return MappingProxyType({key: _value("frame", frame) for key, frame in value.items()})
        case "dataset":
            known = {one.name for one in fields(Dataset)}
            given: dict[str, Any] = {
                key: tuple(one) if isinstance(one, list) else one for key, one in value.items() if key in known
            }
            return Dataset(**given)
        case "timestamp":
            return datetime.fromisoformat(value)
        case _:
            return tuple(value) if isinstance(value, list) else value
