"""What may be a plugin: modules, and plain objects whose code is not run to find out what they are."""

from __future__ import annotations

from types import ModuleType

import pytest

from odibi_core.errors import PluginConflictError, PluginContractError
from odibi_core.loading import PluginManager, PluginSettings, PluginState
from odibi_core.plugin import EngineSpec, hookimpl


class Equal:
    """A plugin that says it equals everything and has no hash."""

    __hash__ = None

    def __init__(self, engine):
        self.engine = engine

    def __eq__(self, other):
        return True

    @property
    def odibi_something(self):
        raise AssertionError("a property was evaluated")

    def __getattr__(self, name):
        raise AssertionError(f"{name} was looked up")

    def __dir__(self):
        raise AssertionError("dir() was called")

    @hookimpl
    def odibi_register_engines(self):
        yield EngineSpec(name=self.engine, factory="acme.engine:Engine")

    @staticmethod
    @hookimpl
    def odibi_layer_start(event):
        return event

    @classmethod
    @hookimpl
    def odibi_layer_end(cls, event):
        return event


def test_instances_that_are_equal_and_have_no_hash_are_two_plugins(manager):
    """Pitfalls 11 and 12: keyed by name; no ==, no hash, no property, no __getattr__, no dir()."""
    manager.register(Equal("one"), name="one")
    manager.register(Equal("two"), name="two")

    assert manager.engines.names() == ("one", "two")
    assert [observer.plugin for observer in manager.observers()["layer_start"]] == ["one", "two"]


def test_one_object_may_be_two_plugins(manager, plugin_of):
    """Pitfall 11: its specs are then one object with two owners, which clash under two names."""
    spec = EngineSpec(name="duckdb", factory="acme.engine:Engine")

    @hookimpl
    def odibi_register_engines():
        return [spec]

    plugin = plugin_of(odibi_register_engines)
    manager.register(plugin, name="one")
    manager.register(plugin, name="two")

    assert [record.name for record in manager.conflicts()["engine duckdb"]] == ["one", "two"]


def test_module_is_a_plugin(manager):
    module = ModuleType("acme_module")
    exec("from odibi_core.plugin import hookimpl\n@hookimpl\ndef odibi_layer_end(event): ...", vars(module))

    record = manager.register(module, name="acme")

    assert record.entry_point == "acme_module"
    assert record.describe() == "'acme' (registered by hand)"


class Slotted:
    __slots__ = ()

    @hookimpl
    def odibi_layer_end(self, event):
        return event


def test_instance_of_a_slotted_class_is_a_plugin(manager):
    """Pitfall 12: there is no __dict__ to look into."""
    assert manager.register(Slotted(), name="acme").provides == ("hook odibi_layer_end",)


@pytest.mark.parametrize("plugin", [None, Slotted])
def test_none_and_classes_are_no_plugins(plugin, refusal):
    assert "is no plugin" in refusal(plugin)


def test_inherited_and_overridden_methods_count_as_python_sees_them(manager):
    class Base:
        @hookimpl
        def odibi_layer_start(self, event):
            return event

    class Derived(Base):
        @hookimpl
        def odibi_layer_end(self, event):
            return event

    assert manager.register(Derived(), name="acme").provides == ("hook odibi_layer_end", "hook odibi_layer_start")


@pytest.mark.parametrize("name", ["", "  "])
def test_plugin_needs_a_name(name, manager, plugin_of):
    with pytest.raises(PluginContractError, match="needs a name"):
        manager.register(plugin_of(), name=name)


@pytest.mark.parametrize("name", ["acme", "kernel"])
def test_name_of_another_plugin_is_refused(name, manager, plugin_of):
    manager.register(plugin_of(), name="acme")

    with pytest.raises(PluginConflictError, match=f"the name '{name}' is taken by"):
        manager.register(plugin_of(), name=name)


def test_name_of_a_discovered_plugin_is_refused(install_distribution, discover, plugin_of):
    install_distribution.plugin("good", "")

    with pytest.raises(PluginConflictError, match=r"taken by 'good' \(acme-good 1\.0\)"):
        discover().register(plugin_of(), name="good")


def test_plugin_registered_by_hand_comes_before_a_discovered_one_of_its_name(install_distribution, plugin_of):
    install_distribution.plugin("good", "raise RuntimeError")
    manager = PluginManager(PluginSettings(disable=frozenset({"odibi-engine-pandas", "odibi-sinks"})))
    manager.register(plugin_of(), name="good")

    records = manager.discover().records

    assert [(record.distribution, record.state) for record in records if record.name == "good"] == [
        ("", PluginState.ACTIVE),
        ("acme-good", PluginState.FAILED),
    ]


def test_disabled_name_is_blocked_for_plugins_registered_by_hand_too(plugin_of):
    manager = PluginManager(PluginSettings(discover=False, disable=frozenset({"acme"})))

    record = manager.register(plugin_of(), name="Acme")

    assert record.state is PluginState.BLOCKED
