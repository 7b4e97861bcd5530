"""The fixtures that the kit gives to authors of plugins."""

from __future__ import annotations

import logging
import sys
from threading import Thread
from types import SimpleNamespace

import pytest

from odibi_core.diagnostics import get_logger
from odibi_core.errors import ManagerFrozenError
from odibi_core.loading import clear_manager_cache, get_manager
from odibi_core.plugin import EngineSpec, hookimpl
from odibi_core.testing.fixtures import (  # noqa: F401 - pytest finds them here
    captured_logs,
    fake_distribution,
    odibi_manager,
    recorded_events,
)

SOURCE = """
from odibi_core.plugin import EngineSpec, hookimpl

@hookimpl
def odibi_register_engines():
    yield EngineSpec(name="odd", factory="acme_odd.engine:Engine")
"""


def test_the_manager_holds_what_the_test_registers_and_nothing_that_is_installed(odibi_manager):  # noqa: F811
    @hookimpl
    def odibi_register_engines():
        yield EngineSpec(name="duckdb", factory="acme_duckdb.engine:DuckDbEngine")

    odibi_manager.register(SimpleNamespace(odibi_register_engines=odibi_register_engines), name="acme")

    assert odibi_manager.discover().engines.names() == ("duckdb",)
    with pytest.raises(ManagerFrozenError):
        odibi_manager.freeze().register(SimpleNamespace(), name="late")


def test_a_fake_distribution_is_discovered_here_and_in_another_process(fake_distribution):
    fake_distribution("acme-odd", plugins={"odd": "acme_odd.plugin"}, modules={"acme_odd/plugin.py": SOURCE})

    other = fake_distribution.python("from odibi_core.loading import get_manager; print(get_manager().engine('odd'))")

    assert get_manager().engine("odd").factory == "acme_odd.engine:Engine"
    assert "acme_odd.engine:Engine" in other.stdout


def test_a_fake_distribution_is_gone_after_its_test(pytestconfig, tmp_path, monkeypatch):
    generator = fake_distribution.__wrapped__(tmp_path, monkeypatch)
    install = next(generator)
    install("acme-odd", plugins={"odd": "acme_odd.plugin"}, modules={"acme_odd/plugin.py": SOURCE})
    assert "odd" in get_manager().engines
    assert "acme_odd.plugin" in sys.modules

    with pytest.raises(StopIteration):
        next(generator)
    monkeypatch.undo()

    assert "acme_odd.plugin" not in sys.modules
    assert "odd" not in get_manager().engines
    clear_manager_cache()


def test_events_are_recorded_in_their_order_with_copies_of_what_they_said(recorded_events):  # noqa: F811
    payload = {"layer": "Silver"}
    recorded_events.hooks.emit("layer_start", payload)
    payload["layer"] = "Gold"
    thread = Thread(target=recorded_events.hooks.emit, args=("layer_end", {"layer": "Silver", "status": "success"}))
    thread.start()
    thread.join()

    assert recorded_events.names == ["layer_start", "layer_end"]
    assert recorded_events.payloads[0]["layer"] == "Silver"
    assert [end["status"] for end in recorded_events.of("layer_end")] == ["success"]


def test_an_alias_is_recorded_as_the_event_that_it_stands_for(recorded_events):  # noqa: F811
    recorded_events.hooks.emit("pipeline_start", {"project": "Shop"})

    assert recorded_events.names == ["orchestrator_run_start"]


def test_the_programs_log_is_captured_and_nothing_else(captured_logs):  # noqa: F811
    get_logger("loading").debug("plugin found", plugin="acme")
    get_logger("loading").warning("plugin skipped", plugin="acme")
    logging.getLogger("acme").warning("not of the program")

    assert captured_logs.messages == ["plugin found plugin=acme", "plugin skipped plugin=acme"]
    assert captured_logs.at_least("warning") == ["plugin skipped plugin=acme"]
    assert captured_logs.text.count("\n") == 1
