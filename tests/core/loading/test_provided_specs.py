"""What providers may yield, and what their specs may say."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from odibi_core.errors import PluginLoadError
from odibi_core.loading import PluginState
from odibi_core.loading.hooks import HOOKS
from odibi_core.plugin import (
    Capability,
    CheckSpec,
    CommandSpec,
    EngineSpec,
    FunctionsSpec,
    LogSinkSpec,
    ReaderSpec,
    SaverSpec,
    hookimpl,
)


def provider(hook, *yielded):
    @hookimpl(specname=hook)
    def provide():
        yield from yielded

    return SimpleNamespace(provide=provide)


def engine(**changes):
    return EngineSpec(**{"name": "x", "factory": "acme.engine:Engine", **changes})


def reader(**changes):
    return ReaderSpec(**{"engine": "x", "format": "csv", "factory": "acme.csv:Reader", **changes})


def saver(**changes):
    return SaverSpec(**{"engine": "x", "format": "csv", "factory": "acme.csv:Saver", **changes})


@pytest.mark.parametrize(
    "spec",
    [
        engine(name=""),
        engine(name="Spark"),
        engine(name="my engine"),
        engine(name="a/b"),
        engine(name="a\n"),
        engine(name=None),
        engine(name="any"),
        engine(factory="acme.engine.Engine"),
        engine(factory="acme engine:Engine"),
        engine(factory=object),
        engine(requires="pandas"),
        engine(requires=("pandas more than two",)),
        engine(requires=[]),
        engine(options_model="acme.Options"),
        engine(summary=None),
        engine(capabilities={"cache": True}),
        engine(capabilities=[("cache", Capability(supported=True))]),
        engine(transient_errors=("acme.Error",)),
        reader(engine="X"),
        reader(format=""),
        reader(format="a/b"),
        reader(suffixes=("csv",)),
        reader(suffixes=(".CSV",)),
        reader(suffixes=".csv"),
        saver(modes=()),
        saver(modes=("replace",)),
        saver(modes="overwrite"),
        LogSinkSpec(name="Splunk", factory="a:B"),
        CheckSpec(name="java home", factory="a:B"),
        CommandSpec(name="", factory="a:B"),
        FunctionsSpec(name="acme functions"),
        FunctionsSpec(name="acme.functions:clean"),
    ],
    ids=repr,
)
def test_spec_that_says_something_impossible_is_refused(spec, refusal):
    """Pitfall 7: pluggy passes on whatever is yielded."""
    hooks = {hook.spec: name for name, hook in HOOKS.items() if hook.spec}

    message = refusal(provider(hooks[type(spec)], spec))

    assert f"yields {type(spec).__name__} with " in message


@pytest.mark.parametrize(
    "spec",
    [
        engine(capabilities={"cache": Capability(supported=True)}, transient_errors=("acme.errors:Busy",)),
        reader(engine="any", suffixes=(".csv", ".csv.gz"), options_model="acme.options:Csv"),
        saver(modes=("merge",), requires=("acme>=1", "acme-x; python_version > '3'")),
        FunctionsSpec(name="acme.Cleaning"),
        CheckSpec(name="java", factory="acme.doctor:check_java"),
    ],
    ids=repr,
)
def test_spec_that_says_what_it_may_is_taken(spec, manager):
    hooks = {hook.spec: name for name, hook in HOOKS.items() if hook.spec}

    assert manager.register(provider(hooks[type(spec)], spec), name="acme").state is PluginState.ACTIVE


@pytest.mark.parametrize("yielded", ["engine", None, 42, reader(), {"name": "x"}], ids=repr)
def test_thing_of_another_type_is_refused(yielded, refusal):
    """Pitfall 7."""
    assert "it has to yield EngineSpec" in refusal(provider("odibi_register_engines", yielded))


def test_provider_that_returns_one_spec_is_told_to_yield(refusal, plugin_of):
    @hookimpl
    def odibi_register_engines():
        return engine()

    message = refusal(plugin_of(odibi_register_engines))

    assert "returns an instance of EngineSpec; it has to yield EngineSpec, or return several" in message


@pytest.mark.parametrize("result", [None, [], (), iter(())], ids=["None", "list", "tuple", "iterator"])
def test_provider_may_provide_nothing(result, manager, plugin_of):
    @hookimpl
    def odibi_register_engines():
        return result

    assert manager.register(plugin_of(odibi_register_engines), name="acme").state is PluginState.ACTIVE


def test_endless_provider_is_stopped(refusal, plugin_of):
    """Pitfall 19."""

    @hookimpl
    def odibi_register_engines():
        for number in itertools.count():
            yield engine(name=f"x{number}")

    assert "does it ever end?" in refusal(plugin_of(odibi_register_engines))


def test_one_name_twice_in_one_plugin_is_refused(refusal):
    message = refusal(provider("odibi_register_readers", reader(), reader(factory="acme.other:Reader")))

    assert "odibi_register_readers yields reader 'x/csv' twice" in message


def test_reader_and_saver_of_one_format_are_two_things(manager, plugin_of):
    @hookimpl
    def odibi_register_readers():
        yield reader()

    @hookimpl
    def odibi_register_savers():
        yield saver()

    record = manager.register(plugin_of(odibi_register_readers, odibi_register_savers), name="acme")

    assert record.provides == ("reader x/csv", "saver x/csv")


def test_error_inside_a_generator_rolls_everything_back(install_distribution, discover, record_of):
    """Pitfalls 13 and 19: the error comes while the kernel consumes it, after other hooks were registered."""
    install_distribution.plugin(
        "torn",
        """
        @hookimpl
        def odibi_layer_start(event): ...

        @hookimpl
        def odibi_register_engines():
            yield EngineSpec(name="duckdb", factory="acme.engine:Engine")
            raise KeyError("half way")
        """,
    )

    manager = discover()

    record = record_of(manager, "torn")
    assert record.state is PluginState.FAILED
    assert "KeyError: 'half way' (plugin.py:" in record.reason
    assert record.provides == ()
    assert manager.engines.names() == ()
    assert manager.observers() == {}


def test_failed_registration_leaves_room_for_the_repaired_plugin(manager, plugin_of):
    """Pitfall 13: pluggy 1.6 keeps a plugin whose registration failed."""

    @hookimpl
    def odibi_register_engines():
        raise RuntimeError("not yet")

    with pytest.raises(PluginLoadError, match="plugin 'acme' cannot be registered: RuntimeError: not yet") as caught:
        manager.register(plugin_of(odibi_register_engines), name="acme")

    assert isinstance(caught.value.__cause__, RuntimeError)
    assert manager.register(provider("odibi_register_engines", engine()), name="acme").state is PluginState.ACTIVE
