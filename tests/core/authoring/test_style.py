"""What `odibi plugins new` writes keeps the rules of style that it comes with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from odibi_core.authoring import PluginKind, make_plugin
from odibi_core.loading import PluginManager


@pytest.fixture
def plugins(tmp_path: Path, installed: PluginManager) -> list[Path]:
    """One plugin of each kind, and those of an engine's own that differ from them."""
    wanted = [(kind, None) for kind in PluginKind] + [(PluginKind.READER, "slate"), (PluginKind.SAVER, "slate")]
    for number, (kind, engine) in enumerate(wanted):
        make_plugin(f"acme-historian{number}", kind=kind, engine=engine, path=tmp_path, manager=installed)
    return sorted(tmp_path.iterdir())


def run(words: Sequence[str | Path], *, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False, env=os.environ)


@pytest.mark.parametrize("words", [["check"], ["format", "--check"]], ids=["linted", "formatted"])
def test_new_plugins_keep_the_rules_of_ruff(words: list[str], plugins: list[Path]) -> None:
    done = run([sys.executable, "-m", "ruff", *words, "--no-cache", *plugins], folder=plugins[0])

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.soak
def test_new_plugins_are_typed(plugins: list[Path], tmp_path: Path) -> None:
    sources = [next((plugin / "src").iterdir()) for plugin in plugins]

    # One call, because most of the time goes into what all of them import.
    words = [sys.executable, "-m", "mypy", "--config-file", plugins[2] / "pyproject.toml"]
    done = run([*words, "--cache-dir", tmp_path / "cache", *sources], folder=tmp_path)

    assert done.returncode == 0, done.stdout
