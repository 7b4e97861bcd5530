"""Making a Delta table that is not there yet, and never over one that is."""

from __future__ import annotations

import json
import os
import re
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from odibi_core.plugin import DatasetExistsError, TransientError
from odibi_engine_spark.delta.failures import failures
from odibi_engine_spark.delta.limits import is_sail

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from odibi_engine_spark.delta.targets import DeltaTarget

__all__ = ["check_folder", "create"]

_ODD: Final = re.compile(r"[ ,;{}()\n\t=]")
"""Characters that Spark makes no column with, unless columns are mapped. Readers that do not know of the mapping take
such a table for one of nulls (delta-rs 1.6.6 does so without a word), so it is never turned on here."""

_creating: Final = threading.Lock()


def check_folder(folder: Path, *, subject: str) -> None:
    """Make sure that a folder without a table is one that a table may be made in.

    Args:
        folder: The folder; it need not exist.
        subject: The table, for the message.

    Raises:
        DatasetExistsError: It holds something else, which VACUUM would remove one day.
    """
    if folder.is_file():
        raise DatasetExistsError(f"{subject} is a file and no Delta table; nothing was written")
    names = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []
    # Data files beside a log without a commit are of a first save that was cut short, or is still going on.
    has_log = "_delta_log" in names
    others = [name for name in names if name != "_delta_log" and not (has_log and _is_data(folder / name))]
    if others:
        raise DatasetExistsError(
            f"{subject} is no Delta table, and the folder holds {others[0]!r}{' and more' if others[1:] else ''}; "
            f"nothing was written. Give the table a folder of its own"
        )


def _is_data(entry: Path) -> bool:
    return entry.name.startswith(("part-", ".part-")) or (entry.is_dir() and "=" in entry.name)


def create(
    frame: DataFrame,
    target: DeltaTarget,
    *,
    subject: str,
    partition_by: Sequence[str] = (),
    properties: Mapping[str, str] | None = None,
    local: Path | None = None,
) -> None:
    """Make a table of a frame's rows, if there is none.

    Args:
        frame: The rows.
        target: The table.
        subject: The table, for messages.
        partition_by: The columns that it is partitioned by.
        properties: Properties of the table, ``delta.`` and so on.
        local: The table's folder, if this process sees it.

    Raises:
        DatasetExistsError: There is one by now; nothing was written.
        DataFormatError: It cannot hold these columns.
    """
    session = frame.sparkSession
    writer = frame.write.mode("error").partitionBy(*partition_by).options(**(properties or {}))
    with failures(subject), _one_at_a_time(is_sail(session)):
        # Sail looks first and writes then, and a table that has come meanwhile is appended to.
        if is_sail(session) and target.schema(session) is not None:
            raise DatasetExistsError(f"{subject} is there already")
        if local is not None and not properties and not is_sail(session) and _has_odd_names(frame.schema):
            _create_empty(local, frame.schema, partition_by=partition_by, subject=subject)
            target.save(frame.write.mode("append"))
            return
        try:
            with failures(subject):
                target.save(writer)
        except TransientError as error:
            # Of two that make one table, Delta tells the second that its protocol was changed.
            if target.schema(session) is None:
                raise
            raise DatasetExistsError(f"{subject} is there already; somebody else has just made it") from error


@contextmanager
def _one_at_a_time(is_needed: bool) -> Iterator[None]:  # private, and there is one call
    if not is_needed:
        yield
        return
    with _creating:
        yield


def _has_odd_names(schema: StructType) -> bool:
    return any(_ODD.search(name) for name in _all_names(schema))


def _all_names(schema: object) -> Iterator[str]:
    from pyspark.sql import types as T  # noqa: N812  # as everybody writes it

    if isinstance(schema, T.StructType):
        for field in schema.fields:
            yield field.name
            yield from _all_names(field.dataType)
    elif isinstance(schema, T.ArrayType):
        yield from _all_names(schema.elementType)
    elif isinstance(schema, T.MapType):
        yield from _all_names(schema.keyType)
        yield from _all_names(schema.valueType)


def _create_empty(folder: Path, schema: StructType, *, partition_by: Sequence[str], subject: str) -> None:
    """Write the first commit of a table without rows, as the protocol has it.

    Spark checks names only when it makes a table or adds columns; it reads and writes a table that has them.
    """
    now = int(time.time() * 1000)
    has_ntz = "timestamp_ntz" in schema.simpleString()
    features = {"readerFeatures": ["timestampNtz"], "writerFeatures": ["timestampNtz"]} if has_ntz else {}
    versions = (
        {"minReaderVersion": 3, "minWriterVersion": 7} if has_ntz else {"minReaderVersion": 1, "minWriterVersion": 2}
    )
    metadata = {
        "id": str(uuid.uuid4()),
        "format": {"provider": "parquet", "options": {}},
        "schemaString": _all_nullable(schema).json(),
        "partitionColumns": list(partition_by),
        "configuration": {},
        "createdTime": now,
    }
    actions = [
        {
            "commitInfo": {
                "timestamp": now,
                "operation": "CREATE TABLE",
                "operationParameters": {},
                "engineInfo": "odibi",
            }
        },
        {"protocol": {**versions, **features}},
        {"metaData": metadata},
    ]
    log = folder / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    commit, draft = log / f"{0:020d}.json", log / f".{uuid.uuid4().hex}.tmp"
    draft.write_text("".join(json.dumps(action) + "\n" for action in actions), encoding="utf-8")
    try:
        os.link(draft, commit)
    except FileExistsError as error:
        raise DatasetExistsError(f"{subject} is there already; somebody else has just made it") from error
    finally:
        draft.unlink()


def _all_nullable(schema: StructType) -> StructType:
    from pyspark.sql import types as T  # noqa: N812  # as everybody writes it

    return T.StructType([T.StructField(field.name, field.dataType, nullable=True) for field in schema.fields])
