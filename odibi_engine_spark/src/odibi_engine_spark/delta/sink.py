"""A log sink that keeps records in a Delta table, by way of Spark."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.plugin import ConfigError, RunLogError
from odibi_engine_spark.delta.identifiers import name_parts

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from odibi_engine_spark.delta.run_log import SparkRunLog
    from odibi_engine_spark.delta.targets import DeltaTarget

__all__ = ["SparkDeltaLogSink"]


class SparkDeltaLogSink:
    """Keeps run-log records in a Delta table, each exactly once: rows are added, and nothing is ever replaced.

    The first records make the table, and its schema if need be, in the catalog that its name says. Columns that an
    older table lacks are added. Without a session it uses the one that is active when records come; without any, it
    starts one for as long as it takes.

    Args:
        spark: The session, classic, of Spark Connect or Sail's.
        table_name: The table: one to three parts.
        path: The table's folder or URI, in place of a name.

    Raises:
        ConfigError: The name has no one to three parts, or the path is empty.

    Example:
        >>> SparkDeltaLogSink(table_name="main.config_driven.run_log").table_name
        'main.config_driven.run_log'
    """

    def __init__(
        self,
        spark: SparkSession | None = None,
        table_name: str = "config_driven.TransformationRunLog",
        *,
        path: str | os.PathLike[str] | None = None,
    ) -> None:
        if isinstance(spark, str):
            raise ConfigError(f"SparkDeltaLogSink takes a session first; write table_name={spark!r}.")
        self.spark = spark
        self.table_name = table_name
        text = None if path is None else os.fspath(path).strip()
        # The working folder may be another one by the time the records come.
        self.path = str(Path(text).absolute()) if text and ":/" not in text else text
        if path is None:
            name_parts(table_name)
        elif not text:
            raise ConfigError("The Spark Delta log sink needs a path or a name, and got an empty path.")
        self._lock = threading.Lock()

    def write(self, records: Sequence[Mapping[str, Any]], /) -> None:
        """Append records in one commit, but those that the table has.

        Args:
            records: Mappings with the columns of the run log, in the order of their ``seq``. Other keys are ignored,
                missing ones are empty. A record without a run or a ``seq`` is appended whatever the table has.

        Raises:
            RunLogError: The table cannot be written, or is one that these records do not fit into.
        """
        if records:
            with self._lock, self._table("write") as table:
                table.append(records)

    def last_seq(self, run_id: str, /) -> int:
        """Return the highest ``seq`` that the table has of a run, 0 if there is none.

        Args:
            run_id: The run.

        Raises:
            RunLogError: The table cannot be read.
        """
        with self._lock, self._table("read") as table:
            return table.last_seq(run_id)

    def read_records(
        self,
        *,
        project: str | None = None,  # noqa: ARG002  # how names are compared is the caller's, who filters again
        since: datetime | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Return the records that the table has, run by run in the order of ``seq``.

        Args:
            project: Not used: whoever asks filters by project.
            since: Only of runs with a record whose ``start_time`` is not before this aware moment.

        Raises:
            RunLogError: The table is not there or cannot be read.
        """
        with self._lock, self._table("read") as table:
            return table.records(since=since)

    @contextmanager
    def _table(self, what: str) -> Iterator[SparkRunLog]:
        from odibi_engine_spark.delta.failures import in_one_line
        from odibi_engine_spark.delta.run_log import SparkRunLog

        target = self._target()
        try:
            with self._session() as session:
                yield SparkRunLog(session, target)
        except RunLogError:
            raise
        except Exception as error:
            # Whatever a session raises, of Java, gRPC or the store: for a sink it means that it cannot be reached.
            raise RunLogError(
                f"The Spark Delta log sink cannot {what} {target.shown}: {in_one_line(error)}. Check the table, the "
                f"permissions and the session."
            ) from error

    def _target(self) -> DeltaTarget:
        from odibi_engine_spark.delta.targets import DeltaTarget

        return DeltaTarget.named(self.table_name) if self.path is None else DeltaTarget.at(self.path)

    @contextmanager
    def _session(self) -> Iterator[SparkSession]:
        session = self.spark if self.spark is not None else _active()
        if session is not None:
            yield session
            return
        from odibi_engine_spark.options import SparkEngineOptions
        from odibi_engine_spark.sessions.opening import open_session

        # Let go of at once: the run's own engine may want a session with other settings, and there can be one only.
        handle = open_session(SparkEngineOptions(), handed_in=None, project_root=Path.cwd())
        try:
            yield handle.session
        finally:
            handle.release()


def _active() -> SparkSession | None:
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    try:
        return SparkSession.active()
    except PySparkException:
        return None
