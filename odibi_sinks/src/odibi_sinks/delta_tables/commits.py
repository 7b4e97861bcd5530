"""What a commit did, in its own words, and the tidying up of a table's log that comes after it."""

# ruff: noqa: TID253  # imported when a Delta table is first saved, for the sake of deltalake

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Final

from deltalake import DeltaTable, PostCommitHookProperties
from deltalake.fs import DeltaStorageHandler

from odibi_core.plugin import Dataset, SaveReport
from odibi_sinks.delta_tables.locations import readable, shown, storage_options

__all__ = ["BY_US", "committed_at", "report", "tidy_up"]

BY_US: Final = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
"""Checkpoints and the log's cleaning come after the commit, where they cannot make it look failed."""

_INTERVAL: Final = "delta.checkpointInterval"
_EVERY: Final = 10
_log: Final = logging.getLogger("odibi.sinks")


def report(dataset: Dataset, *, rows: int, version: int) -> SaveReport:
    """Return what was saved.

    Args:
        dataset: What was saved.
        rows: How many rows were written, without those that were only moved to another file.
        version: The version of the table that the commit made.
    """
    return SaveReport(rows=rows, bytes=_bytes_added(dataset, version), location=shown(dataset))


def tidy_up(table: DeltaTable, dataset: Dataset, *, before: int) -> None:
    """Sum up a table's log in a checkpoint if it is time, and remove what the table no longer keeps of it.

    Args:
        table: The table, after a commit.
        dataset: What was saved.
        before: The version before the commit.
    """
    try:
        every = int(table.metadata().configuration.get(_INTERVAL) or _EVERY)
        if before // every < table.version() // every:
            table.create_checkpoint()
            table.cleanup_metadata()
    except Exception as error:  # noqa: BLE001 - the rows are in the table: an error would have them saved again
        _log.info("the log of %s was not tidied up: %s", shown(dataset), readable(error))


def committed_at(dataset: Dataset, *, version: int) -> datetime | None:
    """Return when a version of a table was committed; None if its commit is no longer in the log.

    Args:
        dataset: The table.
        version: The version.
    """
    try:
        infos = [action["commitInfo"] for action in _actions(dataset, version) if "commitInfo" in action]
    except FileNotFoundError:
        return None
    return datetime.fromtimestamp(infos[0]["timestamp"] / 1000, tz=UTC) if infos else None


def _bytes_added(dataset: Dataset, version: int) -> int | None:
    try:
        return sum(int(action["add"]["size"]) for action in _actions(dataset, version) if "add" in action)
    except Exception as error:  # noqa: BLE001 - as above, and the size is for information only
        _log.info("the size of version %s of %s is not known: %s", version, shown(dataset), readable(error))
        return None


def _actions(dataset: Dataset, version: int) -> list[dict[str, Any]]:
    store: Any = DeltaStorageHandler(dataset.location, storage_options(dataset))
    with store.open_input_file(f"_delta_log/{version:020}.json") as file:
        return [json.loads(line) for line in file.read().splitlines()]
