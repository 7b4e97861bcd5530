"""One class per life-cycle event.

Events are slotted and built only when somebody listens. Plugins get the object, through the hook
``odibi_<event>(event)``; callbacks of a `HookManager` get a read-only view of `Event.payload`, the dictionary that
odibi_de_v2 documented. Nothing in an event starts a computation: row numbers are None where they would have to be
counted, and frames are the very objects that the transformation works with, so they must not be changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeAlias

from odibi_core.plugin.datasets import Dataset, Frame

__all__ = [
    "EVENT_ALIASES",
    "EVENT_TYPES",
    "BronzeEnd",
    "BronzeStart",
    "CachingEnd",
    "CachingStart",
    "ConfigsLoaded",
    "Event",
    "LayerEnd",
    "LayerEvent",
    "LayerStart",
    "LogsPersisted",
    "OnError",
    "OrchestratorRunEnd",
    "OrchestratorRunStart",
    "PostRead",
    "PostSave",
    "PostTransform",
    "PreRead",
    "PreSave",
    "PreTransform",
    "TransformFailure",
    "TransformRetry",
    "TransformSkipped",
    "TransformStart",
    "TransformSuccess",
    "TransformationEvent",
]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True, kw_only=True)
class Event:
    """What every event says.

    Args:
        run_id: The run's id.
        project: The project's name, as its manifest spells it.
        env: The environment.
        engine: The engine's name: of the run, or of the transformation where there is one.
        timestamp: When it happened, aware, in UTC.
    """

    name: ClassVar[str] = ""

    run_id: str
    project: str
    env: str
    engine: str
    timestamp: datetime = field(default_factory=_now)

    def payload(self) -> dict[str, Any]:
        """Return the event as the dictionary that v2 documented, a new one at each call.

        ``event`` is its name; a duration is there as ``duration_seconds`` and as ``duration``; a frame is there as
        ``df``, a dataset as its name and, in ``location``, where it is.

        Example:
            >>> LayerStart(run_id="r", project="P", env="qat", engine="pandas", layer="Silver").payload()["layer"]
            'Silver'
        """
        return _payload_plan(type(self))[1](self)

    @classmethod
    def payload_keys(cls) -> tuple[str, ...]:
        """Return the keys of this event's `payload`: what a filter may name.

        Example:
            >>> LayerStart.payload_keys()
            ('event', 'run_id', 'project', 'env', 'engine', 'timestamp', 'layer')
        """
        return _payload_plan(cls)[0]


_PayloadPlan: TypeAlias = tuple[tuple[str, ...], Callable[[Event], dict[str, Any]]]
_payload_plans: dict[type[Event], _PayloadPlan] = {}


def _payload_plan(type_: type[Event]) -> _PayloadPlan:
    """Return the keys of a class's payload, and the function that builds one."""
    if type_ in _payload_plans:
        return _payload_plans[type_]
    paths = {"event": "name"}
    for field_ in fields(type_):
        key = "df" if field_.name == "frame" else field_.name
        paths[key] = "dataset.name" if field_.name == "dataset" else field_.name
    if "duration_seconds" in paths:
        paths["duration"] = "duration_seconds"
    if "dataset" in paths:
        paths["location"] = "dataset.location"
    # Written out once per class, as dataclasses write __init__: 0.4 us an event, where dict(zip(...)) takes 0.9 and
    # going through dataclasses.fields 1.4. The text consists of field names, which are identifiers.
    items = ", ".join(f"{key!r}: event.{path}" for key, path in paths.items())
    build = eval(f"lambda event: {{{items}}}", {})  # noqa: S307  # as said above
    return _payload_plans.setdefault(type_, (tuple(paths), build))


@dataclass(slots=True, kw_only=True)
class OrchestratorRunStart(Event):
    """A run begins.

    Args:
        target_layers: The layers that were asked for; None means all.
        transformation_count: How many transformations the plan has, None if whoever emitted this did not say.
    """

    name: ClassVar[str] = "orchestrator_run_start"
    target_layers: tuple[str, ...] | None = None
    transformation_count: int | None = None


@dataclass(slots=True, kw_only=True)
class OrchestratorRunEnd(Event):
    """A run has ended, whatever way.

    Args:
        status: ``"success"``, ``"failed"`` or ``"aborted"``.
        layers_executed: The layers that ran, in order.
        duration_seconds: Seconds from the start of the run, by a monotonic clock.
        error: What failed, if anything did.
    """

    name: ClassVar[str] = "orchestrator_run_end"
    status: str
    layers_executed: tuple[str, ...]
    duration_seconds: float
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class LayerEvent(Event):
    """An event of one layer.

    Args:
        layer: The layer's name.
    """

    layer: str


@dataclass(slots=True, kw_only=True)
class BronzeStart(LayerEvent):
    """The Bronze layer begins; Bronze has this event instead of `LayerStart`."""

    name: ClassVar[str] = "bronze_start"


@dataclass(slots=True, kw_only=True)
class BronzeEnd(LayerEvent):
    """The Bronze layer has ended.

    Args:
        status: ``"success"``, ``"failed"`` or ``"skipped"``.
        sources_processed: How many of its transformations succeeded.
        duration_seconds: Seconds since its start.
        error: What failed first, if anything did.
    """

    name: ClassVar[str] = "bronze_end"
    status: str
    sources_processed: int
    duration_seconds: float
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class LayerStart(LayerEvent):
    """A layer other than Bronze begins."""

    name: ClassVar[str] = "layer_start"


@dataclass(slots=True, kw_only=True)
class LayerEnd(LayerEvent):
    """A layer other than Bronze has ended.

    Args:
        status: ``"success"``, ``"failed"``, ``"skipped"`` or ``"empty"``.
        duration_seconds: Seconds since its start.
        succeeded: How many transformations succeeded, in this run or in an earlier one whose outputs stand.
        failed: How many failed.
        skipped: How many were skipped because of others.
        error: What failed first, if anything did.
    """

    name: ClassVar[str] = "layer_end"
    status: str
    duration_seconds: float
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class ConfigsLoaded(LayerEvent):
    """The rows of a layer are known; emitted for an empty layer too.

    Args:
        count: How many transformations the layer will run.
    """

    name: ClassVar[str] = "configs_loaded"
    count: int


@dataclass(slots=True, kw_only=True)
class TransformationEvent(LayerEvent):
    """An event of one transformation.

    Args:
        transformation_id: The row's id.
        module: The row's module.
        function: The row's function.
        step: The row's step.
    """

    transformation_id: str
    module: str
    function: str
    step: int = 1


@dataclass(slots=True, kw_only=True)
class TransformStart(TransformationEvent):
    """A transformation begins; emitted once, not once per attempt."""

    name: ClassVar[str] = "transform_start"


@dataclass(slots=True, kw_only=True)
class TransformSuccess(TransformationEvent):
    """A transformation has succeeded and its outputs are saved.

    Args:
        duration_seconds: Seconds since its start, all attempts together.
        rows_read: Rows of all inputs, None if a reader did not know.
        rows_written: Rows of all outputs, None if a saver did not know.
        attempts: How often it was tried, at least 1.
    """

    name: ClassVar[str] = "transform_success"
    duration_seconds: float
    rows_read: int | None = None
    rows_written: int | None = None
    attempts: int = 1


@dataclass(slots=True, kw_only=True)
class TransformFailure(TransformationEvent):
    """A transformation has failed for good.

    Args:
        duration_seconds: Seconds since its start, all attempts together.
        error: The error's type and message.
        attempts: How often it was tried, at least 1.
    """

    name: ClassVar[str] = "transform_failure"
    duration_seconds: float
    error: str
    attempts: int = 1


@dataclass(slots=True, kw_only=True)
class TransformRetry(TransformationEvent):
    """An attempt failed with a transient error and another will follow.

    Args:
        attempt: The attempt that failed, counted from 1.
        max_retries: How many further attempts were allowed at the start.
        delay_seconds: Seconds until the next attempt.
        error: The error's type and message.
    """

    name: ClassVar[str] = "transform_retry"
    attempt: int
    max_retries: int
    delay_seconds: float
    error: str


@dataclass(slots=True, kw_only=True)
class TransformSkipped(TransformationEvent):
    """A transformation did not run: because of another, or because what it made in an earlier run stands.

    Args:
        reason: Why, with the id of the transformation that failed first, or of the earlier run.
        is_reused: Whether what it made in an earlier run stands, so that it counts as a success.
    """

    name: ClassVar[str] = "transform_skipped"
    reason: str
    is_reused: bool = False


@dataclass(slots=True, kw_only=True)
class PreRead(TransformationEvent):
    """An input is about to be read.

    Args:
        dataset: The input.
    """

    name: ClassVar[str] = "pre_read"
    dataset: Dataset


@dataclass(slots=True, kw_only=True)
class PostRead(TransformationEvent):
    """An input was read, as far as its engine reads eagerly.

    Args:
        dataset: The input.
        frame: The frame, as the function will get it.
        rows: Its rows, None if they would have to be counted.
        duration_seconds: Seconds that reading took.
    """

    name: ClassVar[str] = "post_read"
    dataset: Dataset
    frame: Frame = field(repr=False)
    rows: int | None
    duration_seconds: float


@dataclass(slots=True, kw_only=True)
class PreTransform(TransformationEvent):
    """A managed function is about to be called.

    Args:
        frames: The input frames by the inputs' names, read-only.
    """

    name: ClassVar[str] = "pre_transform"
    frames: Mapping[str, Frame] = field(default_factory=lambda: MappingProxyType({}), repr=False)


@dataclass(slots=True, kw_only=True)
class PostTransform(TransformationEvent):
    """A managed function has returned.

    Args:
        frames: The output frames by the outputs' names, read-only.
        duration_seconds: Seconds that the call took.
    """

    name: ClassVar[str] = "post_transform"
    frames: Mapping[str, Frame] = field(repr=False)
    duration_seconds: float


@dataclass(slots=True, kw_only=True)
class PreSave(TransformationEvent):
    """An output is about to be saved.

    Args:
        dataset: The output.
        frame: What will be saved.
    """

    name: ClassVar[str] = "pre_save"
    dataset: Dataset
    frame: Frame = field(repr=False)


@dataclass(slots=True, kw_only=True)
class PostSave(TransformationEvent):
    """An output was saved.

    Args:
        dataset: The output.
        rows: Rows written, None if the saver does not know.
        bytes: Bytes written, None if the saver does not know.
        duration_seconds: Seconds that saving took.
    """

    name: ClassVar[str] = "post_save"
    dataset: Dataset
    rows: int | None
    bytes: int | None
    duration_seconds: float


@dataclass(slots=True, kw_only=True)
class CachingStart(LayerEvent):
    """The tables of a layer's cache plan are about to be cached.

    Args:
        tables: Their names.
    """

    name: ClassVar[str] = "caching_start"
    tables: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class CachingEnd(LayerEvent):
    """The tables of a layer's cache plan were cached, or not.

    Args:
        tables: The names of those that are cached now.
        status: ``"success"``, ``"failed"`` or ``"unsupported"``.
        error: Why not, if one was not.
        duration_seconds: Seconds since its start.
    """

    name: ClassVar[str] = "caching_end"
    tables: tuple[str, ...]
    status: str
    duration_seconds: float
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class LogsPersisted(Event):
    """The run's records are in the journal and in a log sink.

    Args:
        sink: The sink's name, ``"journal"`` for the journal itself.
        records: How many records it took in this run.
        path: Where they are, if that is a path.
    """

    name: ClassVar[str] = "logs_persisted"
    sink: str
    records: int
    path: str | None = None


@dataclass(slots=True, kw_only=True)
class OnError(TransformationEvent):
    """A transformation raised, before it is known whether it will be tried again.

    Args:
        stage: ``"read"``, ``"transform"`` or ``"save"``.
        error: The error's type and message.
    """

    name: ClassVar[str] = "on_error"
    stage: str
    error: str


EVENT_TYPES: Final[Mapping[str, type[Event]]] = MappingProxyType(
    {
        type_.name: type_
        for type_ in (
            OrchestratorRunStart,
            OrchestratorRunEnd,
            BronzeStart,
            BronzeEnd,
            LayerStart,
            LayerEnd,
            ConfigsLoaded,
            TransformStart,
            TransformSuccess,
            TransformFailure,
            TransformRetry,
            TransformSkipped,
            PreRead,
            PostRead,
            PreTransform,
            PostTransform,
            PreSave,
            PostSave,
            CachingStart,
            CachingEnd,
            LogsPersisted,
            OnError,
        )
    }
)
"""Every event by its name: the closed set that hooks and filters are checked against."""

EVENT_ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {"pipeline_start": "orchestrator_run_start", "pipeline_end": "orchestrator_run_end"}
)
"""Names that v2's constants have for events of another name."""
