"""A project is run day after day: each run leaves its outputs, its run log, and nothing else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

ODIBI = Path(sys.executable).with_name("odibi")

FILES = {
    "manifest.yaml": "project_name: Days\nlayer_order: [Bronze, Silver, Gold]\ndefault_engine: pandas\n",
    "landing/days.csv": "day,value\nmon,1\ntue,2\nwed,\n",
    "config/ingestion.yaml": (
        "- {ingestion_id: ingest-days, source_path: landing/days.csv, target_table: bronze.days}\n"
    ),
    "config/transformations.yaml": (
        "- {transformation_id: known-days, layer: Silver, module: days, function: known,"
        " inputs: [bronze.days], outputs: [silver.days]}\n"
        "- {transformation_id: total, layer: Gold, module: days, function: total,"
        " inputs: [silver.days], outputs: [exports/total.csv]}\n"
    ),
    "days.py": (
        "def known(days):\n    return days.dropna()\n\n\ndef total(days):\n    return days[['value']].sum().to_frame('total')\n"
    ),
}
OUTPUTS = {"data/bronze/days.parquet", "data/silver/days.parquet", "exports/total.csv"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def run_often(times: int, *, project: Path, run_command: Callable[..., CompletedProcess[str]]) -> None:
    for number in range(1, times + 1):
        done = run_command([ODIBI, "run"], folder=project)
        assert (done.returncode, done.stderr) == (0, ""), f"run {number}: {done.stderr}{done.stdout}"
    found = {str(path.relative_to(project)) for path in project.rglob("*") if path.is_file()}
    left = {name for name in found - FILES.keys() if not name.startswith(".odibi/")}
    assert left == OUTPUTS
    assert len(list((project / ".odibi" / "runs").glob("*.jsonl"))) == times


def test_three_runs_leave_only_outputs_and_the_run_log(
    project: Path, run_command: Callable[..., CompletedProcess[str]]
) -> None:
    run_often(3, project=project, run_command=run_command)


@pytest.mark.soak
def test_hundred_runs_leave_only_outputs_and_the_run_log(
    project: Path, run_command: Callable[..., CompletedProcess[str]]
) -> None:
    run_often(100, project=project, run_command=run_command)
