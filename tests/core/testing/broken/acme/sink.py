"""Run-log records in an SQLite file."""

import json
import sqlite3
from contextlib import closing, contextmanager
from datetime import datetime

from odibi_core.plugin import RECORD_COLUMNS, RunLogError


class AcmeSink:
    def __init__(self, path, token=""):
        self._path = path
        self._token = token

    def write(self, records):
        with self._connected() as database:
            database.executemany("INSERT INTO log VALUES (?, ?, ?)", self.rows(records))

    def rows(self, records):
        return [(record.get("run_id"), record.get("seq"), self.text(record)) for record in records]

    def text(self, record):
        return json.dumps([encoded(record.get(name)) for name in RECORD_COLUMNS])

    def last_seq(self, run_id):
        with self._connected() as database:
            return database.execute("SELECT coalesce(max(seq), 0) FROM log WHERE run_id = ?", [run_id]).fetchone()[0]

    def read_records(self, *, project=None, since=None):
        with self._connected() as database:
            found = database.execute("SELECT cells FROM log ORDER BY run_id, seq").fetchall()
        for (cells,) in found:
            yield {name: decoded(cell) for name, cell in zip(RECORD_COLUMNS, json.loads(cells), strict=True)}

    @contextmanager
    def _connected(self):
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=30)) as database, database:
                database.execute("CREATE TABLE IF NOT EXISTS log (run_id TEXT, seq INTEGER, cells TEXT)")
                yield database
        except (OSError, sqlite3.Error) as error:
            raise RunLogError(f"The log {self._path} cannot be used: {error}. Check the path.") from error


def encoded(value):
    return {"moment": value.isoformat()} if isinstance(value, datetime) else value


def decoded(value):
    return datetime.fromisoformat(value["moment"]) if isinstance(value, dict) else value
