"""Tables of the session's catalogs, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odibi_core.plugin import (
    ConfigError,
    DataFormatError,
    Dataset,
    DatasetExistsError,
    DatasetNotFoundError,
    SaveReport,
    did_you_mean,
)
from odibi_engine_spark.columns import column, quoted, require_columns, require_distinct, require_same
from odibi_engine_spark.delta.failures import condition_of, in_one_line
from odibi_engine_spark.delta.identifiers import name_parts
from odibi_engine_spark.delta.merging import MergeRules, merge
from odibi_engine_spark.delta.targets import DeltaTarget
from odibi_engine_spark.files.appending import fitted
from odibi_engine_spark.files.reader import missing_source
from odibi_engine_spark.filters import filtered
from odibi_engine_spark.observing import observed
from odibi_engine_spark.option_models import parse_options
from odibi_engine_spark.raised import SPARK_ERRORS
from odibi_engine_spark.save_settings import plain_moments, whole_overwrites
from odibi_engine_spark.tables.catalog_options import CatalogReadOptions, CatalogWriteOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["SparkCatalogReader", "SparkCatalogSaver"]

_MODES = ("overwrite", "append", "error", "ignore", "merge")
_NAMES_SHOWN = 5


class SparkCatalogReader:
    """Reads tables of the session's catalogs: ``sales``, ``silver.sales``, ``main.silver.sales``.

    Args:
        engine: The engine.
    """

    def __init__(self, engine: SparkEngine) -> None:
        self._engine = engine

    def read(self, dataset: Dataset, /) -> DataFrame:
        """Return the rows of a table.

        Args:
            dataset: What to read.

        Raises:
            DatasetNotFoundError: There is no such table; says what is near.
            ColumnNotFoundError: An option names a column that is not there.
            ConfigError: The name is none, or an option is wrong.
        """
        options = parse_options(CatalogReadOptions, dataset)
        parts = name_parts(dataset.location)
        session, subject = self._engine.session, f"{dataset.name!r} (table {'.'.join(parts)})"
        given = {"versionAsOf": options.version_as_of, "timestampAsOf": options.timestamp_as_of}
        reader = session.read.options(**{key: str(value) for key, value in given.items() if value is not None})
        try:
            frame = reader.table(_sql(parts))
            columns = frame.columns
        except SPARK_ERRORS as error:
            if _exists(session, parts):
                raise DataFormatError(f"{subject}: {in_one_line(error)}") from error
            raise DatasetNotFoundError(f"{subject} does not exist. {_near(session, parts)}".rstrip()) from error
        require_columns(options.columns or (), columns, subject=subject)
        frame = filtered(frame, options.filters, subject=subject)
        return frame if options.columns is None else frame.select(*map(column, options.columns))


class SparkCatalogSaver:
    """Saves frames as tables of the session's catalogs.

    Rows are inserted into a table that is there, whose columns, partitions, properties and grants stay. How much of a
    save is seen if it fails halfway is a matter of the table's format: nothing of it in Delta and Iceberg tables.

    Args:
        engine: The engine.
    """

    def __init__(self, engine: SparkEngine) -> None:
        self._engine = engine

    def save(self, frame: DataFrame, dataset: Dataset, /) -> SaveReport:
        """Save a frame.

        Args:
            frame: What to save.
            dataset: Where and how.

        Raises:
            DatasetExistsError: The mode is ``error`` and the table exists.
            DataFormatError: The frame has other columns or types than the table.
            DataQualityError: Mode ``merge``, and several rows have the same keys.
            ColumnNotFoundError: A column to partition or merge by is not there.
            ConfigError: The name is none, or an option is wrong.
        """
        options = parse_options(CatalogWriteOptions, dataset)
        parts = name_parts(dataset.location)
        subject = f"{dataset.name!r} (table {'.'.join(parts)})"
        if dataset.mode not in _MODES:
            raise ConfigError(f"{subject}: mode {dataset.mode!r} is none of {', '.join(_MODES)}")
        require_columns(dataset.partition_by, frame.columns, subject=f"the frame for {subject}")
        require_distinct(frame.columns, subject=f"the frame for {subject}")
        try:
            if options.create_schema and len(parts) > 1:
                _create_schema(frame.sparkSession, parts[:-1])
            with plain_moments(frame.sparkSession), whole_overwrites(frame.sparkSession):
                return self._saved(frame, dataset, options, parts, subject)
        except SPARK_ERRORS as error:
            raise self._explained(error, options, dataset, subject) from error

    def _saved(
        self, frame: DataFrame, dataset: Dataset, options: CatalogWriteOptions, parts: tuple[str, ...], subject: str
    ) -> SaveReport:
        session = frame.sparkSession
        if dataset.mode == "merge":
            return _merged(frame, dataset, options, subject)
        is_there = _exists(session, parts)
        if is_there and dataset.mode == "error":
            raise DatasetExistsError(f"{subject} exists, and the mode is 'error'; drop it, or save with another mode")
        location = ".".join(parts)
        if is_there and dataset.mode == "ignore":
            return SaveReport(rows=0, bytes=0, location=location, was_written=False)
        if is_there and not (options.overwrite_schema and dataset.mode == "overwrite"):
            counted, rows = observed(_fitting(frame, session, parts, dataset, subject), engine=self._engine)
            counted.write.insertInto(_sql(parts), overwrite=dataset.mode == "overwrite")
        else:
            counted, rows = observed(frame, engine=self._engine)
            _create(counted, parts, dataset, options, is_there=is_there)
        return SaveReport(rows=rows(), location=location)

    def _explained(self, error: Exception, options: CatalogWriteOptions, dataset: Dataset, subject: str) -> Exception:
        condition = condition_of(error)
        if options.format and (
            missing := missing_source(error, format_=options.format, subject=subject, engine=self._engine)
        ):
            return missing
        if condition.startswith("TABLE_OR_VIEW_ALREADY_EXISTS"):
            return DatasetExistsError(f"{subject} has been created by somebody else meanwhile (mode {dataset.mode!r})")
        if condition.startswith("UNSUPPORTED_OVERWRITE") or "being read from" in str(error):
            return ConfigError(
                f"{subject} is read and overwritten at once, which its format cannot do; make it a Delta table "
                "(option format: delta), or save to another table"
            )
        if condition.startswith("INVALID_SCHEMA_OR_RELATION_NAME"):
            return ConfigError(f"{subject}: {in_one_line(error)}")
        if condition.startswith(("SCHEMA_NOT_FOUND", "NO_SUCH_CATALOG", "CATALOG_NOT_FOUND", "REQUIRES_SINGLE_PART")):
            return DatasetNotFoundError(f"{subject}: {in_one_line(error)}")
        return error


def _create(
    frame: DataFrame, parts: tuple[str, ...], dataset: Dataset, options: CatalogWriteOptions, *, is_there: bool
) -> None:
    writer = frame.write.mode("overwrite" if is_there else "error")
    if options.format is not None:
        writer = writer.format(options.format)
    if is_there:
        writer = writer.option("overwriteSchema", "true")
    if dataset.partition_by:
        writer = writer.partitionBy(*dataset.partition_by)
    writer.saveAsTable(_sql(parts))


def _fitting(
    frame: DataFrame, session: SparkSession, parts: tuple[str, ...], dataset: Dataset, subject: str
) -> DataFrame:
    """Return a frame with the columns of the table; Spark would insert by position, and Sail drop a column."""
    table = session.read.table(_sql(parts))
    hint = "Give it the same columns, or overwrite the table with overwrite_schema: true"
    require_same(frame.columns, table.columns, subject=f"{subject}: the frame", other=f"the table. {hint}")
    # Rows are inserted by position in the order of the catalog, which on Sail is not that in which they are read.
    listed = session.catalog.listColumns(_sql(parts))
    found = tuple(one.name for one in listed if one.isPartition)
    if dataset.partition_by and found != dataset.partition_by:
        raise DataFormatError(
            f"{subject} is partitioned by {', '.join(found) or 'nothing'}, not by {', '.join(dataset.partition_by)}"
        )
    types = dict(table.dtypes)
    names = [one.name for one in listed]
    return fitted(
        frame, {name: types[name] for name in (names if set(names) == set(types) else types)}, subject=subject
    )


def _merged(frame: DataFrame, dataset: Dataset, options: CatalogWriteOptions, subject: str) -> SaveReport:
    if not options.merge_keys:
        raise ConfigError(f"{subject}: mode merge needs the option merge_keys, the columns that say which row is which")
    rules = MergeRules(
        keys=options.merge_keys,
        changes=options.change_columns,
        has_audit=options.audit_columns,
        may_add=options.merge_schema,
        partition_by=dataset.partition_by,
        properties=options.table_properties,
    )
    report = merge(frame, DeltaTarget.named(dataset.location), rules, subject=subject)
    rows = None if report.inserted is None or report.updated is None else report.inserted + report.updated
    return SaveReport(rows=rows, location=dataset.location)


def _create_schema(session: SparkSession, parts: tuple[str, ...]) -> None:
    """Create a schema unless it is there; to ask first spares rights that a look does not need."""
    name = _sql(parts)
    if not session.catalog.databaseExists(name):
        session.sql(f"CREATE SCHEMA IF NOT EXISTS {name}")


def _exists(session: SparkSession, parts: tuple[str, ...]) -> bool:
    try:
        return bool(session.catalog.tableExists(_sql(parts)))
    except SPARK_ERRORS as error:
        if "NOT_FOUND" in condition_of(error) or "not found" in str(error).lower():
            return False
        raise


def _near(session: SparkSession, parts: tuple[str, ...]) -> str:
    """Say which table is meant, perhaps, or what there is."""
    try:
        schema = _sql(parts[:-1]) if len(parts) > 1 else None
        names = sorted(table.name for table in session.catalog.listTables(schema))
    except SPARK_ERRORS:
        return f"There is no schema {'.'.join(parts[:-1])} either."
    where = ".".join(parts[:-1]) or "The current schema"
    if hint := did_you_mean(parts[-1], names):
        return hint
    listed = ", ".join(names[:_NAMES_SHOWN]) + (
        f" and {len(names) - _NAMES_SHOWN} more" if names[_NAMES_SHOWN:] else ""
    )
    return f"{where} has {listed or 'no tables'}."


def _sql(parts: tuple[str, ...]) -> str:
    return ".".join(map(quoted, parts))
