"""What an engine, a reader, a saver and the other parts are: protocols of two to five methods.

Nothing needs to be subclassed. The kernel checks, when a class is first used, that it has the methods, and says which
is missing and which distribution it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from odibi_core.plugin.datasets import Dataset, Frame, SaveReport
from odibi_core.plugin.tasks import TransformationTask

__all__ = [
    "CacheSupport",
    "CheckResult",
    "ConfigStore",
    "Connection",
    "ConnectionConfig",
    "EngineConfig",
    "ErrorExplainer",
    "ExecutionEngine",
    "FrameDescriber",
    "JobControl",
    "LogSink",
    "ReadableLogSink",
    "Reader",
    "RememberingLogSink",
    "Saver",
    "SecretProvider",
    "SessionHolder",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """What an engine is built from.

    Args:
        project_root: The project's folder.
        options: The manifest's ``engines.<name>``, validated by the engine's options model.
        session: A session that the caller handed in (a SparkSession); the engine must not stop it.
    """

    project_root: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    session: Any = field(default=None, repr=False)


class ExecutionEngine(Protocol):
    """One data-frame library, as far as the kernel needs it. One instance serves a run, from several threads."""

    def is_frame(self, value: object, /) -> bool:
        """Return whether a value is one of this engine's frames; must not raise."""

    def count_rows(self, frame: Frame, /) -> int | None:
        """Return the number of rows if it is known without starting a computation, else None."""

    def to_arrow(self, frame: Frame, /) -> Any:
        """Return an object with ``__arrow_c_stream__``, without copying where the library allows."""

    def from_arrow(self, stream: Any, /) -> Frame:
        """Return a frame from any object with ``__arrow_c_stream__``."""

    def close(self) -> None:
        """Let go of what this instance started; called once, at the end of the run."""


@runtime_checkable
class SessionHolder(Protocol):
    """Optional for an engine: it has a session, which v2-style functions get as ``spark``."""

    @property
    def session(self) -> Any:
        """The session."""


@runtime_checkable
class CacheSupport(Protocol):
    """Optional for an engine whose sheet says ``cache``: keep a table in memory between transformations."""

    def cache(self, dataset: Dataset, /) -> None:
        """Cache a dataset that is about to be read more than once."""

    def uncache(self, dataset: Dataset, /) -> None:
        """Undo `cache`; a dataset that is not cached is no error."""


@runtime_checkable
class FrameDescriber(Protocol):
    """Optional for an engine: name the columns of a frame, for what is recorded of a run's events."""

    def describe_frame(self, frame: Frame, /) -> Mapping[str, str] | None:
        """Return the frame's columns with their types as text, in order; None if that would have to be computed.

        It must cost next to nothing: no job, no request to a server, no look at the data.
        """


@runtime_checkable
class ErrorExplainer(Protocol):
    """Optional for an engine: put an error of its library into words."""

    def explain_error(self, error: BaseException, frames: Mapping[str, Frame], /) -> str | None:
        """Return one or two sentences on an error of a function, or None to keep the error's own words.

        Args:
            error: What the function raised.
            frames: The frames it was given, by the name of the input.
        """


@runtime_checkable
class JobControl(Protocol):
    """Optional for an engine whose work is done elsewhere, in jobs that it can name and stop.

    A frame of such an engine is often a promise: its work is done when it is saved. So where other engines' saves are
    waited for, those of an engine with this protocol are stopped as well, and its savers must leave nothing half done.
    """

    def transformation(self, task: TransformationTask, /) -> AbstractContextManager[None]:
        """Return what surrounds an attempt at a transformation, on the thread that makes it.

        Args:
            task: The attempt; jobs that are started inside belong to it.
        """

    def cancel(self, task: TransformationTask, /) -> None:
        """Stop the jobs of an attempt, and those that it yet starts: it took too long, or the run was interrupted.

        Called from another thread; whatever waits for such a job then raises. An attempt that is over is no error.
        """


class Reader(Protocol):
    """Reads datasets of one format into frames of one engine. Called from several threads at once."""

    def read(self, dataset: Dataset, /) -> Frame:
        """Return the dataset's rows.

        Args:
            dataset: What to read; its options were validated by the spec's options model.

        Raises:
            DatasetNotFoundError: Nothing is there.
            DataFormatError: What is there is not of this format.
        """


class Saver(Protocol):
    """Saves frames of one engine as datasets of one format. Called from several threads at once."""

    def save(self, frame: Frame, dataset: Dataset, /) -> SaveReport:
        """Save a frame: afterwards all of it is there, or nothing has changed.

        Args:
            frame: What to save; it must not be changed.
            dataset: Where and how; its mode is one of the spec's modes.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there.
        """


class LogSink(Protocol):
    """Takes run-log records. Calls for one sink never overlap."""

    def write(self, records: Sequence[Mapping[str, Any]], /) -> None:
        """Store records, all of them or none; an empty sequence is fine.

        Args:
            records: Mappings with the columns of the run log, in the order of their ``seq``.
        """


@runtime_checkable
class RememberingLogSink(Protocol):
    """Optional for a log sink: it can say what it has, so a batch that was cut off is neither lost nor repeated."""

    def last_seq(self, run_id: str, /) -> int:
        """Return the highest ``seq`` stored for a run, 0 if there is none."""


@runtime_checkable
class ReadableLogSink(Protocol):
    """Optional for a log sink: what it holds can be read back, so it can say how runs went without their journals."""

    def read_records(self, *, project: str | None = None, since: datetime | None = None) -> Iterable[Mapping[str, Any]]:
        """Return the records it holds, those of each run in the order of their ``seq``; runs may be mixed.

        The arguments say what is not needed. A sink may return more, and never less: whoever asks filters again.

        Args:
            project: Only of this project, whatever its case and the blanks around it.
            since: Only of runs with a record whose ``start_time`` is not before this aware moment, and of these all.

        Returns:
            Mappings with every column of the run log, typed as `write` gets them: times as aware datetimes in UTC,
            missing values None.

        Raises:
            RunLogError: It cannot be read, or is not there; at the call or while the records are gone through. No
                records means that there are none.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionConfig:
    """What a connection is built from.

    Args:
        name: The connection's name in the manifest.
        project_root: The project's folder.
        options: The manifest's ``connections.<name>`` without ``type``, validated by the options model.
    """

    name: str
    project_root: Path
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Connection(Protocol):
    """Turns the path of a row into a location that readers and savers can open."""

    def locate(self, path: str, /) -> str:
        """Return the absolute path or URI of a path that is relative to the connection; may not leave it."""

    def storage_options(self) -> Mapping[str, Any]:
        """Return what is needed to reach the location, as fsspec understands it; empty for local files."""


class SecretProvider(Protocol):
    """Looks secrets up."""

    def get(self, key: str, /) -> str | None:
        """Return the secret's value, or None if there is no such secret."""


class ConfigStore(Protocol):
    """Where transformation and ingestion rows come from, when not from the project's own files."""

    def read_transformations(self, project: str, env: str, /) -> Iterable[Mapping[str, Any]]:
        """Return the TransformationRegistry rows of a project and environment, enabled or not."""

    def read_ingestion(self, project: str, env: str, /) -> Iterable[Mapping[str, Any]]:
        """Return the ingestion rows of a project and environment, enabled or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check of `odibi doctor` found.

    Args:
        status: ``"ok"``, ``"warning"`` or ``"error"``.
        message: What was found, in one sentence.
        suggestion: What to do about it.
    """

    status: Literal["ok", "warning", "error"]
    message: str
    suggestion: str = ""
