"""A real engine, interrupted in the middle of its saves: every file is whole, and nothing half-written is left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from odibi_core.runlog import read_journal

ROWS = 20_000
COUNT = 24
STEPS = f"""
import sys

import pandas as pd


def frame(df, *, number):
    sys.stdout.write(f"at work {{number}}\\n")
    sys.stdout.flush()
    return pd.DataFrame({{"n": range(number, number + {ROWS}), "text": "some text to write"}})
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    rows = [
        {
            "transformation_id": f"t{number:02}",
            "layer": "Silver",
            "module": "steps",
            "function": "frame",
            "inputs": ["in.csv"],
            "constants": {"number": number},
            "outputs": [f"out/{number:02}.{'csv' if number % 2 else 'parquet'}"],
        }
        for number in range(COUNT)
    ]
    (tmp_path / "config").mkdir()
    (tmp_path / "config/transformations.json").write_text(json.dumps(rows))
    (tmp_path / "manifest.json").write_text(json.dumps({"project_name": "Saves", "layer_order": ["Silver"]}))
    (tmp_path / "in.csv").write_text("n\n1\n")
    (tmp_path / "steps.py").write_text(STEPS)
    return tmp_path


@pytest.mark.parametrize(
    ("number", "code", "begun"),
    [(signal.SIGINT, 130, 3), (signal.SIGTERM, 143, 6)],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_signal_in_the_middle_of_saves_leaves_whole_files_only(root, number, code, begun):
    process = subprocess.Popen(
        [Path(sys.executable).with_name("odibi"), "run", "--engine", "pandas", "--max-workers", "3"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while begun:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        begun -= line.startswith("at work")

    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)

    (path,) = root.glob(".odibi/runs/*.jsonl")
    journal = read_journal(path)
    statuses = {record["transformation_id"]: record["status"] for record in journal.records}
    there = {one.name for one in (root / "out").iterdir()} if (root / "out").exists() else set()
    saved = {f"{id_[1:]}.{'csv' if int(id_[1:]) % 2 else 'parquet'}" for id_, s in statuses.items() if s == "SUCCESS"}
    assert process.returncode == code, stderr
    assert journal.end["status"] == "ABORTED"
    assert set(statuses.values()) <= {"SUCCESS", "ABORTED"}
    assert saved <= there
    assert len(there) < COUNT
    for name in there:
        frame = (pd.read_csv if name.endswith("csv") else pd.read_parquet)(root / "out" / name)
        assert frame["n"].tolist() == list(range(int(name[:2]), int(name[:2]) + ROWS))
