"""What each plugin costs a run: noted at the end of its journal and in its result."""

from __future__ import annotations

import json
import threading
from importlib.resources import files
from types import SimpleNamespace

import pytest
from jsonschema import Draft202012Validator

from odibi_core.errors import HandOverTooLargeError
from odibi_core.events import Dispatcher, Observer
from odibi_core.loading import PluginManager, PluginRecord, PluginSettings
from odibi_core.plugin import LayerStart, hookimpl
from odibi_core.runlog import journal_path, read_end, read_journal
from odibi_core.running import run_project
from odibi_core.running.plugin_costs import Meter, PluginCosts

STEPS = (
    "from rows_engine import Rows\n\ndef copy(df):\n    return Rows(df)\n\ndef bad(df):\n    raise ValueError('no')\n"
)
RECORD = PluginRecord("watch", "acme-watch", "1.0", "acme_watch")


@hookimpl
def odibi_transform_start(event):
    pass


@hookimpl
def odibi_transform_success(event):
    raise RuntimeError("the audit is down")


@hookimpl
def odibi_configure(config):
    raise RuntimeError("no settings")


@pytest.fixture
def watched(rows_engine):
    """Make a manager with the engine of `rows_engine` and a plugin of these hooks, called ``watch``."""

    def make(*hooks):
        manager = PluginManager(PluginSettings(discover=False))
        manager.register(rows_engine, name="rows-engine")
        manager.register(SimpleNamespace(**{hook.__name__: hook for hook in hooks}), name="watch")
        return manager.freeze()

    return make


@pytest.fixture
def two_steps(make_project):
    """A project of two transformations, the second of which reads what the first writes."""

    def make(function="copy", **row):
        return make_project(
            [
                {"transformation_id": "one", "function": "copy", "inputs": ["in.json"], "outputs": ["silver.a"]},
                {
                    "transformation_id": "two",
                    "function": function,
                    "inputs": ["silver.a"],
                    "outputs": ["silver.b"],
                    **row,
                },
            ],
            files={"steps.py": STEPS, "in.json": '[{"n": 1}]'},
        )

    return make


def counted(costs):
    return {
        name: {kind: (part["calls"], part["errors"]) for kind, part in cost["parts"].items()}
        for name, cost in costs.items()
    }


def test_calls_and_errors_are_in_result_and_journal(two_steps, watched):
    root = two_steps()

    result = run_project(root, manager=watched(odibi_transform_start, odibi_transform_success))
    end = read_end(journal_path(root / ".odibi", result.run_id))

    assert result.status == "SUCCESS"
    assert end["plugin_costs"]["version"] == 1
    assert counted(end["plugin_costs"]["plugins"]) == {
        # Started once, and asked for the number of rows of two inputs.
        "rows-engine": {"engine": (3, 0), "readers": (2, 0), "savers": (2, 0)},
        "watch": {"hooks": (4, 2)},
    }
    assert end["plugin_costs"]["plugins"] == result.to_dict()["plugins"] == result["plugins"]
    assert result.plugins["watch"].errors == 2
    assert result.plugins["rows-engine"].seconds > 0


def test_configure_hooks_are_counted(two_steps, watched):
    result = run_project(two_steps(), manager=watched(odibi_configure))

    assert counted(result.to_dict()["plugins"])["watch"] == {"hooks": (1, 1)}


def test_plugin_that_was_not_called_is_not_listed(two_steps, watched):
    @hookimpl
    def odibi_transform_skipped(event):
        pass

    result = run_project(two_steps(), manager=watched(odibi_transform_skipped))

    assert "watch" not in result.plugins


def test_error_of_a_saver_is_its_plugins_error_and_that_of_a_function_is_nobodys(two_steps, watched):
    def run(**row):
        root = two_steps(**row)
        (root / "data" / "silver").mkdir(parents=True, exist_ok=True)
        (root / "data" / "silver" / "b.json").write_text("[]")
        result = run_project(root, manager=watched(), raise_on_failure=False)
        assert result.status == "FAILED"
        end = read_end(journal_path(root / ".odibi", result.run_id))
        return {kind: errors for kind, (_, errors) in counted(end["plugin_costs"]["plugins"])["rows-engine"].items()}

    assert run(outputs=[{"table": "silver.b", "mode": "error"}])["savers"] == 1
    assert sum(run(function="bad").values()) == 0


def test_engines_are_charged_with_handing_over(two_steps, watched):
    result = run_project(two_steps(constants={"engine": "rows2"}), manager=watched())

    # Two starts, two counts; the table is read as the other engine's own.
    assert result.plugins["rows-engine"].parts["engine"].calls == 4


def test_interrupted_run_says_what_it_cost_until_then(two_steps, watched):
    @hookimpl
    def odibi_transform_start(event):
        if event.transformation_id == "two":
            raise KeyboardInterrupt

    root = two_steps()
    with pytest.raises(KeyboardInterrupt):
        run_project(root, manager=watched(odibi_transform_start))

    (path,) = (root / ".odibi" / "runs").glob("*.jsonl")
    assert counted(read_end(path)["plugin_costs"]["plugins"])["watch"] == {"hooks": (2, 0)}


def test_end_fits_the_schema_in_the_package(two_steps, watched):
    text = files("odibi_core.runlog").joinpath("run-end.schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    Draft202012Validator.check_schema(schema)
    root = two_steps()
    result = run_project(root, manager=watched(odibi_transform_success))

    end = read_end(journal_path(root / ".odibi", result.run_id))

    Draft202012Validator(schema).validate(end)
    end["plugin_costs"]["plugins"]["watch"]["parts"]["magic"] = {}
    assert not Draft202012Validator(schema).is_valid(end)


def test_read_end_reads_the_last_line_of_long_and_open_journals(tmp_path):
    def end_of(text):
        path = tmp_path / "r1.jsonl"
        path.write_text(text)
        return read_end(path), read_journal(path).end

    header = '{"type":"run","schema":1,"run_id":"r1"}\n'
    end = '{"type":"end","status":"FAILED","error":"' + "x" * 600_000 + '"}\n'
    record = '{"type":"record","seq":1}\n'

    assert end_of(header + record + end)[0] == end_of(header + record + end)[1] is not None
    assert [end_of(text)[0] for text in ("", header, header + record, header + end[:-5])] == [None] * 4


def test_meter_adds_up_calls_of_many_threads():
    meter = Meter()
    timed = meter.timed(lambda: None)
    threads = [threading.Thread(target=lambda: [timed() for _ in range(3_000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (meter.read().calls, meter.read().errors) == (12_000, 0)


def test_meter_lets_results_and_errors_through_and_counts_those_of_the_plugin_alone():
    meter = Meter()

    def work(error):
        if error is not None:
            raise error
        return "done"

    assert meter.timed(work)(None) == "done"
    for error in (ValueError("x"), HandOverTooLargeError("the kernel refuses it"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            meter.timed(work)(error)
    assert (meter.read().calls, meter.read().errors) == (4, 1)


def test_measured_observers_keep_their_order_and_their_accidents():
    called = []

    def observe(event):
        called.append(event.layer)
        raise RuntimeError("down")

    costs = PluginCosts()
    observers = {"layer_start": (Observer("watch", "acme-watch", "odibi_layer_start", observe),)}
    dispatcher = Dispatcher(observers=costs.observers(observers, owners={"watch": RECORD}))
    dispatcher.dispatch(LayerStart(run_id="r", project="P", env="q", engine="e", layer="Gold"))

    assert called == ["Gold"]
    assert [(one.source, one.error) for one in dispatcher.accidents] == [("watch", "RuntimeError: down")]
    assert costs.read()["watch"].to_dict()["distribution"] == "acme-watch"
    assert costs.read()["watch"].errors == 1


def test_wrapper_of_transformations_is_counted_among_the_hooks(two_steps, watched):
    @hookimpl(wrapper=True)
    def odibi_run_transformation(task):
        outcome = yield
        if task.transformation_id == "two":
            raise RuntimeError("not this one")
        return outcome

    result = run_project(two_steps(), manager=watched(odibi_run_transformation), raise_on_failure=False)

    assert result.status == "FAILED"
    assert counted(result.to_dict()["plugins"])["watch"] == {"hooks": (2, 1)}
