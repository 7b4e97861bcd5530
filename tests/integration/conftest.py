"""The demo, and what must come out of it wherever it runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "nycflights"
BRONZE_ROWS = {"airlines": 16, "airports": 1_458, "flights": 336_776, "planes": 3_322, "weather": 26_115}


def _run_command(command: Sequence[str | Path], *, folder: Path) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="session")
def run_command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command in a folder, with this checkout on no path."""
    return _run_command


@pytest.fixture(scope="session")
def copy_demo() -> Callable[[Path], Path]:
    """Copy the demo as it is in git, without what an earlier run may have left in it."""

    def copy(folder: Path) -> Path:
        unwanted = shutil.ignore_patterns("data", ".odibi", "__pycache__")
        return Path(shutil.copytree(DEMO, folder / "nycflights", ignore=unwanted))

    return copy


@pytest.fixture(scope="session")
def run_demo() -> Callable[..., dict[str, Any]]:
    """Run a copy of the demo with the `odibi` of some environment and return what it printed."""

    def run(demo: Path, *, scripts: Path) -> dict[str, Any]:
        done = _run_command([scripts / "odibi", "run", "--json"], folder=demo)
        assert done.returncode == 0, done.stdout + done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    return run


@pytest.fixture(scope="session")
def check_demo() -> Callable[[Path], None]:
    """Assert the figures of the demo that are known from the data itself."""

    def check(demo: Path) -> None:
        data = demo / "data"
        rows = {name: len(pd.read_parquet(data / "bronze" / f"{name}.parquet")) for name in BRONZE_ROWS}
        assert rows == BRONZE_ROWS
        worst = pd.read_parquet(data / "gold" / "delay_by_airline.parquet").iloc[0]
        assert (worst["airline"], worst["flights"]) == ("Frontier Airlines Inc.", 681)
        assert round(worst["mean_arr_delay"], 3) == 21.921

    return check
