"""Tables that Spark keeps in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odibi_engine_spark.columns import quoted
from odibi_engine_spark.delta.failures import failures
from odibi_engine_spark.delta.limits import refuse_on_sail

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from odibi_engine_spark.delta.targets import DeltaTarget

__all__ = ["TableCache"]

_STEP = 1024


class TableCache:
    """One named table, and whether it is kept in memory.

    Args:
        spark: The session.
        target: The table, by its name.

    Raises:
        ConfigError: The session is Sail's, which keeps nothing.
    """

    def __init__(self, spark: SparkSession, target: DeltaTarget) -> None:
        refuse_on_sail(spark, what="cache", instead="nothing has to, since Sail reads files anew at little cost")
        self._spark = spark
        self._target = target

    def cache(self, *, materialize: bool) -> None:
        """Keep the table.

        Args:
            materialize: Read all of it now.
        """
        with failures(self._target.shown):
            self._spark.catalog.cacheTable(self._target.sql)
            if materialize:
                self._spark.table(self._target.sql).count()

    def uncache(self) -> None:
        """Do not keep the table any longer."""
        with failures(self._target.shown):
            self._spark.catalog.uncacheTable(self._target.sql)

    def is_cached(self) -> bool:
        """Return whether the table is kept."""
        with failures(self._target.shown):
            return self._spark.catalog.isCached(self._target.sql)

    def status(self, size: int | None) -> dict[str, Any]:
        """Return what is known of the table's sizes.

        Args:
            size: The size of its files in bytes.
        """
        cached = self.is_cached()
        memory = self._memory() if cached else 0
        return {
            "table": self._target.shown,
            "is_cached": cached,
            "estimated_size_bytes": size,
            "estimated_size_readable": _readable(size),
            "cached_memory_bytes": memory,
            "cached_memory_readable": _readable(memory),
        }

    @staticmethod
    def all_cached(spark: SparkSession) -> list[str]:
        """Return the names of the tables that are kept, of all schemas of the current catalog.

        Args:
            spark: The session.
        """
        refuse_on_sail(spark, what="cache", instead="nothing has to")
        names = [
            (schema.name, table.name)
            for schema in spark.catalog.listDatabases()
            for table in spark.catalog.listTables(quoted(schema.name))
            # A temporary view has no schema and is listed in each of them.
            if table.namespace
        ]
        return sorted(".".join(name) for name in names if spark.catalog.isCached(".".join(map(quoted, name))))

    def _memory(self) -> int | None:
        """Return how many bytes Spark holds of the table: only a session in this process tells."""
        context = getattr(self._spark, "_sc", None)
        if context is None:
            return None
        name = self._target.parts[-1]
        infos = context._jsc.sc().getRDDStorageInfo()  # noqa: SLF001  # there is no public way to ask
        sizes = [info.memSize() for info in infos if _last_name(str(info.name())) == name]
        return sum(sizes) if sizes else None


def _last_name(of: str) -> str:
    """Return the table's name in the name that Spark gives to what it keeps: In-memory table `a`.`b`."""
    return of.removeprefix("In-memory table ").rpartition(".")[2].strip("`")


def _readable(size: int | None) -> str | None:
    if size is None:
        return None
    number, units = float(size), ["B", "KB", "MB", "GB", "TB"]
    while number >= _STEP and len(units) > 1:
        number, units = number / _STEP, units[1:]
    return f"{number:.1f} {units[0]}" if units[0] != "B" else f"{size} B"
