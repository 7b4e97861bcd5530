"""The options of queries.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

from odibi_engine_spark.option_models import SparkOptions

__all__ = ["QueryReadOptions"]


class QueryReadOptions(SparkOptions):
    """Options of an input that is a query: there is nothing to set."""
