"""The manager as an object: frozen, cached, shared by threads, never sent to another process."""

from __future__ import annotations

import copy
import json
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from odibi_core.errors import ManagerFrozenError, PluginError
from odibi_core.loading import (
    PluginManager,
    PluginSettings,
    PluginState,
    clear_manager_cache,
    get_manager,
    list_plugins,
)
from odibi_core.plugin import EngineSpec, ProjectTask, hookimpl

QUIET = PluginSettings(discover=False)


def engine_plugin(name):
    @hookimpl
    def odibi_register_engines():
        yield EngineSpec(name=name, factory="acme.engine:Engine")

    @hookimpl
    def odibi_layer_start(event):
        return event

    @hookimpl(wrapper=True)
    def odibi_run_project(task):
        return (yield) + 1

    return SimpleNamespace(
        odibi_register_engines=odibi_register_engines,
        odibi_layer_start=odibi_layer_start,
        odibi_run_project=odibi_run_project,
    )


def test_frozen_manager_refuses_registration_and_discovery(manager):
    """P8, pitfall 16: what a run sees does not change under it."""
    manager.register(engine_plugin("one"), name="one")
    manager.freeze()

    with pytest.raises(ManagerFrozenError, match=r"cannot register plugin 'two'.*PluginManager\(\)\.discover\(\)"):
        manager.register(engine_plugin("two"), name="two")
    with pytest.raises(ManagerFrozenError, match="cannot look for plugins"):
        manager.discover()

    assert manager.is_frozen
    assert manager.engines.names() == ("one",)


def test_manager_from_the_cache_is_frozen_and_the_same_for_equal_settings():
    settings = PluginSettings(disable=frozenset({"A_b"}), prefer={"engine x": "y"}, discover=False)
    equal = PluginSettings(disable=frozenset({"a-b"}), prefer={"engine  x": "Y"}, discover=False)

    manager = get_manager(settings)

    assert manager.is_frozen
    assert get_manager(equal) is manager
    assert get_manager(QUIET) is not manager


def test_cleared_cache_sees_what_was_installed_since(install_distribution):
    """Pitfall 22: no state survives that a test cannot clear."""
    settings = PluginSettings(only=frozenset({"late"}))
    assert "late" not in [record.name for record in get_manager(settings).records]

    install_distribution.plugin("late", "")

    assert "late" not in [record.name for record in get_manager(settings).records]
    clear_manager_cache()
    assert "late" in [record.name for record in get_manager(settings).records]


def test_managers_share_nothing():
    """Pitfall 22: a manager is built and handed on."""
    first, second = PluginManager(QUIET), PluginManager(QUIET)
    first.register(engine_plugin("one"), name="one")

    assert second.records == ()
    assert second.engines.names() == ()


def test_registration_module_that_asks_for_the_manager_fails_alone(install_distribution, record_of):
    """Pitfall 22: it would be given a manager that is half made."""
    install_distribution.plugin("eager", "from odibi_core.loading import get_manager\nget_manager()")

    record = record_of(get_manager(), "eager")

    assert record.state is PluginState.FAILED
    assert "asked for the plugin manager while it was being registered" in record.reason


@pytest.mark.parametrize("send", [pickle.dumps, copy.copy, copy.deepcopy], ids=lambda send: send.__name__)
def test_manager_cannot_be_sent_to_another_process_by_accident(send, manager):
    """Pitfall 17: a worker rebuilds it from the names of plugins."""
    manager.register(engine_plugin("one"), name="one")

    with pytest.raises(TypeError, match=r"cannot be pickled: send its `settings`.*get_manager\(settings\).*\(one\)"):
        send(manager)


def test_settings_survive_the_way_to_another_process():
    """Pitfall 17: what is sent instead."""
    settings = PluginSettings(disable=frozenset({"a"}), only=frozenset({"b"}), prefer={"engine x": "y"}, strict=True)

    received = pickle.loads(pickle.dumps(settings))

    assert received == settings
    assert hash(received) == hash(settings)


def test_list_of_plugins_is_json_with_the_documented_keys(install_distribution, discover):
    install_distribution.plugin("good", "@hookimpl\ndef odibi_layer_start(event): ...", version="2.1")

    (listed,) = [one for one in json.loads(json.dumps(list_plugins(discover()))) if one["name"] == "good"]

    assert listed == {
        "name": "good",
        "distribution": "acme-good",
        "version": "2.1",
        "state": "active",
        "reason": "",
        "provides": ["hook odibi_layer_start"],
    }


def test_list_of_plugins_is_sorted_by_name(install_distribution, discover):
    """Pitfall 4: not by the accidents of the path."""
    for name in ("zeta", "alpha", "mid"):
        install_distribution.plugin(name, "")

    names = [one["name"] for one in list_plugins(discover())]

    assert names == sorted(names)


def test_reading_and_running_while_others_register_is_safe():
    """P8, pitfall 16: pluggy raises `dictionary changed size`, or leaves implementations behind."""
    manager = PluginManager(QUIET)
    rounds = 40
    start = threading.Barrier(6)
    task = ProjectTask(
        run_id="r", project="P", env="qat", engine="x", layers=(), transformation_ids=(), _execute=lambda: 0
    )

    def register(worker):
        start.wait()
        for number in range(rounds):
            manager.register(engine_plugin(f"e{worker}-{number}"), name=f"p{worker}-{number}")

    def read(_):
        start.wait()
        seen = 0
        for _ in range(rounds):
            for name in manager.engines:
                manager.owner_of(manager.engine(name))
            active = [record for record in manager.records if record.state is PluginState.ACTIVE]
            wrapped = manager.run_project(task)
            # The kernel's own implementation is there at every moment, and so is everything seen before.
            assert wrapped >= len(active) >= seen
            seen = len(active)
            assert all(one.plugin for one in manager.observers().get("layer_start", ()))

    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(register, 1), pool.submit(register, 2), *(pool.submit(read, n) for n in range(4))]
        for future in futures:
            future.result(timeout=60)

    assert len(manager.engines) == 2 * rounds
    assert manager.run_project(task) == 2 * rounds


def test_threads_that_race_for_a_manager_get_one(install_distribution):
    """P8: each plugin is imported once, however many threads ask first."""
    install_distribution.plugin(
        "once", "import sys\nsys.odibi_test_imports = getattr(sys, 'odibi_test_imports', 0) + 1"
    )
    start = threading.Barrier(8)

    def get(_):
        start.wait()
        return get_manager(PluginSettings(only=frozenset({"once"})))

    with ThreadPoolExecutor(8) as pool:
        managers = set(map(id, pool.map(get, range(8))))

    import sys

    assert len(managers) == 1
    assert vars(sys).pop("odibi_test_imports") == 1


def test_errors_of_the_loader_are_plugin_errors(manager):
    with pytest.raises(PluginError):
        manager.engine("x")
