"""The options of tables and queries of a database, under Spark's own names.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, SecretStr, model_validator

from odibi_engine_spark.option_models import SparkOptions

__all__ = ["JdbcReadOptions", "JdbcWriteOptions"]


class _JdbcOptions(SparkOptions):
    other_names: ClassVar[Mapping[str, str]] = {"table": "dbtable", "username": "user"}

    url: SecretStr | None = None
    """The database: ``jdbc:postgresql://host/name``; may come from the connection."""
    dbtable: str | None = None
    """The table; if not given, the name of the dataset."""
    driver: str | None = None
    """The class of the JDBC driver, if the URL does not tell; its jar is given in engines.spark.jars."""
    user: SecretStr | None = None
    """The user; may come from the connection."""
    password: SecretStr | None = None
    """The password; may come from the connection."""
    query_timeout: NonNegativeInt | None = None
    """How many seconds a statement may take."""
    session_init_statement: str | None = None
    """What each connection executes first."""
    properties: dict[str, SecretStr] = Field(default={})
    """Further options of Spark's JDBC source, and properties of the driver."""


class JdbcReadOptions(_JdbcOptions):
    """Options of an input from a database."""

    query: str | None = None
    """The query to read, in place of a table."""
    columns: list[str] | None = None
    """The columns to read, in this order."""
    fetchsize: NonNegativeInt | None = None
    """How many rows the driver fetches at once."""
    partition_column: str | None = None
    """The column of numbers, dates or times by whose ranges the table is read in parallel."""
    lower_bound: str | int | float | None = None
    """Where the ranges begin; rows below are read, too."""
    upper_bound: str | int | float | None = None
    """Where the ranges end; rows above are read, too."""
    num_partitions: PositiveInt | None = None
    """How many ranges, and connections, there are."""
    custom_schema: str | None = None
    """Types of columns other than the driver's, as in ``id decimal(38,0), name string``."""
    push_down_predicate: bool = True
    """Have the database filter."""

    @model_validator(mode="after")
    def _all_of_a_range(self) -> JdbcReadOptions:
        if self.query is not None and self.dbtable is not None:
            raise ValueError("query and dbtable exclude each other; keep one")
        range_ = (self.partition_column, self.lower_bound, self.upper_bound, self.num_partitions)
        if any(part is not None for part in range_) and None in range_:
            raise ValueError("partitionColumn, lowerBound, upperBound and numPartitions go together; give all four")
        return self


class JdbcWriteOptions(_JdbcOptions):
    """Options of an output to a database."""

    batchsize: PositiveInt | None = None
    """How many rows are inserted at once."""
    num_partitions: PositiveInt = 1
    """How many connections write. One is one transaction; with more, some rows may be there if others fail."""
    isolation_level: Literal["NONE", "READ_UNCOMMITTED", "READ_COMMITTED", "REPEATABLE_READ", "SERIALIZABLE"] | None = (
        None
    )
    """The isolation of the transactions."""
    truncate: bool = True
    """Mode overwrite: empty the table instead of dropping it, so that its columns, indexes and grants stay."""
    create_table_options: str | None = None
    """What is added to the statement that creates the table."""
    create_table_column_types: str | None = None
    """Types of columns of a table that is created, as in ``name VARCHAR(100)``."""
