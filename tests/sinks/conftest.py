"""Records, and files to keep them in."""

import csv
import json
import sys
from datetime import UTC, datetime, timedelta

import pytest

START = datetime(2026, 11, 21, 21, 30, 0, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def record():
    """Makes records as the kernel hands them over."""

    def make(seq=1, *, run_id="r1", **columns):
        return {
            "transformation_id": f"t{seq}",
            "project": "Flights",
            "plant": "EWR",
            "asset": None,
            "start_time": START,
            "end_time": START + timedelta(seconds=1),
            "status": "SUCCESS",
            "duration_seconds": 1.25,
            "error_message": None,
            "env": "qat",
            "run_id": run_id,
            "seq": seq,
            "layer": "Silver",
            "step": 1,
            "module": "silver.functions",
            "function": "clean",
            "engine": "pandas",
            "attempt": 1,
            "rows_read": 10,
            "rows_written": 9,
            "plugin_versions": "odibi-core 0.1.0",
            **columns,
        }

    return make


def _read_csv(path):
    csv.field_size_limit(sys.maxsize)
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


def _read_json_lines(path):
    return [json.loads(line) for line in path.read_text(encoding="ascii").split("\n")[:-1]]


@pytest.fixture(scope="session")
def read_log():
    """Reads a file back with the standard library, by its suffix."""
    return lambda path: _read_csv(path) if path.suffix == ".csv" else _read_json_lines(path)


@pytest.fixture(params=["runs.csv", "runs.jsonl"])
def log_path(request, tmp_path):
    """A path that does not exist yet, once for each format."""
    return tmp_path / "logs" / "deep" / request.param
