"""The cache plan: tables that an engine keeps in memory after a layer, for the layers that follow."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from odibi_core.plugin import CacheSupport, CachingEnd, CachingStart, Dataset

if TYPE_CHECKING:
    from odibi_core.events import Dispatcher
    from odibi_core.planning import DatasetResolver, Plan
    from odibi_core.running.engines import EngineRoom

__all__ = ["Caching", "merge_cache_plans"]


def merge_cache_plans(plan: Plan, argument: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    """Return the tables to cache after each layer: the argument if there is one, even an empty one, else the manifest.

    Args:
        plan: The plan, for its manifest's ``cache_plan`` and ``layers.<name>.cache_tables``.
        argument: What the caller passed as ``cache_plan``.
    """
    manifest = plan.project.manifest
    if argument is not None:
        wanted = {layer: list(tables) for layer, tables in argument.items()}
    else:
        wanted = {layer: list(tables) for layer, tables in manifest.cache_plan.items()}
        for layer, config in manifest.layers.items():
            wanted.setdefault(layer, []).extend(config.cache_tables)
    by_folded = {layer.casefold(): tables for layer, tables in wanted.items()}
    return {layer: tuple(dict.fromkeys(by_folded.get(layer.casefold(), ()))) for layer in plan.layers}


@dataclass(slots=True, kw_only=True)
class Caching:
    """Caches tables after their layer. What cannot be cached is a warning: caching is about speed, never about data.

    Args:
        tables: The tables of each layer.
        plan: The plan, for the engines of a layer.
        engines: The engines, opened.
        dispatcher: Where events go.
        resolver: What turns a table's name into a dataset.
        warnings: What could not be cached, and why.
    """

    tables: Mapping[str, tuple[str, ...]]
    plan: Plan
    engines: EngineRoom
    dispatcher: Dispatcher
    resolver: DatasetResolver
    warnings: list[str] = field(default_factory=list)
    _cached: list[tuple[CacheSupport, Dataset]] = field(default_factory=list)

    def cache_after(self, layer: str, *, identity: Mapping[str, Any]) -> None:
        """Cache the tables of a layer that has ended.

        Args:
            layer: The layer.
            identity: The identity fields of the layer's events.
        """
        tables = self.tables.get(layer, ())
        if not tables or not self.engines.is_open(self._engine_of(layer)):
            return  # nothing runs on an engine that was not started, so nobody will read from it
        started = time.perf_counter()
        if self.dispatcher.listens("caching_start"):
            self.dispatcher.dispatch(CachingStart(**identity, tables=tables))
        done, status, error = self._cache(layer, tables)
        if error is not None:
            self.warnings.append(f"layer {layer}: {error}")
        if self.dispatcher.listens("caching_end"):
            seconds = time.perf_counter() - started
            self.dispatcher.dispatch(
                CachingEnd(**identity, tables=done, status=status, error=error, duration_seconds=seconds)
            )

    def _engine_of(self, layer: str) -> str:
        # A layer without transformations has no engine of its own; that of the run need not be one that is open.
        return next((one.engine for one in self.plan if one.layer == layer), self.plan.transformations[0].engine)

    def uncache_all(self) -> None:
        """Undo everything, at the end of the run."""
        for engine, dataset in self._cached:
            try:
                engine.uncache(dataset)
            except Exception as error:  # noqa: BLE001 - the run is over; said in its warnings
                self.warnings.append(f"table {dataset.name} was not uncached: {type(error).__name__}: {error}")
        self._cached.clear()

    def _cache(self, layer: str, tables: tuple[str, ...]) -> tuple[tuple[str, ...], str, str | None]:
        name = self._engine_of(layer)
        capability = self.engines.manager.engine(name).capabilities.get("cache")
        engine = self.engines.engine(name)
        if capability is None or not capability.supported or not isinstance(engine, CacheSupport):
            return (), "unsupported", f"engine {name!r} does not cache tables; {', '.join(tables)} will be read again"
        done: list[str] = []
        for table in tables:
            try:
                dataset = self.resolver.resolve(table, role="input")
                self.engines.meter_of(name).timed(engine.cache)(dataset)
            except Exception as error:  # noqa: BLE001 - a table that is not cached is read again, which is no failure
                return tuple(done), "failed", f"table {table} was not cached: {type(error).__name__}: {error}"
            self._cached.append((engine, dataset))
            done.append(table)
        return tuple(done), "success", None
