"""One transformation at work: read its inputs, call its function, save its outputs.

It remembers how far it came. An attempt that follows a failed save goes on with that save: a function that has returned
is not called again, and an output that was saved is not saved twice, by whichever attempt or run it was saved.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from odibi_core.diagnostics import get_logger
from odibi_core.errors import ColumnNotFoundError, DataError, FunctionError, LeaseLostError
from odibi_core.functions import CallStyle, ExecutionContext, PortableCall, bind_arguments, use_context
from odibi_core.plugin import (
    ErrorExplainer,
    Frame,
    PostRead,
    PostSave,
    PostTransform,
    PreRead,
    PreSave,
    PreTransform,
    SaveReport,
    TransformationOutcome,
)
from odibi_core.running.timeouts import SaveGate

if TYPE_CHECKING:
    from odibi_core.events import Dispatcher
    from odibi_core.planning import PlannedTransformation
    from odibi_core.running.engines import EngineRoom

__all__ = ["Cancelled", "TransformationCall"]

_PANICS: Final = "pyo3_runtime"
"""The module of the classes of panics, of which each library has its own; it cannot be imported."""


class Cancelled(BaseException):
    """The run was interrupted, or lost its lease, while this transformation was between two of its steps."""


@dataclass(slots=True)
class TransformationCall:
    """What the attempts at a transformation need, and how far they came.

    Args:
        planned: The transformation.
        context: What the function may ask for as ``context``.
        engines: The engines of the run, with their readers and savers.
        dispatcher: Where events go.
        identity: The identity fields of its events.
        before_save: Told before each output is saved, by its position.
        after_save: Told after each output was saved, by its position.
        failed_save: Told when a saver has raised, by the output's position.
        is_cancelled: Asked before each step.
        check_lease: Called before anything is saved; raises LeaseLostError if another run has taken this one's place.
        saved: Positions of the outputs that have been saved, by this run or by one that it goes on with.
    """

    planned: PlannedTransformation
    context: ExecutionContext
    engines: EngineRoom
    dispatcher: Dispatcher
    identity: Mapping[str, Any]
    before_save: Callable[[int], None]
    after_save: Callable[[int], None]
    failed_save: Callable[[int], None]
    is_cancelled: Callable[[], bool]
    check_lease: Callable[[], None]
    saved: set[int] = field(default_factory=set)
    stage: str = "read"
    rows_read: int | None = None
    rows_written: int | None = None
    gate: SaveGate = field(default_factory=SaveGate)
    _frames: dict[str, Frame] = field(default_factory=dict)
    _has_saved: bool = False
    _outputs: list[Frame] | None = None

    def execute(self) -> TransformationOutcome:
        """Do the default steps of `odibi_run_transformation`.

        Raises:
            RuntimeError: A library that is written in Rust has panicked. What PyO3 raises for that is no `Exception`,
                and would end the run as Ctrl-C does.
        """
        try:
            return self._work()
        except BaseException as error:
            if type(error).__module__ != _PANICS:
                raise
            raise RuntimeError(f"a library panicked, which is a bug in it: {error}") from error

    def _work(self) -> TransformationOutcome:
        # Inside of the attempt: an engine may have given it a session of its own.
        self.context.spark = self.engines.session_of(self.planned.function_engine)
        if self.planned.function.signature.style is CallStyle.V2:
            self.stage = "transform"
            self._stop_if_lease_is_lost()
            self._call({})
        else:
            if self._outputs is None:
                self.stage = "read"
                frames = self._read()
                self.stage = "transform"
                self._outputs = self._transform(frames)
            self.stage = "save"
            self._save(self._outputs)
        return TransformationOutcome(rows_read=self.rows_read, rows_written=self.rows_written)

    def explain(self, error: BaseException) -> str:
        """Return an error as type and message, in the engine's own words where it has some."""
        for name in dict.fromkeys((self.planned.engine, self.planned.function_engine)):
            engine = self.engines.engine(name)
            if not isinstance(engine, ErrorExplainer) or isinstance(error, (DataError, FunctionError)):
                continue
            # What a function asked for may be computed, and fail, only when it is saved.
            said = engine.explain_error(error, self._frames if self.stage == "transform" else {})
            if said:
                # In full it may be hundreds of lines of another language's stack.
                get_logger("running").debug("error in full", error=str(error))
                return f"{type(error).__name__}: {said}"
        if isinstance(error, KeyError) and not isinstance(error, ColumnNotFoundError):
            return f"KeyError: {error.args[0]!r}" if error.args else "KeyError"
        text = str(error)
        if isinstance(error, (DataError, FunctionError)):
            return text
        return f"{type(error).__name__}: {text}" if text else type(error).__name__

    def _read(self) -> dict[str, Frame]:
        listens, dispatch = self.dispatcher.listens, self.dispatcher.dispatch
        rows: int | None = 0 if self.planned.inputs else None
        by_binding: dict[str, Frame] = {}
        for item in self.planned.inputs:
            self._stop_if_cancelled()
            if listens("pre_read"):
                dispatch(PreRead(**self.identity, dataset=item.dataset))
            started = time.perf_counter()
            frame = self.engines.read(item, engine=self.planned.engine)
            seconds = time.perf_counter() - started
            count = self.engines.count_rows(frame, engine=self.planned.engine)
            rows = None if rows is None or count is None else rows + count
            by_binding[item.binding] = frame
            self._frames[item.dataset.name] = frame
            if listens("post_read"):
                dispatch(
                    PostRead(**self.identity, dataset=item.dataset, frame=frame, rows=count, duration_seconds=seconds)
                )
        self.rows_read = rows
        return by_binding

    def _transform(self, frames: Mapping[str, Frame]) -> list[Frame]:
        self._stop_if_cancelled()
        if self.dispatcher.listens("pre_transform"):
            self.dispatcher.dispatch(PreTransform(**self.identity, frames=MappingProxyType(dict(self._frames))))
        started = time.perf_counter()
        returned = self._call(frames)
        outputs = self._outputs_of(returned)
        if self.planned.function.handed_to is not None:
            outputs = self._handed_back(outputs, self.planned.function.handed_to)
        seconds = time.perf_counter() - started
        if self.dispatcher.listens("post_transform"):
            names = [item.dataset.name for item in self.planned.outputs]
            named = MappingProxyType(dict(zip(names, outputs, strict=True)))
            self.dispatcher.dispatch(PostTransform(**self.identity, frames=named, duration_seconds=seconds))
        return outputs

    def _call(self, frames: Mapping[str, Frame]) -> Any:
        self._stop_if_cancelled()
        row, context, function = self.planned.row, self.context, self.planned.function
        given = frames if function.handed_to is None else self._handed_over(frames, function.handed_to)
        args, kwargs = bind_arguments(
            function.signature,
            frames=given,
            constants=dict(row.constants),
            context=context,
            inputs=list(row.inputs),
            outputs=list(row.outputs),
            spark=context.spark,
            env=context.env,
        )
        with use_context(context):
            if not function.signature.is_portable:
                return function.function(*args, **kwargs)
            call = PortableCall(function.signature, self.planned.function_engine)
            args, kwargs = call.arguments(args, kwargs, frames=given.values())
            return call.native(function.function(*args, **kwargs))

    def _handed_over(self, frames: Mapping[str, Frame], target: str) -> dict[str, Frame]:
        """Return the inputs as frames of the engine that the function is written for."""
        return {
            item.binding: self.engines.hand_over(
                frames[item.binding],
                source=self.planned.engine,
                target=target,
                what=f"input {item.dataset.name!r}",
            )
            for item in self.planned.inputs
        }

    def _handed_back(self, outputs: list[Frame], source: str) -> list[Frame]:
        """Return the outputs as frames of the transformation's engine."""
        return [
            self.engines.hand_over(
                frame, source=source, target=self.planned.engine, what=f"output {item.dataset.name!r}"
            )
            for item, frame in zip(self.planned.outputs, outputs, strict=True)
        ]

    def _outputs_of(self, returned: Any) -> list[Frame]:
        planned, name = self.planned, f"{self.planned.row.module}.{self.planned.row.function}"
        expected = [item.binding for item in planned.outputs]
        is_frame = self.engines.engine(planned.function_engine).is_frame
        if returned is None:
            if expected:
                raise FunctionError(
                    f"{name} returned None, but the row has the output {planned.outputs[0].dataset.name!r}. "
                    "Return the frame, or declare outputs: []."
                )
            return []
        if is_frame(returned):
            if len(expected) != 1:
                raise FunctionError(
                    f"{name} returned one frame, but the row has {len(expected)} outputs"
                    + (f" ({', '.join(expected)}). Return a mapping from name to frame." if expected else ".")
                )
            return [returned]
        if isinstance(returned, Mapping):
            return self._outputs_by_name(returned, name)
        raise FunctionError(
            f"{name} returned {type(returned).__module__}.{type(returned).__qualname__}, which is no frame of engine "
            f"{planned.function_engine!r} and no mapping of frames.{self._hint_collected()}"
        )

    def _outputs_by_name(self, returned: Mapping[Any, Any], name: str) -> list[Frame]:
        engine = self.planned.function_engine
        is_frame = self.engines.engine(engine).is_frame
        left = dict(returned)
        outputs: list[Frame] = []
        for item in self.planned.outputs:
            key = next((key for key in (item.binding, item.dataset.name) if key in left), None)
            if key is None:
                raise FunctionError(
                    f"{name} returned frames for {', '.join(map(repr, returned))}, but none for the output "
                    f"{item.dataset.name!r}."
                )
            if not is_frame(left[key]):
                raise FunctionError(
                    f"{name} returned no frame of engine {engine!r} under {key!r}.{self._hint_collected()}"
                )
            outputs.append(left.pop(key))
        if left:
            raise FunctionError(
                f"{name} returned frames for {', '.join(map(repr, left))}, which are no outputs of the row."
            )
        return outputs

    def _hint_collected(self) -> str:
        is_portable = self.planned.function.signature.is_portable
        return " A portable function returns what it was given, changed, and not what collect() made." * is_portable

    def _save(self, frames: list[Frame]) -> None:
        if not self.gate.passes():
            raise Cancelled
        listens, dispatch = self.dispatcher.listens, self.dispatcher.dispatch
        if not self._has_saved:
            self.rows_written = 0 if frames else None
        for position, (item, frame) in enumerate(zip(self.planned.outputs, frames, strict=True)):
            if position in self.saved:
                continue
            self._stop_if_cancelled()
            if listens("pre_save"):
                dispatch(PreSave(**self.identity, dataset=item.dataset, frame=frame))
            started = time.perf_counter()
            self._stop_if_lease_is_lost()
            self.before_save(position)
            try:
                report: SaveReport = self.engines.save(frame, item, engine=self.planned.engine)
            except Exception:
                self.failed_save(position)
                raise
            seconds = time.perf_counter() - started
            self.saved.add(position)
            self._has_saved = True
            self.after_save(position)
            is_known = self.rows_written is not None and report.rows is not None
            self.rows_written = (self.rows_written or 0) + (report.rows or 0) if is_known else None
            if listens("post_save"):
                dispatch(
                    PostSave(
                        **self.identity,
                        dataset=item.dataset,
                        rows=report.rows,
                        bytes=report.bytes,
                        duration_seconds=seconds,
                    )
                )

    def _stop_if_lease_is_lost(self) -> None:
        try:
            self.check_lease()
        except LeaseLostError as lost:
            # No failure of this transformation, and nothing that a retry, a hook or a wrapper could put right.
            raise Cancelled(str(lost)) from lost

    def _stop_if_cancelled(self) -> None:
        if self.is_cancelled() or self.gate.is_shut:
            raise Cancelled
