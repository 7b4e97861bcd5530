"""Reading Delta tables by path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odibi_core.plugin import DataFormatError, Dataset, DatasetNotFoundError
from odibi_engine_spark.columns import column, require_columns
from odibi_engine_spark.delta.failures import failures
from odibi_engine_spark.delta.limits import refuse_on_sail
from odibi_engine_spark.delta.options import DeltaReadOptions
from odibi_engine_spark.delta.targets import DeltaTarget
from odibi_engine_spark.option_models import parse_options
from odibi_engine_spark.places import place_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["SparkDeltaReader"]


class SparkDeltaReader:
    """Reads Delta tables: as they are, as of a version or a time, or their changes.

    Args:
        engine: The engine, whose session reads.

    Example::

        dataset = Dataset(name="sales", kind="path", format="delta", location="/data/sales", options={"version": 3})
        SparkDeltaReader(engine).read(dataset).show()
    """

    def __init__(self, engine: SparkEngine) -> None:
        self._engine = engine

    def read(self, dataset: Dataset, /) -> DataFrame:
        """Return a table's rows.

        Args:
            dataset: What to read; its location is the table's folder.

        Raises:
            DatasetNotFoundError: There is no such table, or no such version of it.
            DataFormatError: What is there is no Delta table.
            ColumnNotFoundError: A column that is asked for is not there.
            ConfigError: An option is wrong, or the session cannot do this.
        """
        options = parse_options(DeltaReadOptions, dataset)
        place = place_of(dataset, engine=self._engine)
        session = self._engine.session
        subject = f"{dataset.name!r}: {place.shown}"
        if options.read_change_feed:
            refuse_on_sail(session, what="change feed", instead="delta-rs (DeltaTable(path).load_cdf())")
        target = DeltaTarget.at(str(place.path or place.uri), options=place.options).checked(session)
        with failures(subject):
            # Asked first: of a version of a table that is not there, Spark has nothing but a trace to say.
            known = target.schema(session)
            folder = target.local_folder(session)
            if known is None and folder is not None and folder.is_file():
                raise DataFormatError(f"{subject} is a file and no Delta table, which is a folder")
            if known is None:
                raise DatasetNotFoundError(
                    f"{subject}: there is no Delta table. Check the path; a table that a transformation makes has to "
                    f"be among its outputs"
                )
            frame = target.load(session.read.options(**_spark_options(options)))
            names = frame.columns
        if options.columns is None:
            return frame
        require_columns(options.columns, names, subject=subject)
        return frame.select(*[column(name) for name in options.columns])


def _spark_options(options: DeltaReadOptions) -> dict[str, str]:
    given = {
        "versionAsOf": options.version,
        "timestampAsOf": options.timestamp,
        "readChangeFeed": True if options.read_change_feed else None,
        "startingVersion": options.starting_version,
        "endingVersion": options.ending_version,
        "startingTimestamp": options.starting_timestamp,
        "endingTimestamp": options.ending_timestamp,
    }
    return {
        name: str(value).lower() if value is True else str(value) for name, value in given.items() if value is not None
    }
