"""What observers are tested with: every event, and frames that notice what is done with them."""

from __future__ import annotations

import copy
import socket
from dataclasses import fields
from threading import Thread

import pytest

from odibi_core.plugin import EVENT_TYPES
from odibi_core.testing import ObserverContract
from odibi_core.testing.processes.waiting import noticed_waits
from odibi_core.testing.sample_events import WatchedFrame, make_event, sample_events


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_each_event_has_a_value_in_every_field(name):
    """A field that is new must be given a plausible value: None may be the very thing that an observer trips over."""
    event = make_event(name)

    assert [field.name for field in fields(event) if getattr(event, field.name) is None] == []
    assert set(event.payload()) == set(EVENT_TYPES[name].payload_keys())


@pytest.mark.parametrize("name", ["post_read", "post_save", "layer_end", "orchestrator_run_start"])
def test_each_event_comes_without_what_may_be_missing_too(name):
    full, bare = sample_events([name])

    missing = [field.name for field in fields(bare) if getattr(bare, field.name) is None]
    assert missing
    assert all(getattr(full, field) is not None for field in missing)


@pytest.mark.parametrize(
    ("action", "noted"),
    [
        (lambda frame: frame.columns, ()),
        (lambda frame: (frame.dtypes, frame.schema, repr(frame), f"{frame}"), ()),
        (lambda frame: isinstance(frame, list), ()),
        (lambda frame: hasattr(frame, "__dataframe__"), ()),
        (copy.copy, ()),
        (lambda frame: len(frame), ("counts the rows, len(frame)",)),  # noqa: PLW0108 - len itself has no name to show
        (bool, ("asks whether there are rows, bool(frame)",)),
        (list, ("goes through the frame", "counts the rows, len(frame)")),
        (lambda frame: frame.count(), ("uses frame.count",)),
        (lambda frame: frame["id"], ("uses frame['id']",)),
        (lambda frame: setattr(frame, "attrs", {}), ("sets frame.attrs",)),
        (lambda frame: frame.__setitem__("x", 1), ("sets frame['x']",)),
        (lambda frame: frame.__delitem__("id"), ("deletes frame['id']",)),
        (lambda frame: frame.__arrow_c_stream__(), ("takes the rows as Arrow",)),
    ],
)
def test_a_frame_notices_what_touches_its_rows(action, noted):
    frame = WatchedFrame()
    try:
        action(frame)
    except TypeError:
        assert noted

    assert set(frame.noted) == set(noted)


def test_waiting_of_other_threads_is_not_noticed_and_of_this_one_is():
    look_up = lambda: socket.getaddrinfo("127.0.0.1", 514)  # noqa: E731 - called twice

    with noticed_waits() as waits:
        other = Thread(target=look_up)
        other.start()
        other.join()
        assert waits == []
        look_up()
    look_up()

    assert waits == ["looks a host up"]


def test_an_event_that_is_not_observed_is_an_error_with_what_is(tmp_path):
    from types import SimpleNamespace

    from odibi_core.loading import PluginManager, PluginSettings
    from odibi_core.plugin import hookimpl

    @hookimpl
    def odibi_post_save(event):
        del event

    class Odd(ObserverContract):
        plugin = "odd"
        events = ("pots_save",)

    manager = PluginManager(PluginSettings(discover=False))
    manager.register(SimpleNamespace(odibi_post_save=odibi_post_save), name="odd")

    with pytest.raises(pytest.fail.Exception) as caught:
        next(Odd.observers.__wrapped__(Odd(), manager.freeze(), tmp_path))

    assert "does not observe 'pots_save'. It observes: post_save" in str(caught.value)
    assert "Did you mean 'post_save'?" in str(caught.value)
