"""What `odibi plugins new` writes builds, installs, passes its contract tests and is listed, unedited."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, TypeAlias

import pytest

ROOT = Path(__file__).resolve().parents[2]
RunCommand: TypeAlias = Callable[..., CompletedProcess[str]]

NAMES = {
    "connection": "acme-share",
    "engine": "acme-slate",
    "hooks": "acme-audit",
    "reader": "acme-historian",
    "saver": "acme-archive",
    "sink": "acme-paper",
}
QUICK = ["-k", "not killed and not slow_target and not full_disk"]
"""Without the faults of savers, which take a minute; they are run by `make soak`."""


@pytest.fixture(scope="module")
def environment(make_environment: Callable[[Sequence[str | Path]], Path], wheels: list[Path]) -> Path:
    """The scripts of an environment with what an author's requirements bring: the kernel, its test-kit, an engine."""
    ours = {wheel.name.partition("-")[0]: wheel for wheel in wheels}
    return make_environment([f"{ours['odibi_core']}[testing]", ours["odibi_engine_pandas"]])


@pytest.fixture
def made(environment: Path, tmp_path: Path, run_command: RunCommand) -> Callable[..., tuple[Path, dict[str, Any]]]:
    """Make a plugin with the command of that environment."""

    def make(name: str, *words: str) -> tuple[Path, dict[str, Any]]:
        command = [environment / "odibi", "plugins", "new", name, *words, "--json"]
        done = run_command(command, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return tmp_path / name, json.loads(done.stdout)

    return make


@pytest.fixture
def listed(environment: Path, tmp_path: Path, run_command: RunCommand) -> Callable[[str], dict[str, Any]]:
    """Return what `odibi plugins list` says of a plugin."""

    def find(name: str) -> dict[str, Any]:
        done = run_command([environment / "odibi", "plugins", "list", "--json"], folder=tmp_path)
        (row,) = [row for row in json.loads(done.stdout) if row["name"] == name]
        return row

    return find


def passes_its_contracts(
    kind: str,
    tools: tuple[Any, ...],
    *,
    words: Sequence[str] = (),
    tests: Sequence[str] = (),
    folder: Path,
) -> None:
    environment, made, listed, build_wheel, install_into, run_command = tools
    name = "-".join([NAMES[kind], *(word.strip("-") for word in words)])
    plugin, said = made(name, "--kind", kind, *words)

    install_into(environment, [build_wheel(plugin, folder=folder)], folder=folder)
    done = run_command([environment / "python", "-W", "error", "-m", "pytest", "-q", *tests], folder=plugin)

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    row = listed(name)
    assert (row["state"], row["reason"], row["version"]) == ("active", "", "0.1.0")
    assert row["provides"] == said["provides"]


@pytest.fixture
def tools(
    environment: Path,
    made: Callable[..., Any],
    listed: Callable[..., Any],
    build_wheel: Callable[..., Path],
    install_into: Callable[..., None],
    run_command: RunCommand,
) -> tuple[Any, ...]:
    return environment, made, listed, build_wheel, install_into, run_command


@pytest.mark.slow
@pytest.mark.parametrize("kind", NAMES)
def test_new_plugin_passes_its_contracts_unedited(kind: str, tools: tuple[Any, ...], tmp_path: Path) -> None:
    passes_its_contracts(kind, tools, tests=QUICK, folder=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["reader", "saver"])
def test_new_plugin_for_one_engine_passes_its_contracts(kind: str, tools: tuple[Any, ...], tmp_path: Path) -> None:
    passes_its_contracts(kind, tools, words=["--engine", "pandas"], tests=QUICK, folder=tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["engine", "saver"])
def test_new_plugin_survives_all_faults(kind: str, tools: tuple[Any, ...], tmp_path: Path) -> None:
    passes_its_contracts(kind, tools, words=["--format", "safe"], folder=tmp_path)


@pytest.mark.parametrize("kind", NAMES)
def test_new_plugin_keeps_its_own_rules_of_style(
    kind: str, made: Callable[..., tuple[Path, dict[str, Any]]], run_command: RunCommand
) -> None:
    plugin, _ = made(f"{NAMES[kind]}-styled", "--kind", kind)

    for words in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = run_command([Path(sys.executable).with_name("ruff"), *words, "."], folder=plugin)
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_new_plugins_are_typed(
    made: Callable[..., tuple[Path, dict[str, Any]]], run_command: RunCommand, tmp_path: Path
) -> None:
    plugins = {kind: made(f"{name}-typed", "--kind", kind)[0] for kind, name in NAMES.items()}
    sources = [plugin / "src" / plugin.name.replace("-", "_") for plugin in plugins.values()]

    # One call, because most of the time goes into what all of them import.
    words = [sys.executable, "-m", "mypy", "--config-file", plugins["reader"] / "pyproject.toml"]
    done = run_command([*words, "--cache-dir", tmp_path / "cache", *sources], folder=tmp_path)

    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_template_passes_its_contracts(tools: tuple[Any, ...], tmp_path: Path) -> None:
    environment, _, listed, build_wheel, install_into, run_command = tools
    template = ROOT / "plugins" / "odibi_template"

    install_into(environment, [build_wheel(template, folder=tmp_path)], folder=tmp_path)
    words = [environment / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", template]
    done = run_command(words, folder=tmp_path)

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert listed("odibi-template")["provides"] == ["reader any/template"]
