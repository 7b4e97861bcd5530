"""What a reader is asked to read and a saver to save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

__all__ = ["SAVE_MODES", "Dataset", "DatasetKind", "Frame", "SaveMode", "SaveReport"]

Frame: TypeAlias = Any
"""A data frame of some engine; the kernel passes it on and never looks inside."""

DatasetKind: TypeAlias = Literal["table", "path", "query"]
SaveMode: TypeAlias = Literal["overwrite", "append", "error", "ignore", "merge"]

SAVE_MODES: tuple[SaveMode, ...] = ("overwrite", "append", "error", "ignore", "merge")
"""Every save mode, with one meaning for all formats and engines.

``overwrite`` replaces what is there; ``append`` adds rows; ``error`` fails if something is there; ``ignore`` keeps
what is there and writes nothing; ``merge`` updates by key (savers that support it say so in their spec).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """An input or output of a transformation, resolved: nothing is left to guess.

    Args:
        name: As the row names it, such as ``"silver.flights"`` or ``"landing/*.csv"``; for messages and bindings.
        kind: ``"table"`` (in the warehouse), ``"path"`` (a file, folder or glob) or ``"query"``.
        format: The format's name, such as ``"parquet"``; with the engine it selects the reader or saver.
        location: An absolute path or a URI; for a query or a catalog table the text that the reader understands.
        options: Options of the row, validated by the plugin's options model where it has one.
        storage_options: What the connection says about reaching the location; never shown, it may hold secrets.
        mode: How an output is saved; inputs have ``"overwrite"`` and do not use it.
        partition_by: Column names that an output is partitioned by, outermost first.
        connection: The name of the manifest connection, if any.

    Example:
        >>> Dataset(name="silver.flights", kind="table", format="parquet", location="/p/silver/flights.parquet").mode
        'overwrite'
    """

    name: str
    kind: DatasetKind
    format: str
    location: str
    options: Mapping[str, Any] = field(default_factory=dict)
    storage_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    mode: SaveMode = "overwrite"
    partition_by: tuple[str, ...] = ()
    connection: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveReport:
    """What a saver did, as far as it knows without extra work.

    Args:
        rows: Rows written in this save; None if the saver would have to count.
        bytes: Bytes written in this save; None if unknown.
        location: Where the data is now, as an absolute path or URI.
        was_written: False if mode ``ignore`` left what was there.
    """

    rows: int | None = None
    bytes: int | None = None
    location: str = ""
    was_written: bool = True
