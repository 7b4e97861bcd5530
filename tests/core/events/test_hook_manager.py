"""Registering callbacks, emitting events by hand, and what a callback is shown."""

from __future__ import annotations

import copy
import functools
import json
import pickle

import pytest

from odibi_core.errors import ConfigError, UnknownEventError
from odibi_core.events import HookManager
from odibi_core.plugin import EVENT_TYPES


@pytest.fixture
def hooks():
    return HookManager()


def collect(into):
    def callback(payload):
        into.append(payload)

    return callback


def test_decorator_registers_and_returns_the_function_unchanged(hooks):
    """A-25."""
    seen = []

    def callback(payload):
        seen.append(payload["layer"])

    assert hooks.on("transform_success", filters={"layer": "Silver_1"})(callback) is callback
    hooks.emit("transform_success", {"layer": "Silver_1"})
    assert seen == ["Silver_1"]


def test_call_form_registers_and_returns_the_function_unchanged(hooks):
    seen = []
    callback = collect(seen)

    assert hooks.on("layer_end", callback, filters={"status": "failed"}) is callback
    hooks.emit("layer_end", {"status": "failed"})
    assert len(seen) == 1


def test_register_works_as_in_v2_and_as_a_decorator(hooks):
    """A-24, U-19."""
    seen = []

    assert hooks.register("layer_start", collect(seen), {"layer": "Silver_1"}) is None

    @hooks.register("layer_start")
    def second(payload):
        seen.append(payload)

    hooks.emit("layer_start", {"layer": "Silver_1"})
    hooks.emit("layer_start", {"layer": "Gold_1"})
    assert [payload["layer"] for payload in seen] == ["Silver_1", "Silver_1", "Gold_1"]


def test_callbacks_are_called_in_the_order_of_registration(hooks):
    """A-24, U-21."""
    order = []
    for number in range(5):
        hooks.register("layer_start", functools.partial(lambda number, payload: order.append(number), number))

    hooks.emit("layer_start", {})

    assert order == [0, 1, 2, 3, 4]


def test_one_callback_listens_to_several_events(hooks):
    seen = []

    @hooks.on("pre_read")
    @hooks.on("post_read")
    def callback(payload):
        seen.append(payload["event"])

    for event in ("pre_read", "post_read"):
        hooks.emit(event, {"event": event})
    assert seen == ["pre_read", "post_read"]


@pytest.mark.parametrize("event", ["never_heard_of", "layer_start"])
def test_emitting_what_nobody_listens_to_does_nothing(hooks, event):
    """A-24."""
    hooks.emit(event, {"layer": "Gold"})

    assert hooks.list_hooks() == {}


def test_exception_reaches_whoever_emits_by_hand_and_ends_the_round(hooks):
    """U-21: tutorial 03 relies on the ValueError."""
    seen = []

    def refuse(payload):
        raise ValueError("column 'id' is missing")

    hooks.register("post_read", refuse)
    hooks.register("post_read", collect(seen))

    with pytest.raises(ValueError, match="column 'id' is missing"):
        hooks.emit("post_read", {})
    assert seen == []


def test_callback_that_asked_for_the_log_does_not_raise_out_of_emit(hooks, caplog):
    seen = []

    @hooks.on("post_read", on_error="log")
    def refuse(payload):
        raise ValueError("pwd=s3cret")

    hooks.register("post_read", collect(seen))
    hooks.emit("post_read", {})

    assert len(seen) == 1
    assert "hook failed" in caplog.text
    assert "refuse" in caplog.text
    assert "post_read" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: payload.__setitem__("layer", "Gold"),
        lambda payload: payload.__delitem__("layer"),
        lambda payload: payload.update(layer="Gold"),
        lambda payload: payload.pop("layer"),
        lambda payload: payload.popitem(),
        lambda payload: payload.clear(),
        lambda payload: payload.setdefault("new", 1),
        lambda payload: payload.__ior__({"layer": "Gold"}),
    ],
    ids=["set", "delete", "update", "pop", "popitem", "clear", "setdefault", "or"],
)
def test_callback_cannot_change_what_the_next_one_sees(hooks, change):
    """A-33."""
    seen = []
    original = {"layer": "Silver"}

    @hooks.on("layer_start")
    def meddle(payload):
        with pytest.raises(TypeError, match="read-only"):
            change(payload)

    hooks.register("layer_start", collect(seen))
    hooks.emit("layer_start", original)

    assert seen == [{"layer": "Silver"}]
    assert original == {"layer": "Silver"}


def test_change_of_the_emitters_dictionary_is_not_seen_by_who_kept_the_payload(hooks):
    seen = []
    hooks.register("layer_start", collect(seen))
    payload = {"layer": "Silver"}

    hooks.emit("layer_start", payload)
    payload["layer"] = "Gold"

    assert seen == [{"layer": "Silver"}]


def test_payload_is_a_dictionary_as_callbacks_of_v2_expect(hooks):
    seen = []
    hooks.register("layer_start", collect(seen))
    hooks.emit("layer_start", {"layer": "Silver"})
    payload = seen[0]

    assert isinstance(payload, dict)
    assert json.dumps(payload) == '{"layer": "Silver"}'
    assert {**payload, "mine": 1} == {"layer": "Silver", "mine": 1}
    for copied in (payload.copy(), copy.copy(payload), copy.deepcopy(payload), pickle.loads(pickle.dumps(payload))):
        copied["layer"] = "Gold"
        assert type(copied) is dict
    assert payload["layer"] == "Silver"


def test_unknown_event_is_an_error_with_a_suggestion(hooks):
    with pytest.raises(UnknownEventError, match=r"no event 'transform_sucess'.*Did you mean 'transform_success'"):
        hooks.register("transform_sucess", print)
    with pytest.raises(UnknownEventError, match=r"hooks\.declare"):
        hooks.on("zzzz", print)


def test_error_of_the_decorator_form_appears_at_the_line_of_the_decorator(hooks):
    with pytest.raises(UnknownEventError):
        hooks.on("pre_raed")


def test_unknown_filter_key_is_an_error_with_a_suggestion_and_the_keys(hooks):
    with pytest.raises(UnknownEventError, match=r"'layer_start' has no key 'layr'.*Did you mean 'layer'") as caught:
        hooks.register("layer_start", print, {"layr": "Silver"})
    assert "engine, env, event, layer, project, run_id, timestamp" in str(caught.value)


def test_filter_key_of_another_event_is_an_error(hooks):
    with pytest.raises(UnknownEventError, match="'orchestrator_run_start' has no key 'layer'"):
        hooks.on("orchestrator_run_start", print, filters={"layer": "Silver"})


@pytest.mark.parametrize("event", sorted(EVENT_TYPES))
def test_every_key_of_the_payload_can_be_filtered_by(hooks, build, event):
    payload = build(event).payload()

    hooks.on(event, print, filters=dict.fromkeys(payload, lambda value: False))

    assert set(payload) == set(EVENT_TYPES[event].payload_keys())
    hooks.emit(event, payload)


def test_both_names_of_a_duration_are_keys(hooks):
    seen = []
    for key in ("duration", "duration_seconds"):
        hooks.on("layer_end", collect(seen), filters={key: lambda seconds: seconds > 1})

    hooks.emit("layer_end", {"duration": 2.0, "duration_seconds": 2.0})

    assert len(seen) == 2


def test_alias_hears_the_event_and_is_listed_as_it_was_written(hooks):
    seen = []
    hooks.register("pipeline_start", collect(seen), {"env": "qat"})

    hooks.emit("orchestrator_run_start", {"env": "qat"})
    hooks.emit("pipeline_start", {"env": "qat"})

    assert len(seen) == 2
    assert list(hooks.list_hooks()) == ["pipeline_start"]


def test_listing_shows_callbacks_with_their_filters_and_is_a_copy(hooks):
    """A-24, U-21."""
    hooks.register("layer_end", print, {"layer": "Gold"})
    hooks.register("layer_end", len)
    hooks.register("layer_start", print)

    listed = hooks.list_hooks()
    assert listed == {
        "layer_end": [{"callback": print, "filters": {"layer": "Gold"}}, {"callback": len, "filters": {}}],
        "layer_start": [{"callback": print, "filters": {}}],
    }
    listed["layer_end"][0]["filters"]["layer"] = "Bronze"
    listed.clear()
    assert hooks.list_hooks()["layer_end"][0]["filters"] == {"layer": "Gold"}


def test_filters_are_those_of_the_moment_of_registration(hooks):
    seen = []
    filters = {"layer": {"Silver"}}
    hooks.on("layer_start", collect(seen), filters=filters)

    filters["layer"] = {"Gold"}
    hooks.emit("layer_start", {"layer": "Silver"})

    assert len(seen) == 1


def test_custom_event_is_declared_first_and_then_like_any_other(hooks):
    """U-20."""
    seen = []
    hooks.declare("data_quality_check", "table", "score")
    hooks.on("data_quality_check", collect(seen), filters={"score": lambda score: score < 0.9})

    hooks.emit("data_quality_check", {"table": "sales", "score": 0.5})
    hooks.emit("data_quality_check", {"table": "sales", "score": 0.95})

    assert seen == [{"table": "sales", "score": 0.5}]
    with pytest.raises(UnknownEventError, match="Did you mean 'score'"):
        hooks.on("data_quality_check", print, filters={"scor": 1})


def test_declaring_again_adds_keys_and_a_declaration_without_keys_allows_any_filter(hooks):
    hooks.declare("a", "x")
    hooks.declare("a", "y")
    hooks.declare("b")

    hooks.on("a", print, filters={"x": 1, "y": 2})
    hooks.on("b", print, filters={"anything": 1})

    assert set(hooks.list_hooks()) == {"a", "b"}


@pytest.mark.parametrize("name", ["layer_start", "pipeline_end"])
def test_event_of_odibi_cannot_be_declared(hooks, name):
    with pytest.raises(ConfigError, match=f"'{name}' is an event of Odibi"):
        hooks.declare(name)


def test_event_without_a_name_cannot_be_declared(hooks):
    with pytest.raises(ConfigError, match="needs a name"):
        hooks.declare("  ")


def test_unregister_takes_a_callback_back_once(hooks):
    seen = []
    callback = collect(seen)
    hooks.register("pipeline_end", callback)
    hooks.register("orchestrator_run_end", callback)
    hooks.register("layer_end", callback)

    assert hooks.unregister("orchestrator_run_end", callback) is True
    assert hooks.unregister("orchestrator_run_end", callback) is False
    hooks.emit("orchestrator_run_end", {})
    hooks.emit("layer_end", {})

    assert len(seen) == 1
    assert list(hooks.list_hooks()) == ["layer_end"]


def test_clear_takes_everything_back_and_keeps_declarations(hooks):
    hooks.declare("mine")
    hooks.register("layer_end", print)

    hooks.clear()

    assert hooks.list_hooks() == {}
    hooks.register("mine", print)


async def asynchronous(payload):
    pass


def generator(payload):
    yield payload


class AsynchronousCall:
    async def __call__(self, payload):
        pass


@pytest.mark.parametrize(
    "callback", [asynchronous, generator, AsynchronousCall()], ids=["async", "generator", "object"]
)
def test_callback_whose_body_would_never_run_is_refused(hooks, callback):
    with pytest.raises(TypeError, match="its body would never run"):
        hooks.register("layer_end", callback)


def test_callback_with_other_parameters_is_refused_at_once(hooks):
    def takes_two(event, payload):
        pass

    with pytest.raises(TypeError, match=r"takes_two\(event, payload\).*called with one argument, the payload"):
        hooks.register("layer_end", takes_two)


def test_what_cannot_be_called_is_refused(hooks):
    with pytest.raises(TypeError, match="cannot be called"):
        hooks.register("layer_end", "print")


def test_misspelt_policy_is_refused(hooks):
    with pytest.raises(ConfigError, match="on_error='raise'"):
        hooks.on("layer_end", print, on_error="raise")


def test_methods_and_objects_can_be_callbacks(hooks):
    class Counter:
        def __init__(self):
            self.calls = 0

        def count(self, payload):
            self.calls += 1

        __call__ = count

    counter = Counter()
    hooks.register("layer_end", counter)
    hooks.register("layer_end", counter.count)

    hooks.emit("layer_end", {})

    assert counter.calls == 2
    assert hooks.unregister("layer_end", counter.count)


def test_registering_and_unregistering_during_emit_takes_effect_with_the_next_event(hooks):
    """A-31."""
    seen = []

    def late(payload):
        seen.append("late")

    def early(payload):
        seen.append("early")
        hooks.register("layer_start", late)
        hooks.unregister("layer_start", early)

    hooks.register("layer_start", early)
    hooks.emit("layer_start", {})
    assert seen == ["early"]
    hooks.emit("layer_start", {})
    assert seen == ["early", "late"]
