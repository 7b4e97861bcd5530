"""The engines of one run: started before the first transformation, closed after the last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from odibi_core.diagnostics import get_logger
from odibi_core.plugin import (
    EngineConfig,
    ExecutionEngine,
    Frame,
    JobControl,
    Reader,
    Saver,
    SaveReport,
    SessionHolder,
)
from odibi_core.running.hand_over import HandOver, is_in_memory

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.planning import PlannedInput, PlannedOutput, PlannedTransformation
    from odibi_core.project import Project

__all__ = ["EngineRoom"]


@dataclass(slots=True)
class EngineRoom:
    """The engines, readers and savers that the transformations of a plan need, one instance of each.

    Everything is loaded by `opened`, so that a library that is missing stops a run before its first transformation and
    not in its last layer; afterwards the room is only read, from all threads.

    Args:
        project: The project, for its root and its manifest's ``engines``.
        manager: Where the classes come from.
        session: A session that the caller handed in, for the engine that can use it.
    """

    project: Project
    manager: PluginManager
    session: Any = None
    _engines: dict[str, ExecutionEngine] = field(default_factory=dict)
    _readers: dict[tuple[str, str], Reader] = field(default_factory=dict)
    _savers: dict[tuple[str, str], Saver] = field(default_factory=dict)
    _session_holders: dict[str, SessionHolder | None] = field(default_factory=dict)
    _job_controls: dict[str, JobControl | None] = field(default_factory=dict)
    _max_bytes: int | None = None

    @contextmanager
    def opened(self, planned: Iterable[PlannedTransformation]) -> Iterator[None]:
        """Start the engines and load the readers and savers of these transformations; close the engines at the end.

        Raises:
            PluginError: A plugin's class cannot be loaded.
        """
        self._max_bytes = self.project.manifest.hand_over.max_bytes
        try:
            self._open(planned)
            yield
        finally:
            self._close()

    def _open(self, planned: Iterable[PlannedTransformation]) -> None:
        for transformation in planned:
            name = transformation.engine
            self._start(name)
            self._start(transformation.function_engine)
            for item in transformation.inputs:
                if item.reader is not None and (name, item.reader.name) not in self._readers:
                    self._readers[name, item.reader.name] = self.manager.load(item.reader)(self._engines[name])
            for output in transformation.outputs:
                if output.saver is not None and (name, output.saver.name) not in self._savers:
                    self._savers[name, output.saver.name] = self.manager.load(output.saver)(self._engines[name])

    def _start(self, name: str) -> None:
        if name in self._engines:
            return
        engine = self._engines[name] = self._made(name)
        # Here and not for each transformation: to look at a protocol takes Python 3.11 ten microseconds.
        self._session_holders[name] = engine if isinstance(engine, SessionHolder) else None
        self._job_controls[name] = engine if isinstance(engine, JobControl) else None

    def _made(self, name: str) -> ExecutionEngine:
        from odibi_core.project import resolve_options

        root, spec = self.project.root, self.manager.engine(name)
        written = self.project.manifest.engines.get(name, {})
        options = resolve_options(written, spec=spec, manager=self.manager, what=f"engine {name!r}", root=root)
        config = EngineConfig(project_root=root, options=options, session=self.session)
        engine: ExecutionEngine = self.manager.load(spec)(config)
        return engine

    def engine(self, name: str) -> ExecutionEngine:
        """Return the engine of a name."""
        return self._engines[name]

    def is_open(self, name: str) -> bool:
        """Return whether an engine was started."""
        return name in self._engines

    def session_of(self, name: str) -> Any:
        """Return the session of an engine that has one, else None: what v2-style functions get as ``spark``.

        It is asked for anew each time: inside of an attempt, an engine may have a session for that alone.
        """
        holder = self._session_holders[name]
        return None if holder is None else holder.session

    def job_controls(self, planned: PlannedTransformation) -> list[JobControl]:
        """Return those engines of a transformation, its own and its function's, that can stop their jobs."""
        names = dict.fromkeys((planned.engine, planned.function_engine))
        return [control for name in names if (control := self._job_controls[name]) is not None]

    def transient_errors(self, name: str) -> tuple[type[BaseException], ...]:
        """Return the errors after which an engine's spec says that trying again may help."""
        from odibi_core.loading import resolve_reference

        return tuple(resolve_reference(reference) for reference in self.manager.engine(name).transient_errors)

    def hand_over(self, frame: Frame, *, source: str, target: str, what: str) -> Frame:
        """Return a frame of another engine with the same rows.

        Args:
            frame: The frame.
            source: The engine whose frame it is.
            target: The other engine.
            what: What it is, such as ``"input 'silver.flights'"``.

        Raises:
            HandOverTooLargeError: It is more than the manifest lets pass.
        """
        hand_over = HandOver(f"{what}, handed over from {source!r} to {target!r},", self._max_bytes)
        with hand_over.counted(self._engines[source].to_arrow(frame)) as stream:
            return self._engines[target].from_arrow(stream)

    def read(self, item: PlannedInput, *, engine: str) -> Frame:
        """Read an input as a frame of an engine; what an engine-neutral reader returns is handed over as Arrow.

        It is counted unless the engine's sheet says that its frames are in this process's memory anyway.

        Raises:
            HandOverTooLargeError: It is more than the manifest lets pass.
        """
        spec = item.reader
        if spec is None:
            raise TypeError(f"input {item.dataset.name!r} has no reader")
        frame = self._readers[engine, spec.name].read(item.dataset)
        if spec.engine == engine:
            return frame
        limit = None if self._is_in_memory(engine) else self._max_bytes
        hand_over = HandOver(f"input {item.dataset.name!r}, handed over to {engine!r} by {spec.name},", limit)
        with hand_over.counted(frame) as stream:
            return self._engines[engine].from_arrow(stream)

    def save(self, frame: Frame, item: PlannedOutput, *, engine: str) -> SaveReport:
        """Save a frame of an engine; an engine-neutral saver gets it as Arrow.

        It is counted unless it is in this process's memory anyway.

        Raises:
            HandOverTooLargeError: It is more than the manifest lets pass.
        """
        spec = item.saver
        if spec is None:
            raise TypeError(f"output {item.dataset.name!r} has no saver")
        saver = self._savers[engine, spec.name]
        if spec.engine == engine:
            return saver.save(frame, item.dataset)
        given = self._engines[engine].to_arrow(frame)
        limit = None if is_in_memory(given) else self._max_bytes
        with HandOver(f"output {item.dataset.name!r}, handed over by {engine!r},", limit).counted(given) as stream:
            return saver.save(stream, item.dataset)

    def _is_in_memory(self, name: str) -> bool:
        line = self.manager.engine(name).capabilities.get("in_memory")
        return line is not None and line.supported

    def _close(self) -> None:
        for name, engine in self._engines.items():
            try:
                engine.close()
            except Exception as error:  # noqa: BLE001 - the run is over, its outcome stands; said in the log
                get_logger("running").warning("engine did not close", engine=name, error=str(error))
