"""Callbacks of a program are listed behind the observers of plugins, with their filters."""

from __future__ import annotations

from types import SimpleNamespace

from odibi_core.events import HookManager
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import hookimpl
from odibi_core.running import list_listeners


@hookimpl
def odibi_orchestrator_run_start(event):
    pass


def test_callbacks_come_after_observers_with_filters_in_words():
    manager = PluginManager(PluginSettings(discover=False))
    manager.register(SimpleNamespace(odibi_orchestrator_run_start=odibi_orchestrator_run_start), name="watcher")
    hooks = HookManager()
    hooks.on("pipeline_start", print, filters={"env": {"qat"}, "engine": len}, on_error="fail")
    hooks.on("layer_end", repr)

    listed = list_listeners(manager, hooks=hooks)

    started = [one for one in listed if one.event == "orchestrator_run_start"]
    assert [(one.order, one.plugin, one.kind) for one in started] == [(1, "watcher", "observe"), (2, "", "callback")]
    assert started[1].hook == "pipeline_start"
    assert started[1].filters == {"env": "{'qat'}", "engine": "builtins.len"}
    assert started[1].on_error == "fail"
    assert [one.function for one in listed if one.event == "layer_end"] == ["builtins.repr"]


def test_a_secret_in_a_filter_is_masked(manager):
    hooks = HookManager()
    hooks.on("pre_read", print, filters={"dataset": "postgresql://joe:hunter2@db/sales"})

    (one,) = [one for one in list_listeners(manager, hooks=hooks) if one.kind == "callback"]

    assert "hunter2" not in str(one.filters)
