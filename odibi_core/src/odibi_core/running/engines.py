"""The engines of one run: started before the first transformation, closed after the last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from odibi_core.diagnostics import get_logger
from odibi_core.plugin import (
    EngineConfig,
    ExecutionEngine,
    Frame,
    FrameDescriber,
    JobControl,
    Reader,
    Saver,
    SaveReport,
    SessionHolder,
)
from odibi_core.running.hand_over import HandOver
from odibi_core.running.plugin_costs import Meter, PluginCosts

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager
    from odibi_core.loading.hooks import Spec
    from odibi_core.planning import PlannedInput, PlannedOutput, PlannedTransformation
    from odibi_core.plugin import Dataset
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
        costs: Where it is noted what engines, readers and savers cost.
    """

    project: Project
    manager: PluginManager
    session: Any = None
    costs: PluginCosts = field(default_factory=PluginCosts)
    _engines: dict[str, ExecutionEngine] = field(default_factory=dict)
    _reads: dict[tuple[str, str], Callable[[Dataset], Frame]] = field(default_factory=dict)
    _saves: dict[tuple[str, str], Callable[[Frame, Dataset], SaveReport]] = field(default_factory=dict)
    _meters: dict[str, Meter] = field(default_factory=dict)
    _to_arrow: dict[str, Callable[[Frame], Any]] = field(default_factory=dict)
    _from_arrow: dict[str, Callable[[Any], Frame]] = field(default_factory=dict)
    _counts: dict[str, Callable[[Frame], int | None]] = field(default_factory=dict)
    _session_holders: dict[str, SessionHolder | None] = field(default_factory=dict)
    _job_controls: dict[str, JobControl | None] = field(default_factory=dict)
    _describers: dict[str, FrameDescriber | None] = field(default_factory=dict)
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
                if item.reader is not None and (name, item.reader.name) not in self._reads:
                    reader: Reader = self.manager.load(item.reader)(self._engines[name])
                    self._reads[name, item.reader.name] = self._meter(item.reader, "readers").timed(reader.read)
            for output in transformation.outputs:
                if output.saver is not None and (name, output.saver.name) not in self._saves:
                    saver: Saver = self.manager.load(output.saver)(self._engines[name])
                    self._saves[name, output.saver.name] = self._meter(output.saver, "savers").timed(saver.save)

    def _start(self, name: str) -> None:
        if name in self._engines:
            return
        meter = self._meters[name] = self._meter(self.manager.engine(name), "engine")
        engine = self._engines[name] = meter.timed(self._made)(name)
        self._to_arrow[name], self._from_arrow[name] = meter.timed(engine.to_arrow), meter.timed(engine.from_arrow)
        self._counts[name] = meter.timed(engine.count_rows)
        # Here and not for each transformation: to look at a protocol takes Python 3.11 ten microseconds.
        self._session_holders[name] = engine if isinstance(engine, SessionHolder) else None
        self._job_controls[name] = engine if isinstance(engine, JobControl) else None
        self._describers[name] = engine if isinstance(engine, FrameDescriber) else None

    def _meter(self, spec: Spec, kind: str) -> Meter:
        return self.costs.meter(self.manager.owner_of(spec), kind)

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

    def meter_of(self, name: str) -> Meter:
        """Return what measures the calls to an engine."""
        return self._meters[name]

    def count_rows(self, frame: Frame, *, engine: str) -> int | None:
        """Return how many rows a frame of an engine has, None if that is not known without computing it."""
        return self._counts[engine](frame)

    def describe_frame(self, name: str, frame: Frame) -> Mapping[str, str] | None:
        """Return the columns of an engine's frame with their types, None if it cannot tell without computing them."""
        describer = self._describers.get(name)
        return None if describer is None else describer.describe_frame(frame)

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
        with hand_over.counted(self._to_arrow[source](frame)) as stream:
            return self._from_arrow[target](stream)

    def read(self, item: PlannedInput, *, engine: str) -> Frame:
        """Read an input as a frame of an engine; what an engine-neutral reader returns is handed over as Arrow.

        It is counted unless the engine's sheet says that its frames are in this process's memory anyway.

        Raises:
            HandOverTooLargeError: It is more than the manifest lets pass.
        """
        spec = item.reader
        if spec is None:
            raise TypeError(f"input {item.dataset.name!r} has no reader")
        frame = self._reads[engine, spec.name](item.dataset)
        if spec.engine == engine:
            return frame
        what = f"input {item.dataset.name!r}, handed over to {engine!r} by {spec.name},"
        hand_over = HandOver(what, self._limit_of(engine))
        with hand_over.counted(frame) as stream:
            return self._from_arrow[engine](stream)

    def save(self, frame: Frame, item: PlannedOutput, *, engine: str) -> SaveReport:
        """Save a frame of an engine; an engine-neutral saver gets it as Arrow, counted as by `read`.

        Raises:
            HandOverTooLargeError: It is more than the manifest lets pass.
        """
        spec = item.saver
        if spec is None:
            raise TypeError(f"output {item.dataset.name!r} has no saver")
        save = self._saves[engine, spec.name]
        if spec.engine == engine:
            return save(frame, item.dataset)
        hand_over = HandOver(f"output {item.dataset.name!r}, handed over by {engine!r},", self._limit_of(engine))
        with hand_over.counted(self._to_arrow[engine](frame)) as stream:
            return save(stream, item.dataset)

    def _limit_of(self, name: str) -> int | None:
        """Return how much may pass between an engine and a reader or saver for any engine; None is any number."""
        line = self.manager.engine(name).capabilities.get("in_memory")
        return None if line is not None and line.supported else self._max_bytes

    def _close(self) -> None:
        for name, engine in self._engines.items():
            try:
                engine.close()
            except Exception as error:  # noqa: BLE001 - the run is over, its outcome stands; said in the log
                get_logger("running").warning("engine did not close", engine=name, error=str(error))
