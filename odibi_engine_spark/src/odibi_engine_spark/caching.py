"""Tables in the executors' memory."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import TYPE_CHECKING, Any

from odibi_core.plugin import ConfigError, Dataset
from odibi_engine_spark import plugin

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["Cache"]


class Cache:
    """What one run keeps in memory.

    Spark finds by itself that a plan, or a part of one, is in memory, in every session of its application, and forgets
    what is there when somebody saves over it. So readers need not know.

    Args:
        engine: The engine.
    """

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._frames: dict[tuple[str, str], DataFrame] = {}

    def add(self, dataset: Dataset) -> None:
        """Keep a dataset.

        Args:
            dataset: What to keep.
        """
        with self._lock:
            if _key(dataset) not in self._frames:
                self._frames[_key(dataset)] = _reader(dataset, self._engine).read(dataset).cache()

    def remove(self, dataset: Dataset) -> None:
        """Let a dataset go; one that is not kept is no error.

        Args:
            dataset: What was kept.
        """
        with self._lock:
            frame = self._frames.pop(_key(dataset), None)
        if frame is not None:
            frame.unpersist()

    def clear(self) -> None:
        """Let everything go."""
        with self._lock:
            frames = list(self._frames.values())
            self._frames.clear()
        for frame in frames:
            frame.unpersist()


def _key(dataset: Dataset) -> tuple[str, str]:
    return dataset.format, dataset.location


def _reader(dataset: Dataset, engine: Any) -> Any:
    for spec in plugin.odibi_register_readers():
        if spec.format == dataset.format:
            module, _, name = spec.factory.partition(":")
            return getattr(import_module(module), name)(engine)
    raise ConfigError(f"Spark has no reader of its own for {dataset.format}, so {dataset.name} cannot be cached.")
