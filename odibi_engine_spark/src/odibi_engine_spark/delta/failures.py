"""Errors of Delta tables: what they are, in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from odibi_core.plugin import (
    ConfigError,
    DataFormatError,
    DatasetExistsError,
    DatasetNotFoundError,
    OdibiError,
    TransientError,
)

__all__ = ["condition_of", "failures", "in_one_line", "is_missing"]

_CONDITION = re.compile(r"\[([A-Z][A-Z0-9_]+(?:\.[A-Z0-9_]+)*)\]")
_STACK = re.compile(r"\s*(?:JVM stacktrace:|\n\s+at |\nThe above exception|== SQL|SQLSTATE:).*", re.DOTALL)
_CAUSE = re.compile(r"An error occurred while calling [\w.:$]+\.\s*:\s*")
_JAVA_CLASS = re.compile(r"^\(?(?:[a-z]\w*\.)+[A-Z]\w+\)?:?\s*")

_MISSING = frozenset(
    {
        "DELTA_MISSING_DELTA_TABLE",
        "DELTA_PATH_DOES_NOT_EXIST",
        "DELTA_TABLE_NOT_FOUND",
        "PATH_NOT_FOUND",
        "SCHEMA_NOT_FOUND",
        "TABLE_OR_VIEW_NOT_FOUND",
    }
)
_EXISTING = frozenset({"DELTA_PATH_EXISTS", "DELTA_TABLE_ALREADY_EXISTS", "TABLE_OR_VIEW_ALREADY_EXISTS"})
_CONFLICTS = ("DELTA_CONCURRENT_", "DELTA_METADATA_CHANGED", "DELTA_PROTOCOL_CHANGED")
_NOT_FITTING = (
    "DELTA_FAILED_TO_MERGE_FIELDS",
    "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES",
    "DELTA_METADATA_MISMATCH",
    "DELTA_MERGE_INCOMPATIBLE_DATATYPE",
    "DELTA_REPLACE_WHERE_MISMATCH",
    "DELTA_SCHEMA_CHANGED",
    "DELTA_UNSUPPORTED_DATA_TYPES",
    "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES",
    "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
)
_NO_SUCH_VERSION = (
    "DELTA_VERSION_NOT_FOUND",
    "DELTA_TIMESTAMP_",
    "DELTA_MISSING_CHANGE_DATA",
    "DELTA_UNSUPPORTED_TIME_TRAVEL",
)
_NO_SUCH_VERSION_ON_SAIL = ("Missing commit file: expected final version", "No version of the Delta table exists")


def condition_of(error: BaseException) -> str:
    """Return the name that Spark or Delta has for what is wrong, empty if there is none (Sail has none).

    Args:
        error: Any error.
    """
    if isinstance(error, PySparkException):
        condition = error.getCondition()
        if condition:
            return str(condition)
    # Exceptions that pyspark does not know, such as Delta's of conflicts, have it in their text alone.
    found = _CONDITION.search(str(error)[:2000])
    return found.group(1) if found else ""


def is_missing(error: BaseException) -> bool:
    """Return whether an error says that there is no such table, and not merely that something is wrong with it.

    Args:
        error: What reading raised.
    """
    if not isinstance(error, (PySparkException, Py4JError)):
        return False
    return condition_of(error) in _MISSING or "No commit files found in _delta_log" in str(error)


def in_one_line(error: BaseException) -> str:
    """Return what an error of Spark says, without Java's trace.

    Args:
        error: Any error.
    """
    text = _CAUSE.sub("", _STACK.sub("", str(error)))
    text = _JAVA_CLASS.sub("", _CONDITION.sub("", _JAVA_CLASS.sub("", " ".join(text.split())), count=1).strip())
    return text.rstrip(" .") or type(error).__name__


@contextmanager
def failures(subject: str) -> Iterator[None]:
    """Put errors of Spark that concern a Delta table into words, and say which may pass.

    Args:
        subject: What is read or written, for the message.

    Raises:
        TransientError: Another writer was faster; trying again may help.
        DatasetNotFoundError: There is no such table, or no such version of it.
        DatasetExistsError: There is one already.
        DataFormatError: Rows do not fit into the table.
        ConfigError: An expression or option is wrong.
    """
    try:
        yield
    except OdibiError:
        raise
    except (PySparkException, Py4JError) as error:
        explained = _explained(error, subject)
        if explained is None:
            raise
        raise explained from error


def _explained(error: Exception, subject: str) -> OdibiError | None:
    condition, text = condition_of(error), str(error)
    line = in_one_line(error)
    if condition.startswith(_CONFLICTS) or "Failed to commit transaction" in text:
        return TransientError(f"{subject}: another writer changed the table at the same time ({line})")
    if is_missing(error):
        return DatasetNotFoundError(f"{subject}: there is no such Delta table")
    if condition in _EXISTING or "Delta table already exists" in text:
        return DatasetExistsError(f"{subject} is there already")
    if condition.startswith(_NO_SUCH_VERSION) or any(words in text for words in _NO_SUCH_VERSION_ON_SAIL):
        return DatasetNotFoundError(f"{subject}: {line}")
    if condition.startswith("DELTA_INVALID_CHARACTERS_IN_COLUMN_NAME"):
        return DataFormatError(
            f"{subject}: {line.partition(' Please')[0].rstrip('.')}. Spark writes no such columns into the schema of a "
            f"table that others can read; rename them, or let delta-rs do this"
        )
    if condition.startswith(_NOT_FITTING):
        return DataFormatError(f"{subject}: {line}")
    if condition == "DELTA_VACUUM_RETENTION_PERIOD_TOO_SHORT":
        return ConfigError(
            f"{subject}: files younger than a week may be in use, so vacuum keeps them. If nobody reads or writes the "
            f"table, set spark.databricks.delta.retentionDurationCheck.enabled to false in the session"
        )
    is_file_on_sail = "_delta_log: Not a directory" in text
    if is_file_on_sail or condition.startswith(("DELTA_ONLY_OPERATION", "DELTA_TABLE_ONLY_OPERATION")):
        return DataFormatError(f"{subject} is no Delta table")
    return None
