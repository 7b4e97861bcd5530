"""The record schema of the run log: what a log sink is given, column by column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = ["RECORD_COLUMNS", "RECORD_SCHEMA", "ColumnType", "RecordColumn"]

ColumnType: TypeAlias = Literal["string", "integer", "float", "timestamp"]
"""What a column holds: ``str``, ``int``, ``float`` (seconds), or a timezone-aware ``datetime`` in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordColumn:
    """One column of a run-log record.

    Args:
        name: The key in a record, and the column's name in a table.
        type: What it holds.
        meaning: What it means, in one sentence.
        required: Whether it is never None.

    Example:
        >>> [column.name for column in RECORD_SCHEMA if column.type == "timestamp"]
        ['start_time', 'end_time']
    """

    name: str
    type: ColumnType
    meaning: str
    required: bool = False


RECORD_SCHEMA: Final[tuple[RecordColumn, ...]] = (
    RecordColumn(name="transformation_id", type="string", required=True, meaning="The row's id in the project."),
    RecordColumn(name="project", type="string", required=True, meaning="The project's name, as in its manifest."),
    RecordColumn(name="plant", type="string", meaning="The row's entity_1, by whatever label the project gives it."),
    RecordColumn(name="asset", type="string", meaning="The row's entity_2, by whatever label the project gives it."),
    RecordColumn(name="start_time", type="timestamp", required=True, meaning="When the attempt began, in UTC."),
    RecordColumn(name="end_time", type="timestamp", meaning="When the attempt ended, in UTC; None while it runs."),
    RecordColumn(
        name="status",
        type="string",
        required=True,
        meaning="RUNNING, SUCCESS, FAILED, SKIPPED, REUSED, RETRY or ABORTED.",
    ),
    RecordColumn(name="duration_seconds", type="float", meaning="How long the attempt took, by a monotonic clock."),
    RecordColumn(
        name="error_message", type="string", meaning="Type and message of the error, whole; or why skipped or reused."
    ),
    RecordColumn(name="env", type="string", required=True, meaning="The environment of the run."),
    RecordColumn(name="run_id", type="string", required=True, meaning="The run; ids sort by the time of their start."),
    RecordColumn(name="seq", type="integer", required=True, meaning="1, 2, 3 ... within the run, without holes."),
    RecordColumn(name="layer", type="string", required=True, meaning="The row's layer."),
    RecordColumn(name="step", type="integer", meaning="The row's step within its layer."),
    RecordColumn(name="module", type="string", meaning="The module of the row's function."),
    RecordColumn(name="function", type="string", meaning="The name of the row's function."),
    RecordColumn(name="engine", type="string", meaning="The engine that the row ran on."),
    RecordColumn(name="attempt", type="integer", required=True, meaning="Which attempt, counted from 1."),
    RecordColumn(name="rows_read", type="integer", meaning="Rows of all inputs; None if no reader counted them."),
    RecordColumn(name="rows_written", type="integer", meaning="Rows of all outputs; None if no saver counted them."),
    RecordColumn(name="plugin_versions", type="string", meaning="Every active plugin with its version, sorted."),
)
"""Every column, in the order in which files and tables have them: v2's ten first, so old readers keep their places."""

RECORD_COLUMNS: Final[tuple[str, ...]] = tuple(column.name for column in RECORD_SCHEMA)
"""The names of `RECORD_SCHEMA`, in its order."""
