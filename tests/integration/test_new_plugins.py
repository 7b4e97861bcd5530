"""What `odibi plugins new` writes builds, installs, passes its contract tests and is listed, unedited."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
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
    "reader": "acme-logger",
    "saver": "acme-archive",
    "sink": "acme-paper",
}
DATA = ["reader", "saver"]
WITHOUT_FRAMES = ["connection", "hooks", "sink"]
QUICK = ["-k", "not killed and not slow_target and not full_disk"]
"""Without the faults of savers that take long; `make soak` runs them."""


@pytest.fixture
def made(
    authors_environment: Path, tmp_path: Path, run_command: RunCommand
) -> Callable[..., tuple[Path, dict[str, Any]]]:
    """Make a plugin with the command of that environment; return its folder and what was said."""

    def make(name: str, *words: str) -> tuple[Path, dict[str, Any]]:
        command = [authors_environment / "odibi", "plugins", "new", name, *words, "--json"]
        done = run_command(command, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return tmp_path / name, json.loads(done.stdout)

    return make


@pytest.fixture
def assert_right(
    authors_environment: Path,
    build_wheel: Callable[..., Path],
    install_into: Callable[..., None],
    run_command: RunCommand,
    tmp_path: Path,
) -> Callable[..., None]:
    """Install plugins from their wheels, run all their tests in one process, and look them up in the list."""

    def check(plugins: Mapping[Path, Sequence[str]], *words: str) -> None:
        install_into(authors_environment, [build_wheel(plugin, folder=tmp_path) for plugin in plugins], folder=tmp_path)

        options = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", *words]
        tests = [plugin / "tests" for plugin in plugins]
        done = run_command(
            [authors_environment / "python", "-W", "error", "-m", "pytest", *options, *tests], folder=tmp_path
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr

        listed = run_command([authors_environment / "odibi", "plugins", "list", "--json"], folder=tmp_path)
        rows = {row["name"]: row for row in json.loads(listed.stdout)}
        for plugin, provides in plugins.items():
            row = rows[plugin.name.replace("_", "-")]
            assert (row["state"], row["reason"], row["version"]) == ("active", "", "0.1.0")
            assert row["provides"] == provides

    return check


@pytest.mark.slow
def test_new_plugins_pass_their_contracts_unedited(
    made: Callable[..., tuple[Path, dict[str, Any]]], assert_right: Callable[..., None]
) -> None:
    """The kinds whose contracts are short; the template is a reader."""
    new = [made(f"{NAMES[kind]}-short", "--kind", kind) for kind in WITHOUT_FRAMES]

    assert_right({plugin: said["provides"] for plugin, said in new})


@pytest.mark.soak
def test_new_plugin_of_each_kind_passes_its_contracts_unedited(
    made: Callable[..., tuple[Path, dict[str, Any]]], assert_right: Callable[..., None]
) -> None:
    new = [made(name, "--kind", kind) for kind, name in NAMES.items()]

    assert_right({plugin: said["provides"] for plugin, said in new}, *QUICK)


@pytest.mark.slow
def test_template_passes_its_contracts(assert_right: Callable[..., None]) -> None:
    assert_right({ROOT / "plugins" / "odibi_template": ["reader any/template"]})


@pytest.mark.soak
def test_new_plugin_for_one_engine_passes_its_contracts(
    made: Callable[..., tuple[Path, dict[str, Any]]], assert_right: Callable[..., None]
) -> None:
    new = [made(f"acme-tape-{kind}", "--kind", kind, "--engine", "pandas", "--format", f"tape-{kind}") for kind in DATA]

    assert_right({plugin: said["provides"] for plugin, said in new}, *QUICK)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["engine", "saver"])
def test_new_plugin_survives_all_faults(
    kind: str, made: Callable[..., tuple[Path, dict[str, Any]]], assert_right: Callable[..., None]
) -> None:
    plugin, said = made(f"{NAMES[kind]}-faults", "--kind", kind, "--format", f"safe-{kind}")

    assert_right({plugin: said["provides"]})
