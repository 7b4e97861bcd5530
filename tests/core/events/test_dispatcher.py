"""From an event of the kernel to plugin observers and a user's callbacks: isolation, verdicts, accidents."""

from __future__ import annotations

import pytest

from odibi_core.errors import DataQualityError
from odibi_core.events import Accident, Dispatcher, HookManager, Observer
from odibi_core.plugin import EVENT_TYPES, LayerStart


def observer(plugin, function, event="layer_start"):
    return Observer(plugin, f"{plugin}-dist", f"odibi_{event}", function)


def raising(error):
    def callback(_):
        raise error

    return callback


@pytest.fixture
def hooks():
    return HookManager()


def test_observers_come_first_in_the_given_order_and_then_callbacks(build, hooks):
    order = []
    hooks.register("layer_start", lambda payload: order.append("callback"))
    observers = {
        "layer_start": (observer("b", lambda _: order.append("b")), observer("a", lambda _: order.append("a")))
    }

    Dispatcher(observers=observers, hooks=hooks).dispatch(build("layer_start"))

    assert order == ["b", "a", "callback"]


def test_observer_gets_the_event_and_callback_its_payload(build, hooks):
    """A-27: the payload has identity fields and both names of the duration."""
    seen = []
    hooks.register("transform_success", seen.append)
    event = build("transform_success")
    observers = {"transform_success": (observer("a", seen.append, "transform_success"),)}

    Dispatcher(observers=observers, hooks=hooks).dispatch(event)

    assert seen[0] is event
    payload = seen[1]
    assert payload == event.payload()
    assert {"run_id", "transformation_id", "project", "env", "layer", "engine", "module", "function"} <= set(payload)
    assert payload["duration"] == payload["duration_seconds"] == 0.25
    assert payload["timestamp"].tzinfo is not None


@pytest.mark.parametrize("error", [ValueError("boom"), AssertionError("no"), DataQualityError("no")])
def test_failing_observer_stops_neither_the_others_nor_the_run(build, hooks, caplog, error):
    """A-30; in a plugin not even an AssertionError is a verdict."""
    seen = []
    hooks.register("layer_start", seen.append)
    observers = {"layer_start": (observer("bad", raising(error)), observer("good", seen.append))}
    dispatcher = Dispatcher(observers=observers, hooks=hooks)

    dispatcher.dispatch(build("layer_start"))

    assert len(seen) == 2
    assert dispatcher.accidents == (Accident("layer_start", "bad", f"{type(error).__name__}: {error}"),)
    message = caplog.messages[0]
    assert "observer failed" in message
    assert "event_name=layer_start" in message
    assert "plugin=bad" in message
    assert "hook=odibi_layer_start" in message
    assert "test_dispatcher.py:" in message


def test_failing_callback_is_an_accident(build, hooks, caplog):
    """A-30."""
    seen = []

    @hooks.on("layer_start")
    def notify(payload):
        raise ConnectionError("https://u:s3cret@chat/x is down")

    hooks.register("layer_start", seen.append)
    dispatcher = Dispatcher(hooks=hooks)

    dispatcher.dispatch(build("layer_start"))

    assert len(seen) == 1
    (accident,) = dispatcher.accidents
    assert accident.event == "layer_start"
    assert accident.source.endswith("notify")
    assert accident.error == "ConnectionError: https://u:***@chat/x is down"
    assert "notify" in caplog.text
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize("type_", [AssertionError, DataQualityError])
def test_verdict_is_raised_after_everybody_was_called(build, hooks, type_):
    seen = []
    verdict = type_("33.33 % nulls")
    hooks.register("layer_start", raising(verdict))
    hooks.register("layer_start", seen.append)
    dispatcher = Dispatcher(hooks=hooks)

    with pytest.raises(type_) as caught:
        dispatcher.dispatch(build("layer_start"))

    assert caught.value is verdict
    assert len(seen) == 1
    assert dispatcher.accidents == ()


def test_first_verdict_wins_and_mentions_the_others(build, hooks):
    hooks.register("layer_start", raising(AssertionError("first")))
    hooks.register("layer_start", raising(AssertionError("second")))

    with pytest.raises(AssertionError, match="first") as caught:
        Dispatcher(hooks=hooks).dispatch(build("layer_start"))

    assert "AssertionError: second" in caught.value.__notes__[0]


def test_on_error_fail_makes_any_exception_a_verdict(build, hooks):
    """A-30: the strict mode."""
    hooks.on("layer_start", raising(ValueError("boom")), on_error="fail")
    dispatcher = Dispatcher(hooks=hooks)

    with pytest.raises(ValueError, match="boom"):
        dispatcher.dispatch(build("layer_start"))
    assert dispatcher.accidents == ()


def test_on_error_log_makes_even_an_assertion_an_accident(build, hooks):
    hooks.on("layer_start", raising(AssertionError("no")), on_error="log")
    dispatcher = Dispatcher(hooks=hooks)

    dispatcher.dispatch(build("layer_start"))

    assert [accident.error for accident in dispatcher.accidents] == ["AssertionError: no"]


def test_exception_in_a_predicate_counts_as_the_callbacks_own(build, hooks):
    hooks.on("layer_start", print, filters={"layer": raising(KeyError("x"))})
    dispatcher = Dispatcher(hooks=hooks)

    dispatcher.dispatch(build("layer_start"))

    assert [accident.error for accident in dispatcher.accidents] == ["KeyError: 'x'"]


@pytest.mark.parametrize("source", ["observer", "callback"])
def test_interruption_is_no_accident(build, hooks, source):
    observers = {}
    if source == "observer":
        observers = {"layer_start": (observer("a", raising(KeyboardInterrupt())),)}
    else:
        hooks.register("layer_start", raising(KeyboardInterrupt()))

    with pytest.raises(KeyboardInterrupt):
        Dispatcher(observers=observers, hooks=hooks).dispatch(build("layer_start"))


def test_filters_use_the_engine_and_layer_of_the_event(build, hooks):
    """A-28, A-29."""
    seen = []
    hooks.on("transform_success", seen.append, filters={"layer": "Silver_1", "engine": "spark"})
    dispatcher = Dispatcher(hooks=hooks)

    dispatcher.dispatch(build("transform_success", layer="Silver_1", engine="pandas"))
    dispatcher.dispatch(build("transform_success", layer="Gold_1", engine="spark"))
    dispatcher.dispatch(build("transform_success", layer="Silver_1", engine="spark", transformation_id="mine"))

    assert [payload["transformation_id"] for payload in seen] == ["mine"]


class CountingEvent(LayerStart):
    built = 0

    def payload(self):
        type(self).built += 1
        return super().payload()


@pytest.mark.parametrize(("callbacks", "built"), [(0, 0), (1, 1), (5, 1)])
def test_payload_is_built_once_and_only_for_callbacks(hooks, callbacks, built):
    CountingEvent.built = 0
    for _ in range(callbacks):
        hooks.register("layer_start", lambda payload: None)
    observers = {"layer_start": (observer("a", lambda event: None),)}

    Dispatcher(observers=observers, hooks=hooks).dispatch(
        CountingEvent(run_id="r", project="P", env="qat", engine="pandas", layer="Gold")
    )

    assert CountingEvent.built == built


def test_callback_cannot_change_what_the_next_one_sees(build, hooks):
    """A-33."""
    seen = []

    def meddle(payload):
        payload["layer"] = "Gold"

    hooks.register("layer_start", meddle)
    hooks.register("layer_start", seen.append)
    dispatcher = Dispatcher(hooks=hooks)

    dispatcher.dispatch(build("layer_start", layer="Silver"))

    assert seen[0]["layer"] == "Silver"
    assert "read-only" in dispatcher.accidents[0].error


def test_listens_says_whether_an_event_is_worth_building(hooks):
    observers = {"layer_end": (observer("a", print, "layer_end"),), "bronze_end": ()}
    dispatcher = Dispatcher(observers=observers, hooks=hooks)

    assert dispatcher.listens("layer_end")
    assert not dispatcher.listens("bronze_end")
    assert not dispatcher.listens("orchestrator_run_start")
    hooks.register("pipeline_start", print)
    assert dispatcher.listens("orchestrator_run_start")
    hooks.unregister("pipeline_start", print)
    assert not dispatcher.listens("orchestrator_run_start")


def test_alias_is_dispatched_under_the_events_own_name(build, hooks):
    seen = []
    hooks.register("pipeline_end", seen.append)

    Dispatcher(hooks=hooks).dispatch(build("orchestrator_run_end"))

    assert [payload["event"] for payload in seen] == ["orchestrator_run_end"]


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_event_reaches_observer_and_callback(build, hooks, name):
    seen = []
    hooks.register(name, seen.append)

    Dispatcher(observers={name: (observer("a", seen.append, name),)}, hooks=hooks).dispatch(build(name))

    assert len(seen) == 2
    assert seen[1]["event"] == name


def test_dispatcher_without_anything_dispatches_to_nobody(build):
    dispatcher = Dispatcher()

    dispatcher.dispatch(build("layer_start"))

    assert not dispatcher.listens("layer_start")
    assert dispatcher.accidents == ()


def test_callback_registered_during_dispatch_hears_the_next_event(build, hooks):
    """A-31."""
    seen = []
    hooks.register("layer_start", lambda payload: hooks.register("layer_start", seen.append))
    dispatcher = Dispatcher(hooks=hooks)

    dispatcher.dispatch(build("layer_start"))
    assert seen == []
    dispatcher.dispatch(build("layer_start"))
    assert len(seen) == 1
