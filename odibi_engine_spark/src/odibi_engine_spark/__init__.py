"""The Spark engine for Odibi: one engine for a laptop, a cluster, Spark Connect and Sail, with Delta tables.

For notebooks and for `run_project(log_sink=...)` there are `DeltaTableManager`, `DeltaMergeManager`, `DatabaseManager`
and `SparkDeltaLogSink`. `plugin` tells the kernel what there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odibi_engine_spark.delta.databases import DatabaseManager
    from odibi_engine_spark.delta.merges import DeltaMergeManager
    from odibi_engine_spark.delta.sink import SparkDeltaLogSink
    from odibi_engine_spark.delta.tables import DeltaTableManager

__all__ = ["DatabaseManager", "DeltaMergeManager", "DeltaTableManager", "SparkDeltaLogSink"]


def __getattr__(name: str) -> Any:
    # A name imports what it needs and no more.
    if name == "DatabaseManager":
        from odibi_engine_spark.delta.databases import DatabaseManager

        return DatabaseManager
    if name == "DeltaMergeManager":
        from odibi_engine_spark.delta.merges import DeltaMergeManager

        return DeltaMergeManager
    if name == "DeltaTableManager":
        from odibi_engine_spark.delta.tables import DeltaTableManager

        return DeltaTableManager
    if name == "SparkDeltaLogSink":
        from odibi_engine_spark.delta.sink import SparkDeltaLogSink

        return SparkDeltaLogSink
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
