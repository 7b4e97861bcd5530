"""Which hook implementations are taken, by their names, their arguments and their options."""

from __future__ import annotations

import functools
import inspect
from types import SimpleNamespace

import pluggy
import pytest

from odibi_core.loading import PluginState
from odibi_core.loading.hooks import HOOKS, HookKind
from odibi_core.plugin import EVENT_ALIASES, EVENT_TYPES, EngineSpec, LogSinkSpec, hookimpl

OBSERVERS = sorted(name for name, hook in HOOKS.items() if hook.kind is HookKind.OBSERVE)
NOT_RUN_HOOKS = sorted(name for name, hook in HOOKS.items() if hook.kind is not HookKind.RUN)


def test_every_event_has_its_hook_and_every_hook_one_kind():
    """Pitfall 23: the closed set comes from the specs."""
    events = {hook.event for hook in HOOKS.values() if hook.event}
    assert events == set(EVENT_TYPES)
    assert {f"odibi_{alias}" for alias in EVENT_ALIASES} <= set(OBSERVERS)
    assert [name for name, hook in HOOKS.items() if hook.kind is HookKind.CONFIGURE] == [
        "odibi_configure",
        "odibi_unconfigure",
    ]
    assert all(hook.spec for hook in HOOKS.values() if hook.kind is HookKind.PROVIDE)


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("odibi_layer_strat", "Did you mean 'odibi_layer_start'?"),
        ("odibi_register_reader", "Did you mean 'odibi_register_readers'?"),
        ("register_engines", "Did you mean 'odibi_register_engines'?"),
        ("odibi_zzz", "odibi_core.plugin.hookspecs"),
    ],
)
def test_misspelt_hook_is_refused_with_a_suggestion(name, suggestion, refusal):
    """P4, pitfall 8: pluggy takes it and never calls it."""

    @hookimpl
    def implementation():
        return None

    message = refusal(SimpleNamespace(**{name: implementation}))

    assert f"{name} is no hook" in message
    assert suggestion in message


def test_misspelt_hook_of_an_installed_plugin_is_a_reason(install_distribution, discover, record_of):
    """P4: through an entry point."""
    install_distribution.plugin("typo", "@hookimpl\ndef odibi_on_eror(event): ...")

    record = record_of(discover(), "typo")

    assert record.state is PluginState.FAILED
    assert record.reason == "odibi_on_eror is no hook. Did you mean 'odibi_on_error'?"


def test_hook_without_its_marker_is_said(install_distribution, discover, record_of):
    """Pitfall 8: the other way to be never called."""
    install_distribution.plugin("bare", "def odibi_layer_start(event): ...\ndef odibi_layer_ent(event): ...")

    reason = record_of(discover(), "bare").reason

    assert "odibi_layer_start is named like a hook and has no @hookimpl" in reason
    assert "odibi_layer_ent has no @hookimpl and is no hook" in reason
    assert "Did you mean 'odibi_layer_end'?" in reason


def test_names_imported_from_the_kernel_are_no_hooks_of_the_plugin(install_distribution, discover, record_of):
    """Pitfall 8: modules, hookspecs and functions of others that happen to be called odibi_*."""
    install_distribution(
        "acme-names",
        plugins={"names": "acme_names.plugin"},
        modules={
            "acme_names/plugin.py": """
            import odibi_core
            import odibi_core.plugin
            from acme_names.other import odibi_thing
            from odibi_core.plugin.hookspecs import odibi_layer_start

            odibi_version = "1.0"
            """,
            "acme_names/other.py": "def odibi_thing(): ...",
        },
    )

    record = record_of(discover(), "names")

    assert record.state is PluginState.ACTIVE
    assert record.reason == "it implements no hook"


@pytest.mark.parametrize(
    "value",
    ["text", 42, functools.partial(print, "x"), property(lambda self: 1 / 0)],
    ids=["text", "number", "partial", "property"],
)
def test_hook_that_is_no_function_is_refused(value, refusal):
    assert "odibi_layer_start is named like a hook and is a" in refusal(SimpleNamespace(odibi_layer_start=value))


def test_implementation_may_have_another_name_than_its_hook(manager, plugin_of):
    """The specname of pluggy is supported."""

    @hookimpl(specname="odibi_register_log_sinks")
    def sinks():
        yield LogSinkSpec(name="splunk", factory="acme.sink:Sink")

    record = manager.register(plugin_of(sinks), name="acme")

    assert record.provides == ("log sink splunk",)


def test_hook_that_is_implemented_twice_is_refused(refusal, plugin_of):
    @hookimpl(specname="odibi_layer_start")
    def first(event):
        return event

    @hookimpl(specname="odibi_layer_start")
    def second(event):
        return event

    assert "odibi_layer_start is implemented twice, as first and as second" in refusal(plugin_of(first, second))


def test_optional_hook_of_a_newer_kernel_is_noted(manager, plugin_of):
    """P5: a plugin may carry a hook for a kernel to come, if it says so."""

    @hookimpl(optionalhook=True)
    def odibi_weather_report(event):
        return event

    record = manager.register(plugin_of(odibi_weather_report), name="acme")

    assert record.state is PluginState.ACTIVE
    assert record.reason == "odibi_weather_report is no hook of this kernel and is never called"


def test_unknown_argument_is_refused(refusal, plugin_of):
    """P5, pitfall 6: an argument that the hook does not have."""

    @hookimpl
    def odibi_run_project(task, context):
        return task

    message = refusal(plugin_of(odibi_run_project))

    assert "odibi_run_project has no argument 'context'; it takes task" in message


def test_provider_takes_no_argument(refusal, plugin_of):
    @hookimpl
    def odibi_register_engines(config):
        return config

    assert "it takes no argument" in refusal(plugin_of(odibi_register_engines))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("event=None", "has a default value"),
        ("*event", "has a star"),
        ("**event", "has two stars"),
        ("*, event", "is keyword-only"),
        ("", "takes exactly one argument, event"),
        ("evnt", "has no argument 'evnt'"),
        ("event, layer", "has no argument 'layer'"),
    ],
)
@pytest.mark.parametrize("hook", ["odibi_layer_start", "odibi_pipeline_end"])
def test_observer_takes_exactly_the_plain_argument_event(hook, arguments, problem, refusal):
    """Pitfalls 5 and 6: what pluggy would take and then pass, drop or fail on at call time."""
    namespace = {"hookimpl": hookimpl}
    exec(f"@hookimpl\ndef {hook}({arguments}): ...", namespace)

    message = refusal(SimpleNamespace(**{hook: namespace[hook]}))

    assert problem in message
    assert hook in message


@pytest.mark.parametrize("hook", ["odibi_configure", "odibi_run_project"])
def test_other_hooks_may_take_fewer_arguments(hook, manager, plugin_of):
    """Pitfall 5: fewer is fine."""

    @hookimpl(specname=hook)
    def implementation():
        return None

    assert manager.register(plugin_of(implementation), name="acme").provides == (f"hook {hook}",)


@pytest.mark.parametrize(
    "hook", ["odibi_layer_start", "odibi_configure", "odibi_register_engines", "odibi_run_project"]
)
def test_async_implementation_is_refused(hook, refusal):
    """Pitfall 21: it returns a coroutine that nobody awaits."""
    namespace = {"hookimpl": hookimpl}
    arguments = ", ".join(HOOKS[hook].arguments)
    exec(f"@hookimpl\nasync def {hook}({arguments}): ...", namespace)

    assert f"{hook} is async" in refusal(SimpleNamespace(**{hook: namespace[hook]}))


def test_async_generator_is_refused(refusal, plugin_of):
    """Pitfall 21: the same for a provider that yields."""

    @hookimpl
    async def odibi_register_engines():
        yield EngineSpec(name="x", factory="a:B")

    assert "is async" in refusal(plugin_of(odibi_register_engines))


@pytest.mark.parametrize("hook", ["odibi_layer_start", "odibi_configure", "odibi_run_transformation"])
def test_generator_that_nobody_consumes_is_refused(hook, refusal):
    """Pitfall 19: its body would never run."""
    namespace = {"hookimpl": hookimpl}
    exec(f"@hookimpl\ndef {hook}({', '.join(HOOKS[hook].arguments)}):\n    yield", namespace)

    assert f"{hook} yields, so its body would never run" in refusal(SimpleNamespace(**{hook: namespace[hook]}))


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper", "tryfirst", "trylast"])
@pytest.mark.parametrize("hook", NOT_RUN_HOOKS)
def test_wrappers_and_order_are_for_run_hooks_alone(hook, option, refusal):
    """P1, pitfalls 4 and 18: the kernel calls the implementations of all other hooks one by one."""
    namespace = {"hookimpl": hookimpl, option: True}
    exec(f"@hookimpl({option}=True)\ndef {hook}({', '.join(HOOKS[hook].arguments)}):\n    yield", namespace)

    message = refusal(SimpleNamespace(**{hook: namespace[hook]}))

    assert f"{hook} has {option}=True, which is for the run hooks alone" in message


def test_old_style_wrapper_is_refused_on_run_hooks_too(refusal, plugin_of):
    """Pitfall 18: a raising old-style wrapper can skip the teardown of others."""

    @hookimpl(hookwrapper=True)
    def odibi_run_project(task):
        yield

    assert "the old style; write wrapper=True" in refusal(plugin_of(odibi_run_project))


def test_wrapper_that_does_not_yield_is_refused(refusal, plugin_of):
    """Pitfall 18: it must yield once."""

    @hookimpl(wrapper=True)
    def odibi_run_project(task):
        return task

    assert "is a wrapper and does not yield" in refusal(plugin_of(odibi_run_project))


def test_every_problem_is_said_at_once(refusal, plugin_of):
    @hookimpl
    def odibi_layer_start():
        return None

    @hookimpl
    def odibi_layer_ende(event):
        return event

    message = refusal(plugin_of(odibi_layer_start, odibi_layer_ende))

    assert "odibi_layer_start takes exactly one argument" in message
    assert "odibi_layer_ende is no hook" in message


@pytest.mark.skipif(pluggy.__version__.startswith("1.6."), reason="pluggy 1.6 believes __signature__, as we do")
def test_what_only_pluggy_finds_is_refused_too(refusal, plugin_of):
    """P5: its own check comes after ours, and is a reason like any other."""

    @hookimpl
    def odibi_layer_start(event, layer):
        return event, layer

    odibi_layer_start.__signature__ = inspect.signature(lambda event: event)

    assert "definition" in refusal(plugin_of(odibi_layer_start))
