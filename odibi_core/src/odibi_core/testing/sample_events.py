"""Every event with plausible values, and a frame that notices what is done with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, NoReturn

from odibi_core.plugin import EVENT_TYPES, Dataset, Event

__all__ = ["WatchedFrame", "make_event", "sample_events"]


class WatchedFrame:
    """Stands for a frame: it notes when it is changed, and when something is done that would touch its rows.

    Its columns, types and repr may be looked at. Everything else of a frame is work: on a lazy engine
    ``len(frame)``, ``frame.count()`` or ``frame.head()`` starts a job.

    Example:
        >>> frame = WatchedFrame()
        >>> frame.columns
        ('id', 'value')
        >>> frame["value"] = 1
        >>> frame.count()
        Traceback (most recent call last):
            ...
        TypeError: an observer may not use the frame's 'count': it may start a computation
        >>> frame.noted
        ("sets frame['value']", 'uses frame.count')
    """

    def __init__(self) -> None:
        object.__setattr__(self, "_noted", [])

    @property
    def noted(self) -> tuple[str, ...]:
        """What was done that is not allowed."""
        return tuple(object.__getattribute__(self, "_noted"))

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return ("id", "value")

    @property
    def dtypes(self) -> tuple[tuple[str, str], ...]:
        """The columns with their types."""
        return (("id", "bigint"), ("value", "double"))

    @property
    def schema(self) -> Mapping[str, str]:
        """The types by column."""
        return MappingProxyType(dict(self.dtypes))

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)  # such as copy and pickle look for; what is done with it is noted elsewhere
        self._note(f"uses frame.{name}")
        raise TypeError(f"an observer may not use the frame's {name!r}: it may start a computation")

    def __setattr__(self, name: str, value: object) -> None:
        self._note(f"sets frame.{name}")

    def __delattr__(self, name: str) -> None:
        self._note(f"deletes frame.{name}")

    def __setitem__(self, key: object, value: object) -> None:
        self._note(f"sets frame[{key!r}]")

    def __delitem__(self, key: object) -> None:
        self._note(f"deletes frame[{key!r}]")

    def __getitem__(self, key: object) -> NoReturn:
        self._note(f"uses frame[{key!r}]")
        raise TypeError("an observer may not look into a frame: it may start a computation")

    def __len__(self) -> int:
        self._note("counts the rows, len(frame)")
        return 3

    def __bool__(self) -> bool:
        self._note("asks whether there are rows, bool(frame)")
        return True

    def __iter__(self) -> Iterator[str]:
        self._note("goes through the frame")
        return iter(self.columns)

    def __arrow_c_stream__(self, requested_schema: object = None) -> NoReturn:
        self._note("takes the rows as Arrow")
        raise TypeError("an observer may not take the rows of a frame: it may start a computation")

    def __repr__(self) -> str:
        return "WatchedFrame[id: bigint, value: double]"

    def _note(self, what: str) -> None:
        noted: list[str] = object.__getattribute__(self, "_noted")
        noted.append(what)


def sample_events(names: Iterable[str] | None = None, *, frame: object = None) -> Iterator[Event]:
    """Yield events as a run may emit them: each with everything set, and with nothing that may be missing.

    Args:
        names: Which events; every one by default.
        frame: What events with frames hold; a new `WatchedFrame` each by default.

    Example:
        >>> len(list(sample_events())) == 2 * len(EVENT_TYPES)
        True
    """
    for name in EVENT_TYPES if names is None else names:
        for full in (True, False):
            yield make_event(name, full=full, frame=frame)


def make_event(name: str, *, full: bool = True, frame: object = None, **given: Any) -> Event:
    """Return one event with plausible values.

    Args:
        name: The event's name.
        full: Whether everything is set that may be missing; if not, what may be None is, and what has a default has it.
        frame: What it holds where it holds a frame; a new `WatchedFrame` by default.
        **given: Fields with another value.

    Example:
        >>> make_event("transform_failure", error="ValueError: no").payload()["error"]
        'ValueError: no'
    """
    type_ = EVENT_TYPES[name]
    values: dict[str, Any] = {}
    for field in fields(type_):
        is_optional = field.default is not MISSING or field.default_factory is not MISSING
        if field.name in {"frame", "frames"}:
            one = WatchedFrame() if frame is None else frame
            values[field.name] = one if field.name == "frame" else MappingProxyType({"silver.sales": one})
        elif full or not is_optional:
            values[field.name] = _value(field.name, type_, full=full)
    return type_(**{**values, **given})


def _value(field: str, type_: type[Event], *, full: bool) -> Any:
    if field in {"rows", "bytes"}:
        return 3 if full else None
    if field == "dataset":
        # Built anew each time: its options are a plain dictionary, which an observer could change.
        return Dataset(
            name="silver.sales",
            kind="table",
            format="parquet",
            location="/srv/project/data/silver/sales.parquet",
            options={"columns": ["id", "value"]},
        )
    if field == "error" and type_.name.endswith("_end"):
        return None if not full else "ValueError: 'sales' has no column 'id'"
    return _VALUES[field]


_VALUES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "run_id": "20260329T013000-a",
        "project": "Energy Efficiency",
        "env": "qat",
        "engine": "pandas",
        "timestamp": datetime(2026, 3, 29, 1, 30, 0, 5, tzinfo=UTC),
        "layer": "Silver",
        "target_layers": ("Bronze", "Silver"),
        "transformation_count": 3,
        "status": "success",
        "layers_executed": ("Bronze", "Silver"),
        "duration_seconds": 1.25,
        "sources_processed": 2,
        "succeeded": 2,
        "failed": 0,
        "skipped": 1,
        "count": 3,
        "transformation_id": "silver-sales",
        "module": "silver.sales",
        "function": "clean",
        "step": 2,
        "rows_read": 3,
        "rows_written": 3,
        "attempts": 2,
        "attempt": 1,
        "max_retries": 2,
        "delay_seconds": 0.5,
        "error": "ValueError: 'sales' has no column 'id'\nand a second line, 😀",
        "reason": "bronze-sales failed",
        "is_reused": True,
        "tables": ("silver.sales", "silver.stores"),
        "sink": "journal",
        "records": 12,
        "path": "/srv/project/.odibi/runs/20260329T013000-a.jsonl",
        "stage": "transform",
    }
)
"""By field, what it may hold. A field that is new has to be given a value here, which a test makes sure of."""
