"""What new plugins are checked against: an engine, a format and a sink that somebody has already."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import EngineSpec, LogSinkSpec, ReaderSpec, hookimpl


@pytest.fixture
def installed() -> PluginManager:
    """A manager that discovers nothing, with the engine ``slate`` and its reader of CSV, and the sink ``paper``."""

    class Slate:
        @hookimpl
        def odibi_register_engines(self):
            yield EngineSpec(name="slate", factory="slate:Slate")

        @hookimpl
        def odibi_register_readers(self):
            yield ReaderSpec(engine="slate", format="csv", factory="slate:Csv", suffixes=(".csv", ".tsv"))

        @hookimpl
        def odibi_register_log_sinks(self):
            yield LogSinkSpec(name="paper", factory="slate:Paper")

    manager = PluginManager(PluginSettings(discover=False))
    manager.register(Slate(), name="slate")
    return manager.freeze()


@pytest.fixture
def importable(monkeypatch: pytest.MonkeyPatch):
    """Make a folder importable for one test: ``importable(folder, "acme_historian")``; return the plugin's module."""
    import importlib

    made: list[str] = []

    def import_from(folder, package: str) -> ModuleType:
        monkeypatch.syspath_prepend(str(folder))
        made.append(package)
        return importlib.import_module(f"{package}.plugin")

    yield import_from
    for name in [name for name in sys.modules if name.partition(".")[0] in made]:
        del sys.modules[name]
