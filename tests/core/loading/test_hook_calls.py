"""How the kernel calls hooks: observers one by one, configure hooks in isolation, run hooks as pluggy does."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest

from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import (
    LayerStart,
    ProjectConfig,
    ProjectTask,
    TransformationOutcome,
    TransformationTask,
    hookimpl,
)


def project_task(execute):
    return ProjectTask(
        run_id="r", project="P", env="qat", engine="pandas", layers=(), transformation_ids=(), _execute=execute
    )


def transformation_task(execute):
    return TransformationTask(
        run_id="r",
        project="P",
        env="qat",
        layer="Silver",
        engine="pandas",
        transformation_id="t1",
        module="silver.functions",
        function="clean",
        attempt=1,
        constants={"password": "s3cret"},
        inputs=(),
        outputs=(),
        _execute=execute,
    )


CONFIG = ProjectConfig(project="P", env="qat", root=Path())


# --- observers ---


def observing(calls, name):
    @hookimpl
    def odibi_layer_start(event):
        calls.append((name, event.layer))

    return SimpleNamespace(odibi_layer_start=odibi_layer_start)


def test_observers_are_handed_out_one_by_one_in_the_order_of_plugin_names(manager):
    """P1, pitfalls 3 and 4: who dispatches can isolate each; LIFO of registration plays no part."""
    calls = []
    for name in ("b", "c", "a"):
        manager.register(observing(calls, name), name=name)

    for observer in manager.observers()["layer_start"]:
        observer.function(LayerStart(run_id="r", project="P", env="qat", engine="pandas", layer="Silver"))

    assert [(one.plugin, one.hook) for one in manager.observers()["layer_start"]] == [
        ("a", "odibi_layer_start"),
        ("b", "odibi_layer_start"),
        ("c", "odibi_layer_start"),
    ]
    assert calls == [("a", "Silver"), ("b", "Silver"), ("c", "Silver")]


def test_alias_hooks_are_observers_of_the_event_they_stand_for(install_distribution, discover):
    install_distribution.plugin(
        "both",
        "@hookimpl\ndef odibi_pipeline_start(event): ...\n@hookimpl\ndef odibi_orchestrator_run_start(event): ...",
    )

    observers = discover().observers()

    assert set(observers) == {"orchestrator_run_start"}
    assert [(one.plugin, one.distribution, one.hook) for one in observers["orchestrator_run_start"]] == [
        ("both", "acme-both", "odibi_orchestrator_run_start"),
        ("both", "acme-both", "odibi_pipeline_start"),
    ]


def test_without_observers_there_is_nothing_to_look_up(manager):
    """Pitfall 9: a guard is a look-up in a table."""
    assert manager.observers() == {}


# --- configure ---


def test_configure_hook_that_raises_stops_nobody_and_is_reported(install_distribution, discover, caplog):
    """P1: isolated per plugin, logged with its name, counted."""
    install_distribution.plugin("bad", "@hookimpl\ndef odibi_configure(config):\n    raise RuntimeError('no disk')")
    install_distribution.plugin("leaver", "@hookimpl\ndef odibi_configure():\n    raise SystemExit(3)")
    install_distribution.plugin(
        "told", "seen = []\n@hookimpl\ndef odibi_configure(config):\n    seen.append(config.env)"
    )
    manager = discover()

    with caplog.at_level(logging.WARNING, logger="odibi.loading"):
        accidents = manager.configure(CONFIG)

    assert [(one.plugin, one.distribution, one.hook, one.error) for one in accidents] == [
        ("bad", "acme-bad", "odibi_configure", "RuntimeError: no disk"),
        ("leaver", "acme-leaver", "odibi_configure", "SystemExit: 3"),
    ]
    import acme_told.plugin

    assert acme_told.plugin.seen == ["qat"]
    assert "odibi_configure of plugin 'bad' (acme-bad 1.0) raised RuntimeError: no disk" in caplog.text


def test_plugins_are_unconfigured_in_the_opposite_order(manager, plugin_of):
    calls = []

    def configured(name):
        @hookimpl
        def odibi_configure():
            calls.append(f"+{name}")

        @hookimpl
        def odibi_unconfigure(config):
            calls.append(f"-{name}")
            raise ValueError(config.project)

        return plugin_of(odibi_configure, odibi_unconfigure)

    manager.register(configured("b"), name="b")
    manager.register(configured("a"), name="a")

    assert manager.configure(CONFIG) == ()
    assert [one.error for one in manager.unconfigure(CONFIG)] == ["ValueError: P", "ValueError: P"]
    assert calls == ["+a", "+b", "-b", "-a"]


# --- run hooks ---


def test_default_steps_run_when_no_plugin_answers(manager):
    """Pitfall 7: the facades are typed; what they return is what the kernel's own implementation does."""
    outcome = TransformationOutcome(rows_read=3, rows_written=3)

    assert manager.run_transformation(transformation_task(lambda: outcome)) is outcome
    assert manager.run_project(project_task(lambda: "result")) == "result"


def test_plugin_that_returns_none_leaves_the_run_to_the_kernel(manager, plugin_of):
    @hookimpl
    def odibi_run_project():
        return None

    manager.register(plugin_of(odibi_run_project), name="acme")

    assert manager.run_project(project_task(lambda: "result")) == "result"


def test_kernel_comes_after_plugins_that_are_trylast_too(manager, plugin_of):
    """P7: among those marked trylast pluggy calls the one that was registered last at the end."""

    @hookimpl(trylast=True)
    def odibi_run_project(task):
        return "plugin"

    manager.register(plugin_of(odibi_run_project), name="zzz")

    assert manager.run_project(project_task(lambda: "kernel")) == "plugin"


def test_wrapper_sees_the_result_and_the_error_of_the_default_steps(manager, plugin_of):
    """Pitfall 18: new-style wrappers on run hooks."""
    seen = []

    @hookimpl(wrapper=True)
    def odibi_run_transformation(task):
        try:
            result = yield
        except KeyError as error:
            seen.append(repr(error))
            raise
        seen.append(result)
        return result

    manager.register(plugin_of(odibi_run_transformation), name="spans")

    def fail():
        raise KeyError("column")

    outcome = TransformationOutcome()
    assert manager.run_transformation(transformation_task(lambda: outcome)) is outcome
    with pytest.raises(KeyError, match="column"):
        manager.run_transformation(transformation_task(fail))
    assert seen == [outcome, "KeyError('column')"]


def test_plugin_registered_between_two_runs_takes_part_in_the_second(manager, plugin_of):
    assert manager.run_project(project_task(lambda: "kernel")) == "kernel"

    @hookimpl
    def odibi_run_project(task):
        return "plugin"

    manager.register(plugin_of(odibi_run_project), name="acme")

    assert manager.run_project(project_task(lambda: "kernel")) == "plugin"


# --- tracing ---


class Secret:
    def __repr__(self):
        raise AssertionError("a value was formatted")

    __str__ = __repr__


def traced_manager(plugin_of):
    @hookimpl
    def odibi_register_engines():
        return []

    @hookimpl
    def odibi_configure(config):
        return Secret()

    @hookimpl
    def odibi_layer_start(event):
        raise ValueError(Secret)

    @hookimpl(wrapper=True)
    def odibi_run_transformation(task):
        return (yield)

    manager = PluginManager(PluginSettings(discover=False))
    manager.register(
        plugin_of(odibi_register_engines, odibi_configure, odibi_layer_start, odibi_run_transformation), name="acme"
    )
    return manager


def test_nothing_is_traced_unless_asked_for(capsys, plugin_of):
    """Pitfall 10."""
    manager = traced_manager(plugin_of)
    manager.run_transformation(transformation_task(Secret))
    manager.configure(CONFIG)

    assert capsys.readouterr().err == ""


def test_trace_shows_names_and_types_and_never_values(capsys, monkeypatch, plugin_of):
    """Pitfall 10: a formatter would see every argument, frames and secrets included."""
    monkeypatch.setenv("ODIBI_TRACE_HOOKS", "1")
    manager = traced_manager(plugin_of)

    manager.run_transformation(transformation_task(Secret))
    manager.configure(CONFIG)
    (observer,) = manager.observers()["layer_start"]
    with pytest.raises(ValueError, match="Secret"):
        observer.function(SimpleNamespace())

    trace = capsys.readouterr().err.splitlines()
    module = __name__
    assert f"odibi hook: odibi_register_engines in {module} takes ()" in trace
    assert "odibi hook: odibi_run_transformation in acme, kernel takes (TransformationTask)" in trace
    assert "odibi hook: odibi_run_transformation returned Secret" in trace
    assert f"odibi hook: odibi_configure in {module} takes (ProjectConfig)" in trace
    assert f"odibi hook: odibi_configure in {module} returned Secret" in trace
    assert f"odibi hook: odibi_layer_start in {module} takes (SimpleNamespace)" in trace
    assert f"odibi hook: odibi_layer_start in {module} raised ValueError" in trace
    assert "s3cret" not in "".join(trace)


def test_trace_of_a_run_hook_that_raises_names_the_type(capsys, monkeypatch):
    """Pitfall 10."""
    monkeypatch.setenv("ODIBI_TRACE_HOOKS", "1")
    manager = PluginManager(PluginSettings(discover=False))

    def fail():
        raise KeyError("s3cret")

    with pytest.raises(KeyError):
        manager.run_project(project_task(fail))

    trace = capsys.readouterr().err
    assert "odibi_run_project raised KeyError" in trace
    assert "s3cret" not in trace
