"""What Spark raises: pyspark knows most exceptions of the Java machine, and hands on the others as they are."""

from __future__ import annotations

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

__all__ = ["SPARK_ERRORS"]

SPARK_ERRORS = (PySparkException, Py4JError)
"""The classes of what a call of Spark may raise."""
