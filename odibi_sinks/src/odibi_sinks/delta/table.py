"""A Delta table of run-log records, each of them there exactly once.

A batch is one commit, and with the rows the commit says how far the run has got: a transaction named after the run,
whose version is the batch's last ``seq``. So rows and progress cannot come apart, whatever dies. Two things make that
exactly once (both measured with deltalake 1.6.6; `tests/sinks/test_delta.py` keeps them true):

* The version is read before writing, and records up to it are left out. Delta itself accepts a version again.
* Of writers that race with the same transaction, one commits, and the others fail. They read the version anew.
"""

# ruff: noqa: TID253  # imported when a Delta sink is first used, for the sake of deltalake

from __future__ import annotations

import itertools
import logging
import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from arro3.core import Table
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from odibi_core.plugin import RunLogError
from odibi_sinks.delta.columns import STATISTICS, batch_of, check_columns, lacks_columns, records_of, table_schema
from odibi_sinks.locking import try_lock

__all__ = ["DeltaRunLog"]

_ATTEMPTS: Final = 8
"""Lost races in a row before it is an error. deltalake itself tries each commit 15 times."""

_COMPACTED_BYTES: Final = 32 << 20
"""Files of this size are left alone, so that compaction never rewrites more than that and the small files behind it."""

_LOCK: Final = "_odibi_compaction.lock"
"""deltalake lets two compactions of the same files through, and every row is there twice afterwards (measured with
1.6.6, which ignores transactions and retries there). So one at a time, as far as the system's locks reach."""

_REMOTE: Final = {"connect_timeout": "5s", "timeout": "20s", "max_retries": "3", "retry_timeout": "20s"}
"""How long a store that does not answer is waited for. Without, it would be three minutes, at the end of each run."""

_BY_US: Final = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
"""Checkpoints and the log's cleaning are `_maintain`'s: there they cannot make a commit look failed."""

_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*m")
_log: Final = logging.getLogger("odibi.sinks")


class DeltaRunLog:
    """A Delta table of run-log records, opened when it is first used and again after an error. Not thread-safe.

    Args:
        path: An absolute path or a URI.
        storage_options: What is needed to reach the store.
        optimize_every: How many commits lie between two compactions; 0 for none.
        checkpoint_every: How many commits lie between two checkpoints; 0 for none.
    """

    def __init__(
        self, path: str, *, storage_options: Mapping[str, str], optimize_every: int, checkpoint_every: int
    ) -> None:
        self._path = path
        self._is_remote = "://" in path
        self._options = {**(_REMOTE if self._is_remote else {}), **storage_options}
        self._optimize_every = optimize_every
        self._checkpoint_every = checkpoint_every
        self._table: DeltaTable | None = None

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Append those of some records that the table does not have, in one commit.

        Raises:
            RunLogError: The table cannot be written, or is one that these records do not fit into.
        """
        with self._errors("write"):
            for is_last in (False,) * (_ATTEMPTS - 1) + (True,):
                try:
                    table = self._opened() or self._created()
                    before = table.version()
                    self._append(table, records)
                except CommitFailedError:
                    # Somebody else committed what this commit depends on: the same run's records, or other columns.
                    self._table = None
                    if is_last:
                        raise
                else:
                    self._maintain(table, before=before)
                    return

    def last_seq(self, run_id: str) -> int:
        """Return the highest ``seq`` that the table has of a run, 0 if there is none or no table.

        Raises:
            RunLogError: The table cannot be read.
        """
        with self._errors("read"):
            table = self._opened(is_fresh=True)
            if table is None:
                return 0
            version = table.transaction_version(_transaction_name(run_id))
            if version is not None:
                return version
            # A copy of the table that a query made has the rows and not the transactions.
            if not {"run_id", "seq"} <= _column_names(table):
                return 0
            found = table.scan(columns=["seq"], predicate=f"run_id = {_literal(run_id)}").read_all()
            return max((seq for seq in found.column("seq").to_pylist() if seq is not None), default=0)

    def records(self, *, since: datetime | None) -> Iterator[dict[str, Any]]:
        """Return the records, run by run in the order of ``seq``.

        Args:
            since: Only of runs with a record that began at this aware moment or later.

        Raises:
            RunLogError: The table is not there or cannot be read.
        """
        with self._errors("read"):
            table = self._opened(is_fresh=True)
            if table is None:
                raise RunLogError(f"The Delta log sink cannot read {self._path}: no Delta table is there.")
            return records_of(self._found(table, since))

    def _found(self, table: DeltaTable, since: datetime | None) -> Table:
        if since is None or not {"run_id", "start_time"} <= _column_names(table):
            return table.scan().read_all()
        moment = _literal(since.astimezone(UTC).isoformat(timespec="microseconds"))
        begun = table.scan(columns=["run_id"], predicate=f"start_time >= {moment}").read_all()
        runs = {run_id for run_id in begun.column("run_id").to_pylist() if run_id is not None}
        # Ids sort by time, so this is nearly what was asked for, and the files' statistics tell where it is.
        return table.scan(predicate=f"run_id >= {_literal(min(runs))}" if runs else "false").read_all()

    def _append(self, table: DeltaTable, records: Sequence[Mapping[str, Any]]) -> None:
        new, reached = _new_records(table, records)
        if not new:
            return
        schema = table.schema()
        write_deltalake(
            table,
            [batch_of(new, schema=schema)],
            mode="append",
            schema_mode="merge" if lacks_columns(schema) else None,
            commit_properties=CommitProperties(
                app_transactions=[Transaction(_transaction_name(run_id), seq) for run_id, seq in reached.items()]
            ),
            post_commithook_properties=_BY_US,
        )

    def _opened(self, *, is_fresh: bool = False) -> DeltaTable | None:
        """Return the table, as of this sink's last commit or as of now; None if there is none."""
        if self._table is None:
            try:
                table = DeltaTable(self._path, storage_options=self._options)
            except TableNotFoundError:
                return None
            check_columns(table.schema(), where=self._path)
            self._table = table
        elif is_fresh:
            self._table.update_incremental()
        return self._table

    def _created(self) -> DeltaTable:
        if not self._is_remote:
            _check_folder(Path(self._path))
        try:
            self._table = DeltaTable.create(
                self._path,
                schema=table_schema(),
                description="Run log of Odibi: one row per record.",
                configuration={"delta.dataSkippingStatsColumns": ",".join(STATISTICS)},
                storage_options=self._options,
                # No retries: of two makers, the second one would put its table into the first one's log.
                commit_properties=CommitProperties(max_commit_retries=0),
                post_commithook_properties=_BY_US,
            )
        except DeltaError:
            table = self._opened()
            if table is None:
                raise
            return table
        return self._table

    def _maintain(self, table: DeltaTable, *, before: int) -> None:
        # The records are in the table. What goes wrong from here on is no reason to deliver them again.
        after = table.version()
        try:
            if _is_due(self._optimize_every, before=before, after=after):
                self._compact(table)
            if _is_due(self._checkpoint_every, before=before, after=after):
                table.create_checkpoint()
                table.cleanup_metadata()
        except (DeltaError, OSError) as error:
            self._table = None
            _log.info("Delta log sink %s was not tidied up and goes on: %s", self._path, _readable(error))

    def _compact(self, table: DeltaTable) -> None:
        if self._is_remote:
            return
        with (Path(self._path) / _LOCK).open("ab") as file:
            if try_lock(file.fileno()):
                # Not before the lock is held: files that another compaction has replaced must not be compacted again.
                table.update_incremental()
                table.optimize.compact(target_size=_COMPACTED_BYTES, post_commithook_properties=_BY_US)

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except RunLogError:
            raise
        except (DeltaError, OSError, ValueError) as error:
            # What the object knows of the table may be why; the next call opens it anew.
            self._table = None
            text = _readable(error)
            advice = "Free some space" if "No space left" in text else "Check the path, the permissions and the options"
            raise RunLogError(f"The Delta log sink cannot {what} {self._path}: {text}. {advice}.") from error


def _new_records(
    table: DeltaTable, records: Sequence[Mapping[str, Any]]
) -> tuple[Sequence[Mapping[str, Any]], dict[str, int]]:
    """Return the records that a table does not have, and the last ``seq`` of each of their runs."""
    # Nearly always they are one run's, in their order.
    run_ids: list[Any] = [record.get("run_id") for record in records]
    seqs: list[Any] = [record.get("seq") for record in records]
    run_id = run_ids[0]
    is_one_run = isinstance(run_id, str) and run_id and run_ids.count(run_id) == len(run_ids)
    if is_one_run and _ascend(seqs) and _stored(table, run_id) < seqs[0]:
        return records, {run_id: seqs[-1]}
    return _sorted_out(table, records)


def _ascend(seqs: Sequence[Any]) -> bool:
    return set(map(type, seqs)) == {int} and all(map(operator.lt, seqs, itertools.islice(seqs, 1, None)))


def _sorted_out(
    table: DeltaTable, records: Iterable[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], dict[str, int]]:
    there: dict[str, int] = {}
    reached: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()
    new = []
    for record in records:
        run_id, seq = record.get("run_id"), record.get("seq")
        if isinstance(run_id, str) and run_id and isinstance(seq, int):
            if run_id not in there:
                there[run_id] = _stored(table, run_id)
            if seq <= there[run_id] or (run_id, seq) in seen:
                continue
            seen.add((run_id, seq))
            reached[run_id] = max(seq, reached.get(run_id, 0))
        new.append(record)
    return new, reached


def _stored(table: DeltaTable, run_id: str) -> int:
    return table.transaction_version(_transaction_name(run_id)) or 0


def _check_folder(folder: Path) -> None:
    # A table's own folder may be there without a table: its maker was killed.
    others = sorted(entry.name for entry in folder.iterdir() if entry.name != "_delta_log") if folder.is_dir() else []
    if others:
        raise RunLogError(
            f"The Delta log sink cannot make a table in {folder}: the folder is no Delta table and holds {others[0]!r}"
            f"{' and more' if others[1:] else ''}. Nothing was written to it. Give the log sink a folder of its own."
        )


def _is_due(every: int, *, before: int, after: int) -> bool:
    return every > 0 and before // every < after // every


def _transaction_name(run_id: str) -> str:
    return f"odibi-run-log/{run_id}"


def _column_names(table: DeltaTable) -> set[str]:
    return {field.name for field in table.schema().fields}


def _literal(text: str) -> str:
    # delta-rs takes conditions as text only; a quote is the one character that means something in a literal.
    return "'" + text.replace("'", "''") + "'"


def _readable(error: Exception) -> str:
    """Return what delta-rs says as one line, without its colours."""
    return " ".join(_ESCAPES.sub("", str(error)).split()).rstrip(".")
