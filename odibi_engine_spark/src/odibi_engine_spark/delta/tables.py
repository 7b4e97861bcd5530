"""One Delta table, as a notebook looks after it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from odibi_core.plugin import ConfigError, DatasetExistsError, DatasetNotFoundError
from odibi_engine_spark.columns import quoted
from odibi_engine_spark.delta.caching import TableCache
from odibi_engine_spark.delta.commits import latest_version
from odibi_engine_spark.delta.failures import failures
from odibi_engine_spark.delta.identifiers import name_parts
from odibi_engine_spark.delta.limits import refuse_on_sail
from odibi_engine_spark.delta.targets import DeltaTarget
from odibi_engine_spark.save_settings import plain_moments

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row, SparkSession

__all__ = ["DeltaTableManager"]

_BY_DELTA_RS = "deltalake's DeltaTable(path)"


class DeltaTableManager:
    """Looks after one Delta table: its history, its files, its place in the catalog and in memory.

    Args:
        spark: The session: Spark's own, one of Spark Connect, or Sail's, which lacks most of this and says so.
        table_or_path: The table's name, of one to three parts, or its path.
        is_path: Whether it is a path.

    Raises:
        ConfigError: It is no name of a table.

    Example::

        table = DeltaTableManager(spark, "silver.sales")
        table.time_travel(version=5).show()
        table.vacuum(168, dry_run=True)
    """

    def __init__(self, spark: SparkSession, table_or_path: str, is_path: bool = False) -> None:
        self.spark = spark
        self.table_or_path = table_or_path
        self.is_path = is_path
        self._target = DeltaTarget.at(table_or_path) if is_path else DeltaTarget.named(table_or_path)

    def describe_detail(self) -> DataFrame:
        """Return one row about the table: its format, location, size, number of files, partitions and properties."""
        return self._answer("DESCRIBE DETAIL", what="DESCRIBE DETAIL", instead=f"{_BY_DELTA_RS}.metadata()")

    def describe_history(self) -> DataFrame:
        """Return a row per commit, the newest first."""
        return self._answer("DESCRIBE HISTORY", what="DESCRIBE HISTORY", instead=f"{_BY_DELTA_RS}.history()")

    def show_history(self, limit: int = 10) -> None:
        """Print the newest commits.

        Args:
            limit: How many.
        """
        self.describe_history().show(limit, truncate=False)

    def time_travel(self, version: int | None = None, timestamp: str | None = None) -> DataFrame:
        """Return the table as it was.

        Args:
            version: As of this version.
            timestamp: As of this time, such as ``2026-11-22 03:20:00``, in the session's time zone.

        Raises:
            ConfigError: Both are given, or none.
            DatasetNotFoundError: There is no such table, or no such version of it.
        """
        if (version is None) == (timestamp is None):
            raise ConfigError("time_travel takes a version or a timestamp, one of them and not both.")
        name, value = (
            ("versionAsOf", str(_whole(version))) if version is not None else ("timestampAsOf", str(timestamp))
        )
        with failures(self._target.shown):
            self._require_there()
            frame = self._target.load(self.spark.read.option(name, value))
            # On Spark Connect nothing is looked at before.
            _ = frame.columns
        return frame

    def get_latest_version(self) -> int:
        """Return the version of the newest commit.

        Raises:
            DatasetNotFoundError: There is no such table.
        """
        folder = self._target.local_folder(self.spark)
        found = None if folder is None else latest_version(folder)
        if found is not None:
            return found
        return int(
            self._statement(
                "DESCRIBE HISTORY", "LIMIT 1", what="DESCRIBE HISTORY", instead=f"{_BY_DELTA_RS}.version()"
            )[0]["version"]
        )

    def restore_version(self, version: int) -> dict[str, Any]:
        """Make the table what it was, in a new commit.

        Args:
            version: As of this version.

        Returns:
            What was restored, as Delta counts it: ``num_restored_files`` and so on.
        """
        number = _whole(version)
        answer = self._statement(
            "RESTORE TABLE", f"TO VERSION AS OF {number}", what="RESTORE", instead=f"{_BY_DELTA_RS}.restore()"
        )
        return answer[0].asDict() if answer else {}

    def optimize(self, zorder_by: str | Sequence[str] | None = None) -> dict[str, Any]:
        """Make small files into large ones.

        Args:
            zorder_by: Columns whose like values are put near each other.

        Returns:
            Delta's metrics: ``numFilesAdded``, ``numFilesRemoved`` and so on.
        """
        columns = [zorder_by] if isinstance(zorder_by, str) else list(zorder_by or [])
        order = f"ZORDER BY ({', '.join(map(quoted, columns))})" if columns else ""
        with plain_moments(self.spark):
            answer = self._statement("OPTIMIZE", order, what="OPTIMIZE", instead=f"{_BY_DELTA_RS}.optimize.compact()")
        metrics = answer[0]["metrics"] if answer else None
        return {} if metrics is None else metrics.asDict(recursive=True)

    def vacuum(self, retention_hours: float = 168, dry_run: bool = False) -> list[str]:
        """Remove files that no version of the last hours needs.

        Args:
            retention_hours: How old a file has to be. Under a week, Delta refuses unless the session allows it.
            dry_run: Only tell which files these are.

        Returns:
            With ``dry_run``, the files that would be removed, at most the first 1000; else the folders that were gone
            through.

        Raises:
            ConfigError: The hours are negative, or fewer than the session allows.
        """
        hours = float(retention_hours)
        if not 0 <= hours < float("inf"):
            raise ConfigError(f"vacuum keeps files of the last {retention_hours} hours, which is no such time.")
        rest = f"RETAIN {hours:f} HOURS{' DRY RUN' if dry_run else ''}"
        answer = self._statement("VACUUM", rest, what="VACUUM", instead=f"{_BY_DELTA_RS}.vacuum()")
        return [str(row[0]) for row in answer]

    def register_table(self, table_name: str, database: str | None = None) -> None:
        """Give a table that is meant by its path a name in the catalog; a name that it has already is no error.

        Args:
            table_name: The name, of one to three parts.
            database: The schema, if the name has only one part; it may be ``catalog.schema``.

        Raises:
            ConfigError: The table is meant by a name.
            DatasetExistsError: The name is another table's.
            DatasetNotFoundError: There is no such table.
        """
        if not self.is_path:
            raise ConfigError(f"{self.table_or_path!r} is a name already; register_table is for a table by its path.")
        parts = (*(name_parts(database) if database else ()), *name_parts(table_name))
        refuse_on_sail(self.spark, what="lasting catalog", instead="the table's path in place of its name")
        name = DeltaTarget.named(".".join(map(quoted, parts)))
        with failures(name.shown):
            self._require_there()
            if self.spark.catalog.tableExists(name.sql):
                there = self._location(name)
                if there != self._location(self._target):
                    raise DatasetExistsError(
                        f"{name.shown} is the name of the table in {there}. Drop that one, or take another name."
                    )
                return
            self.spark.catalog.createTable(name.sql, path=self._target.path, source="delta")

    def cache(self, materialize: bool = True) -> None:
        """Keep the table in memory.

        Args:
            materialize: Read all of it now, and not when it is first used.

        Raises:
            ConfigError: The table is meant by its path, or the session keeps nothing.
        """
        self._cache().cache(materialize=materialize)

    def uncache(self) -> None:
        """Do not keep the table in memory any longer; one that is not kept is no error."""
        self._cache().uncache()

    def is_cached(self) -> bool:
        """Return whether the table is kept in memory; False of a table that is meant by its path."""
        return not self.is_path and self._cache().is_cached()

    def recache(self, materialize: bool = True) -> None:
        """Keep the table in memory as it is now.

        Args:
            materialize: Read all of it now.
        """
        self._cache().uncache()
        self._cache().cache(materialize=materialize)

    def cache_status(self) -> dict[str, Any]:
        """Return whether the table is kept in memory, its size in files, and in memory where Spark tells.

        Returns:
            ``table``, ``is_cached``, ``estimated_size_bytes``, ``estimated_size_readable``, ``cached_memory_bytes`` and
            ``cached_memory_readable``; None for what is not known.
        """
        size = self._statement("DESCRIBE DETAIL", what="DESCRIBE DETAIL", instead=f"{_BY_DELTA_RS}.get_add_actions()")[
            0
        ]["sizeInBytes"]
        return self._cache().status(size)

    @staticmethod
    def uncache_all(spark: SparkSession) -> None:
        """Keep nothing in memory any longer, of any table and frame of a session.

        Args:
            spark: The session.
        """
        spark.catalog.clearCache()

    @staticmethod
    def list_cached_tables(spark: SparkSession) -> list[str]:
        """Return the names of the tables that are kept in memory, of all schemas of the current catalog.

        Args:
            spark: The session.
        """
        return TableCache.all_cached(spark)

    def _cache(self) -> TableCache:
        if self.is_path:
            raise ConfigError(
                f"{self.table_or_path!r} is a path, and only a table with a name is kept in memory. Use register_table."
            )
        return TableCache(self.spark, self._target)

    def _location(self, target: DeltaTarget) -> str:
        return str(self.spark.sql(f"DESCRIBE DETAIL {target.sql}").collect()[0]["location"])

    def _require_there(self) -> None:
        if self._target.checked(self.spark).schema(self.spark) is None:
            raise DatasetNotFoundError(f"{self._target.shown}: there is no such Delta table.")

    def _answer(self, verb: str, *, what: str, instead: str, rest: str = "") -> DataFrame:
        refuse_on_sail(self.spark, what=what, instead=instead)
        with failures(self._target.shown):
            return self.spark.sql(f"{verb} {self._target.sql} {rest}".strip())

    def _statement(self, verb: str, rest: str = "", *, what: str, instead: str) -> list[Row]:
        with failures(self._target.shown):
            return self._answer(verb, what=what, instead=instead, rest=rest).collect()


def _whole(version: object) -> int:
    if isinstance(version, bool) or not re.fullmatch(r"\d+", str(version)):
        raise ConfigError(f"{version!r} is no version of a table; versions are 0, 1, 2 ...")
    return int(str(version))
