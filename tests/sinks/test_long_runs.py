"""What a log sink shows of a run that is still going on."""

import os
import sqlite3

from odibi_core import run_project

STEPS = """
import json
import select
import sqlite3
from pathlib import Path

def long(constants):
    assert select.select([constants["told"]], [], [], 60)[0], "nobody was told that this has begun"
    with sqlite3.connect(constants["database"]) as connection:
        rows = connection.execute('SELECT transformation_id, status FROM "TransformationRunLog"').fetchall()
    Path(constants["seen"]).write_text(json.dumps(rows))
"""


class Teller:
    """A user's sink, which gets the same batch as the one before it."""

    def __init__(self, descriptor):
        self._descriptor = descriptor

    def write(self, records):
        os.write(self._descriptor, b"x")


def test_an_operator_sees_in_the_table_what_a_long_run_is_at(make_project, manager, sql_sink, tmp_path):
    """A-37: the first record is there after a second, and not at the end of the run or with the 500th."""
    database, seen = tmp_path / "runs.db", tmp_path / "seen"
    told, tell = os.pipe()
    constants = {"told": told, "database": str(database), "seen": str(seen)}
    root = make_project([{"function": "long", "constants": constants}], log_sinks=[], steps=STEPS)

    result = run_project(root, manager=manager, log_sink=[sql_sink(f"sqlite:///{database}"), Teller(tell)])

    os.close(told)
    os.close(tell)
    assert (result.status, result.sink_errors) == ("SUCCESS", ())
    assert seen.read_text() == '[["t000", "RUNNING"]]'
    with sqlite3.connect(database) as connection:
        rows = connection.execute('SELECT status FROM "TransformationRunLog" ORDER BY seq').fetchall()
    connection.close()
    assert rows == [("RUNNING",), ("SUCCESS",)]
