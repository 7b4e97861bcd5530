"""A Delta table of run-log records, each of them there exactly once.

A batch is one commit, of the rows which the table does not have: that is asked for in the same transaction, and with
the rows the commit says how far the run has got (the transaction that the delta-rs sink keeps, so both can write to one
table). Of writers that race with the same run, Delta lets one through, and the others look again. Sail has no such
transactions; there, one writer at a time is exact, which is how the kernel delivers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from pyspark.errors import AnalysisException
from pyspark.sql import functions as F  # noqa: N812  # as everybody writes it

from odibi_core.plugin import RECORD_COLUMNS, DatasetExistsError, RunLogError, TransientError
from odibi_engine_spark.columns import column, quoted
from odibi_engine_spark.delta.creating import check_folder
from odibi_engine_spark.delta.failures import condition_of, failures
from odibi_engine_spark.delta.limits import is_sail
from odibi_engine_spark.delta.records import check_columns, records_of, table_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from odibi_engine_spark.delta.targets import DeltaTarget

__all__ = ["SparkRunLog"]

_ATTEMPTS: Final = 8
_LEFT_BEHIND: Final = "DELTA_CREATE_TABLE_WITH_NON_EMPTY_LOCATION"
_STATISTICS: Final = "run_id,seq,start_time"
_log: Final = logging.getLogger("odibi.engine_spark")


class SparkRunLog:
    """The table, through one session.

    Args:
        session: The session.
        target: The table, which need not exist.
    """

    def __init__(self, session: SparkSession, target: DeltaTarget) -> None:
        self._session = session
        self._target = target.checked(session)

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Append those of some records that the table does not have: one commit for each run among them.

        Raises:
            RunLogError: The table cannot be written, or is one that these records do not fit into.
        """
        for run_id, batch in _by_run(records):
            for is_last in (False,) * (_ATTEMPTS - 1) + (True,):
                try:
                    self._append(batch, run_id)
                except (TransientError, DatasetExistsError):
                    # Somebody else committed what this commit depends on: the table itself, or the run's records.
                    if is_last:
                        raise
                else:
                    break

    def last_seq(self, run_id: str) -> int:
        """Return the highest ``seq`` that the table has of a run, 0 if there is none or no table."""
        schema = self._schema()
        if schema is None or not {"run_id", "seq"} <= set(schema.names):
            return 0
        found = self._target.read(self._session).where(column("run_id") == F.lit(run_id))
        return int(found.agg(F.max(column("seq"))).collect()[0][0] or 0)

    def records(self, *, since: datetime | None) -> Iterator[dict[str, Any]]:
        """Return the records, run by run in the order of ``seq``.

        Args:
            since: Only of runs with a record that began at this aware moment or later.

        Raises:
            RunLogError: The table is not there.
        """
        schema = self._schema()
        if schema is None:
            raise RunLogError(f"The Spark Delta log sink cannot read {self._target.shown}: no such table is there.")
        rows = self._target.read(self._session)
        if since is not None and {"run_id", "start_time"} <= set(schema.names):
            begun = rows.where(column("start_time") >= F.lit(since)).select("run_id").distinct()
            rows = rows.join(begun, "run_id", "left_semi")
        order = [column(name) for name in ("run_id", "seq") if name in schema.names]
        known = [column(name) for name in RECORD_COLUMNS if name in schema.names]
        return records_of(rows.select(*known).orderBy(*order).toArrow())

    def _schema(self) -> StructType | None:
        schema = self._target.schema(self._session)
        if schema is not None:
            check_columns(schema, where=self._target.shown)
        return schema

    def _append(self, records: Sequence[Mapping[str, Any]], run_id: str | None) -> None:
        rows = self._session.createDataFrame(table_of(records))
        with failures(self._target.shown):
            schema = self._schema()
            if schema is None:
                schema = self._prepare_to_create()
            if schema is not None:
                rows = self._fitted(rows, schema, run_id)
            writer = rows.coalesce(1).write.mode("append").option("mergeSchema", "true")
            seqs = [record["seq"] for record in records if isinstance(record.get("seq"), int)]
            if run_id and seqs:
                writer = writer.options(txnAppId=f"odibi-run-log/{run_id}", txnVersion=str(max(seqs)))
            if schema is None and not is_sail(self._session):
                # Never the error messages: these may be megabytes, and statistics stand in the table's own log.
                writer = writer.option("delta.dataSkippingStatsColumns", _STATISTICS)
            try:
                self._target.save(writer)
            except AnalysisException as error:
                if condition_of(error) != _LEFT_BEHIND:
                    raise
                self._adopt(error)
                raise DatasetExistsError(f"{self._target.shown} is there already") from error

    def _fitted(self, rows: DataFrame, schema: StructType, run_id: str | None) -> DataFrame:
        """Return the rows that the table lacks, in its types and, as Sail wants them, in its order."""
        if run_id and {"run_id", "seq"} <= set(schema.names):
            stored = self._target.read(self._session).where(column("run_id") == F.lit(run_id))
            stored = stored.select(column("seq").cast("bigint").alias("seq"))
            rows = rows.join(stored, "seq", "left_anti")
        there = [
            column(field.name).cast(field.dataType).alias(field.name)
            if field.name in RECORD_COLUMNS
            else F.lit(None).cast(field.dataType).alias(field.name)
            for field in schema.fields
        ]
        return rows.select(*there, *[column(name) for name in RECORD_COLUMNS if name not in schema.names])

    def _prepare_to_create(self) -> StructType | None:
        """Make room for a table; return the schema of one that has come to be there meanwhile."""
        folder = self._target.local_folder(self._session)
        if folder is not None:
            check_folder(folder, subject=self._target.shown)
        parts = self._target.parts
        if len(parts) > 1:
            self._session.sql(f"CREATE SCHEMA IF NOT EXISTS {'.'.join(map(quoted, parts[:-1]))}")
        if parts and is_sail(self._session):
            _log.warning(
                "The log sink's table %s is in Sail's catalog, which may last no longer than its server. Give the sink "
                "a path in place of a name.",
                self._target.shown,
            )
        return None

    def _adopt(self, error: AnalysisException) -> None:
        """Name a table whose files are there though the catalog, being of an earlier process, does not know it."""
        location = (error.getMessageParameters() or {}).get("tableLocation", "").strip("'")
        if not location:
            raise error
        try:
            self._session.catalog.createTable(self._target.sql, path=location, source="delta").schema  # noqa: B018
        except AnalysisException as failed:
            if condition_of(failed) != "TABLE_OR_VIEW_ALREADY_EXISTS":
                raise


def _run_of(record: Mapping[str, Any]) -> str | None:
    run_id, seq = record.get("run_id"), record.get("seq")
    return run_id if isinstance(run_id, str) and run_id and isinstance(seq, int) else None


def _by_run(records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str | None, list[Mapping[str, Any]]]]:
    for run_id, some in groupby(records, key=_run_of):
        batch = list(some)
        yield run_id, _distinct(batch) if run_id else batch


def _distinct(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    first: dict[int, Mapping[str, Any]] = {}
    for record in records:
        first.setdefault(record["seq"], record)
    return list(first.values())
