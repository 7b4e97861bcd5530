"""Runs the contracts of an installed plugin, in another process, and says what came of each of their tests."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from odibi_core.testing.checking.conformance import Conformance
from odibi_core.testing.checking.deriving import Derived, contract_module, derive_contracts
from odibi_core.testing.processes.child import child_environment

if TYPE_CHECKING:
    from odibi_core.loading import PluginManager, PluginRecord

__all__ = ["ContractOutcome", "TestOutcome", "check_contracts", "missing_for_testing"]

_NEEDED: Final = ("hypothesis", "pyarrow", "pytest")


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOutcome:
    """What came of one test.

    Args:
        test: Its name.
        outcome: ``"passed"``, ``"failed"``, ``"gap"`` or ``"skipped"``: what the specs do not offer.
        why: What is wrong and what to do; the reason for a gap.
    """

    __test__ = False  # a name that pytest would collect

    test: str
    outcome: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractOutcome:
    """What came of one contract.

    Args:
        title: What it is about.
        tests: Its tests.
    """

    title: str
    tests: tuple[TestOutcome, ...]

    def count(self, outcome: str) -> int:
        """Return how many tests came out like this.

        Args:
            outcome: ``"passed"``, ``"failed"``, ``"gap"`` or ``"skipped"``.
        """
        return sum(one.outcome == outcome for one in self.tests)

    def to_dict(self) -> dict[str, Any]:
        """Return it as ``odibi plugins check --json`` prints it."""
        numbers = {name: self.count(name) for name in ("passed", "failed", "gap", "skipped")}
        failures = [{"test": one.test, "why": one.why} for one in self.tests if one.outcome == "failed"]
        return {"contract": self.title, **numbers, "failures": failures}


def missing_for_testing() -> tuple[str, ...]:
    """Return the packages of the extra ``testing`` that are not installed.

    Example:
        >>> missing_for_testing()
        ()
    """
    return tuple(name for name in _NEEDED if find_spec(name) is None)


def check_contracts(manager: PluginManager, record: PluginRecord) -> tuple[Conformance, tuple[ContractOutcome, ...]]:
    """Run the contracts of a plugin: those of its own contract module, else those that its specs call for.

    Args:
        manager: The manager that has it.
        record: The plugin, which is active.

    Returns:
        The sum, and each contract.
    """
    with tempfile.TemporaryDirectory(prefix="odibi-check-") as folder:
        module, derived = contract_module(record), Derived(contracts=(), left_out={})
        if module is None:
            derived = derive_contracts(manager, record)
            module = Path(folder, "test_contracts.py")
            module.write_text(derived.source(record.entry_point), encoding="utf-8")
        outcomes = _outcomes(_run(module, Path(folder)), derived)
    return _sum(record, outcomes), outcomes


def _run(module: Path, folder: Path) -> list[Mapping[str, str]]:
    """Run a test module, and return a line for each test; also where pytest itself came to grief."""
    record, settings = folder / "record.jsonl", folder / "pytest.ini"
    settings.write_text("[pytest]\n", encoding="utf-8")
    command = [
        *(sys.executable, "-P", "-m", "pytest", str(module), "-c", str(settings), "--rootdir", str(folder)),
        *("--import-mode=importlib", "-p", "no:cacheprovider", "--confcutdir", str(module.parent), "-q", "--tb=native"),
        *("--basetemp", str(folder / "work"), "-p", "odibi_core.testing.checking.recording"),
        *("--conformance-record", str(record)),
    ]
    done = subprocess.run(  # noqa: S603 - this interpreter, with a module of the plugin's or of ours
        command, cwd=folder, env=child_environment(), capture_output=True, text=True, check=False
    )
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    if done.returncode > 1 or not lines:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-20:])
        stopped = {"class": "", "test": module.name, "outcome": "failed", "why": f"the tests could not be run:\n{said}"}
        return [*map(json.loads, lines), stopped]
    return list(map(json.loads, lines))


def _outcomes(lines: Sequence[Mapping[str, str]], derived: Derived) -> tuple[ContractOutcome, ...]:
    titles = {one.name: one.title for one in derived.contracts}
    by_title: dict[str, dict[str, TestOutcome]] = {}
    for line in lines:
        tests = by_title.setdefault(titles.get(line["class"], line["class"] or "contracts"), {})
        known = tests.get(line["test"])
        # A test that passed may fail yet when its fixtures are taken down.
        if known is None or known.outcome != "failed":
            tests[line["test"]] = TestOutcome(test=line["test"], outcome=line["outcome"], why=line["why"])
    for title, reason in derived.left_out.items():
        by_title[title] = {title: TestOutcome(test=title, outcome="gap", why=reason)}
    return tuple(ContractOutcome(title=title, tests=tuple(tests.values())) for title, tests in by_title.items())


def _sum(record: PluginRecord, outcomes: Sequence[ContractOutcome]) -> Conformance:
    return Conformance(
        plugin=record.name,
        distribution=record.distribution,
        version=record.version,
        passed=sum(one.count("passed") for one in outcomes),
        failed=sum(one.count("failed") for one in outcomes),
        gaps={
            test.test if test.test == one.title else f"{one.title}: {test.test}": test.why
            for one in outcomes
            for test in one.tests
            if test.outcome == "gap"
        },
        python=platform.python_version(),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
    )
