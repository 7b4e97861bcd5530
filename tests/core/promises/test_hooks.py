"""What the kernel promises about hooks: which events there are, in which order, and what a callback can and cannot do."""

from __future__ import annotations

import itertools
import json
import threading

import pytest

from odibi_core import HookManager, run_project
from odibi_core.errors import RunFailed
from odibi_core.plugin import EVENT_TYPES
from odibi_core.runlog import read_journal

STEPS = """
    import json
    from pathlib import Path

    from odibi_core import TransientError
    from rows_engine import Rows

    def good(df):
        return Rows(df)

    def bad(df):
        raise ValueError("boom")

    def counted(df, *, calls):
        path = Path(calls)
        path.write_text(path.read_text() + "x" if path.exists() else "x")
        return Rows(df)

    def second_time(df, *, calls):
        counted(df, calls=calls)
        if Path(calls).read_text() == "x":
            raise TransientError("not yet")
        return Rows(df)
"""
FILES = {"steps.py": STEPS, "landing/in.json": '[{"n": 1}]'}
IDENTITY = {"run_id", "transformation_id", "project", "env", "layer", "engine", "module", "function", "timestamp"}
OF_THE_RUN = [
    "orchestrator_run_start",
    "bronze_start",
    "bronze_end",
    "layer_start Silver",
    "configs_loaded Silver",
    "caching_start Silver",
    "caching_end Silver",
    "layer_end Silver",
    "layer_start Gold",
    "configs_loaded Gold",
    "layer_end Gold",
    "logs_persisted",
    "orchestrator_run_end",
]
OF_A_TRANSFORMATION = [
    "transform_start",
    "pre_read",
    "post_read",
    "pre_transform",
    "post_transform",
    "pre_save",
    "post_save",
    "transform_success",
]


def row(id_, layer="Silver", function="good", inputs=("landing/in.json",), **more):
    outputs = [f"{layer.lower()}.{id_}"]
    return {
        "transformation_id": id_,
        "layer": layer,
        "function": function,
        "inputs": list(inputs),
        "outputs": outputs,
        **more,
    }


def ingest(id_):
    return {"ingestion_id": id_, "source_path": "landing/in.json", "target_table": f"bronze.{id_}"}


class Recorder:
    """Keeps the payloads of all events, in the order in which they were heard."""

    def __init__(self, *events):
        self.hooks, self.payloads = HookManager(), []
        for event in events or EVENT_TYPES:
            self.hooks.register(event, self.payloads.append)

    def __getitem__(self, event):
        return [payload for payload in self.payloads if payload["event"] == event]


def shown(payload):
    layer = payload.get("layer")
    return payload["event"] if layer in {None, "Bronze"} else f"{payload['event']} {layer}"


@pytest.mark.parametrize("max_workers", [1, 2, 8])
def test_a26_events_of_a_two_layer_run_come_in_order_from_any_number_of_workers(make_project, manager, max_workers):
    """A-26."""
    root = make_project(
        [
            *(row(f"s{number}", inputs=[f"bronze.b{number % 3}"]) for number in range(12)),
            *(row(f"g{number}", "Gold", inputs=[f"silver.s{number}"]) for number in range(6)),
        ],
        ingestion=[ingest(f"b{number}") for number in range(3)],
        manifest={"cache_plan": {"Silver": ["silver.s0"]}},
        files=FILES,
    )
    recorder = Recorder()

    run_project(root, manager=manager, hooks=recorder.hooks, max_workers=max_workers)

    of_the_run = [payload for payload in recorder.payloads if "transformation_id" not in payload]
    assert [shown(payload) for payload in of_the_run] == OF_THE_RUN
    by_id = {}
    within = None
    for payload in recorder.payloads:
        if "transformation_id" in payload:
            assert payload["layer"] == within
            by_id.setdefault(payload["transformation_id"], []).append(payload["event"])
        elif payload["event"] in {"configs_loaded", "bronze_start"}:
            within = payload["layer"]
        elif payload["event"] in {"caching_start", "layer_end", "bronze_end"}:
            within = None
    assert len(by_id) == 3 + 12 + 6
    assert all(events == OF_A_TRANSFORMATION for events in by_id.values())


def test_a26_rows_are_counted_also_where_there_are_none_and_times_have_a_zone(make_project, manager):
    """A-26."""
    recorder = Recorder()

    run_project(make_project([row("a"), row("b")], files=FILES), manager=manager, hooks=recorder.hooks)

    assert [(one["layer"], one["count"]) for one in recorder["configs_loaded"]] == [("Silver", 2), ("Gold", 0)]
    assert {payload["timestamp"].utcoffset().total_seconds() for payload in recorder.payloads} == {0.0}


def test_a27_every_event_of_a_transformation_says_which_one_it_is(make_project, manager, tmp_path):
    """A-27: start, success, failure, retry and skip; durations have both names."""
    retry = {"calls": str(tmp_path / "calls"), "retry": {"delay": 0, "jitter": 0}}
    root = make_project(
        [row("again", function="second_time", constants=retry), row("bad", function="bad"), row("after", step=2)],
        files=FILES,
    )
    recorder = Recorder()

    result = run_project(root, manager=manager, hooks=recorder.hooks, raise_on_failure=False)

    told = [payload for payload in recorder.payloads if payload["event"].startswith("transform_")]
    kinds = ["transform_failure", "transform_retry", "transform_skipped", "transform_start", "transform_success"]
    assert sorted({payload["event"] for payload in told}) == kinds
    for payload in told:
        assert payload.keys() >= IDENTITY
        assert (payload["run_id"], payload["env"], payload["engine"]) == (result.run_id, "qat", "rows")
        assert (payload["module"], payload["timestamp"].tzinfo is not None) == ("steps", True)
    for payload in (*recorder["transform_success"], *recorder["transform_failure"]):
        assert payload["duration"] == payload["duration_seconds"] > 0


def test_a28_a29_filters_go_by_the_layer_and_the_engine_of_the_row(make_project, manager):
    """A-28, A-29."""
    root = make_project(
        [row("s"), row("other", constants={"engine": "rows2"}), row("g", "Gold")],
        files=FILES,
    )
    hooks, by_layer, by_engine = HookManager(), [], []
    hooks.register("transform_success", by_layer.append, {"layer": "silver"})
    hooks.on("transform_success", by_engine.append, filters={"engine": "ROWS2"})

    run_project(root, manager=manager, hooks=hooks, max_workers=1)

    assert [payload["transformation_id"] for payload in by_layer] == ["s", "other"]
    assert [payload["transformation_id"] for payload in by_engine] == ["other"]


EVENTS_OF_A_GOOD_RUN = sorted({shown.split()[0] for shown in OF_THE_RUN} | set(OF_A_TRANSFORMATION))


@pytest.mark.parametrize("event", EVENTS_OF_A_GOOD_RUN)
def test_a30_callback_that_raises_changes_nothing_and_is_told(make_project, manager, tmp_path, caplog, event):
    """A-30, D-15, D-24: v2 ran it again, failed it, or lost it, depending on the event."""
    calls = tmp_path / "calls"
    root = make_project(
        [row("t", function="counted", constants={"calls": str(calls)})],
        ingestion=[ingest("b")],
        manifest={"cache_plan": {"Silver": ["silver.t"]}},
        files=FILES,
    )
    hooks = HookManager()

    @hooks.on(event)
    def broken(payload):
        raise RuntimeError("observer down")

    result = run_project(root, manager=manager, hooks=hooks)

    assert (result.status, calls.read_text()) == ("SUCCESS", "x")
    assert result.accidents
    assert all(f"broken on {event}: RuntimeError: observer down" in one for one in result.accidents)
    assert any(f"event_name={event}" in line and "broken" in line for line in caplog.messages)
    records = read_journal(root / f".odibi/runs/{result.run_id}.jsonl").records
    assert [record["status"] for record in records] == ["RUNNING", "SUCCESS"] * 2


@pytest.mark.parametrize("event", OF_A_TRANSFORMATION)
def test_a30_strict_callback_fails_the_transformation_once(make_project, manager, tmp_path, event):
    """A-30: the strict mode; what was saved stays, and nothing is run again."""
    calls = tmp_path / "calls"
    root = make_project(
        [row("t", function="counted", constants={"calls": str(calls)}), row("after", inputs=["silver.t"])], files=FILES
    )
    hooks = HookManager()

    @hooks.on(event, filters={"transformation_id": "t"}, on_error="fail")
    def strict(payload):
        raise ConnectionError("not reached")

    result = run_project(root, manager=manager, hooks=hooks, raise_on_failure=False)

    assert [(one.status, one.attempts) for one in result.transformations] == [("FAILED", 1), ("SKIPPED", 0)]
    assert result.transformations[0].error.startswith("ConnectionError: not reached")
    assert calls.exists() == (event not in OF_A_TRANSFORMATION[:4])
    assert not calls.exists() or calls.read_text() == "x"


@pytest.mark.parametrize(
    ("event", "statuses"),
    [
        ("orchestrator_run_start", ["SKIPPED", "SKIPPED", "SKIPPED"]),
        ("bronze_start", ["SKIPPED", "SKIPPED", "SKIPPED"]),
        ("bronze_end", ["SUCCESS", "SKIPPED", "SKIPPED"]),
        ("layer_start", ["SUCCESS", "SKIPPED", "SKIPPED"]),
        ("layer_end", ["SUCCESS", "SUCCESS", "SKIPPED"]),
        ("orchestrator_run_end", ["SUCCESS", "SUCCESS", "SUCCESS"]),
    ],
)
def test_a30_verdict_on_an_event_of_the_run_fails_the_run_and_starts_nothing_more(
    make_project, manager, event, statuses
):
    """A-30: what had not begun is skipped, and each transformation has its place in the result."""
    root = make_project([row("s"), row("g", "Gold")], ingestion=[ingest("b")], files=FILES)
    hooks = HookManager()

    @hooks.on(event)
    @hooks.on("transform_skipped")
    def verdict(payload):
        raise AssertionError("not today")

    with pytest.raises(RunFailed, match="not today") as caught:
        run_project(root, manager=manager, hooks=hooks)

    result = caught.value.result
    assert (result.status, result.error) == ("FAILED", "AssertionError: not today")
    assert [one.status for one in result.transformations] == statuses
    assert len(hooks.list_hooks()) == 2


def test_a30_verdict_on_the_run_is_in_the_run_log(make_project, manager):
    """A-30: also for what was skipped because of it."""
    root = make_project([row("s")], files=FILES)
    hooks = HookManager()

    @hooks.on("layer_start")
    def verdict(payload):
        raise AssertionError("not today")

    result = run_project(root, manager=manager, hooks=hooks, raise_on_failure=False)

    reading = read_journal(root / f".odibi/runs/{result.run_id}.jsonl")
    assert [(record["status"], record["error_message"]) for record in reading.records] == [
        ("SKIPPED", "skipped: the run was stopped: AssertionError: not today")
    ]
    assert reading.end["status"] == "FAILED"


def test_a31_callbacks_of_several_workers_lose_no_event_while_others_are_registered(make_project, manager):
    """A-31, D-26."""
    root = make_project([row(f"t{number}") for number in range(60)], files=FILES)
    hooks, heard, late = HookManager(), [], itertools.count()
    met = threading.Barrier(4, timeout=20)

    @hooks.on("transform_start")
    def meet(payload):
        if int(payload["transformation_id"][1:]) < 4:
            met.wait()
        hooks.register("transform_success", lambda _: next(late))

    hooks.register("transform_success", heard.append)

    run_project(root, manager=manager, hooks=hooks, max_workers=4)

    assert sorted(payload["transformation_id"] for payload in heard) == sorted(f"t{number}" for number in range(60))
    assert len(hooks.list_hooks()["transform_success"]) == 61


@pytest.mark.parametrize(
    ("ingestion", "rows", "bronze", "layer"),
    [
        pytest.param(
            [ingest("a"), ingest("b")],
            [row("s")],
            {"status": "success", "sources_processed": 2, "error": None},
            {"status": "success", "succeeded": 1, "failed": 0, "skipped": 0, "error": None},
            id="success",
        ),
        pytest.param(
            None,
            [row("s"), row("bad", function="bad"), row("late", step=2)],
            {"status": "skipped", "sources_processed": 0, "error": None},
            {
                "status": "failed",
                "succeeded": 1,
                "failed": 1,
                "skipped": 1,
                "error": "bad: ValueError: boom (steps.py:12)",
            },
            id="no sources, one failure",
        ),
        pytest.param(
            [ingest("a"), {**ingest("b"), "source_path": "landing/none.json"}],
            [row("s", inputs=["bronze.b"])],
            {"status": "failed", "sources_processed": 1},
            {"status": "skipped", "succeeded": 0, "failed": 0, "skipped": 1},
            id="failed source",
        ),
    ],
)
def test_a32_end_of_a_layer_says_how_it_went(make_project, manager, ingestion, rows, bronze, layer):
    """A-32."""
    recorder = Recorder("bronze_end", "layer_end")
    root = make_project(rows, ingestion=ingestion, manifest={"layer_order": ["Bronze", "Silver"]}, files=FILES)

    run_project(root, manager=manager, hooks=recorder.hooks, raise_on_failure=False)

    of_bronze, of_silver = recorder.payloads
    assert of_bronze | bronze == of_bronze
    assert of_silver | layer == of_silver
    assert bronze["status"] != "failed" or "b: 'landing/none.json' is not there" in of_bronze["error"]
    assert of_bronze["duration_seconds"] >= 0
    assert of_silver["duration"] == of_silver["duration_seconds"] >= 0


def test_a32_empty_layer_says_that_it_is_empty(make_project, manager):
    """A-32, A-46."""
    recorder = Recorder("layer_end")

    run_project(make_project([row("s")], files=FILES), manager=manager, hooks=recorder.hooks)

    assert [(one["layer"], one["status"]) for one in recorder.payloads] == [("Silver", "success"), ("Gold", "empty")]


def test_a33_callback_of_a_run_sees_what_it_cannot_change(make_project, manager):
    """A-33: and the payload is still a dictionary, which can be copied."""
    hooks, seen = HookManager(), []

    @hooks.on("transform_success")
    def meddle(payload):
        payload["transformation_id"] = "changed"

    hooks.register("transform_success", lambda payload: seen.append(dict(payload)["transformation_id"]))

    result = run_project(make_project([row("t")], files=FILES), manager=manager, hooks=hooks)

    assert seen == ["t"]
    assert "read-only" in result.accidents[0]
    assert json.dumps(result.to_dict())
