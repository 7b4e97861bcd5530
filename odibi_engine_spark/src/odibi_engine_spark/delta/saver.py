"""Saving Delta tables by path: each save one commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812  # as everybody writes it

from odibi_core.plugin import ConfigError, DataFormatError, Dataset, DatasetExistsError, SaveReport
from odibi_engine_spark.columns import require_columns
from odibi_engine_spark.delta.commits import facts_after, latest_version
from odibi_engine_spark.delta.creating import check_folder, create
from odibi_engine_spark.delta.failures import failures
from odibi_engine_spark.delta.fitting import check_complete, check_names, same_columns
from odibi_engine_spark.delta.limits import is_sail
from odibi_engine_spark.delta.merging import MergeReport, MergeRules, merge
from odibi_engine_spark.delta.options import DeltaWriteOptions
from odibi_engine_spark.delta.targets import DeltaTarget
from odibi_engine_spark.option_models import parse_options
from odibi_engine_spark.places import Place, place_of
from odibi_engine_spark.save_settings import plain_moments

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["SparkDeltaSaver"]


class SparkDeltaSaver:
    """Saves frames as Delta tables.

    Readers see the table before or after a save and nothing between. Rows and bytes are taken from the commit where
    this process sees the table's folder; nothing is counted.

    Args:
        engine: The engine, which knows what its session can do.

    Example::

        dataset = Dataset(name="sales", kind="path", format="delta", location="/data/sales", mode="merge",
                          options={"merge_keys": ["id"]})
        SparkDeltaSaver(engine).save(frame, dataset)
    """

    def __init__(self, engine: SparkEngine) -> None:
        self._engine = engine

    def save(self, frame: DataFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and something is there, or the folder holds something else.
            DataFormatError: The frame does not fit into the table.
            DataQualityError: Mode ``merge``, and several rows have the same keys.
            ColumnNotFoundError: A column to partition or merge by is not there.
            ConfigError: An option is wrong, or does not go with the mode or the session.
            TransientError: Somebody else changed the table at the same time.
        """
        options = parse_options(DeltaWriteOptions, dataset)
        place = place_of(dataset, engine=self._engine)
        subject = f"{dataset.name!r}: {place.shown}"
        _check_mode(options, dataset, subject=subject)
        require_columns(dataset.partition_by, frame.columns, subject=f"the frame for {subject}")
        # The frame's own session: the engine may have given each transformation one.
        session = frame.sparkSession
        target = DeltaTarget.at(str(place.path or place.uri), options=place.options).checked(session)
        if place.options and dataset.mode == "merge":
            raise ConfigError(
                f"{subject}: a MERGE takes what reaches the store from the session. Set them in engines.spark.conf, as "
                f"spark.hadoop.fs...., and leave them out of the connection"
            )
        with failures(subject), plain_moments(session):
            table = target.schema(session)
            if table is None and place.path is not None:
                check_folder(place.path, subject=subject)
            before = None if place.path is None else latest_version(place.path)
            if dataset.mode == "merge":
                report = _merge(frame, dataset, options, target, subject=subject, local=place.path)
                rows = None if report.inserted is None or report.updated is None else report.inserted + report.updated
                return _report(place, before, rows=rows)
            if table is not None and dataset.mode in {"append", "overwrite"}:
                _write(frame, dataset, options, target, table, subject=subject)
            elif not _made(frame, dataset, options, target, table, subject=subject, local=place.path):
                return SaveReport(location=place.shown, was_written=False)
        return _report(place, before)


def _merge(
    frame: DataFrame,
    dataset: Dataset,
    options: DeltaWriteOptions,
    target: DeltaTarget,
    *,
    subject: str,
    local: Path | None,
) -> MergeReport:
    rules = MergeRules(
        keys=options.merge_keys or [],
        changes=options.change_columns,
        has_audit=options.audit_columns,
        may_add=options.merge_schema,
        partition_by=dataset.partition_by,
        properties=options.table_properties,
    )
    return merge(frame, target, rules, subject=subject, local=local)


def _check_mode(options: DeltaWriteOptions, dataset: Dataset, *, subject: str) -> None:
    given = options.model_fields_set
    for name, modes in _GOES_WITH.items():
        if name in given and getattr(options, name) not in {None, False} and dataset.mode not in modes:
            raise ConfigError(
                f"{subject}: the option {name} goes with mode {' or '.join(modes)}, and the mode is {dataset.mode}"
            )
    if dataset.mode == "merge" and not options.merge_keys:
        raise ConfigError(f"{subject}: mode merge needs the option merge_keys, the columns that say which row is which")


_GOES_WITH = {
    "merge_schema": ("append", "overwrite", "merge"),
    "overwrite_schema": ("overwrite",),
    "replace_where": ("overwrite",),
    "audit_columns": ("merge",),
}


def _made(
    frame: DataFrame,
    dataset: Dataset,
    options: DeltaWriteOptions,
    target: DeltaTarget,
    table: StructType | None,
    *,
    subject: str,
    local: Path | None,
) -> bool:
    """Make the table; return False if one is there and the mode is to leave it."""
    try:
        if table is not None:
            raise DatasetExistsError(f"{subject} is there already, and the mode is {dataset.mode}")
        check_names(frame, None, subject=subject, may_add=True)
        _check_replaced(frame, options, subject=subject)
        create(
            frame,
            target,
            subject=subject,
            partition_by=dataset.partition_by,
            properties=options.table_properties,
            local=local,
        )
    except DatasetExistsError:
        if dataset.mode == "ignore":
            return False
        if dataset.mode == "error":
            raise
        now = target.schema(frame.sparkSession)
        if now is None:
            raise
        _write(frame, dataset, options, target, now, subject=subject)
    return True


def _write(
    frame: DataFrame,
    dataset: Dataset,
    options: DeltaWriteOptions,
    target: DeltaTarget,
    table: StructType,
    *,
    subject: str,
) -> None:
    """Append to a table, or replace what is in it."""
    may_add = options.merge_schema or options.overwrite_schema
    check_names(frame, table, subject=subject, may_add=may_add)
    if not may_add:
        check_complete(frame, table, subject=subject)
    sail = is_sail(frame.sparkSession)
    if not options.overwrite_schema:
        # Sail makes null of what does not fit, and tells upper and lower case apart. Delta on Spark judges by itself,
        # and gives a column that is left out its default.
        frame = same_columns(frame, table, subject=subject, fill=sail, lenient=not sail)
    writer = frame.write.mode("append" if dataset.mode == "append" else "overwrite")
    if dataset.partition_by:
        writer = writer.partitionBy(*dataset.partition_by)
    if not sail and dataset.mode == "overwrite":
        # A session that overwrites dynamically would keep the partitions that the frame has no row for.
        writer = writer.option("partitionOverwriteMode", "static")
    if options.merge_schema:
        writer = writer.option("mergeSchema", "true")
    if options.overwrite_schema:
        writer = writer.option("overwriteSchema", "true")
    if options.replace_where is not None:
        if sail:
            _check_replaced(frame, options, subject=subject)
        # Rows for which the condition is unknown stay, which Sail forgets.
        writer = writer.option("replaceWhere", f"({options.replace_where}) IS TRUE" if sail else options.replace_where)
    try:
        target.save(writer)
    except Exception as error:
        raise _with_types(error, frame, table, subject) from error


def _check_replaced(frame: DataFrame, options: DeltaWriteOptions, *, subject: str) -> None:
    """Refuse rows that the condition of what is replaced does not hold for, as Delta does on Spark."""
    if options.replace_where is None:
        return
    outside = frame.where(~F.coalesce(F.expr(f"({options.replace_where}) IS TRUE"), F.lit(False)))
    if outside.limit(1).collect():
        raise DataFormatError(
            f"{subject}: there are rows for which {options.replace_where!r} is not true; all must "
            f"be among those that replace_where replaces. Nothing was written"
        )


def _with_types(error: Exception, frame: DataFrame, table: StructType, subject: str) -> Exception:
    """Return an error in words if it is about types, which Delta's message leaves out."""
    if "DELTA_FAILED_TO_MERGE_FIELDS" in str(error):
        try:
            same_columns(frame, table, subject=subject)
        except DataFormatError as explained:
            return explained
    return error


def _report(place: Place, before: int | None, *, rows: int | None = None) -> SaveReport:
    facts = None if place.path is None else facts_after(place.path, version=before)
    if facts is None:
        return SaveReport(rows=rows, location=place.shown)
    return SaveReport(rows=facts.rows if rows is None else rows, bytes=facts.bytes, location=place.shown)
