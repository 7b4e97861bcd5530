"""The journal of a run: one append-only file, one unbuffered write per record.

What was appended survives the death of the process (`kill -9` included), because it is in the operating system's hands
when `append` returns. Power failure is another matter: `barrier` waits for the disk, and costs a hundred times as much,
so it is called where something depends on it: run start, saved outputs, run end.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Any, Final

from odibi_core.errors import RunLogError
from odibi_core.runlog.disk import open_for_appending, sync_folder, what_to_do, write_whole
from odibi_core.runlog.layout import check_run_id, discard_journal, journal_path, make_state_dir, marker_path
from odibi_core.runlog.liveness import LockOutcome, kernel_version, let_go_when_forked, lock_file, process_mark
from odibi_core.runlog.records import (
    JOURNAL_SCHEMA,
    UNFINISHED,
    NoteKind,
    RecordEncoder,
    RecordStatus,
    RunStatus,
    encode_line,
    iso,
    now_iso,
    seconds_or_none,
    text_or_none,
)

__all__ = ["Journal"]

_RECORD_STATUSES: Final = frozenset(str(status) for status in RecordStatus)
_END_STATUSES: Final = frozenset(str(status) for status in RunStatus) - {"RUNNING"}
_RECORD: Final = b'{"type":"record","seq":%d,%b'


class Journal:
    """The journal of one run, open for writing. Made by `create`; all methods may be called from any thread.

    Args:
        path: The file.
        run_id: The run.
        file: The file, open for unbuffered appending, with the header in it.
        encoder: What writes the records.

    Example:
        >>> import tempfile
        >>> from datetime import UTC
        >>> folder = Path(tempfile.mkdtemp())
        >>> journal = Journal.create(
        ...     folder, run_id="r1", project="P", env="qat", engine="pandas", layers=["Bronze"], plugins={}
        ... )
        >>> journal.append(transformation_id="t1", status="RUNNING", layer="Bronze", start_time=datetime.now(UTC))
        1
        >>> journal.close("ABORTED", error="KeyboardInterrupt", duration_seconds=0.1)
    """

    def __init__(self, *, path: Path, run_id: str, file: FileIO, encoder: RecordEncoder, is_locked: bool) -> None:
        self._is_locked = is_locked
        self.path = path
        self.run_id = run_id
        self._file = file
        self._descriptor = file.fileno()
        self._encoder = encoder
        self._seq = 0
        self._end = -1
        self._unfinished: dict[str, dict[str, Any]] = {}
        self._size = self.first_offset = os.fstat(self._descriptor).st_size
        self._lock = threading.Lock()
        self._syncing = threading.Lock()
        let_go_when_forked(self, Journal._forget)

    @classmethod
    def create(
        cls,
        state_dir: Path,
        *,
        run_id: str,
        project: str,
        env: str,
        engine: str,
        layers: Sequence[str],
        plugins: Mapping[str, str],
        plan: Sequence[Mapping[str, Any]] = (),
        request: Mapping[str, Any] | None = None,
        resumes: str | None = None,
        lease_token: int | None = None,
    ) -> Journal:
        """Start a run's journal: take the lock that says the run lives, write the header, and wait for the disk.

        Args:
            state_dir: The project's `.odibi` folder; made if it is not there.
            run_id: From `new_run_id`.
            project: The project's name.
            env: The environment.
            engine: The run's engine.
            layers: The layers that will run, in order.
            plugins: The version of every active plugin, by name.
            plan: What will run and why it was resolved so, one mapping per transformation.
            request: What was asked for, so that another run can go on with it.
            resumes: The run that this one goes on with.
            lease_token: The token of the lease that the run has.

        Raises:
            RunLogError: The folder or the file cannot be written, or the run has a journal already.
        """
        path = journal_path(state_dir, check_run_id(run_id))
        make_state_dir(state_dir)
        kernel = kernel_version()
        try:
            marker_path(path).touch()
            file = FileIO(path, "xb", opener=open_for_appending)
        except FileExistsError as error:
            raise RunLogError(
                f"Run {run_id} has a journal already: {path}. Every run needs an id of its own."
            ) from error
        except OSError as error:
            raise RunLogError(f"Cannot create the journal {path}: {error.strerror}. {what_to_do(error)}") from error
        try:
            # Waiting is short: only somebody who looks whether the run is dead can hold the lock, for a moment.
            lock = lock_file(file.fileno(), wait=True)
            header = {
                "schema": JOURNAL_SCHEMA,
                "run_id": run_id,
                "project": project,
                "env": env,
                "engine": engine,
                "layers": list(layers),
                "started": now_iso(),
                **process_mark(),
                "lock": lock,
                "lease_token": lease_token,
                "kernel_version": kernel,
                "plugins": dict(plugins),
                "request": dict(request or {}),
                "resumes": resumes,
                "plan": [dict(entry) for entry in plan],
            }
            write_whole(file.fileno(), encode_line("run", header))
            os.fsync(file.fileno())
            sync_folder(path.parent)
            shown = "; ".join(f"{name} {of}" for name, of in sorted({"odibi-core": kernel, **plugins}.items()))
            encoder = RecordEncoder(run_id=run_id, project=project, env=env, plugin_versions=shown)
            return cls(path=path, run_id=run_id, file=file, encoder=encoder, is_locked=lock is LockOutcome.HELD)
        except BaseException as error:
            file.close()
            discard_journal(path)
            if isinstance(error, OSError):
                problem = f"Cannot write the journal {path}: {error.strerror}. {what_to_do(error)}"
                raise RunLogError(problem) from error
            raise

    @property
    def last_seq(self) -> int:
        """The ``seq`` of the last record, 0 before the first."""
        return self._seq

    @property
    def is_open(self) -> bool:
        """Whether records can be appended."""
        return self._descriptor >= 0

    @property
    def has_end(self) -> bool:
        """Whether it is written how the run ended, so that nothing can follow."""
        return self._size == self._end

    def append(
        self,
        *,
        transformation_id: str,
        status: str,
        layer: str,
        start_time: datetime,
        end_time: datetime | None = None,
        duration_seconds: float | None = None,
        error_message: str | None = None,
        plant: str | None = None,
        asset: str | None = None,
        step: int | None = None,
        module: str | None = None,
        function: str | None = None,
        engine: str | None = None,
        attempt: int = 1,
        rows_read: int | None = None,
        rows_written: int | None = None,
    ) -> int:
        """Write one record; when this returns, the record survives the death of the process.

        Args:
            transformation_id: The row's id.
            status: A `RecordStatus`.
            layer: The row's layer.
            start_time: When the attempt began, timezone-aware.
            end_time: When it ended, timezone-aware.
            duration_seconds: How long it took, by a monotonic clock.
            error_message: Type and message of the error, or why it was skipped; of any length and content.
            plant: The row's entity_1.
            asset: The row's entity_2.
            step: The row's step.
            module: The module of the row's function.
            function: The name of the row's function.
            engine: The engine the row runs on.
            attempt: Which attempt, counted from 1.
            rows_read: Rows of all inputs, if known.
            rows_written: Rows of all outputs, if known.

        Returns:
            The record's ``seq``: 1, 2, 3 ... without holes.

        Raises:
            RunLogError: It could not be written, or the journal is closed, by this process or, because it took the run
                for dead, by another one. The journal is as it was before.
            ValueError: The status is no `RecordStatus`, or a time is without time zone.
        """
        if status not in _RECORD_STATUSES:
            raise ValueError(f"{status!r} is no status of a record. There are: {', '.join(RecordStatus)}.")
        columns = {
            "transformation_id": text_or_none(transformation_id),
            "plant": text_or_none(plant),
            "asset": text_or_none(asset),
            "start_time": iso(start_time),
            "end_time": None if end_time is None else iso(end_time),
            "status": status,
            "duration_seconds": seconds_or_none(duration_seconds),
            "error_message": text_or_none(error_message),
            "layer": layer,
            "step": step,
            "module": module,
            "function": function,
            "engine": engine,
            "attempt": attempt,
            "rows_read": rows_read,
            "rows_written": rows_written,
        }
        tail = self._encoder.encode(columns)
        with self._lock:
            seq = self._seq + 1
            self._write(_RECORD % (seq, tail), seq=seq, columns=columns)
        return seq

    def note(self, kind: NoteKind, /, **content: Any) -> None:
        """Write down something for the next run that is no record; it survives the process as records do.

        Args:
            kind: What it is.
            content: What it says; names but ``type``, values that JSON can hold.

        Raises:
            RunLogError: It could not be written, or the journal is closed, by this process or, because it took the run
                for dead, by another one. The journal is as it was before.
        """
        line = encode_line(kind, content)
        with self._lock:
            self._write(line, seq=self._seq)

    def barrier(self) -> None:
        """Wait until everything that was appended is on the disk.

        Raises:
            RunLogError: The disk says that it is not.
        """
        with self._syncing:
            if not self.is_open:
                raise RunLogError(f"The journal {self.path} is closed, or belongs to another process.")
            try:
                os.fsync(self._descriptor)
            except OSError as error:
                raise RunLogError(f"Cannot bring the journal {self.path} to disk: {error.strerror}.") from error

    def close(
        self,
        status: str,
        *,
        duration_seconds: float,
        error: str | None = None,
        plugin_costs: Mapping[str, Any] | None = None,
    ) -> None:
        """Write how the run ended, wait for the disk, and let go of the lock. Closing again does nothing.

        A run that ends ABORTED has not finished what its last records say is running, so each of those gets an ABORTED
        record before the end.

        Args:
            status: A `RunStatus` other than RUNNING.
            duration_seconds: How long the run took, by a monotonic clock.
            error: Why it did not succeed.
            plugin_costs: What the plugins cost the run; see `run-end.schema.json`.

        Raises:
            RunLogError: The end could not be written. The file is closed all the same; the next start looks after it.
        """
        if status not in _END_STATUSES:
            raise ValueError(f"A run cannot end as {status!r}, only as {', '.join(sorted(_END_STATUSES))}.")
        with self._syncing, self._lock:
            if not self.is_open:
                return
            # Ctrl-C may break this off anywhere; then the file is still open, and closing it again does the rest.
            try:
                if not self.has_end:
                    self._write_end(status, duration_seconds, error, plugin_costs)
                os.fsync(self._descriptor)
            except RunLogError:
                self._forget()
                raise
            except OSError as problem:
                refused = self._write_error(problem)
                self._forget()
                raise refused from problem
            marker_path(self.path).unlink(missing_ok=True)
            self._forget()

    def _write_end(
        self, status: str, duration_seconds: float, error: str | None, plugin_costs: Mapping[str, Any] | None
    ) -> None:
        aborted = list(self._aborted_records(error)) if status == RunStatus.ABORTED else []
        seq = self._seq + len(aborted)
        end = {
            "status": status,
            "ended": now_iso(),
            "duration_seconds": seconds_or_none(duration_seconds),
            "error": text_or_none(error),
            "records": seq,
            **({} if plugin_costs is None else {"plugin_costs": dict(plugin_costs)}),
        }
        lines = b"".join([*aborted, encode_line("end", end)])
        self._end = self._size + len(lines)
        self._write(lines, seq=seq)

    def _write(self, line: bytes, *, seq: int, columns: dict[str, Any] | None = None) -> None:
        self._check_alone()
        before = self._size
        try:
            written = os.write(self._descriptor, line)
            if written != len(line):
                write_whole(self._descriptor, line[written:])
            self._written(columns, seq=seq, size=before + len(line))
        except BaseException as error:
            self._settle(columns, seq=seq, before=before, after=before + len(line))
            if isinstance(error, OSError):
                raise self._write_error(error) from error
            raise

    def _check_alone(self) -> None:
        # A process that slept for long, on a filesystem without locks, may have been taken for dead by another one. A
        # record behind the end that was written then would damage the journal. Where the lock is held nobody does.
        if not self._is_locked and self.is_open and os.fstat(self._descriptor).st_size != self._size:
            raise RunLogError(
                f"The journal {self.path} was changed by somebody else, as a start does that takes this run for dead. "
                f"Nothing more is written to it."
            )

    def _written(self, columns: dict[str, Any] | None, *, seq: int, size: int) -> None:
        self._size, self._seq = size, seq
        if columns is None:
            return
        if columns["status"] in UNFINISHED:
            self._unfinished[columns["transformation_id"]] = columns
        else:
            self._unfinished.pop(columns["transformation_id"], None)

    def _aborted_records(self, error: str | None) -> Iterator[bytes]:
        for seq, columns in enumerate(self._unfinished.values(), self._seq + 1):
            why = text_or_none(error) or "the run was interrupted"
            tail = self._encoder.encode({**columns, "status": RecordStatus.ABORTED, "error_message": why})
            yield _RECORD % (seq, tail)

    def _settle(self, columns: dict[str, Any] | None, *, seq: int, before: int, after: int) -> None:
        # A write failed, or Ctrl-C arrived in the midst of it: afterwards all of the line is there, or none of it.
        if not self.is_open:
            return
        try:
            if os.fstat(self._descriptor).st_size == after:
                self._written(columns, seq=seq, size=after)
                return
            os.ftruncate(self._descriptor, before)
        except OSError:
            self._forget()  # nothing may be written behind a torn line; the next start cuts it off

    def _write_error(self, error: OSError) -> RunLogError:
        if not self.is_open:
            return RunLogError(f"The journal {self.path} is closed, or belongs to another process.")
        return RunLogError(
            f"Cannot write the journal {self.path}: {error.strerror}. {what_to_do(error)} What was written before is "
            f"whole: {self._seq} record(s). The next run closes this one as ABORTED, if that could not be written."
        )

    def _forget(self) -> None:
        self._descriptor = -1
        self._file.close()
