"""``odibi plugins check``: everything of a plugin is loaded, and its contracts are run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from odibi_core.cli.output import describe_count, describe_path

if TYPE_CHECKING:
    from odibi_core.cli.output import Output
    from odibi_core.loading import PluginManager, PluginRecord

__all__ = ["conformance_of", "run_contracts", "show_contracts"]


def conformance_of(record: PluginRecord) -> dict[str, Any] | None:
    """Return what is known of a plugin's last check, for ``odibi plugins list``; None if it was not checked.

    Args:
        record: The plugin.
    """
    from odibi_core.testing.checking.conformance import find_conformance

    found = find_conformance(
        record.name, distribution=record.distribution, version=record.version, entry_point=record.entry_point
    )
    if found is None:
        return None
    return {
        "summary": found.describe(),
        "api": found.api,
        "passed": found.passed,
        "failed": found.failed,
        "gaps": dict(found.gaps),
        "when": found.when,
    }


def run_contracts(manager: PluginManager, record: PluginRecord, *, path: Path | None) -> dict[str, Any]:
    """Run the contracts of a plugin and keep what came of them.

    Args:
        manager: The manager that has it.
        record: The plugin.
        path: Where it is kept; by default in the user's state folder.

    Returns:
        What is printed: ``conformance``, ``contracts``, ``written`` and ``problems``.
    """
    from odibi_core.testing.checking.conformance import conformance_path
    from odibi_core.testing.checking.running import check_contracts, missing_for_testing

    missing = missing_for_testing()
    if missing:
        advice = "pip install 'odibi-core[testing]', or check with --no-contracts what can be loaded"
        problem = f"its contracts were not run: {', '.join(missing)} not installed. {advice}"
        return {"conformance": None, "contracts": [], "written": None, "problems": [problem]}
    conformance, outcomes = check_contracts(manager, record)
    written = path or conformance_path(record.name, distribution=record.distribution)
    conformance.write(written)
    failed = describe_count(conformance.failed, "contract test")
    return {
        "conformance": conformance.to_dict() | {"summary": conformance.describe()},
        "contracts": [one.to_dict() for one in outcomes],
        "written": str(written),
        "problems": [f"{failed} failed"] if conformance.failed else [],
    }


def show_contracts(output: Output, ran: dict[str, Any]) -> None:
    """Print a line for each contract, each failure with what to do, and the sum.

    Args:
        output: Where to.
        ran: What `run_contracts` returned.
    """
    for one in ran["contracts"]:
        gaps = f", {describe_count(one['gap'], 'gap')}" if one["gap"] else ""
        word = "error" if one["failed"] else "ok"
        output.line(f"{word:7} {one['contract']}: {one['passed']}/{one['passed'] + one['failed']}{gaps}", indent=2)
        for failure in one["failures"]:
            output.line(failure["test"], indent=10, hanging=2)
            for line in failure["why"].splitlines():
                output.line(line, indent=12, hanging=2)
    if ran["conformance"] is not None:
        output.line(f"{ran['conformance']['summary']} ({describe_path(ran['written'])})", indent=2, hanging=2)
