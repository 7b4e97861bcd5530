"""Tables and queries of a database, through its JDBC driver."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr

from odibi_core.plugin import (
    ConfigError,
    DataError,
    Dataset,
    DatasetExistsError,
    DatasetNotFoundError,
    OdibiError,
    SaveReport,
    TransientError,
)
from odibi_engine_spark.columns import column, require_columns
from odibi_engine_spark.delta.failures import condition_of, in_one_line
from odibi_engine_spark.observing import observed
from odibi_engine_spark.option_models import SparkOptions, parse_options
from odibi_engine_spark.raised import SPARK_ERRORS
from odibi_engine_spark.tables.jdbc_options import JdbcReadOptions, JdbcWriteOptions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["SparkJdbcReader", "SparkJdbcSaver"]

_OURS = frozenset({"columns", "properties"})
_IN_URL = re.compile(r"(?i)(?:user(?:name)?|password|pwd|uid)=([^;&]+)|//([^/@:]+):([^/@]+)@")
_NO_TABLE = re.compile(
    r"(?i)relation \S+ does not exist|table(/view)? \S+ (does not|doesn't) exist|invalid object name|"
    r"table \S+ not found|no such table"
)
_OF_DATABASE = re.compile(r"java\.sql|SQL\w*Exception|BatchUpdateException|ClassNotFound|JDBC|already exists")
_OF_FUNCTIONS = frozenset(
    {"USER_RAISED_EXCEPTION", "DIVIDE_BY_ZERO", "ARITHMETIC_OVERFLOW", "CAST_INVALID_INPUT", "FAILED_EXECUTE_UDF", ""}
)
_NO_CONNECTION = re.compile(
    r"(?i)connection (to \S+ )?refused|communications link failure|connection attempt failed|timed out"
)


_DRIVERS = {
    "db2": "com.ibm.db2.jcc.DB2Driver",
    "derby": "org.apache.derby.iapi.jdbc.AutoloadedDriver",
    "h2": "org.h2.Driver",
    "mariadb": "org.mariadb.jdbc.Driver",
    "mysql": "com.mysql.cj.jdbc.Driver",
    "oracle": "oracle.jdbc.OracleDriver",
    "postgresql": "org.postgresql.Driver",
    "snowflake": "net.snowflake.client.jdbc.SnowflakeDriver",
    "sqlserver": "com.microsoft.sqlserver.jdbc.SQLServerDriver",
}
"""The drivers by the word after ``jdbc:``. Java finds a driver by itself only if its jar was there from the start, and
not among the jars of a session."""

ResultT = TypeVar("ResultT")


class SparkJdbcReader:
    """Reads tables and queries of a database, in parallel if options say by which ranges.

    Args:
        engine: The engine.
    """

    def __init__(self, engine: SparkEngine) -> None:
        self._engine = engine

    def read(self, dataset: Dataset, /) -> DataFrame:
        """Return the rows of a table or a query; they are fetched when they are needed.

        Args:
            dataset: What to read: a table by its name, or a query.

        Raises:
            DatasetNotFoundError: There is no such table.
            TransientError: The database cannot be reached.
            ColumnNotFoundError: An option names a column that is not there.
            ConfigError: An option is wrong, or the driver is not there.
        """
        options = parse_options(JdbcReadOptions, dataset)
        given = _spark_options(options, dataset, self._engine)
        if dataset.kind == "query" and "dbtable" not in given:
            given["query"] = dataset.location.strip().rstrip(";")
        elif "query" not in given:
            given.setdefault("dbtable", dataset.name)

        def load() -> DataFrame:
            frame = self._engine.session.read.format("jdbc").options(**given).load()
            _ = frame.columns
            return frame

        frame = _without_secrets(load, given, dataset)
        require_columns(options.columns or (), frame.columns, subject=f"{dataset.name!r}")
        return frame if options.columns is None else frame.select(*map(column, options.columns))


class SparkJdbcSaver:
    """Saves frames as tables of a database.

    Rows are inserted in one transaction, unless options ask for several connections. An overwrite empties the table in
    a transaction of its own before: if inserting then fails, the table is empty.

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
            TransientError: The database cannot be reached.
            ConfigError: An option is wrong, or the driver is not there.
        """
        options = parse_options(JdbcWriteOptions, dataset)
        given = _spark_options(options, dataset, self._engine)
        given.setdefault("dbtable", dataset.name)
        given.pop("numPartitions", None)
        counted, rows = observed(frame.coalesce(options.num_partitions), engine=self._engine)
        mode = "error" if dataset.mode == "ignore" else dataset.mode
        writer = counted.write.format("jdbc").options(**given).mode(mode)
        try:
            _without_secrets(writer.save, given, dataset, may_be_frames=True)
        except DatasetExistsError:
            if dataset.mode != "ignore":
                raise
            return SaveReport(rows=0, bytes=0, location=given["dbtable"], was_written=False)
        return SaveReport(rows=rows(), location=given["dbtable"])


def _spark_options(options: SparkOptions, dataset: Dataset, engine: SparkEngine) -> dict[str, str]:
    """Return what Spark is told: what the connection says, and over it what the row says."""
    if engine.flavour.kind == "sail":
        raise ConfigError(
            f"{dataset.name!r}: Sail has no JDBC; read and save with the format sql of odibi-sinks, or with Spark "
            "itself (engines.spark.master)"
        )
    given = {key: _text(value) for key, value in dataset.storage_options.items() if value is not None}
    if "username" in given:
        given.setdefault("user", given.pop("username"))
    said = options.model_dump(exclude_none=True, exclude=set(_OURS), by_alias=True)
    given |= {key: _text(value) for key, value in said.items()}
    given |= {key: _text(value) for key, value in getattr(options, "properties", {}).items()}
    if not given.get("url", "").startswith("jdbc:"):
        raise ConfigError(
            f"{dataset.name!r}: a database is named by the option url, or by the connection, as in "
            "jdbc:postgresql://host/name"
        )
    if (driver := _DRIVERS.get(given["url"].split(":")[1].lower())) is not None:
        given.setdefault("driver", driver)
    return given


def _without_secrets(
    action: Callable[[], ResultT], given: dict[str, str], dataset: Dataset, *, may_be_frames: bool = False
) -> ResultT:
    """Do something; what it raises names no user, password or other property, and neither does its cause."""
    try:
        return action()
    except SPARK_ERRORS as error:
        text = str(error)
        said = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("at "))
        is_of_frame = condition_of(error) in _OF_FUNCTIONS and not _OF_DATABASE.search(said)
        if may_be_frames and is_of_frame and not any(secret in text for secret in _secrets(given)):
            raise  # a function's own error, which comes to light now
        explained = _explained(in_one_line(error), given, dataset)
    # Outside of the handler, so that Spark's own exception, which may show them, is not kept as the context.
    raise explained


def _explained(line: str, given: dict[str, str], dataset: Dataset) -> OdibiError:
    for secret in _secrets(given):
        line = line.replace(secret, "***")
    line = line[:500]
    if "No suitable driver" in line or "ClassNotFoundException" in line or "DATA_SOURCE_NOT_FOUND" in line:
        return ConfigError(
            f"{dataset.name!r}: the session has no JDBC driver for this URL ({line}). Give its jar in "
            "engines.spark.jars or engines.spark.packages (org.postgresql:postgresql:..., say)."
        )
    if "already exists" in line:
        return DatasetExistsError(
            f"{dataset.name!r}: the table exists, and the mode is 'error'; drop it, or save with another mode"
        )
    if _NO_TABLE.search(line):
        return DatasetNotFoundError(f"{dataset.name!r}: the database has no such table ({line})")
    if _NO_CONNECTION.search(line):
        return TransientError(f"{dataset.name!r}: the database cannot be reached ({line})")
    return DataError(f"{dataset.name!r}: the database refused ({line})")


def _secrets(given: dict[str, str]) -> Iterable[str]:
    """Return the texts that must not be shown, the longest first."""
    url = given.get("url", "")
    found = {part for match in _IN_URL.findall(url) for part in match if part}
    found |= {value for key, value in given.items() if key.lower() in {"user", "password", "url"}}
    shown = {"dbtable", "query", "driver", "url", "user", "password"}
    found |= {
        value for key, value in given.items() if re.search("(?i)secret|token|password|key", key) and key not in shown
    }
    return sorted((text for text in found if len(text) > 1), key=len, reverse=True)


def _text(value: Any) -> str:
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    return str(plain).lower() if isinstance(plain, bool) else str(plain)
