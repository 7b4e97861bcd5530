"""In CI the database servers that tests need are installed; elsewhere nobody's machine is touched unasked."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "install_database_servers.py"
APT_GET = """#!/bin/sh
echo "$@ policy:$(cat "$POLICY" 2>&1 | tail -1)" >>"$CALLS"
case "$*" in *install*) exit "$(head -c 1 "$RESULTS"; tail -c +2 "$RESULTS" >"$RESULTS.new"; mv "$RESULTS.new" "$RESULTS")";; esac
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no apt-get")


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("tools_install_database_servers", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def apt_get(tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """An apt-get that only notes how it was called; returns the calls after a run with arguments."""
    program, calls, results, policy = (tmp_path / name for name in ("apt-get", "calls", "results", "policy-rc.d"))
    program.write_text(APT_GET)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for name, path in (("CALLS", calls), ("RESULTS", results), ("POLICY", policy)):
        monkeypatch.setenv(name, str(path))
    monkeypatch.setattr(tool, "_POLICY", policy)
    monkeypatch.setattr(tool, "missing_packages", lambda: ["mariadb-server"])
    monkeypatch.setattr("os.geteuid", lambda: 0)

    def run(codes: str, *arguments: str) -> list[str]:
        results.write_text(codes)
        tool.main(list(arguments))
        assert not policy.exists()
        return calls.read_text().splitlines() if calls.exists() else []

    return run


@pytest.mark.parametrize(("ci", "arguments"), [("true", ()), ("", ("--now",))], ids=["in CI", "asked"])
def test_what_is_missing_is_installed_and_not_started(apt_get, monkeypatch, ci, arguments):
    monkeypatch.setenv("CI", ci)
    (call,) = apt_get("0", *arguments)
    assert call.endswith("install --no-install-recommends mariadb-server policy:exit 101")


def test_a_developers_machine_is_left_alone(apt_get, monkeypatch, capsys):
    monkeypatch.delenv("CI", raising=False)
    assert apt_get("0") == []
    assert capsys.readouterr().out == ""


def test_a_machine_that_knows_of_no_package_asks_for_the_list_first(apt_get, monkeypatch, capsys):
    monkeypatch.setenv("CI", "true")
    first, update, second = apt_get("10")
    assert first == second
    assert "update" in update
    assert "Not installed" not in capsys.readouterr().out


def test_what_cannot_be_installed_is_said_and_is_no_failure(apt_get, monkeypatch, capsys):
    monkeypatch.setenv("CI", "true")
    assert len(apt_get("11")) == 3
    assert "Not installed, so their tests are skipped" in capsys.readouterr().out


def test_where_there_is_no_apt_get_nothing_is_tried(tool, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tool.install(["postgresql"]) == "there is no apt-get"


def test_without_root_and_without_sudo_nothing_is_tried(tool, apt_get, monkeypatch, tmp_path):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "takes root" in tool.install(["postgresql"])
    assert not (tmp_path / "calls").exists()


def test_servers_that_are_there_are_not_missing(tool, monkeypatch):
    monkeypatch.setattr(tool, "find_mariadb", lambda: ["/somewhere/mariadbd"])
    monkeypatch.setattr(tool, "find_postgresql", lambda: ["/somewhere/initdb"])
    assert tool.missing_packages() == []
