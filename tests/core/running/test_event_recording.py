"""The events of a run are recorded without rows and secrets, and sent again to plugins without engine and data."""

from __future__ import annotations

import json
from dataclasses import fields
from types import SimpleNamespace

import pytest

from odibi_core.errors import ConfigError
from odibi_core.events import Observer
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import EVENT_TYPES, hookimpl
from odibi_core.running import run_project
from odibi_core.running.event_recording import EventRecorder
from odibi_core.running.event_replay import RecordedFrame, RecordedFrameError, read_recording, replay

STEPS = (
    "from rows_engine import Rows\n\ndef copy(df):\n    return Rows(df)\n\ndef bad(df):\n    raise ValueError({!r})\n"
)
# No file may grow any more, except those that are still smaller than the recording.
FILL = """
import os
import resource
from rows_engine import Rows

def fill(df):
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.stat({!r}).st_size + 10, most))
    return Rows(df)
"""
SECRET = "cannot open postgresql://joe:hunter2@db/sales"


@pytest.fixture
def make_shop(make_project):
    """A project whose one row of data must not get anywhere."""

    def make(function="copy"):
        return make_project(
            [{"transformation_id": "one", "function": function, "inputs": ["in.json"], "outputs": ["silver.a"]}],
            files={"steps.py": STEPS.format(SECRET), "in.json": '[{"name": "Rosebud"}]'},
        )

    return make


@pytest.fixture
def recorded(make_shop, manager, tmp_path):
    """Run the project and return the text of the recording."""

    def run(function="copy", manager=manager):
        path = tmp_path / "events.jsonl"
        run_project(make_shop(function), manager=manager, record_events=path, raise_on_failure=False)
        return path

    return run


@pytest.fixture
def room_again():
    """Take the limit on the size of files back, at the latest at the end of the test."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Watcher:
    """Keeps the events that it is shown."""

    def __init__(self):
        self.events = []

    def observers(self, *names):
        return {name: (Observer("watch", "acme-watch", f"odibi_{name}", self.events.append),) for name in names}


def watching(rows_engine, watcher):
    manager = PluginManager(PluginSettings(discover=False))
    manager.register(rows_engine, name="rows-engine")

    def hook(name):
        def observe(event):
            watcher.events.append(event)

        observe.__name__ = observe.__qualname__ = name
        return hookimpl(observe)

    names = [f"odibi_{event}" for event in EVENT_TYPES]
    manager.register(SimpleNamespace(**{name: hook(name) for name in names}), name="watch")
    return manager.freeze()


def test_every_event_is_replayed_as_the_plugin_saw_it(rows_engine, recorded):
    seen, again = Watcher(), Watcher()
    path = recorded(manager=watching(rows_engine, seen))

    replay(read_recording(path), observers=again.observers(*EVENT_TYPES))

    assert [event.name for event in again.events] == [event.name for event in seen.events]
    for before, after in zip(seen.events, again.events, strict=True):
        assert type(before) is type(after)
        for one in fields(before):
            old, new = getattr(before, one.name), getattr(after, one.name)
            if one.name == "frame":
                assert isinstance(new, RecordedFrame)
            elif one.name == "frames":
                assert (list(old), type(new)) == (list(new), type(old))
            elif isinstance(old, float):
                assert new == pytest.approx(old, abs=1e-6)
            else:
                assert new == old


def test_recording_has_a_version_a_header_and_an_end(recorded):
    lines = [json.loads(line) for line in recorded().read_text().splitlines()]

    assert (lines[0]["type"], lines[0]["version"], lines[0]["project"]) == ("recording", 1, "Shop")
    assert lines[-1] == {"type": "end", "events": len(lines) - 2}
    assert [line["seq"] for line in lines[1:-1]] == list(range(1, len(lines) - 1))


def test_neither_rows_nor_secrets_are_recorded(recorded):
    text = recorded("bad").read_text()

    assert "transform_failure" in text
    assert "hunter2" not in text
    assert "Rosebud" not in text


def test_what_a_connection_says_about_reaching_a_place_is_left_out(tmp_path):
    from odibi_core.plugin import Dataset, PreRead

    dataset = Dataset(
        name="sales",
        kind="table",
        format="sql",
        location="postgresql://joe:hunter2@db/sales",
        options={"api_key": "abc123", "chunk": 5},
        storage_options={"account": "swordfish"},
    )
    identity = {"run_id": "r", "project": "P", "env": "q", "engine": "e", "layer": "L"}
    with (tmp_path / "one.jsonl").open("w") as file:
        event = PreRead(**identity, transformation_id="t", module="m", function="f", dataset=dataset)
        EventRecorder(file, lambda *_: None).record(event)

    text = (tmp_path / "one.jsonl").read_text()

    assert [word for word in ("hunter2", "abc123", "swordfish") if word in text] == []
    assert json.loads(text)["data"]["dataset"]["options"] == {"api_key": "***", "chunk": 5}


def test_columns_are_recorded_where_the_engine_knows_them(rows_engine, recorded, monkeypatch):
    monkeypatch.setattr(rows_engine.RowsEngine, "describe_frame", lambda _, __: {"name": "text"}, raising=False)
    events = {event.name: event for _, event in read_recording(recorded()).events}

    frame = events["post_read"].frame
    assert (frame.columns, frame.recorded_types) == (["name"], {"name": "text"})
    assert frame.recorded_class == "rows_engine.Rows"
    assert events["post_transform"].frames["silver.a"].columns == ["name"]


@pytest.mark.parametrize(
    "ask",
    [
        len,
        list,
        bool,
        lambda frame: frame["name"],
        lambda frame: frame.shape,
        lambda frame: frame.columns,
        lambda frame: frame.__arrow_c_stream__(),
    ],
    ids=["len", "iterate", "truth", "column", "shape", "columns", "arrow"],
)
def test_frame_that_is_asked_for_data_says_that_it_has_none(ask):
    with pytest.raises(RecordedFrameError, match="replayed from a recording and has no data"):
        ask(RecordedFrame("pandas.DataFrame", None))


def test_accidents_are_reported_with_their_event_and_nobody_else_is_stopped(recorded):
    watcher = Watcher()

    def raises(event):
        raise KeyError("rows")

    def counts(event):
        return len(event.frame)

    observers = {
        "transform_success": (Observer("broken", "acme", "odibi_transform_success", raises),),
        "post_read": (
            Observer("counting", "acme", "odibi_post_read", counts),
            *watcher.observers("post_read")["post_read"],
        ),
    }
    result = replay(read_recording(recorded()), observers=observers)

    assert [(one.plugin, one.event, one.wants_data) for one in result.accidents] == [
        ("counting", "post_read", True),
        ("broken", "transform_success", False),
    ]
    assert result.accidents[1].error == "KeyError: 'rows'"
    assert "test_event_recording.py" in result.accidents[1].at
    assert result.calls == {"broken": 1, "counting": 1, "watch": 1}
    assert len(watcher.events) == 1


def test_recording_that_was_cut_off_is_replayed_as_far_as_it_goes(recorded):
    path = recorded()
    whole = read_recording(path)
    path.write_bytes(path.read_bytes()[:-40])

    cut = read_recording(path)

    assert (whole.is_whole, cut.is_whole) == (True, False)
    assert len(cut.events) in (len(whole.events), len(whole.events) - 1)


def test_events_that_this_kernel_does_not_have_are_left_out_and_named(recorded):
    path = recorded()
    lines = path.read_text().splitlines()
    later = json.dumps({"type": "event", "seq": 99, "event": "layer_paused", "data": {}})
    poorer = json.dumps({"type": "event", "seq": 98, "event": "layer_start", "data": {"run_id": "r"}})
    path.write_text("\n".join([*lines[:-1], poorer, later, lines[-1]]) + "\n")

    assert read_recording(path).unknown == ("layer_start", "layer_paused")


def test_keys_that_were_added_later_are_passed_over(recorded):
    path = recorded()
    path.write_text(path.read_text().replace('"data": {', '"data": {"colour": "blue", '))

    assert read_recording(path).unknown == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no recording of events"),
        ('{"type": "run"}\n', "is no recording of events"),
        ('{"type": "recording", "version": 2}\n', "this Odibi reads 1"),
        ("nonsense\n", ":1: this is no line of a recording"),
        ("[]\n", "it is no JSON object"),
    ],
)
def test_file_that_is_no_recording_is_refused(text, says, tmp_path):
    (tmp_path / "x.jsonl").write_text(text)

    with pytest.raises(ConfigError, match=says):
        read_recording(tmp_path / "x.jsonl")


def test_file_that_is_there_is_not_written_over(recorded, make_shop, manager):
    path = recorded()
    before = path.read_bytes()

    with pytest.raises(ConfigError, match="is there already"):
        run_project(make_shop(), manager=manager, record_events=path)
    assert path.read_bytes() == before


def test_disk_that_is_full_is_an_accident_and_the_run_succeeds(make_project, manager, tmp_path, room_again):
    path = tmp_path / "events.jsonl"
    rows = [{"transformation_id": "fill", "function": "fill", "inputs": ["in.json"], "outputs": ["silver.a"]}]
    shop = make_project(rows, files={"steps.py": FILL.format(str(path)), "in.json": '[{"name": "Rosebud"}]'})

    result = run_project(shop, manager=manager, record_events=path)
    room_again()

    (journal,) = shop.glob(".odibi/runs/*.jsonl")
    assert path.stat().st_size > journal.stat().st_size, "the journal would have come to the limit as well"
    assert result.status == "SUCCESS"
    assert "event recorder on post_transform: OSError: [Errno 27]" in result.accidents[0]
    assert not read_recording(path).is_whole


def test_plugins_are_charged_and_called_as_without_a_recording(rows_engine, recorded):
    watcher = Watcher()
    recorded(manager=watching(rows_engine, watcher))

    assert watcher.events[0].name == "orchestrator_run_start"
    assert watcher.events[-1].name == "orchestrator_run_end"
