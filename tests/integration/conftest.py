"""The demo, and what must come out of it wherever it runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "nycflights"
MEMBERS = sorted(path.parent for member in ("odibi_*", "plugins/*") for path in ROOT.glob(f"{member}/pyproject.toml"))
UV = (sys.executable, ROOT / "tools" / "uv.py")
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
def build_wheel() -> Callable[..., Path]:
    """Build the wheel of a folder into another one, with what this environment builds wheels with."""

    def build(member: Path, *, folder: Path) -> Path:
        before = set(folder.glob("*.whl"))
        words = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, member]
        done = _run_command(words, folder=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        (wheel,) = set(folder.glob("*.whl")) - before
        return wheel

    return build


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory, build_wheel: Callable[..., Path]) -> list[Path]:
    """The wheels of everything that is published."""
    folder = tmp_path_factory.mktemp("wheels")
    return sorted(build_wheel(member, folder=folder) for member in MEMBERS)


def _install(python: Path, requirements: Sequence[str | Path], *, folder: Path) -> None:
    """Install from uv's cache, from the index only what is not there."""
    install = [*UV, "pip", "install", "--python", python, "--constraint", ROOT / "constraints.txt"]
    done = _run_command([*install, "--offline", *requirements], folder=folder)
    if done.returncode:
        done = _run_command([*install, *requirements], folder=folder)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def install_into() -> Callable[..., None]:
    """Install into an environment, given its scripts' folder: ``install_into(scripts, [wheel], folder=tmp_path)``."""

    def install(scripts: Path, requirements: Sequence[str | Path], *, folder: Path) -> None:
        _install(scripts / "python", requirements, folder=folder)

    return install


@pytest.fixture(scope="session")
def make_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[str | Path]], Path]:
    """Install into a new environment, and return its scripts' folder."""

    def make(requirements: Sequence[str | Path]) -> Path:
        folder = tmp_path_factory.mktemp("environment")
        done = _run_command([*UV, "venv", "--python", sys.executable, "venv"], folder=folder)
        assert done.returncode == 0, done.stderr
        scripts = folder / "venv" / Path(sys.executable).parent.name
        _install(scripts / "python", requirements, folder=folder)
        return scripts

    return make


@pytest.fixture(scope="session")
def authors_environment(make_environment: Callable[[Sequence[str | Path]], Path], wheels: list[Path]) -> Path:
    """The scripts of an environment with what an author's requirements bring: the kernel, its test-kit, an engine.

    It is one for all authors, whose plugins therefore have names of their own.
    """
    ours = {wheel.name.partition("-")[0]: wheel for wheel in wheels}
    return make_environment([f"{ours['odibi_core']}[testing]", ours["odibi_engine_pandas"]])


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


@dataclass(frozen=True, slots=True)
class FinishedDemo:
    """A copy of the demo that has been run, and what the run printed."""

    folder: Path
    document: dict[str, Any]


@pytest.fixture(scope="session")
def finished_demo(
    copy_demo: Callable[[Path], Path], run_demo: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> FinishedDemo:
    """The demo as it is, run once for all who look at what it has made and change nothing of it."""
    folder = copy_demo(tmp_path_factory.mktemp("demo"))
    return FinishedDemo(folder, run_demo(folder, scripts=Path(sys.executable).parent))


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
