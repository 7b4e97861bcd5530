"""Who implements which hook is listed in the order in which it is called."""

from __future__ import annotations

import pytest

from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import LayerStart, ProjectTask, TransformationOutcome, hookimpl

EVENT = LayerStart(run_id="r", project="P", env="qat", engine="pandas", layer="Gold")


@pytest.fixture
def register(manager, plugin_of):
    """Register plugins in an order that is not that of their names."""

    def add(*hooks, names=("b", "a", "c")):
        for name in names:
            manager.register(plugin_of(*hooks), name=name)
        return manager

    return add


def of(manager, name):
    return [one for one in manager.listeners() if name in (one.event, one.hook)]


def test_observers_are_listed_as_they_are_called(manager, plugin_of):
    called = []

    def observer(plugin, hook):
        def observe(event):
            called.append(plugin)

        observe.__name__ = observe.__qualname__ = hook
        return hookimpl(observe)

    for name, hook in [
        ("b", "odibi_orchestrator_run_start"),
        ("a", "odibi_pipeline_start"),
        ("c", "odibi_pipeline_start"),
    ]:
        manager.register(plugin_of(observer(name, hook)), name=name)
    for one in manager.observers()["orchestrator_run_start"]:
        one.function(EVENT)

    listed = of(manager, "orchestrator_run_start")

    assert [one.plugin for one in listed] == called == ["a", "b", "c"]
    assert [one.order for one in listed] == [1, 2, 3]
    assert [one.hook for one in listed] == [
        "odibi_pipeline_start",
        "odibi_orchestrator_run_start",
        "odibi_pipeline_start",
    ]


def test_configure_hooks_are_listed_as_they_are_called(register):
    called = []

    @hookimpl
    def odibi_configure(config):
        called.append("configure")

    @hookimpl
    def odibi_unconfigure(config):
        called.append("unconfigure")

    manager = register(odibi_configure, odibi_unconfigure)

    assert [one.plugin for one in of(manager, "odibi_configure")] == ["a", "b", "c"]
    assert [one.plugin for one in of(manager, "odibi_unconfigure")] == ["c", "b", "a"]


def test_run_hooks_are_listed_as_they_begin(manager, plugin_of):
    began = []

    def wrapper(name):
        @hookimpl(wrapper=True)
        def odibi_run_project(task):
            began.append(name)
            return (yield)

        return odibi_run_project

    @hookimpl
    def odibi_run_project(task):
        began.append("passes")

    manager.register(plugin_of(wrapper("outer")), name="outer")
    manager.register(plugin_of(odibi_run_project), name="passes")
    manager.register(plugin_of(wrapper("inner")), name="inner")
    manager.freeze()
    task = ProjectTask(
        run_id="r",
        project="P",
        env="q",
        engine="e",
        layers=(),
        transformation_ids=(),
        _execute=lambda: began.append("kernel") or TransformationOutcome(),
    )
    manager.run_project(task)

    listed = of(manager, "odibi_run_project")

    assert [one.plugin for one in listed] == began
    assert [one.role for one in listed] == ["wrapper", "wrapper", "", "default steps"]


def test_implementations_that_give_way_or_are_contested_are_listed_as_such(plugin_of):
    def listed(**settings):
        manager = PluginManager(PluginSettings(discover=False, **settings))
        for name in ("a", "b"):

            @hookimpl
            def odibi_run_project(task):
                return None

            manager.register(plugin_of(odibi_run_project), name=name)
        return [(one.plugin, one.role) for one in of(manager, "odibi_run_project")]

    assert listed() == [("a", "contested"), ("b", "contested")]
    assert listed(prefer={"hook odibi_run_project": "b"}) == [("b", ""), ("kernel", "default steps"), ("a", "not used")]


def test_listener_says_whose_function_it_is(install_distribution, discover):
    install_distribution.plugin("audit", "@hookimpl\ndef odibi_layer_start(event):\n    pass", version="2.0")

    (one,) = of(discover(), "layer_start")

    assert one.to_dict() == {
        "hook": "odibi_layer_start",
        "kind": "observe",
        "order": 1,
        "function": "acme_audit.plugin.odibi_layer_start",
        "plugin": "audit",
        "distribution": "acme-audit",
        "version": "2.0",
        "event": "layer_start",
        "role": "",
        "filters": {},
        "on_error": "",
    }


def test_plugin_that_implements_nothing_is_not_listed(register):
    assert [one for one in register().listeners() if one.plugin != "kernel"] == []
