"""The SQLite file behind the index: made from journals, brought up to date from journals, thrown away without loss.

It imports sqlite3, so nothing that a run needs imports it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from odibi_core.diagnostics import get_logger
from odibi_core.errors import RunLogError
from odibi_core.runlog.layout import index_path, journal_path, marker_path, run_ids
from odibi_core.runlog.liveness import is_abandoned
from odibi_core.runlog.reading import JournalLine, scan_journal
from odibi_core.runlog.records import RECORD_COLUMNS, NoteKind, fold, iso, storable_text

__all__ = ["answer", "answer_from_records"]

T = TypeVar("T")

_VERSION: Final = 2
"""Grows with every change to the tables below, and stands there too; an index of another version is rebuilt."""
_WAIT_SECONDS: Final = 10.0
_SCHEMA: Final = """
CREATE TABLE journals (
    run_id TEXT PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    place INTEGER NOT NULL, next_seq INTEGER NOT NULL, has_end INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, project TEXT, project_key TEXT, env TEXT, env_key TEXT, engine TEXT, layers TEXT,
    status TEXT NOT NULL, started TEXT, ended TEXT, duration_seconds REAL, error TEXT, host TEXT, pid INTEGER,
    process_start TEXT, lock TEXT, kernel_version TEXT, plugins TEXT, planned INTEGER, resumes TEXT
) WITHOUT ROWID;
CREATE INDEX runs_of_project ON runs (project_key, env_key, started);
CREATE TABLE transformations (
    run_id TEXT NOT NULL, transformation_id TEXT NOT NULL, layer TEXT, step INTEGER, module TEXT, function TEXT,
    engine TEXT, plant TEXT, asset TEXT, status TEXT NOT NULL, attempts INTEGER, start_time TEXT, end_time TEXT,
    duration_seconds REAL, rows_read INTEGER, rows_written INTEGER, error_message TEXT, first_seq INTEGER,
    PRIMARY KEY (run_id, transformation_id)
);
CREATE INDEX transformations_by_time ON transformations (start_time);
CREATE VIEW executions AS
    SELECT transformations.*, runs.project_key, runs.env_key FROM transformations JOIN runs USING (run_id);
CREATE TABLE fingerprints (
    project_key TEXT NOT NULL, env_key TEXT NOT NULL, transformation_id TEXT NOT NULL, run_id TEXT NOT NULL,
    content TEXT NOT NULL, PRIMARY KEY (project_key, env_key, transformation_id)
) WITHOUT ROWID;
PRAGMA user_version = 2;
"""
_PUT_RUN: Final = """
INSERT OR REPLACE INTO runs VALUES (
    :run_id, :project, :project_key, :env, :env_key, :engine, :layers, 'RUNNING', :started, NULL, NULL, NULL, :host,
    :pid, :process_start, :lock, :kernel_version, :plugins, :planned, :resumes
)
"""
_PUT_RECORD: Final = """
INSERT INTO transformations VALUES (
    :run_id, :transformation_id, :layer, :step, :module, :function, :engine, :plant, :asset, :status, :attempt,
    :start_time, :end_time, :duration_seconds, :rows_read, :rows_written, :error_message, :seq
)
ON CONFLICT (run_id, transformation_id) DO UPDATE SET
    status = excluded.status, attempts = max(attempts, excluded.attempts), engine = excluded.engine,
    end_time = excluded.end_time, duration_seconds = excluded.duration_seconds, rows_read = excluded.rows_read,
    rows_written = excluded.rows_written, error_message = excluded.error_message
"""
_PUT_END: Final = """
UPDATE runs SET status = :status, ended = :ended, duration_seconds = :duration_seconds, error = :error
WHERE run_id = :run_id
"""
_PUT_FINGERPRINT: Final = """
INSERT INTO fingerprints
SELECT project_key, env_key, :transformation_id, :run_id, :content FROM runs WHERE run_id = :run_id
ON CONFLICT (project_key, env_key, transformation_id) DO UPDATE SET
    run_id = excluded.run_id, content = excluded.content
WHERE excluded.run_id >= fingerprints.run_id
"""
"""Only the newest of each transformation is kept: it is what the next run is compared with."""
_PUT_PLACE: Final = "INSERT OR REPLACE INTO journals VALUES (:run_id, :size, :modified, :place, :next_seq, :has_end)"
_ABORT_RUN: Final = "UPDATE runs SET status = 'ABORTED', error = ? WHERE run_id = ?"
_ABORT_RUNNING: Final = """
UPDATE transformations SET status = 'ABORTED', error_message = ? WHERE run_id = ? AND status IN ('RUNNING', 'RETRY')
"""
_NOTES_FOR_RESUMING: Final = frozenset({NoteKind.SAVING, NoteKind.SAVED, NoteKind.UNSAVED})
"""Read from the journal itself by a run that goes on with another: no question to the index is about them."""
_DAMAGED: Final = (sqlite3.Error, ValueError)
"""What a damaged index raises. SQLite may quote bytes of it that are no text, and what it finds may be no JSON."""
_GONE: Final = "The run's process ended without closing the run; the next start closes its journal."


def answer(state_dir: Path, question: Callable[[sqlite3.Connection], T], /) -> T:
    """Ask the index something after bringing it up to date.

    An index that is damaged is rebuilt. One that cannot be written, because the folder is read-only, the disk full or
    another process busy with it for long, is left alone and a fresh one is built in memory: slower, and as true.

    Args:
        state_dir: The project's `.odibi` folder, with at least one journal.
        question: What to ask; it must only read.

    Raises:
        RunLogError: A journal cannot be read.
    """
    path = index_path(state_dir)
    try:
        return _ask(str(path), state_dir, question)
    except _DAMAGED as error:
        get_logger("runlog").info("index of the run log is rebuilt", path=str(path), reason=str(error))
        is_in_use = getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    try:
        if not is_in_use:
            for suffix in ("", "-journal"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            return _ask(str(path), state_dir, question)
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, RunLogError):
            raise
        get_logger("runlog").info("index of the run log is built in memory", path=str(path), reason=str(error))
    try:
        return _ask(":memory:", state_dir, question)
    except sqlite3.Error as error:
        raise RunLogError(f"Cannot read the run log in {state_dir}: SQLite says {error}.") from error


def answer_from_records(records: Iterable[Mapping[str, Any]], question: Callable[[sqlite3.Connection], T], /) -> T:
    """Ask an index in memory that is made from a log sink's records.

    Args:
        records: As log sinks get them, those of each run in the order of their ``seq``. Records of v2, which have no
            run, belong together if transformation and start are the same.
        question: What to ask.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.executescript(_SCHEMA)
        known: set[str] = set()
        with _transaction(connection):
            for number, record in enumerate(records, 1):
                line = {name: iso(value) if isinstance(value, datetime) else value for name, value in record.items()}
                run_id = str(line.get("run_id") or line.get("start_time"))
                values = {**dict.fromkeys(RECORD_COLUMNS), **line, "run_id": run_id, "seq": line.get("seq") or number}
                if run_id not in known:
                    known.add(run_id)
                    header = {"run_id": run_id, "project": line.get("project") or "", "env": line.get("env") or ""}
                    _put(connection, JournalLine("run", header, 0), run_id)
                _put(connection, JournalLine("record", {**values, "attempt": line.get("attempt") or 1}, 0), run_id)
        return question(connection)


def _ask(database: str, state_dir: Path, question: Callable[[sqlite3.Connection], T]) -> T:
    with closing(sqlite3.connect(database, timeout=_WAIT_SECONDS, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        _bring_up_to_date(connection, state_dir)
        return question(connection)


def _bring_up_to_date(connection: sqlite3.Connection, state_dir: Path) -> None:
    if _has_tables(connection) and not _work_to_do(connection, state_dir).is_any:
        return
    with _transaction(connection):
        # Looked at again, now that nobody else can write: another process may have done it all meanwhile.
        if not _has_tables(connection):
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
        work = _work_to_do(connection, state_dir)
        for run_id in (*work.gone, *work.changed):
            _forget(connection, run_id)
        for run_id in (*work.grown, *work.changed):
            _read_on(connection, state_dir, run_id)
        for run_id in _dead_runs(connection, state_dir):
            connection.execute(_ABORT_RUN, (_GONE, run_id))
            connection.execute(_ABORT_RUNNING, (_GONE, run_id))


def _has_tables(connection: sqlite3.Connection) -> bool:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, _VERSION):
        raise sqlite3.DatabaseError(f"the index has version {version}, not {_VERSION}")
    return bool(version)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


@dataclass(frozen=True, slots=True)
class _Work:
    grown: tuple[str, ...]
    changed: tuple[str, ...]
    """No longer the file that was read: replaced, or restored from a backup."""
    gone: tuple[str, ...]
    has_dead_runs: bool

    @property
    def is_any(self) -> bool:
        return bool(self.grown or self.changed or self.gone or self.has_dead_runs)


def _work_to_do(connection: sqlite3.Connection, state_dir: Path) -> _Work:
    known = {
        row["run_id"]: (row["size"], row["modified"], row["has_end"])
        for row in connection.execute("SELECT run_id, size, modified, has_end FROM journals")
    }
    grown, changed = [], []
    found = run_ids(state_dir)
    for run_id in found:
        before = known.get(run_id)
        size, modified = _size_and_time(journal_path(state_dir, run_id))
        if before is None or (size > before[0] and not before[2]):
            grown.append(run_id)
        elif (size, modified) != before[:2]:
            changed.append(run_id)
    gone = tuple(sorted(known.keys() - set(found)))
    has_dead_runs = not (grown or changed or gone) and bool(_dead_runs(connection, state_dir))
    return _Work(tuple(grown), tuple(changed), gone, has_dead_runs)


def _size_and_time(journal: Path) -> tuple[int, int]:
    try:
        state = journal.stat()
    except OSError as error:
        raise RunLogError(f"Cannot read the journal {journal}: {error.strerror}.") from error
    return state.st_size, state.st_mtime_ns


def _forget(connection: sqlite3.Connection, run_id: str) -> None:
    for statement in (
        "DELETE FROM journals WHERE run_id = ?",
        "DELETE FROM runs WHERE run_id = ?",
        "DELETE FROM transformations WHERE run_id = ?",
        "DELETE FROM fingerprints WHERE run_id = ?",
    ):
        connection.execute(statement, (run_id,))


def _read_on(connection: sqlite3.Connection, state_dir: Path, run_id: str) -> None:
    journal = journal_path(state_dir, run_id)
    # Before reading: what is appended meanwhile makes the file look grown the next time, and the marker goes when the
    # end is on the disk.
    size, modified = _size_and_time(journal)
    may_lack_its_end = marker_path(journal).exists()
    row = connection.execute("SELECT place, next_seq FROM journals WHERE run_id = ?", (run_id,)).fetchone()
    place, next_seq = (row["place"], row["next_seq"]) if row else (0, 1)
    has_end = False
    for line in scan_journal(journal, offset=place, next_seq=next_seq):
        if line.kind not in _NOTES_FOR_RESUMING:
            _put(connection, line, run_id)
        place = line.end
        next_seq += line.kind == "record"
        has_end = line.kind == "end"
    if not (has_end or may_lack_its_end):
        raise RunLogError(
            f"The journal {journal} is cut off at byte {place}: its run was closed, and its end is missing. What else "
            f"is missing is not known. Restore the file from a backup, or move it out of the folder to go on without "
            f"that run."
        )
    connection.execute(
        _PUT_PLACE,
        {
            "run_id": run_id,
            "size": size,
            "modified": modified,
            "place": place,
            "next_seq": next_seq,
            "has_end": has_end,
        },
    )


def _put(connection: sqlite3.Connection, line: JournalLine, run_id: str) -> None:
    statement, values = _statement_for(line)
    connection.execute(statement, {**values, "run_id": run_id})


def _statement_for(line: JournalLine) -> tuple[str, dict[str, Any]]:
    content = line.content
    if line.kind == "run":
        return _PUT_RUN, {
            **_row(
                content,
                "project",
                "env",
                "engine",
                "started",
                "host",
                "pid",
                "process_start",
                "lock",
                "kernel_version",
                "resumes",
            ),
            "project_key": fold(str(content.get("project", ""))),
            "env_key": fold(str(content.get("env", ""))),
            "layers": json.dumps(content.get("layers", [])),
            "plugins": json.dumps(content.get("plugins", {})),
            "planned": len(content.get("plan", ())),
        }
    if line.kind == "end":
        return _PUT_END, _row(content, "status", "ended", "duration_seconds", "error")
    if line.kind == NoteKind.FINGERPRINT:
        return _PUT_FINGERPRINT, {**_row(content, "transformation_id"), "content": json.dumps(content)}
    return _PUT_RECORD, _row(
        content,
        "transformation_id",
        "layer",
        "step",
        "module",
        "function",
        "engine",
        "plant",
        "asset",
        "status",
        "attempt",
        "start_time",
        "end_time",
        "duration_seconds",
        "rows_read",
        "rows_written",
        "error_message",
        "seq",
    )


def _row(content: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: storable_text(value) if isinstance(value := content.get(name), str) else value for name in names}


def _dead_runs(connection: sqlite3.Connection, state_dir: Path) -> tuple[str, ...]:
    dead = []
    for row in connection.execute("SELECT run_id, host, pid, process_start, lock FROM runs WHERE status = 'RUNNING'"):
        journal = journal_path(state_dir, row["run_id"])
        try:
            if is_abandoned(journal, dict(row)):
                dead.append(row["run_id"])
        except OSError as error:
            raise RunLogError(f"Cannot read the journal {journal}: {error.strerror}.") from error
    return tuple(dead)
