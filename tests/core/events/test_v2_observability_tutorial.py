"""What v2's third tutorial does with hooks, by hand as it does it (§4.3)."""

from __future__ import annotations

import pytest

from odibi_core.events import HookManager


@pytest.fixture
def hooks():
    return HookManager()


def test_one_callback_for_the_standard_events(hooks):
    seen = []
    for event in ("pre_read", "post_read", "pre_transform", "post_transform", "pre_save", "post_save", "on_error"):
        hooks.register(event, lambda payload: seen.append(payload["stage"]))

    for event in ("pre_read", "post_read", "pre_save"):
        hooks.emit(event, {"stage": event})

    assert seen == ["pre_read", "post_read", "pre_save"]


def test_payload_that_does_not_match_the_filters_is_skipped(hooks):
    seen = []
    hooks.register("pre_transform", seen.append, filters={"layer": "silver", "engine": "pandas"})

    hooks.emit("pre_transform", {"layer": "Silver", "engine": "pandas"})
    hooks.emit("pre_transform", {"layer": "Silver", "engine": "spark"})
    hooks.emit("pre_transform", {"layer": "gold", "engine": "pandas"})

    assert len(seen) == 1


def test_schema_check_raises_out_of_emit(hooks):
    def check_schema(payload):
        missing = {"id", "amount"} - set(payload["columns"])
        if missing:
            raise ValueError(f"Missing columns: {sorted(missing)}")

    hooks.register("post_read", check_schema)

    hooks.emit("post_read", {"columns": ["id", "amount"]})
    with pytest.raises(ValueError, match=r"Missing columns: \['amount'\]"):
        hooks.emit("post_read", {"columns": ["id"]})


def test_metrics_are_collected_over_two_events(hooks):
    metrics = {}
    hooks.register("post_read", lambda payload: metrics.update(rows_read=payload["rows"]))

    @hooks.on("post_save")
    def compare(payload):
        metrics["rows_out"] = payload["rows"]
        metrics["change"] = round((payload["rows"] - metrics["rows_read"]) / metrics["rows_read"] * 100)

    hooks.emit("post_read", {"rows": 100})
    hooks.emit("post_save", {"rows": 49})

    assert metrics == {"rows_read": 100, "rows_out": 49, "change": -51}


def test_errors_are_logged_and_sent_on(hooks):
    log, sent = [], []
    hooks.register(
        "on_error", lambda payload: log.append(f"{payload['project']}/{payload['layer']}: {payload['error']}")
    )
    hooks.register("on_error", lambda payload: sent.append(payload["stage"]))

    hooks.emit("on_error", {"error": "boom", "stage": "transform", "project": "demo", "layer": "silver"})

    assert log == ["demo/silver: boom"]
    assert sent == ["transform"]


def test_production_set_up_is_counted_by_listing(hooks):
    hooks.register("post_read", print, filters={"layer": "bronze"})
    hooks.register("post_transform", print, filters={"layer": "silver"})
    hooks.register("pre_read", print)
    hooks.register("post_save", print)
    hooks.register("pipeline_start", print)
    hooks.register("pipeline_end", print)

    listed = hooks.list_hooks()

    assert sum(len(those) for those in listed.values()) == 6
    assert listed["post_read"][0]["filters"] == {"layer": "bronze"}
