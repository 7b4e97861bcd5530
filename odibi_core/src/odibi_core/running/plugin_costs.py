"""What each plugin cost a run: calls, seconds and errors, by what it was called for.

Measured around the call, where the kernel makes it: two readings of a clock and an append, 0.3 microseconds,
and nothing at all where nobody listens. A plugin is charged with what its call took, also where that was spent waiting
for another plugin's lazy frame.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from odibi_core.errors import HandOverTooLargeError

if TYPE_CHECKING:
    from odibi_core.events import Observer
    from odibi_core.loading import PluginRecord

__all__ = ["COSTS_VERSION", "CostPart", "Meter", "PluginCost", "PluginCosts"]

COSTS_VERSION: Final = 1
"""The version of `PluginCosts.to_dict`; a later one may add keys."""

_MOST_KEPT: Final = 1_024

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPart:
    """What one kind of call cost.

    Args:
        calls: How many there were.
        seconds: What they took together; calls in several threads at once add up to more than the run.
        errors: How many raised.
    """

    calls: int = 0
    seconds: float = 0.0
    errors: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the part as JSON-ready data."""
        return {"calls": self.calls, "seconds": round(self.seconds, 6), "errors": self.errors}


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginCost:
    """What one plugin cost a run.

    Args:
        plugin: Its name.
        distribution: Its distribution.
        version: The distribution's version.
        parts: By what it was called for: ``"hooks"``, ``"readers"``, ``"savers"``, ``"engine"``.

    Example:
        >>> cost = PluginCost(plugin="sinks", distribution="odibi-sinks", version="0.1.0", parts={
        ...     "readers": CostPart(calls=2, seconds=0.5), "savers": CostPart(calls=1, seconds=1.0, errors=1)})
        >>> cost.calls, cost.seconds, cost.errors
        (3, 1.5, 1)
    """

    plugin: str
    distribution: str
    version: str
    parts: Mapping[str, CostPart]

    @property
    def calls(self) -> int:
        """How many calls there were."""
        return sum(part.calls for part in self.parts.values())

    @property
    def seconds(self) -> float:
        """What they took together."""
        return sum(part.seconds for part in self.parts.values())

    @property
    def errors(self) -> int:
        """How many raised."""
        return sum(part.errors for part in self.parts.values())

    def to_dict(self) -> dict[str, Any]:
        """Return the cost as JSON-ready data."""
        return {
            "distribution": self.distribution,
            "version": self.version,
            "calls": self.calls,
            "seconds": round(self.seconds, 6),
            "errors": self.errors,
            "parts": {name: part.to_dict() for name, part in sorted(self.parts.items())},
        }


class Meter:
    """Measures one kind of call to one plugin, from any thread.

    Example:
        >>> meter = Meter()
        >>> meter.timed(len)("abc"), meter.read().calls
        (3, 1)
    """

    __slots__ = ("_calls", "_errors", "_kept", "_lock", "_seconds")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Appending needs no lock, adding would; the list is added up now and then, so that it stays short.
        self._kept: list[float] = []
        self._calls = 0
        self._seconds = 0.0
        self._errors = 0

    def timed(self, function: Callable[..., R]) -> Callable[..., R]:
        """Return a function that does the same and is measured.

        Args:
            function: The function; it is called by position, since keywords would cost as much again as the clock.
        """
        kept, clock = self._kept, time.perf_counter

        @functools.wraps(function, updated=())
        def timed(*args: Any) -> R:
            started = clock()
            try:
                return function(*args)
            except Exception as error:
                self._note(error)
                raise
            finally:
                kept.append(clock() - started)
                if len(kept) >= _MOST_KEPT:
                    self._add_up()

        return timed

    def add(self, seconds: float, error: Exception | None = None) -> None:
        """Note a call that was measured elsewhere.

        Args:
            seconds: How long it took.
            error: What it raised.
        """
        if error is not None:
            self._note(error)
        self._kept.append(seconds)
        if len(self._kept) >= _MOST_KEPT:
            self._add_up()

    def read(self) -> CostPart:
        """Return what was measured so far."""
        self._add_up()
        return CostPart(calls=self._calls, seconds=self._seconds, errors=self._errors)

    def _note(self, error: Exception) -> None:
        # What the kernel itself refuses, in the middle of a plugin's call, is no error of the plugin's.
        if not isinstance(error, HandOverTooLargeError):
            with self._lock:
                self._errors += 1

    def _add_up(self) -> None:
        with self._lock:
            while self._kept:
                self._seconds += self._kept.pop()
                self._calls += 1


@dataclass(slots=True)
class PluginCosts:
    """What the plugins cost one run."""

    _meters: dict[tuple[str, str], Meter] = field(default_factory=dict)
    _owners: dict[str, PluginRecord] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def meter(self, owner: PluginRecord, kind: str) -> Meter:
        """Return the meter of a plugin for one kind of call, always the same.

        Args:
            owner: The plugin.
            kind: ``"hooks"``, ``"readers"``, ``"savers"`` or ``"engine"``.
        """
        with self._lock:
            self._owners[owner.name] = owner
            return self._meters.setdefault((owner.name, kind), Meter())

    def charge(self, owner: PluginRecord, seconds: float, error: Exception | None) -> None:
        """Note a call of a plugin's run hook: what it took itself, and what it raised."""
        self.meter(owner, "hooks").add(seconds, error)

    def observers(
        self, observers: Mapping[str, tuple[Observer, ...]], *, owners: Mapping[str, PluginRecord]
    ) -> dict[str, tuple[Observer, ...]]:
        """Return observers that do the same and are measured.

        Args:
            observers: By event, the observers.
            owners: By name, the plugins.
        """
        from odibi_core.events import Observer

        return {
            event: tuple(
                Observer(
                    one.plugin,
                    one.distribution,
                    one.hook,
                    self.meter(owners[one.plugin], "hooks").timed(one.function),
                )
                for one in those
            )
            for event, those in observers.items()
        }

    def read(self) -> dict[str, PluginCost]:
        """Return by name what each plugin that was called cost so far, sorted."""
        parts: dict[str, dict[str, CostPart]] = {}
        with self._lock:
            meters = dict(self._meters)
        for (name, kind), meter in sorted(meters.items()):
            part = meter.read()
            if part.calls:
                parts.setdefault(name, {})[kind] = part
        return {
            name: PluginCost(
                plugin=name,
                distribution=self._owners[name].distribution,
                version=self._owners[name].version,
                parts=those,
            )
            for name, those in parts.items()
        }

    def to_dict(self) -> dict[str, Any]:
        """Return what the end of a journal says of plugins."""
        return {"version": COSTS_VERSION, "plugins": {name: cost.to_dict() for name, cost in self.read().items()}}
