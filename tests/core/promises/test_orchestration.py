"""What the kernel promises about a run as a whole: which layers run, in which order, how many at once."""

from __future__ import annotations

import sys

import pytest

from odibi_core import HookManager, run_project
from odibi_core.errors import ConfigError, RunFailed

STEPS = """
    import threading

    from rows_engine import Rows

    lock = threading.Lock()
    meeting = threading.Barrier(2, timeout=20)
    now = most = 0
    log = []

    def good(df):
        return Rows(df)

    def bad(df):
        raise ValueError("boom")

    def meet():
        global now, most
        with lock:
            now += 1
            most = max(most, now)
        meeting.wait()
        with lock:
            now -= 1

    def alone(context):
        global now, most
        with lock:
            now += 1
            most = max(most, now)
            log.append((context.transformation_id, threading.current_thread() is threading.main_thread()))
            now -= 1
"""
FILES = {"steps.py": STEPS, "landing/in.json": '[{"n": 1}]'}
INGESTION = [{"ingestion_id": "in", "source_path": "landing/in.json", "target_table": "bronze.in"}]


def row(id_, layer="Silver", function="good", **more):
    given = {"transformation_id": id_, "layer": layer, "function": function, **more}
    if function in {"good", "bad"}:
        given = {"inputs": ["landing/in.json"], "outputs": [f"{layer.lower()}.{id_}"], **given}
    return given


def statuses(result):
    return {one.transformation_id: one.status for one in result.transformations}


def steps():
    return sys.modules["steps"]


@pytest.fixture
def looked_at():
    """Hooks that look at the project's module `steps` while it is there, and what they saw."""
    hooks, seen = HookManager(), {}
    hooks.register("orchestrator_run_end", lambda _: seen.update(most=steps().most, log=list(steps().log)))
    return hooks, seen


def test_a42_result_is_a_mapping_with_v2s_five_keys(make_project, manager):
    """A-42."""
    result = run_project(make_project([row("t")], files=FILES), "qat", manager=manager)

    assert {key: result[key] for key in ("status", "project", "env", "layers_run")} == {
        "status": "SUCCESS",
        "project": "Shop",
        "env": "qat",
        "layers_run": ["Silver"],
    }
    assert isinstance(result["duration_seconds"], float)
    assert dict(result) == result.to_dict()
    with pytest.raises(KeyError):
        result["no_such_key"]


def test_a43_failed_transformation_fails_the_run_and_its_dependents_do_not_run(make_project, manager):
    """A-43, D-01: v2 returned SUCCESS."""
    root = make_project([row("bad", function="bad"), row("g", "Gold", inputs=["silver.bad"])], files=FILES)

    with pytest.raises(RunFailed, match="bad: ValueError: boom") as caught:
        run_project(root, manager=manager)
    result = run_project(root, manager=manager, raise_on_failure=False)

    assert statuses(result) == statuses(caught.value.result) == {"bad": "FAILED", "g": "SKIPPED"}
    assert result.status == result["status"] == "FAILED"


def test_a44_layers_run_are_those_in_which_something_ran(make_project, manager):
    """A-44, D-04: v2 listed what was asked for."""
    root = make_project([row("bad", function="bad"), row("g", "Gold", inputs=["silver.bad"])], files=FILES)

    result = run_project(root, manager=manager, raise_on_failure=False)

    assert result.layers_run == result.layers_executed == ("Silver",)
    assert result["layers_run"] == result["layers_executed"] == ["Silver"]
    assert result["errors"] == [
        {"transformation_id": "bad", "layer": "Silver", "error": "ValueError: boom (steps.py:15)"}
    ]


def test_a46_layer_without_rows_is_a_warning_or_an_error_if_that_is_asked_for(make_project, manager):
    """A-46."""
    root = make_project([row("t"), row("off", "Gold", enabled=False)], ingestion=INGESTION, files=FILES)

    result = run_project(root, manager=manager)
    with pytest.raises(ConfigError, match=r"Nothing to run in Gold: .* fail_on_empty_layer"):
        run_project(root, manager=manager, fail_on_empty_layer=True)
    asked_for = run_project(root, manager=manager, fail_on_empty_layer=True, target_layers=["Silver"])

    assert (result.status, result.warnings) == ("SUCCESS", ("layer Gold has no enabled transformation in qat",))
    assert asked_for.status == "SUCCESS"


@pytest.mark.parametrize("layers", [["Bronze"], ["bronze"], "BRONZE", [" Bronze "]], ids=repr)
def test_a47_target_layers_bronze_runs_only_ingestion(make_project, manager, layers):
    """A-47: in any case."""
    root = make_project([row("t")], ingestion=INGESTION, files=FILES)

    result = run_project(root, manager=manager, target_layers=layers)

    assert (statuses(result), result.layers_run) == ({"in": "SUCCESS"}, ("Bronze",))


def test_a47_target_layers_run_in_the_order_of_the_layers(make_project, manager):
    """A-47, U-06."""
    root = make_project([row("s"), row("g", "Gold")], ingestion=INGESTION, files=FILES)

    result = run_project(root, manager=manager, target_layers=["gold", "SILVER"])

    assert result.layers_run == ("Silver", "Gold")


def test_a48_same_step_runs_at_once_and_the_next_one_afterwards(make_project, manager, looked_at):
    """A-48, D-07: each of the first step waits for another one of it."""
    hooks, seen = looked_at
    root = make_project(
        [
            row("after", function="alone", step=2),
            *(row(f"first{number}", function="meet", step=1) for number in range(4)),
        ],
        files=FILES,
    )
    order = []
    hooks.register("transform_start", lambda payload: order.append(payload["transformation_id"]))

    run_project(root, manager=manager, hooks=hooks, max_workers=2)

    assert seen["most"] == 2
    assert order[-1] == "after"


def test_a48_step_after_one_that_failed_is_skipped_and_other_layers_are_not(make_project, manager):
    """A-48."""
    root = make_project([row("bad", function="bad"), row("late", step=2), row("g", "Gold")], files=FILES)

    result = run_project(root, manager=manager, raise_on_failure=False)

    assert statuses(result) == {"bad": "FAILED", "late": "SKIPPED", "g": "SUCCESS"}


def test_a49_layer_is_skipped_with_a_reason_if_one_that_it_depends_on_failed_or_did_not_run(make_project, manager):
    """A-49, D-07: Gold_1 because Silver failed, Gold_2 because Gold_1 did not run; Gold_3 depends on nothing."""
    order = ["Silver", "Gold_1", "Gold_2", "Gold_3"]
    layers = {"Gold_1": {"depends_on": ["Silver"]}, "Gold_2": {"depends_on": ["Gold_1"]}}
    root = make_project(
        [row("bad", function="bad"), *(row(layer.lower(), layer) for layer in order[1:])],
        manifest={"layer_order": order, "layers": layers},
        files=FILES,
    )

    result = run_project(root, manager=manager, raise_on_failure=False)

    assert statuses(result) == {"bad": "FAILED", "gold_1": "SKIPPED", "gold_2": "SKIPPED", "gold_3": "SUCCESS"}
    reasons = [one.error for one in result.transformations if one.status == "SKIPPED"]
    assert reasons[0] == "skipped: layer Gold_1 depends on layer Silver, in which 'bad' failed"
    assert reasons[1].startswith("skipped: layer Gold_2 depends on layer Gold_1, in which")


def test_a49_layer_that_was_not_asked_for_is_no_obstacle(make_project, manager):
    """A-49, U-06: what it wrote before is there, or reading it fails."""
    root = make_project(
        [row("s"), row("g", "Gold")], manifest={"layers": {"Gold": {"depends_on": ["Silver"]}}}, files=FILES
    )

    assert statuses(run_project(root, manager=manager, target_layers=["Gold"])) == {"g": "SUCCESS"}


@pytest.mark.parametrize(("layer", "argument"), [(2, 8), (8, 2), (2, None), (None, 2)])
def test_a50_max_workers_of_a_layer_limits_that_layer(make_project, manager, looked_at, layer, argument):
    """A-50: the smaller of layer and argument holds."""
    hooks, seen = looked_at
    root = make_project(
        [row(f"t{number}", function="meet") for number in range(8)],
        manifest={"layers": {"Silver": {"max_workers": layer}}},
        files=FILES,
    )

    run_project(root, manager=manager, hooks=hooks, max_workers=argument)

    assert seen["most"] == 2


@pytest.mark.parametrize("who_says", ["argument", "layer"])
def test_a50_one_worker_is_the_calling_thread_one_after_the_other(make_project, manager, looked_at, who_says):
    """A-50."""
    hooks, seen = looked_at
    root = make_project(
        [row(f"t{number}", function="alone") for number in range(6)],
        manifest={"layers": {"Silver": {"max_workers": 1}}} if who_says == "layer" else {},
        files=FILES,
    )

    run_project(root, manager=manager, hooks=hooks, max_workers=1 if who_says == "argument" else None)

    assert seen == {"most": 1, "log": [(f"t{number}", True) for number in range(6)]}


def test_a51_empty_cache_plan_switches_caching_off(make_project, manager):
    """A-51, D-10: also the cache_tables of a layer; None leaves both on."""
    root = make_project(
        [row("t")],
        manifest={"cache_plan": {"Silver": ["silver.t"]}, "layers": {"Silver": {"cache_tables": ["silver.t"]}}},
        files=FILES,
    )
    hooks, seen = HookManager(), []
    hooks.register("caching_end", seen.append)

    run_project(root, manager=manager, hooks=hooks, cache_plan={})
    assert seen == []
    run_project(root, manager=manager, hooks=hooks)

    assert [(event["tables"], event["status"]) for event in seen] == [(("silver.t",), "success")]


def test_a51_engine_that_cannot_cache_says_so_in_a_warning(make_project, manager):
    """A-51: as pandas."""
    root = make_project([row("t")], files=FILES)

    result = run_project(root, manager=manager, engine="rows2", cache_plan={"silver": ["silver.t"]})

    assert result.status == "SUCCESS"
    assert any("engine 'rows2' does not cache tables" in warning for warning in result.warnings)


def test_a51_tables_of_a_layer_without_rows_are_cached_by_the_engine_that_runs(make_project, manager):
    """A-51: the engine of the run as a whole need not be one that any transformation uses."""
    root = make_project([row("t", constants={"engine": "rows2"})], files=FILES)

    result = run_project(root, manager=manager, cache_plan={"Gold": ["silver.t"]})

    assert result.status == "SUCCESS"
    assert any("layer Gold: engine 'rows2' does not cache tables" in warning for warning in result.warnings)
