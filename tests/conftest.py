"""What holds for every test: real packages, no settings from outside, and skips that are counted in the open."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
NOT_INSTALLED = {"odibi_template"}
"""What `odibi plugins new` writes; it is tested in environments of its own."""

JAVA_FIXTURES = {"classic_session", "connect_server"}
"""What starts a Java machine, whichever test asks for it."""

GROUPS = {"finished_demo": "demo", "wheels": "wheels"}
"""Fixtures of a session that take long, and the group of tests that are run by one worker so as to have them once."""

LONG_GROUPS = ("spark", "wheels", "spark connect", "demo")
"""What is begun first, because a worker that begins it last keeps the other one waiting."""

# A machine shared by several runs has no steady clock, so no example has a deadline.
settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    max_examples=40,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_configure(config: pytest.Config) -> None:
    # A shell that starts this in the background makes it ignore Ctrl-C, and what tests start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in [name for name in os.environ if name.startswith("ODIBI_")]:
        del os.environ[name]
    _write_bytecode()
    _keep_state_apart(config)
    wrong = [problem for source in _package_folders() if (problem := _what_is_wrong(source))]
    if wrong:
        raise pytest.UsageError("\n".join([*wrong, "Run the tests with `make test`: it installs this checkout first."]))
    # A plugin rather than a conftest of one folder: several want a session, and there can be only one of a kind.
    config.pluginmanager.register(_module_of("spark_sessions"), "spark_sessions")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    # A file stays on one worker, for its fixtures' sake, and so does each kind of Spark, which has one session.
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if JAVA_FIXTURES.intersection(fixtures):
            item.add_marker(pytest.mark.spark)
        if item.get_closest_marker("spark") is not None or "engine_spark" in item.path.parts:
            group = "spark connect" if _wants_connect(item) else "spark"
        else:
            shared = (GROUPS[name] for name in GROUPS if name in fixtures)
            group = next(shared, str(item.path.relative_to(ROOT)))
        item.add_marker(pytest.mark.xdist_group(group))
    yield
    if getattr(config.option, "loadgroup", False):
        for item in items:
            _name_group(item)
        items.sort(key=_turn)


def _name_group(item: pytest.Item) -> None:
    """Add its group to what an item is called, which is how xdist's scheduler knows it.

    xdist 3.8 does so itself, but in an attribute that pytest 9.2 does not look at: each test went to any worker, and both
    made every fixture of a file and of the session, Spark's sessions too.
    """
    marker = item.get_closest_marker("xdist_group")
    if marker is not None and not item.nodeid.endswith(suffix := f"@{marker.args[0]}"):
        item._id = type(item._id).parse(f"{item.nodeid}{suffix}")


def _turn(item: pytest.Item) -> int:
    group = item.nodeid.rpartition("@")[2]
    return LONG_GROUPS.index(group) if group in LONG_GROUPS else len(LONG_GROUPS)


def _write_bytecode() -> None:
    """Let this process and what it starts keep compiled modules, whatever the shell says.

    The tests start hundreds of interpreters, and each would compile the kernel anew, which takes longer than most of
    them do. It is also what an interpreter does on its own: a project must bear it.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def _keep_state_apart(config: pytest.Config) -> None:
    """Give what tests run a state folder that is theirs and ends with them: the user's own holds what the user did."""
    folder = tempfile.TemporaryDirectory(prefix="odibi-state-")
    config.add_cleanup(folder.cleanup)
    os.environ["XDG_STATE_HOME"] = folder.name


def _wants_connect(item: pytest.Item) -> bool:
    """Say whether a test has a session on a Spark Connect server, by its parameters or by its fixtures."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    has_flavour = any(isinstance(value, str) and value == "connect" for value in parameters)
    return has_flavour or "connect_server" in getattr(item, "fixturenames", ())


def _module_of(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _package_folders() -> list[Path]:
    found = (init.parent for member in ("odibi_*", "plugins/*") for init in ROOT.glob(f"{member}/src/*/__init__.py"))
    return sorted(folder for folder in found if folder.name not in NOT_INSTALLED)


def _what_is_wrong(source: Path) -> str:
    """Say why a package that is about to be tested is not this checkout's.

    Without an install, the folder `odibi_core/` of the checkout is importable as an empty namespace package.
    """
    spec = find_spec(source.name)
    origin = None if spec is None else spec.origin
    if origin is None:
        return f"{source.name} is not installed: importing it would find an empty folder of the checkout or nothing."
    if Path(origin).resolve() != source / "__init__.py":
        return f"{source.name} is installed from {origin}, not from this checkout ({source})."
    return ""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(_reason(report) for report in skipped)
    if reasons:
        terminalreporter.section(f"{reasons.total()} skipped")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:4} x {reason}")


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
