"""A log sink that keeps records in a file: CSV or JSON lines, by the suffix of its name."""

from __future__ import annotations

import errno
import itertools
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import IO, Any, Final, Protocol

from odibi_core.plugin import ConfigError, RunLogError, did_you_mean
from odibi_sinks.csv_lines import CsvLines
from odibi_sinks.json_lines import JsonLines
from odibi_sinks.locking import locked
from odibi_sinks.rotation import check_rotation, older_files, put_away
from odibi_sinks.stored import folded

__all__ = ["FileLogSink", "format_of"]


class FileFormat(Protocol):
    """How records become bytes, and how it is told which of them are in a file."""

    @property
    def header(self) -> bytes:
        """What an empty file begins with."""

    def encode(self, records: Sequence[Mapping[str, Any]], /) -> bytes:
        """Return the bytes of records."""

    def repaired(self, path: Path, /) -> tuple[int, bytes]:
        """Return how much of a file is whole, and what has to follow that."""

    def runs_and_seqs(self, path: Path, /) -> Iterator[tuple[str, int]]:
        """Yield run id and ``seq`` of each whole record of a file."""

    def records(self, file: IO[bytes], /) -> Iterator[dict[str, Any]]:
        """Yield each whole record of an open file."""


_FORMATS: Final[Mapping[str, FileFormat]] = {".csv": CsvLines(), ".jsonl": JsonLines(), ".ndjson": JsonLines()}


def format_of(path: Path, /) -> FileFormat:
    """Return the format that a file's suffix means.

    Args:
        path: The file; it need not exist.

    Raises:
        ConfigError: No format has that suffix.

    Example:
        >>> type(format_of(Path("logs/runs.csv"))).__name__
        'CsvLines'
    """
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        found = f"suffix {suffix!r}" if suffix else "no suffix"
        hint = did_you_mean(suffix, _FORMATS) if suffix else ""
        raise ConfigError(
            f"The file log sink cannot tell the format of '{path}': it has {found}. Use .csv for CSV, or .jsonl or "
            f".ndjson for JSON lines. {hint}".rstrip()
        )
    return _FORMATS[suffix]


class FileLogSink:
    """Keeps run-log records in a CSV or JSON-lines file.

    Several threads and several processes may write to one file: each batch is appended whole under a lock of the
    operating system. If a writer is killed in the midst of a batch, the next one cuts off the torn row, and whoever
    delivers asks `last_seq` what is there.

    Args:
        path: The file, with the suffix ``.csv``, ``.jsonl`` or ``.ndjson``; it and its folders are made if missing.
        append: True adds to what is there. False keeps one run: the first records of a new run empty the file, and
            what it held is gone from it (the project's own run log still has it). Records of an older run that come
            late are then left out, because they would push out the newer one.
        max_bytes: How large the file may become, but that a batch is never divided. Before it would become larger, it
            is put away as ``runs.000001.csv``, the next one as ``runs.000002.csv``, and a new one is begun. None for
            any size. Older files are still part of the log when it is read.
        keep: How many of them are kept; None for all.

    Raises:
        ConfigError: The suffix is none of these, or the numbers do not go together.

    Example:
        >>> import tempfile
        >>> sink = FileLogSink(Path(tempfile.mkdtemp()) / "logs" / "runs.csv")
        >>> sink.write([{"transformation_id": "t1", "project": "P", "status": "SUCCESS", "run_id": "r1", "seq": 1}])
        >>> sink.last_seq("r1")
        1
        >>> sink.path.read_text(encoding="utf-8").splitlines()[0][:32]
        'transformation_id,project,plant,'
    """

    def __init__(  # v2's constructor, and keywords
        self,
        path: str | os.PathLike[str],
        append: bool = True,
        *,
        max_bytes: int | None = None,
        keep: int | None = None,
    ) -> None:
        self.path = Path(path)
        self._format = format_of(self.path)
        check_rotation(append=append, max_bytes=max_bytes, keep=keep)
        self._append = append
        self._max_bytes = max_bytes
        self._keep = keep
        self._begun: set[str] = set()
        self._lock = threading.Lock()
        # The file is there from the start, as in v2. Trouble with it is `write`'s to report: it is isolated there, and
        # a log that cannot be written must not keep a run from starting.
        with suppress(OSError), self._opened() as file:
            if os.fstat(file.fileno()).st_size == 0:
                self._put(file, at=0, data=self._format.header)

    def write(self, records: Sequence[Mapping[str, Any]], /) -> None:
        """Append records, all of them or none.

        Args:
            records: Mappings with the columns of the run log. Other keys are ignored, missing ones are empty.

        Raises:
            RunLogError: The file cannot be written, or is one that these records do not fit into.
        """
        if not records:
            return
        with self._lock:
            if self._append:
                self._write_batch(records)
            else:
                for run_id, batch in itertools.groupby(records, key=lambda record: record.get("run_id")):
                    self._write_batch(list(batch), only_run=str(run_id or ""))

    def last_seq(self, run_id: str, /) -> int:
        """Return the highest ``seq`` that the file has of a run, 0 if there is none.

        Raises:
            RunLogError: The file cannot be read.
        """
        try:
            for path in self._newest_first():
                with suppress(FileNotFoundError, NotADirectoryError):
                    seqs = [seq for run, seq in self._format.runs_and_seqs(path) if run == run_id]
                    if seqs:  # a run's records come in their order, so no older file has a higher one
                        return max(seqs)
        except OSError as error:
            raise self._error("read", error) from error
        return 0

    def read_records(self, *, project: str | None = None, since: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Yield the records of the file, those of each run in the order of their ``seq``.

        Args:
            project: Only of this project, whatever its case and the blanks around it.
            since: Not looked at: the file has to be read from its beginning anyhow.

        Raises:
            RunLogError: The file cannot be read, is not there, is damaged or has no record of any project. It is made
                when a sink is made, so an empty one may as well be at a path that was mistyped.
        """
        del since
        wanted, is_empty = None if project is None else folded(project), True
        try:
            for file in self._oldest_first():
                for record in self._format.records(file):
                    is_empty = False
                    if wanted is None or folded(record["project"] or "") == wanted:
                        yield record
        except RunLogError:
            raise
        except OSError as error:
            raise self._error("read", error) from error
        if is_empty:
            raise RunLogError(
                f"The file log sink has no record in {self.path}. Either nothing was delivered to it yet, or the path "
                f"is not the one that runs deliver to."
            )

    def _write_batch(self, records: Sequence[Mapping[str, Any]], *, only_run: str | None = None) -> None:
        data = self._format.encode(records)
        try:
            while not self._append_whole(data, only_run=only_run):
                pass  # the file was full: the next one is another
        except RunLogError:
            raise
        except OSError as error:
            raise self._error("write", error) from error

    def _append_whole(self, data: bytes, *, only_run: str | None) -> bool:
        with self._opened() as file:
            size = os.fstat(file.fileno()).st_size
            # First of all, because this also refuses a file that is no run log.
            whole, gap = self._format.repaired(self.path) if size else (0, self._format.header)
            if only_run is not None:
                if self._is_late(only_run):
                    return True
                if self._is_new(only_run):
                    whole, gap = 0, self._format.header
                self._begun.add(only_run)
            if whole < size:
                os.ftruncate(file.fileno(), whole)
            is_full = self._max_bytes is not None and whole + len(gap) + len(data) > self._max_bytes
            if is_full and whole > len(self._format.header):
                self._put(file, at=whole, data=gap)
                put_away(self.path, keep=self._keep)
                return False
            self._put(file, at=whole, data=gap + data)
            return True

    def _newest_first(self) -> Iterator[Path]:
        yield self.path
        if self._append:
            # Not before that one was read: if it is put away meanwhile, it is among these.
            yield from reversed(older_files(self.path))

    def _oldest_first(self) -> Iterator[IO[bytes]]:
        """Open each file of the log, none of them twice, also if one is put away meanwhile."""
        seen: set[Path] = set()
        while True:
            for path in self._older_but(seen):
                seen.add(path)
                with suppress(FileNotFoundError), path.open("rb") as file:  # the oldest ones may be removed
                    yield file
            try:
                file = self.path.open("rb")
            except FileNotFoundError:
                if not seen:
                    raise
                if not self._older_but(seen):
                    return  # killed when it had put one away and not yet begun the next
                continue
            with file:
                if not self._older_but(seen):
                    yield file
                    return

    def _older_but(self, seen: set[Path]) -> list[Path]:
        return [path for path in older_files(self.path) if path not in seen] if self._append else []

    # Which run the file holds is read from the file, so that a process that catches up on a killed one goes on with its
    # file. Records without a run id, which nobody but a user's own code writes, are of one run per sink.

    def _is_late(self, run_id: str) -> bool:
        return self._held_run() > run_id > ""  # ids sort by the start of their run

    def _is_new(self, run_id: str) -> bool:
        held = self._held_run()
        return held != run_id if held and run_id else run_id not in self._begun

    def _held_run(self) -> str:
        return next((run for run, _ in self._format.runs_and_seqs(self.path)), "")

    @contextmanager
    def _opened(self) -> Iterator[FileIO]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with FileIO(self.path, "a+") as file, locked(file.fileno()):
                if self._is_current(file):
                    yield file
                    return
            # Somebody moved the file away until the lock was free: what it is called now is another one.

    def _is_current(self, file: FileIO) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False

    def _put(self, file: FileIO, *, at: int, data: bytes) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]
        except BaseException:
            os.ftruncate(file.fileno(), at)
            raise

    def _error(self, what: str, error: OSError) -> RunLogError:
        advice = "Free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "Check the path and permissions"
        other = error.filename if error.filename and str(error.filename) != str(self.path) else None
        where = f" ({other})" if other else ""
        return RunLogError(f"The file log sink cannot {what} {self.path}: {error.strerror or error}{where}. {advice}.")
