"""What commits of a local Delta table say they did: no Spark job, no query."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["CommitFacts", "facts_after", "is_delta_folder", "latest_version"]

_COMMIT = re.compile(r"(\d{20})\.json")
_LOG = "_delta_log"
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint.*\.parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitFacts:
    """What one commit did.

    Args:
        operation: Its name in the table's history.
        rows: Rows that it wrote for its writer, without those that were merely copied; None if it does not say.
        bytes: The size of the files that it added.
    """

    operation: str
    rows: int | None
    bytes: int


def is_delta_folder(folder: Path) -> bool:
    """Return whether a folder is a Delta table.

    Args:
        folder: Any path.
    """
    return latest_version(folder) is not None


def latest_version(folder: Path) -> int | None:
    """Return the version of a table, None if there is no table.

    Args:
        folder: The table's folder.
    """
    try:
        names = [entry.name for entry in (folder / _LOG).iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return None
    found = [match for name in names for match in (_COMMIT.fullmatch(name), _CHECKPOINT.fullmatch(name)) if match]
    return max((int(match.group(1)) for match in found), default=None)


def facts_after(folder: Path, *, version: int | None) -> CommitFacts | None:
    """Return what the one commit after a version did, None if there are several.

    Of several commits one is ours and the others are not, and nothing says which. No commit means nothing to do.

    Args:
        folder: The table's folder.
        version: The version before ours; None if there was no table.
    """
    last = latest_version(folder)
    ours = 0 if version is None else version + 1
    if last is not None and last == version:
        return CommitFacts(operation="", rows=0, bytes=0)
    if last != ours:
        return None
    return facts_of(folder, version=ours)


def facts_of(folder: Path, *, version: int) -> CommitFacts | None:
    """Return what a commit did, None if it is not there or cannot be read.

    Args:
        folder: The table's folder.
        version: The commit's.
    """
    try:
        with (folder / _LOG / f"{version:020d}.json").open(encoding="utf-8") as lines:
            actions = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError):
        return None
    infos = [action["commitInfo"] for action in actions if "commitInfo" in action]
    info: Mapping[str, Any] = infos[0] if infos else {}
    added = [action["add"] for action in actions if "add" in action]
    return CommitFacts(
        operation=str(info.get("operation", "")),
        rows=None if _counts_copies(info) else _rows(info.get("operationMetrics") or {}),
        bytes=sum(int(add.get("size", 0)) for add in added),
    )


def _counts_copies(info: Mapping[str, Any]) -> bool:
    # Where only some rows are replaced, Sail counts those of a file that stay among those that are written.
    return str(info.get("engineInfo", "")).startswith("sail") and "predicate" in (info.get("operationParameters") or {})


def _rows(metrics: Mapping[str, Any]) -> int | None:
    # Spark writes numbers as text.
    numbers = {key: int(value) for key, value in metrics.items() if str(value).isdecimal()}
    if "numTargetRowsInserted" in numbers:
        return numbers["numTargetRowsInserted"] + numbers.get("numTargetRowsUpdated", 0)
    if "numOutputRows" not in numbers:
        return None
    return numbers["numOutputRows"] - numbers.get("numCopiedRows", 0)
