"""Fixtures for authors of plugins, as a plugin of pytest: nothing is loaded by whoever does not ask for it.

In ``conftest.py``::

    pytest_plugins = ["odibi_core.testing.fixtures"]

and then::

    def test_lineage_is_written(odibi_manager, recorded_events, captured_logs, tmp_path):
        odibi_manager.register(acme_lineage.plugin, name="acme-lineage")
        run_project(tmp_path, manager=odibi_manager, hooks=recorded_events.hooks)
        assert recorded_events.names[-1] == "orchestrator_run_end"
        assert captured_logs.at_least("WARNING") == []

One event, to call an observer with, is made by `odibi_core.testing.sample_events.make_event`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from odibi_core.events import HookManager
from odibi_core.loading import PluginManager, PluginSettings, clear_manager_cache
from odibi_core.plugin import EVENT_TYPES
from odibi_core.testing.fake_distributions import FakeDistributions

__all__ = [
    "CapturedLogs",
    "RecordedEvents",
    "captured_logs",
    "fake_distribution",
    "odibi_manager",
    "recorded_events",
]


@pytest.fixture
def odibi_manager() -> PluginManager:
    """A manager that never discovers: it has the kernel and what the test registers, whatever is installed.

    It is not frozen: ``odibi_manager.register(module, name="acme")``, then give it to ``run_project(manager=...)``.
    """
    return PluginManager(PluginSettings(discover=False))


@pytest.fixture
def fake_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDistributions]:
    """Installs distributions that only this test sees: a folder in front of ``sys.path``.

    ``fake_distribution("acme-odd", plugins={"odd": "acme_odd.plugin"}, modules={"acme_odd/plugin.py": "..."})``; other
    processes see them by ``fake_distribution.python("...")``.
    """
    distributions = FakeDistributions(tmp_path / "site-packages")
    monkeypatch.syspath_prepend(str(distributions.folder))
    clear_manager_cache()
    yield distributions
    distributions.forget_modules()


@dataclass(slots=True)
class RecordedEvents:
    """The payloads of the events that happened, in their order; from several threads at once.

    Example:
        >>> events = RecordedEvents()
        >>> events.hooks.emit("layer_start", {"layer": "Silver"})
        >>> events.names, events.of("layer_start")[0]["layer"]
        (['layer_start'], 'Silver')
    """

    hooks: HookManager = field(default_factory=HookManager)
    """What to pass on: ``run_project(..., hooks=recorded_events.hooks)``."""
    _seen: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        for name in EVENT_TYPES:
            self.hooks.on(name, self._recorder(name), on_error="fail")

    @property
    def names(self) -> list[str]:
        """The names of the events."""
        return [name for name, _ in self._seen]

    @property
    def payloads(self) -> list[Mapping[str, Any]]:
        """What the events said."""
        return [payload for _, payload in self._seen]

    def of(self, name: str) -> list[Mapping[str, Any]]:
        """Return the payloads of one event.

        Args:
            name: The event's name.
        """
        return [payload for seen, payload in self._seen if seen == name]

    def _recorder(self, name: str) -> Any:
        def record(payload: Mapping[str, Any]) -> None:
            with self._lock:
                self._seen.append((name, dict(payload)))

        return record


@pytest.fixture
def recorded_events() -> RecordedEvents:
    """Records every event of the runs that are given ``hooks=recorded_events.hooks``."""
    return RecordedEvents()


class CapturedLogs(logging.Handler):
    """The lines of the program's log, down to DEBUG, and whatever the application has configured.

    Example:
        >>> logs = CapturedLogs()
        >>> logs.emit(logging.makeLogRecord({"msg": "plugin %s skipped", "args": ("acme",), "levelno": 30}))
        >>> logs.messages, len(logs.at_least("ERROR"))
        (['plugin acme skipped'], 0)
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.records.append(record)

    @property
    def messages(self) -> list[str]:
        """The lines, as they are shown."""
        return [record.getMessage() for record in self.records]

    @property
    def text(self) -> str:
        """All of it, to look for what must not be there."""
        return "\n".join(self.messages)

    def at_least(self, level: str) -> list[str]:
        """Return the lines of a level and above.

        Args:
            level: Such as ``"WARNING"``.
        """
        lowest = logging.getLevelNamesMapping()[level.upper()]
        return [record.getMessage() for record in self.records if record.levelno >= lowest]


@pytest.fixture
def captured_logs() -> Iterator[CapturedLogs]:
    """Captures the program's log (the logger ``odibi`` and its children) while the test runs."""
    logger, logs = logging.getLogger("odibi"), CapturedLogs()
    level = logger.level
    logger.addHandler(logs)
    logger.setLevel(logging.DEBUG)
    yield logs
    logger.removeHandler(logs)
    logger.setLevel(level)
