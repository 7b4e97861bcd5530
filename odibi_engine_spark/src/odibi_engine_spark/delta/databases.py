"""All Delta tables of a schema at once."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from odibi_core.plugin import ConfigError, OdibiError
from odibi_engine_spark.columns import quoted
from odibi_engine_spark.delta.failures import failures, in_one_line
from odibi_engine_spark.delta.identifiers import name_parts
from odibi_engine_spark.delta.limits import refuse_on_sail
from odibi_engine_spark.delta.tables import DeltaTableManager

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["DatabaseManager"]

_MOST_PARTS = 2


class DatabaseManager:
    """Looks after all tables of a schema. What goes wrong with one table does not keep it from the others.

    Args:
        spark: The session.
        database: The schema, also as ``catalog.schema``.

    Raises:
        ConfigError: It is no name of a schema.

    Example::

        for answer in DatabaseManager(spark, "silver").vacuum_all(dry_run=True):
            print(answer["table"], answer["status"], len(answer["files"]))
    """

    def __init__(self, spark: SparkSession, database: str) -> None:
        self.spark = spark
        self.database = database
        self._parts = name_parts(database)
        if len(self._parts) > _MOST_PARTS:
            raise ConfigError(f"{database!r} has three parts; a schema is named by schema or catalog.schema.")

    def list_tables(self) -> list[str]:
        """Return the names of the tables, sorted; views are left out.

        Raises:
            DatasetNotFoundError: There is no such schema.
        """
        with failures(f"schema {self.database}"):
            tables = self.spark.catalog.listTables(".".join(map(quoted, self._parts)))
        return sorted(table.name for table in tables if not table.isTemporary and table.tableType != "VIEW")

    def vacuum_all(self, retention_hours: float = 168, dry_run: bool = False) -> list[dict[str, Any]]:
        """Vacuum every table.

        Args:
            retention_hours: How old a file has to be.
            dry_run: Only tell which files would go.

        Returns:
            Per table ``table``, ``status`` (``ok``, ``skipped`` if it is no Delta table, or ``failed``), ``error`` and
            ``files``, as `DeltaTableManager.vacuum` returns them.
        """
        refuse_on_sail(self.spark, what="VACUUM", instead="deltalake's DeltaTable(path).vacuum()")
        return self._each(lambda table: {"files": table.vacuum(retention_hours, dry_run)}, files=[])

    def optimize_all(self, zorder_by: str | Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Optimize every table.

        Args:
            zorder_by: Columns whose like values are put near each other.

        Returns:
            Per table ``table``, ``status``, ``error`` and ``metrics``, as `DeltaTableManager.optimize` returns them.
        """
        refuse_on_sail(self.spark, what="OPTIMIZE", instead="deltalake's DeltaTable(path).optimize.compact()")
        return self._each(lambda table: {"metrics": table.optimize(zorder_by)}, metrics={})

    def cache_all(self, name_filter: str | None = None, materialize: bool = True) -> list[dict[str, Any]]:
        """Keep tables in memory.

        Args:
            name_filter: Only tables with this text in their names, or of this pattern, such as ``dim_*``.
            materialize: Read all of each now.

        Returns:
            Per table `DeltaTableManager.cache_status` with ``status`` and ``error``.
        """

        def cache(table: DeltaTableManager) -> dict[str, Any]:
            table.cache(materialize)
            return table.cache_status()

        return self._each(cache, name_filter=name_filter, is_cached=False)

    def uncache_all(self, name_filter: str | None = None) -> list[dict[str, Any]]:
        """Do not keep tables in memory any longer.

        Args:
            name_filter: As for `cache_all`.

        Returns:
            Per table ``table``, ``status``, ``error`` and ``is_cached``.
        """

        def uncache(table: DeltaTableManager) -> dict[str, Any]:
            table.uncache()
            return {"is_cached": table.is_cached()}

        return self._each(uncache, name_filter=name_filter, is_cached=False)

    def _each(
        self, action: Callable[[DeltaTableManager], dict[str, Any]], *, name_filter: str | None = None, **empty: Any
    ) -> list[dict[str, Any]]:
        answers = []
        for name in self.list_tables():
            if name_filter and not _fits(name, name_filter):
                continue
            answer: dict[str, Any] = {"table": f"{self.database}.{name}", "status": "ok", "error": None, **empty}
            table = DeltaTableManager(self.spark, ".".join(map(quoted, (*self._parts, name))))
            try:
                if str(table.describe_detail().collect()[0]["format"]) == "delta":
                    answer |= {**action(table), "table": answer["table"]}
                else:
                    answer |= {"status": "skipped", "error": "no Delta table"}
            except OdibiError as error:
                answer |= {"status": "failed", "error": str(error)}
            except Exception as error:  # noqa: BLE001  # the others are looked after all the same, and this is reported
                answer |= {"status": "failed", "error": in_one_line(error)}
            answers.append(answer)
        return answers


def _fits(name: str, wanted: str) -> bool:
    if any(character in wanted for character in "*?["):
        return fnmatch.fnmatchcase(name.casefold(), wanted.casefold())
    return wanted.casefold() in name.casefold()
