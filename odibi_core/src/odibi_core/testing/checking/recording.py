"""A pytest plugin that writes what came of each contract test to a file, one line of JSON for each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from odibi_core.testing import contract

__all__ = ["OPTION", "pytest_addoption", "pytest_configure"]

OPTION: Final = "--conformance-record"

_NAME: Final = "odibi-conformance-record"
_LONGEST: Final = 4_000
_REFUSING: Final = Path(contract.__file__)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the file."""
    parser.addoption(OPTION, default=None, help="Write the outcome of each contract test to a file.")


def pytest_configure(config: pytest.Config) -> None:
    """Listen to reports, if there is a file to write them to."""
    path = config.getoption(OPTION)
    if path:
        config.pluginmanager.register(_Recorder(Path(path)), _NAME)


class _Recorder:
    """Writes a line when it is known what becomes of a test.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write what came of a test: passed, failed, a gap, or left out; with the reason."""
        if report.when == "call" or not report.passed:
            class_, _, test = report.nodeid.partition("::")[2].partition("::")
            gap = getattr(report, "wasxfail", None)
            outcome = "gap" if gap is not None and not report.failed else report.outcome
            why = str(gap).removeprefix("reason: ").removeprefix("gap: ") if outcome == "gap" else _why(report)
            self._write({"class": class_, "test": test or class_, "outcome": outcome, "why": why})

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Write that a module could not be imported: its tests are not there to fail."""
        if report.failed:
            self._write({"class": "", "test": report.nodeid, "outcome": "failed", "why": _why(report)})

    def _write(self, line: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _why(report: pytest.TestReport | pytest.CollectReport) -> str:
    if report.passed:
        return ""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return str(report.longrepr)[:_LONGEST]
    # What the kit refuses says all; of an error of the plugin it also matters where it was raised.
    is_refusal = Path(crash.path) == _REFUSING
    text = crash.message.removeprefix("Failed: ") if is_refusal else f"{crash.message}\n{crash.path}:{crash.lineno}"
    return text[:_LONGEST]
