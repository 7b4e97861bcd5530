"""The log sink ``spark_delta`` as part of real runs: fed by the kernel's own thread while transformations run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odibi_core import run_project
from odibi_core.plugin import RECORD_COLUMNS
from odibi_core.runlog import read_journal
from odibi_engine_spark import SparkDeltaLogSink

FUNCTIONS = """
def double(df):
    return df.selectExpr("id * 2 AS id")

def fail(df):
    raise ValueError("no luck")
"""


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Make a project of rows that read one Delta table, with a log sink."""
    import pyarrow as pa
    from deltalake import write_deltalake

    root = tmp_path / "project"

    def make(*functions: str, log_sink: dict[str, Any], spark: dict[str, Any] | None = None) -> Path:
        root.mkdir(exist_ok=True)
        if not (root / "data").exists():
            write_deltalake(root / "data" / "bronze" / "numbers", pa.table({"id": [1, 2, 3]}))
        (root / "steps.py").write_text(FUNCTIONS)
        manifest = {
            "project_name": "Numbers",
            "default_engine": "spark",
            "layer_order": ["Silver_1"],
            "layers": {"Silver_1": {}},
            "warehouse": {"path": "data", "format": "delta"},
            "engines": {"spark": spark or {}},
            "log_sinks": [log_sink],
        }
        (root / "manifest.json").write_text(json.dumps(manifest))
        rows = [
            {
                "transformation_id": f"t{number}",
                "project": "Numbers",
                "environment": "qat",
                "layer": "Silver_1",
                "step": 1,
                "enabled": True,
                "module": "steps",
                "function": function,
                "inputs": ["bronze.numbers"],
                "outputs": [f"silver.numbers_{number}"],
                "constants": {},
            }
            for number, function in enumerate(functions)
        ]
        (root / "config").mkdir(exist_ok=True)
        (root / "config" / "transformations.json").write_text(json.dumps(rows))
        return root

    return make


def run(root: Path, **more: Any) -> Any:
    return run_project("Numbers", "qat", manifest_path=root / "manifest.json", raise_on_failure=False, **more)


def journal_of(root: Path, result: Any) -> list[dict[str, Any]]:
    reading = read_journal(root / ".odibi" / "runs" / f"{result.run_id}.jsonl")
    return [{name: record.get(name) for name in RECORD_COLUMNS} for record in reading.records]


def test_a_run_on_a_session_that_was_handed_in(spark_engine, project):
    root = project("double", "fail", *["double"] * 4, log_sink={"type": "spark_delta", "path": "logs/runs"})
    result = run(root, auth_provider=lambda **_: {"spark": spark_engine.session}, max_workers=3)
    assert result.status == "FAILED"
    assert result.sink_errors == ()
    sink = SparkDeltaLogSink(spark_engine.session, path=root / "logs" / "runs")
    found = list(sink.read_records())
    assert [record["seq"] for record in found] == list(range(1, len(found) + 1))
    assert [record["status"] for record in found].count("SUCCESS") == 5
    (failed,) = [record for record in found if record["status"] == "FAILED"]
    assert "no luck" in failed["error_message"]
    assert failed["error_message"].count("\n") == journal_of(root, result)[failed["seq"] - 1]["error_message"].count(
        "\n"
    )
    assert len(journal_of(root, result)) == len(found)


def test_a_run_that_builds_its_own_session_and_the_next_one(project, run_python):
    root = project("double", log_sink={"type": "spark_delta", "path": "logs/runs"}, spark={"sail": True})
    code = (
        "import sys\n"
        "from odibi_core import run_project\n"
        "result = run_project('Numbers', 'qat', manifest_path=sys.argv[1])\n"
        "print(result.status, len(result.sink_errors))\n"
    )
    for _ in range(2):
        done = run_python(code, str(root / "manifest.json"))
        assert done.stdout.split()[-2:] == ["SUCCESS", "0"], done.stderr
    from deltalake import DeltaTable

    table = DeltaTable(root / "logs" / "runs").to_pyarrow_table()
    assert len(set(table["run_id"].to_pylist())) == 2
    assert sorted(table["status"].to_pylist()) == ["RUNNING", "RUNNING", "SUCCESS", "SUCCESS"]
