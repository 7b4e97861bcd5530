"""A log sink that keeps records in a Delta table, each exactly once."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.plugin import ConfigError, PluginError

if TYPE_CHECKING:
    from odibi_sinks.delta.table import DeltaRunLog

__all__ = ["DeltaLogSink"]


class DeltaLogSink:
    """Keeps run-log records in a Delta table, by way of delta-rs: without Spark and without pandas.

    The first records make the table, and rows are only ever added. Several processes may write to one table. It stays
    open between batches.

    Args:
        path: A folder, or the URI of one in a store, such as ``s3://logs/runs`` or ``abfss://...``.
        storage_options: What is needed to reach the store, as delta-rs understands it.
        optimize_every: After so many commits to the table, its small files are made into large ones; 0 for never. Only
            for folders, and not where another program does so: see the README.
        checkpoint_every: After so many commits, the table's log is summed up in a checkpoint, and what is older than
            the table's retention is removed from the log; 0 for never.

    Raises:
        ConfigError: The path is empty, or a number is negative.
        PluginError: deltalake is not installed.

    Example:
        >>> import tempfile
        >>> sink = DeltaLogSink(Path(tempfile.mkdtemp()) / "runs")
        >>> sink.write([{"transformation_id": "t1", "project": "P", "status": "SUCCESS", "run_id": "r1", "seq": 1}])
        >>> sink.write([{"transformation_id": "t1", "project": "P", "status": "SUCCESS", "run_id": "r1", "seq": 1}])
        >>> sink.last_seq("r1"), len(list(sink.read_records()))
        (1, 1)
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        storage_options: Mapping[str, str] | None = None,
        optimize_every: int = 200,
        checkpoint_every: int = 50,
    ) -> None:
        text = os.fspath(path).strip()
        if not text:
            raise ConfigError("The Delta log sink needs a path or a URI, and got an empty one.")
        for name, number in (("optimize_every", optimize_every), ("checkpoint_every", checkpoint_every)):
            if number < 0:
                raise ConfigError(f"The Delta log sink's {name} is {number}. It is a number of commits; 0 means never.")
        if find_spec("deltalake") is None:
            raise PluginError(
                "The Delta log sink needs deltalake, which is not installed: pip install 'odibi-sinks[delta]'"
            )
        # The working folder may be another one by the time the records come.
        self.path = text if "://" in text else str(Path(text).absolute())
        self._storage_options = dict(storage_options or {})
        self._optimize_every = optimize_every
        self._checkpoint_every = checkpoint_every
        self._log: DeltaRunLog | None = None
        self._lock = threading.Lock()

    def write(self, records: Sequence[Mapping[str, Any]], /) -> None:
        """Append records in one commit, but those that the table has.

        Args:
            records: Mappings with the columns of the run log, in the order of their ``seq``. Other keys are ignored,
                missing ones are empty. A record without a run or a ``seq`` is appended whatever the table has.

        Raises:
            RunLogError: The table cannot be written, or is one that these records do not fit into.
        """
        if records:
            with self._lock:
                self._table().append(records)

    def last_seq(self, run_id: str, /) -> int:
        """Return the highest ``seq`` that the table has of a run, 0 if there is none.

        Raises:
            RunLogError: The table cannot be read.
        """
        with self._lock:
            return self._table().last_seq(run_id)

    def read_records(
        self,
        *,
        project: str | None = None,  # noqa: ARG002  # how names are compared is the caller's, who filters again
        since: datetime | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Return the records that the table has, run by run in the order of ``seq``.

        Args:
            project: Not used: whoever asks filters by project.
            since: Only of runs with a record whose ``start_time`` is not before this aware moment.

        Raises:
            RunLogError: The table is not there or cannot be read.
        """
        with self._lock:
            return self._table().records(since=since)

    def _table(self) -> DeltaRunLog:
        if self._log is None:
            from odibi_sinks.delta.table import DeltaRunLog

            self._log = DeltaRunLog(
                self.path,
                storage_options=self._storage_options,
                optimize_every=self._optimize_every,
                checkpoint_every=self._checkpoint_every,
            )
        return self._log
