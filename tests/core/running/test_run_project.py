"""run_project from end to end: order, failures, skips, function styles, results."""

from __future__ import annotations

import json

import pytest

from odibi_core import HookManager, run_project
from odibi_core.errors import ConfigError, RunFailed
from odibi_core.plugin import hookimpl

STEPS = """
    from rows_engine import Rows

    def good(df):
        return Rows(df)

    def bad(df):
        raise ValueError("boom")

    def make():
        pass

    def both(left, right):
        return Rows(left + right)

    def count(df, constants=None, context=None):
        return Rows([{"rows": len(df), "constants": constants, "layer": context.extras["layer"]}])

    def expanded(df, *, times, **constants):
        return Rows([{"times": times, "others": sorted(constants)}])

    def split(df):
        return {"even": Rows(df[::2]), "odd": Rows(df[1::2])}

    def nothing(df):
        return None

    def wrong_type(df):
        return 42

    def missing_key(df):
        return df[0]["no_such_key"]
"""

SOURCE = {"landing/in.json": '[{"n": 1}, {"n": 2}, {"n": 3}]'}
FILES = {"steps.py": STEPS, **SOURCE}


def row(id_, function, inputs, outputs, **more):
    return {"transformation_id": id_, "function": function, "inputs": inputs, "outputs": outputs, **more}


def read(root, table):
    return json.loads((root / "data" / (table.replace(".", "/") + ".json")).read_text(encoding="utf-8"))


def statuses(result):
    return {one.transformation_id: one.status for one in result.transformations}


def test_rows_flow_from_layer_to_layer(make_project, manager):
    root = make_project(
        [
            row("clean", "good", ["bronze.in"], ["silver.clean"]),
            row("report", "count", ["silver.clean"], ["gold.report"], layer="Gold", constants={"a": 1}),
        ],
        ingestion=[{"ingestion_id": "ingest", "source_path": "landing/in.json", "target_table": "bronze.in"}],
        files=FILES,
    )

    result = run_project(root, manager=manager)

    assert result.status == "SUCCESS"
    assert result.layers_run == ("Bronze", "Silver", "Gold")
    assert read(root, "gold.report") == [{"rows": 3, "constants": {"a": 1}, "layer": "Gold"}]
    assert [(one.rows_read, one.rows_written) for one in result.transformations] == [(3, 3), (3, 3), (3, 1)]


def test_failure_skips_all_that_depends_on_it_and_nothing_else(make_project, manager):
    root = make_project(
        [
            row("broken", "bad", ["landing/in.json"], ["silver.a"]),
            row("near", "good", ["silver.a"], ["silver.b"]),
            row("far", "good", ["silver.b"], ["gold.c"], layer="Gold"),
            row("other", "good", ["landing/in.json"], ["silver.d"]),
            row("after-other", "good", ["silver.d"], ["gold.e"], layer="Gold"),
        ],
        files=FILES,
    )

    result = run_project(root, manager=manager, raise_on_failure=False)

    assert result.status == "FAILED"
    assert statuses(result) == {
        "broken": "FAILED",
        "near": "SKIPPED",
        "far": "SKIPPED",
        "other": "SUCCESS",
        "after-other": "SUCCESS",
    }
    by_id = {one.transformation_id: one for one in result.transformations}
    assert by_id["broken"].error == "ValueError: boom (steps.py:8)"
    assert by_id["near"].error == by_id["far"].error == "skipped: 'broken' failed"


def test_failed_run_raises_with_the_result(make_project, manager):
    root = make_project([row("broken", "bad", ["landing/in.json"], ["silver.a"])], files=FILES)

    with pytest.raises(RunFailed, match="broken: ValueError: boom") as caught:
        run_project(root, manager=manager)

    assert caught.value.result["status"] == "FAILED"
    assert caught.value.result["errors"][0]["transformation_id"] == "broken"


def test_later_step_waits_for_all_of_the_earlier_one_and_is_skipped_if_it_fails(make_project, manager):
    root = make_project(
        [
            row("second", "good", ["landing/in.json"], ["silver.b"], step=2),
            row("first", "bad", ["landing/in.json"], ["silver.a"], step=1),
        ],
        files=FILES,
    )

    result = run_project(root, manager=manager, raise_on_failure=False)

    assert statuses(result) == {"first": "FAILED", "second": "SKIPPED"}
    assert "step 1 of layer Silver did not succeed: 'first' failed" in result.transformations[1].error


def test_layer_that_depends_on_a_failed_layer_is_skipped(make_project, manager):
    root = make_project(
        [
            row("broken", "bad", ["landing/in.json"], ["silver.a"]),
            row("report", "good", ["landing/in.json"], ["gold.b"], layer="Gold"),
        ],
        manifest={"layers": {"Gold": {"name": "Gold", "description": "", "depends_on": ["Silver"]}}},
        files=FILES,
    )

    result = run_project(root, manager=manager, raise_on_failure=False)

    assert statuses(result) == {"broken": "FAILED", "report": "SKIPPED"}
    assert "layer Gold depends on layer Silver, in which 'broken' failed" in result.transformations[1].error


def test_inputs_bind_by_name_before_position(make_project, manager):
    root = make_project(
        [row("both", "both", ["landing/right.json", "landing/left.json"], ["silver.both"])],
        files={"steps.py": STEPS, "landing/left.json": '["l"]', "landing/right.json": '["r"]'},
    )

    run_project(root, manager=manager)

    assert read(root, "silver.both") == ["l", "r"]


def test_constants_expand_to_keywords_without_the_reserved_ones(make_project, manager):
    constants = {"times": 2, "x": 1, "engine": "rows"}
    root = make_project([row("t", "expanded", ["landing/in.json"], ["silver.t"], constants=constants)], files=FILES)

    run_project(root, manager=manager)

    assert read(root, "silver.t") == [{"times": 2, "others": ["x"]}]


def test_mapping_saves_several_outputs(make_project, manager):
    outputs = [{"table": "silver.even"}, {"table": "silver.numbers_odd", "name": "odd"}]
    root = make_project([row("split", "split", ["landing/in.json"], outputs)], files=FILES)

    result = run_project(root, manager=manager)

    assert read(root, "silver.even") == [{"n": 1}, {"n": 3}]
    assert read(root, "silver.numbers_odd") == [{"n": 2}]
    assert result.transformations[0].rows_written == 3


@pytest.mark.parametrize(
    ("function", "outputs", "message"),
    [
        pytest.param("nothing", ["silver.x"], "returned None, but the row has the output 'silver.x'", id="None"),
        pytest.param("good", [], "returned one frame, but the row has 0 outputs", id="no output"),
        pytest.param("good", ["silver.x", "silver.y"], "one frame, but the row has 2 outputs (x, y)", id="two outputs"),
        pytest.param(
            "wrong_type", ["silver.x"], "returned builtins.int, which is no frame of engine 'rows'", id="type"
        ),
        pytest.param("split", ["silver.even", "silver.z"], "none for the output 'silver.z'", id="missing name"),
        pytest.param("split", ["silver.even"], "frames for 'odd', which are no outputs of the row", id="extra name"),
        pytest.param("missing_key", ["silver.x"], "KeyError: 'no_such_key' (steps.py:", id="KeyError"),
    ],
)
def test_wrong_return_value_fails_the_transformation_and_writes_nothing(
    make_project, manager, function, outputs, message
):
    root = make_project([row("t", function, ["landing/in.json"], outputs)], files=FILES)

    result = run_project(root, manager=manager, raise_on_failure=False)

    assert result.status == "FAILED"
    assert message in result.transformations[0].error
    assert not (root / "data").exists()


def test_none_with_no_outputs_is_a_success(make_project, manager):
    root = make_project([row("t", "nothing", ["landing/in.json"], [])], files=FILES)

    assert run_project(root, manager=manager).status == "SUCCESS"


def test_v2_function_gets_its_own_arguments_and_does_its_own_saving(make_project, manager):
    functions = """
        import json

        def legacy(inputs, constants, outputs, env, context, **kwargs):
            with open(constants["path"], "w", encoding="utf-8") as file:
                json.dump([inputs, outputs, env, context.engine.value, sorted(kwargs)], file)
    """
    root = make_project(files={"steps.py": functions})
    told = root / "told.json"
    make_project(
        [row("t", "legacy", ["a.b", {"type": "odd"}], [{"table": "c.d"}], constants={"path": str(told)})],
        files={"steps.py": functions},
    )

    run_project(root, manager=manager)

    assert json.loads(told.read_text(encoding="utf-8")) == [
        ["a.b", {"type": "odd"}],
        [{"table": "c.d"}],
        "qat",
        "rows",
        [],
    ]


def test_mixed_engines_and_their_effective_engine_in_the_result(make_project, manager):
    root = make_project(
        [
            row("a", "good", ["landing/in.json"], ["silver.a"], constants={"engine": " Rows2 "}),
            row("b", "good", ["silver.a"], ["gold.b"], layer="Gold"),
        ],
        files=FILES,
    )

    result = run_project(root, manager=manager)

    assert [one.engine for one in result.transformations] == ["rows2", "rows"]
    assert result.engine == "rows"


def test_append_keeps_what_is_there(make_project, manager):
    output = {"table": "silver.log", "mode": "append"}
    root = make_project([row("t", "good", ["landing/in.json"], [output])], files=FILES)

    run_project(root, manager=manager)
    run_project(root, manager=manager)

    assert len(read(root, "silver.log")) == 6


def test_missing_input_fails_with_its_path(make_project, manager):
    root = make_project([row("t", "good", ["landing/none.json"], ["silver.x"])], files={"steps.py": STEPS})

    result = run_project(root, manager=manager, raise_on_failure=False)

    assert "'landing/none.json' is not there" in result.transformations[0].error
    assert any("input 'landing/none.json' is not there yet" in warning for warning in result.warnings)


def test_exit_in_a_function_is_a_failure_not_the_end_of_the_process(make_project, manager):
    functions = "def leave(df):\n    raise SystemExit('bye')\n"
    root = make_project([row("t", "leave", ["landing/in.json"], [])], files={"steps.py": functions, **SOURCE})

    result = run_project(root, manager=manager, raise_on_failure=False)

    assert result.transformations[0].error.startswith("SystemExit: bye")


def test_panic_of_a_library_is_a_failure_of_the_transformation_alone(make_project, manager):
    functions = """
        # As PyO3 makes it when a library is loaded: no Exception, and of a module that cannot be imported.
        PanicException = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})

        def panic(df):
            raise PanicException("index out of bounds: the len is 3 but the index is 3")

        def good(df):
            return df
    """
    rows = [row("bad", "panic", ["landing/in.json"], []), row("fine", "good", ["landing/in.json"], ["silver.fine"])]
    root = make_project(rows, files={"steps.py": functions, **SOURCE})

    result = run_project(root, manager=manager, raise_on_failure=False)

    bad, fine = result.transformations
    assert (bad.status, fine.status, result.status) == ("FAILED", "SUCCESS", "FAILED")
    assert "a library panicked, which is a bug in it: index out of bounds" in bad.error


def test_dry_run_runs_nothing(make_project, manager):
    root = make_project([row("t", "good", ["landing/in.json"], ["silver.x"])], files=FILES)

    result = run_project(root, manager=manager, dry_run=True)

    assert (result.status, result["transformation_count"]) == ("PLANNED", 1)
    assert not (root / ".odibi").exists()
    assert not (root / "data").exists()


def test_nothing_to_run_is_an_error_not_a_success(make_project, manager):
    root = make_project([row("t", "good", ["landing/in.json"], ["silver.x"], enabled=False)], files=FILES)

    with pytest.raises(ConfigError, match="Nothing to run: project 'Shop' has no enabled transformation"):
        run_project(root, manager=manager)


def test_empty_layer_is_a_warning_and_not_in_layers_run(make_project, manager):
    root = make_project([row("t", "good", ["landing/in.json"], ["silver.x"])], files=FILES)

    result = run_project(root, manager=manager)

    assert result.layers_run == ("Silver",)
    assert "layer Gold has no enabled transformation in qat" in result.warnings


def test_events_of_a_run_come_in_order(make_project, manager):
    root = make_project(
        [row("clean", "good", ["bronze.in"], ["silver.clean"])],
        ingestion=[{"ingestion_id": "ingest", "source_path": "landing/in.json", "target_table": "bronze.in"}],
        manifest={"layer_order": ["Bronze", "Silver"], "cache_plan": {"Silver": ["silver.clean"]}},
        files=FILES,
    )
    hooks, seen = HookManager(), []
    for event in [
        "orchestrator_run_start",
        "bronze_start",
        "bronze_end",
        "layer_start",
        "configs_loaded",
        "transform_start",
        "transform_success",
        "caching_start",
        "caching_end",
        "layer_end",
        "logs_persisted",
        "orchestrator_run_end",
    ]:
        hooks.register(event, lambda payload: seen.append(payload["event"]))

    run_project(root, manager=manager, hooks=hooks)

    assert seen == [
        "orchestrator_run_start",
        "bronze_start",
        "transform_start",
        "transform_success",
        "bronze_end",
        "layer_start",
        "configs_loaded",
        "transform_start",
        "transform_success",
        "caching_start",
        "caching_end",
        "layer_end",
        "logs_persisted",
        "orchestrator_run_end",
    ]


def test_verdict_of_a_callback_fails_the_transformation_once(make_project, manager):
    root = make_project([row("t", "good", ["landing/in.json"], ["silver.x"])], files=FILES)
    hooks, calls = HookManager(), []

    @hooks.on("pre_save", filters={"layer": "silver"})
    def check(payload):
        calls.append(len(payload["df"]))
        raise AssertionError("too few rows")

    result = run_project(root, manager=manager, hooks=hooks, raise_on_failure=False)

    assert calls == [3]
    assert result.transformations[0].error.startswith("AssertionError: too few rows")
    assert not (root / "data").exists()


def test_accident_of_a_callback_changes_nothing_and_is_counted(make_project, manager):
    root = make_project([row("t", "good", ["landing/in.json"], ["silver.x"])], files=FILES)
    hooks = HookManager()

    @hooks.on("transform_success")
    def broken(payload):
        raise RuntimeError("observer down")

    result = run_project(root, manager=manager, hooks=hooks)

    assert result.status == "SUCCESS"
    assert len(result.accidents) == 1
    assert "observer down" in result.accidents[0]


def test_project_with_a_quote_in_its_name_runs(make_project, manager):
    root = make_project([row("t", "good", ["landing/in.json"], ["silver.x"])], files=FILES, name="O'Brien")

    assert run_project(root, manager=manager).project == "O'Brien"


def test_cache_plan_of_the_argument_replaces_the_manifest_s_even_if_empty(make_project, manager):
    root = make_project(
        [row("t", "good", ["landing/in.json"], ["silver.x"])],
        manifest={"cache_plan": {"Silver": ["silver.x"]}},
        files=FILES,
    )
    hooks, seen = HookManager(), []
    hooks.register("caching_end", seen.append)

    run_project(root, manager=manager, hooks=hooks, cache_plan={})
    run_project(root, manager=manager, hooks=hooks)

    assert [(event["tables"], event["status"]) for event in seen] == [(("silver.x",), "success")]


def test_engine_without_a_cache_warns_and_goes_on(make_project, manager):
    root = make_project([row("t", "good", ["landing/in.json"], ["silver.x"])], files=FILES)

    result = run_project(root, manager=manager, engine="rows2", cache_plan={"silver": ["silver.x"]})

    assert result.status == "SUCCESS"
    assert any("engine 'rows2' does not cache tables" in warning for warning in result.warnings)


def test_run_hook_may_wrap_a_transformation(make_project, rows_engine):
    import types

    from odibi_core.loading import PluginManager, PluginSettings

    plugin = types.ModuleType("wrapping")
    seen = []

    @hookimpl(wrapper=True)
    def odibi_run_transformation(task):
        outcome = yield
        seen.append((task.transformation_id, task.attempt, outcome.rows_written))
        return outcome

    plugin.odibi_run_transformation = odibi_run_transformation
    manager = PluginManager(PluginSettings(discover=False))
    manager.register(rows_engine, name="rows-engine")
    manager.register(plugin, name="wrapping")
    root = make_project([row("t", "good", ["landing/in.json"], ["silver.x"])], files=FILES)

    run_project(root, manager=manager.freeze())

    assert seen == [("t", 1, 3)]


def test_auth_provider_is_asked_once_and_its_session_reaches_functions(make_project, manager):
    functions = "def told(spark, context):\n    assert (spark, context.sql_provider) == ('session', 'provider')\n"
    root = make_project([row("t", "told", [], [])], files={"steps.py": functions})
    asked = []

    def auth_provider(*, env, repo_path, logger_metadata):
        asked.append((env, logger_metadata["project"]))
        return {"spark": "session", "sql_provider": "provider"}

    run_project(root, manager=manager, auth_provider=auth_provider)

    assert asked == [("qat", "Shop")]


def test_result_shows_itself_as_text_html_and_json(make_project, manager):
    root = make_project([row("<t>", "good", ["landing/in.json"], ["silver.x"])], files=FILES)

    result = run_project(root, manager=manager)

    assert str(result).startswith("SUCCESS  Shop (qat, rows)")
    assert "<td>&lt;t&gt;</td>" in result._repr_html_()
    assert json.loads(json.dumps(result.to_dict()))["transformations"][0]["attempts"] == 1
    assert dict(result)["layers_executed"] == ["Silver"]


@pytest.mark.parametrize("max_workers", [0, -1, 1.5, True])
def test_senseless_max_workers_is_refused_before_anything_runs(make_project, manager, max_workers):
    root = make_project([row("t", "good", ["landing/in.json"], ["silver.x"])], files=FILES)

    with pytest.raises(ConfigError, match="max_workers"):
        run_project(root, manager=manager, max_workers=max_workers)

    assert not (root / ".odibi").exists()


class Keeper:
    """A sink without a path."""

    def __init__(self):
        self.records = []

    def write(self, records):
        self.records += records


def test_two_sinks_of_one_class_both_get_every_record(make_project, manager):
    root = make_project([row("t", "good", ["landing/in.json"], ["silver.x"])], files=FILES)
    sinks = [Keeper(), Keeper()]

    run_project(root, manager=manager, log_sink=sinks)

    assert [[record["status"] for record in sink.records] for sink in sinks] == [["RUNNING", "SUCCESS"]] * 2


def test_damaged_journal_of_an_earlier_run_does_not_keep_the_next_from_starting(make_project, manager, caplog):
    root = make_project([row("t", "good", ["landing/in.json"], ["silver.x"])], files=FILES)
    first = run_project(root, manager=manager)
    journal = root / ".odibi" / "runs" / f"{first.run_id}.jsonl"
    journal.write_bytes(b"garbage\n" + journal.read_bytes())
    journal.with_suffix(".open").touch()

    assert run_project(root, manager=manager).status == "SUCCESS"
    assert "earlier run could not be closed" in caplog.text
