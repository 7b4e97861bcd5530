"""The rows of a query of Spark SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odibi_core.plugin import ConfigError, Dataset, DatasetNotFoundError
from odibi_engine_spark.delta.failures import condition_of, in_one_line
from odibi_engine_spark.option_models import parse_options
from odibi_engine_spark.raised import SPARK_ERRORS
from odibi_engine_spark.tables.query_options import QueryReadOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["SparkQueryReader"]


class SparkQueryReader:
    """Reads what a query returns: SELECT, WITH, VALUES. A statement that changes something is refused, unrun.

    Args:
        engine: The engine.
    """

    def __init__(self, engine: SparkEngine) -> None:
        self._engine = engine

    def read(self, dataset: Dataset, /) -> DataFrame:
        """Return the rows of a query.

        Args:
            dataset: Its location is the query's text.

        Raises:
            DatasetNotFoundError: The query names a table or view that does not exist.
            ConfigError: It is no query, or is wrong.
        """
        parse_options(QueryReadOptions, dataset)
        if dataset.kind != "query":
            raise ConfigError(f"{dataset.name!r} is no query; write {{type: query, sql: ...}}")
        text = dataset.location.strip().rstrip(";").rstrip()
        try:
            # As a subquery: a command, which Spark would run at once, is none.
            frame = self._engine.session.sql(f"SELECT * FROM (\n{text}\n)")  # noqa: S608 - the text is the project's own
            _ = frame.columns
        except SPARK_ERRORS as error:
            raise _explained(error, dataset) from error
        return frame


def _explained(error: Exception, dataset: Dataset) -> Exception:
    condition, line = condition_of(error), in_one_line(error)
    line = line.partition("== SQL ==")[0].partition(" Verify the spelling")[0].strip()
    if ("NOT_FOUND" in condition and "TABLE" in condition) or "able not found" in line:
        return DatasetNotFoundError(f"{dataset.name!r}: {line}")
    if condition.startswith("PARSE_SYNTAX_ERROR") or ("found" in line and "expected" in line):
        return ConfigError(
            f"{dataset.name!r} is no query of Spark SQL: {line}. A query reads (SELECT, WITH, VALUES) and changes "
            "nothing; what changes something belongs in a transformation."
        )
    return ConfigError(f"{dataset.name!r}: the query cannot be run: {line}")
