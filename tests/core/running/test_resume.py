"""Going on with a run that failed or was killed."""

from __future__ import annotations

import json

import pytest

from odibi_core import HookManager, run_project
from odibi_core.errors import ConfigError, RunFailed, RunLogError, SelectionError
from odibi_core.runlog import Journal, RunIndex, new_run_id

STEPS = """
    import json
    from pathlib import Path

    from rows_engine import Rows

    HERE = Path(__file__).parent

    def called(name):
        with open(HERE / "calls.txt", "a") as file:
            file.write(name + "\\n")

    def good(df, *, name):
        called(name)
        return Rows(df)

    def plain(df, *, name):
        return Rows(df)

    def sometimes(df, *, name):
        called(name)
        if not (HERE / "repaired").exists():
            raise ValueError("boom")
        return Rows(df)

    def split(df, *, name):
        called(name)
        return {"first": Rows(df), "second": Rows(df)}

    def legacy(constants):
        called(constants["name"])
"""
SOURCE = '[{"n": 1}, {"n": 2}]'


def row(id_, function, inputs=("landing/in.json",), outputs=None, **more):
    outputs = [f"silver.{id_}"] if outputs is None else outputs
    constants = {"name": id_, **more.pop("constants", {})}
    return {
        "transformation_id": id_,
        "function": function,
        "inputs": list(inputs),
        "outputs": outputs,
        "constants": constants,
        **more,
    }


def appending(id_, *names):
    return [{"table": f"silver.{name}", "mode": "append"} for name in names or (id_,)]


@pytest.fixture
def make(make_project):
    """Write a project, or write its rows anew."""

    def write(rows, **more):
        return make_project(rows, files={"steps.py": STEPS, "landing/in.json": SOURCE}, **more)

    return write


@pytest.fixture
def calls():
    """The names of the transformations whose functions were called since this was asked last."""

    def take(root):
        path = root / "calls.txt"
        names = path.read_text().split() if path.exists() else []
        path.write_text("")
        return names

    return take


def read(root, table):
    return json.loads((root / "data" / (table.replace(".", "/") + ".json")).read_text(encoding="utf-8"))


def statuses(result):
    return {one.transformation_id: one.status for one in result.transformations}


def reasons(result):
    return {one.transformation_id: one.reason for one in result.transformations}


def fail(root, manager, **arguments):
    result = run_project(root, manager=manager, raise_on_failure=False, **arguments)
    assert result.status == "FAILED"
    return result


CHAIN = [
    row("first", "good"),
    row("second", "sometimes", ["silver.first"]),
    row("third", "good", ["silver.second"]),
    row("other", "good"),
]


# --- what failed ---


def test_what_succeeded_is_not_run_again_and_the_rest_is(make, manager, calls):
    root = make(CHAIN)
    failed = fail(root, manager)
    calls(root)
    (root / "repaired").touch()

    result = run_project(root, manager=manager, resume=True)

    assert result.status == "SUCCESS"
    assert statuses(result) == {"first": "REUSED", "second": "SUCCESS", "third": "SUCCESS", "other": "REUSED"}
    assert sorted(calls(root)) == ["second", "third"]
    assert reasons(result) == {
        "first": f"succeeded in run {failed.run_id}",
        "second": f"runs: failed in run {failed.run_id}",
        "third": "runs: 'second' runs again",
        "other": f"succeeded in run {failed.run_id}",
    }
    assert [one.error for one in result.transformations] == [None] * 4


def test_resumed_run_is_a_run_of_its_own_that_names_the_other(make, manager, journals):
    root = make(CHAIN)
    failed = fail(root, manager)
    (root / "repaired").touch()

    result = run_project(root, manager=manager, resume=failed.run_id)

    assert result.run_id != failed.run_id
    header = journals(root)[1].header
    assert header["resumes"] == failed.run_id
    assert RunIndex(root / ".odibi").run(result.run_id).resumes == failed.run_id


def test_reused_transformation_has_one_record_and_counts_as_a_success(make, manager, journals):
    root = make([*CHAIN, row("report", "good", ["silver.first"], ["gold.report"], layer="Gold")])
    fail(root, manager)
    (root / "repaired").touch()
    hooks, events = HookManager(), []
    for event in ("layer_end", "transform_start", "transform_skipped", "orchestrator_run_end"):
        hooks.register(event, lambda payload, event=event: events.append((event, dict(payload))))

    result = run_project(root, manager=manager, resume=True, hooks=hooks)

    records = [one for one in journals(root)[1].records if one["transformation_id"] == "first"]
    assert [(one["status"], one["attempt"]) for one in records] == [("REUSED", 1)]
    ends = {payload["layer"]: payload for event, payload in events if event == "layer_end"}
    assert (ends["Silver"]["status"], ends["Silver"]["succeeded"], ends["Silver"]["skipped"]) == ("success", 4, 0)
    assert ends["Gold"]["status"] == "success"
    assert {payload["transformation_id"] for event, payload in events if event == "transform_start"} == {
        "second",
        "third",
    }
    reused = [payload for event, payload in events if event == "transform_skipped"]
    assert {one["transformation_id"]: one["is_reused"] for one in reused} == {
        "first": True,
        "other": True,
        "report": True,
    }
    assert result.count("REUSED") == 3
    assert result.layers_run == ("Silver",)
    assert "2 SUCCESS, 3 REUSED" in str(result)
    assert next(one for one in result.to_dict()["transformations"] if one["transformation_id"] == "first")[
        "reason"
    ].startswith("succeeded in run ")


def test_failing_again_can_be_resumed_again(make, manager, calls):
    root = make(CHAIN)
    first = fail(root, manager)
    again = fail(root, manager, resume=True)
    assert statuses(again) == {"first": "REUSED", "second": "FAILED", "third": "SKIPPED", "other": "REUSED"}
    calls(root)
    (root / "repaired").touch()

    result = run_project(root, manager=manager, resume=True)

    assert sorted(calls(root)) == ["second", "third"]
    assert reasons(result)["first"] == f"succeeded in run {first.run_id}"
    assert reasons(result)["second"] == f"runs: failed in run {again.run_id}"


def test_dry_run_says_what_would_be_done(make, manager, calls):
    root = make(CHAIN)
    failed = fail(root, manager)
    calls(root)
    before = sorted(root.rglob("*"))

    result = run_project(root, manager=manager, resume=True, dry_run=True)

    assert result.status == "PLANNED"
    assert statuses(result) == {"first": "REUSED", "second": "PLANNED", "third": "PLANNED", "other": "REUSED"}
    assert reasons(result)["second"] == f"runs: failed in run {failed.run_id}"
    assert calls(root) == []
    assert [path for path in sorted(root.rglob("*")) if path.name != "index.sqlite3"] == before


# --- what has changed since ---


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"constants": {"name": "another name"}}, id="constants"),
        pytest.param({"function": "plain"}, id="function"),
        pytest.param({"inputs": ["landing/other.json"]}, id="inputs"),
        pytest.param({"outputs": [{"table": "silver.first", "mode": "error"}]}, id="mode of an output"),
    ],
)
def test_row_that_has_changed_runs_again_and_all_that_follows(make, manager, change):
    root = make(CHAIN)
    failed = fail(root, manager)
    (root / "repaired").touch()
    (root / "data/silver/first.json").unlink()
    make([{**CHAIN[0], **change}, *CHAIN[1:]])
    (root / "landing/other.json").write_text("[]")

    result = run_project(root, manager=manager, resume=True)

    assert statuses(result) == {"first": "SUCCESS", "second": "SUCCESS", "third": "SUCCESS", "other": "REUSED"}
    assert reasons(result)["first"] == f"runs: its row has changed since run {failed.run_id}"


@pytest.mark.parametrize("change", [{"tags": ["nightly"]}, {"description": "x"}, {"entity_1": "plant"}])
def test_change_that_makes_no_difference_to_the_output_does_not_count(make, manager, change):
    root = make(CHAIN)
    fail(root, manager)
    (root / "repaired").touch()
    make([{**CHAIN[0], **change}, *CHAIN[1:]])

    assert statuses(run_project(root, manager=manager, resume=True))["first"] == "REUSED"


def test_other_engine_runs_again(make, manager):
    root = make(CHAIN)
    fail(root, manager)
    (root / "repaired").touch()

    result = run_project(root, manager=manager, resume=True, engine="rows2")

    assert set(statuses(result).values()) == {"SUCCESS"}


def test_output_that_is_gone_is_made_again(make, manager):
    root = make([*CHAIN, row("reader", "good", ["silver.other"])])
    fail(root, manager)
    (root / "repaired").touch()
    (root / "data/silver/other.json").unlink()

    result = run_project(root, manager=manager, resume=True)

    assert statuses(result)["first"] == "REUSED"
    assert (statuses(result)["other"], statuses(result)["reader"]) == ("SUCCESS", "SUCCESS")
    assert reasons(result)["other"] == "runs: its output 'silver.other' is not there any more"


def test_new_row_runs_and_row_that_is_gone_does_not_matter(make, manager):
    root = make(CHAIN)
    failed = fail(root, manager)
    make([CHAIN[0], row("new", "good", ["silver.first"])])

    result = run_project(root, manager=manager, resume=failed.run_id)

    assert statuses(result) == {"first": "REUSED", "new": "SUCCESS"}
    assert reasons(result)["new"] == f"runs: is not in run {failed.run_id}"


def test_dependency_that_stands_further_down_is_decided_first(make, manager):
    rows = [
        row("reads", "good", ["silver.made"], ["silver.read"]),
        row("made", "sometimes"),
        row("bad", "sometimes", outputs=["silver.bad"]),
    ]
    root = make(rows)
    fail(root, manager)
    (root / "repaired").touch()

    result = run_project(root, manager=manager, resume=True)

    assert statuses(result)["reads"] == "SUCCESS"
    assert reasons(result)["reads"] == "runs: 'made' runs again"


# --- which run ---


def test_layers_selection_and_engine_are_those_of_the_resumed_run(make, manager):
    root = make([*CHAIN, row("report", "good", ["silver.first"], ["gold.report"], layer="Gold")])
    failed = fail(root, manager, target_layers=["silver"], selected=["first", "second"], engine="rows2")
    (root / "repaired").touch()

    result = run_project(root, manager=manager, resume=failed.run_id)

    assert statuses(result) == {"first": "REUSED", "second": "SUCCESS"}
    assert result.engine == "rows2"


def test_own_selection_holds_instead(make, manager):
    root = make(CHAIN)
    failed = fail(root, manager, selected=["first", "second"])

    result = run_project(root, manager=manager, resume=failed.run_id, selected=["first", "other"])

    assert statuses(result) == {"first": "REUSED", "other": "SUCCESS"}


def test_environment_is_that_of_the_resumed_run(make, manager):
    root = make(CHAIN)
    failed = fail(root, manager, env="prod")
    (root / "repaired").touch()

    assert run_project(root, manager=manager, resume=failed.run_id).env == "prod"


def test_run_of_another_environment_is_refused(make, manager):
    root = make(CHAIN)
    failed = fail(root, manager, env="prod")

    with pytest.raises(SelectionError, match="was in environment 'prod' and can be resumed there only, not in 'qat'"):
        run_project(root, "qat", manager=manager, resume=failed.run_id)


def test_without_an_id_only_runs_of_the_environment_count(make, manager):
    root = make(CHAIN)
    fail(root, manager, env="prod")

    with pytest.raises(ConfigError, match=r"nothing to resume: Shop has never run in qat\. Start with: odibi run"):
        run_project(root, manager=manager, resume=True)


def test_after_a_success_there_is_nothing_to_resume(make, manager):
    root = make(CHAIN)
    fail(root, manager)
    (root / "repaired").touch()
    done = run_project(root, manager=manager)

    with pytest.raises(ConfigError, match=f"nothing to resume: .* the last of it by run {done.run_id}"):
        run_project(root, manager=manager, resume=True)
    with pytest.raises(ConfigError, match=f"Run {done.run_id} ended SUCCESS: there is nothing to resume"):
        run_project(root, manager=manager, resume=done.run_id)


def test_run_that_is_not_there_is_an_error(make, manager):
    root = make(CHAIN)
    fail(root, manager)

    with pytest.raises(SelectionError, match="Run 'nope' not found among 1 run"):
        run_project(root, manager=manager, resume="nope")


def test_run_that_still_goes_on_is_not_resumed(make, manager):
    root = make(CHAIN)
    living = Journal.create(
        root / ".odibi",
        run_id=new_run_id(),
        project="Shop",
        env="qat",
        engine="rows",
        layers=[],
        plugins={},
    )

    for resume in (True, living.run_id):
        with pytest.raises(ConfigError, match=rf"Run {living.run_id} is still going on \(process \d+ on "):
            run_project(root, manager=manager, resume=resume)
    living.close("ABORTED", duration_seconds=0.0)


def test_part_of_an_id_is_enough(make, manager):
    root = make(CHAIN)
    failed = fail(root, manager)
    (root / "repaired").touch()

    assert run_project(root, manager=manager, resume=failed.run_id[-8:]).status == "SUCCESS"


def test_what_a_later_run_has_done_is_not_done_again(make, manager, calls):
    root = make(CHAIN)
    fail(root, manager)
    (root / "repaired").touch()
    later = run_project(root, manager=manager, selected=["second"])
    calls(root)

    result = run_project(root, manager=manager, resume=True)

    assert calls(root) == ["third"]
    assert reasons(result)["second"] == f"succeeded in run {later.run_id}"
    with pytest.raises(ConfigError, match="nothing to resume"):
        run_project(root, manager=manager, resume=True)


def test_failed_run_of_which_all_has_been_done_since_is_not_resumed(make, manager):
    root = make(CHAIN)
    fail(root, manager)
    fail(root, manager, selected=["other", "second"])
    (root / "repaired").touch()
    run_project(root, manager=manager, selected=["second"])

    result = run_project(root, manager=manager, resume=True)

    assert statuses(result) == {"first": "REUSED", "second": "REUSED", "third": "SUCCESS", "other": "REUSED"}


def test_what_a_later_run_made_anew_is_read_again(make, manager):
    root = make(CHAIN)
    failed = fail(root, manager)
    later = run_project(root, manager=manager, selected=["first"])
    (root / "repaired").touch()
    make([*CHAIN, row("reader", "good", ["silver.first"])])
    run_project(root, manager=manager, selected=["reader"])
    run_project(root, manager=manager, selected=["first"])

    result = run_project(root, manager=manager, resume=failed.run_id)

    assert statuses(result)["first"] == "REUSED"
    assert statuses(result)["reader"] == "SUCCESS"
    assert reasons(result)["reader"].startswith("runs: 'first' ran again in run ")
    assert later.run_id not in reasons(result)["reader"]


def test_what_failed_in_a_later_run_runs_again(make, manager):
    root = make(CHAIN)
    failed = fail(root, manager)
    (root / "landing/in.json").write_text("no json")
    fail(root, manager, selected=["other"])
    (root / "landing/in.json").write_text(SOURCE)
    (root / "repaired").touch()

    assert statuses(run_project(root, manager=manager, resume=failed.run_id))["other"] == "SUCCESS"


# --- v2-style functions ---


def test_v2_function_is_reused_if_it_succeeded(make, manager, calls):
    root = make([row("legacy", "legacy", outputs=["silver.elsewhere"]), *CHAIN])
    fail(root, manager)
    calls(root)
    (root / "repaired").touch()

    result = run_project(root, manager=manager, resume=True)

    assert statuses(result)["legacy"] == "REUSED"
    assert "legacy" not in calls(root)


def test_v2_function_without_inputs_may_read_whatever_runs_before_it(make, manager, calls):
    root = make([*CHAIN, row("legacy", "legacy", [], [], layer="Gold"), row("managed", "good", layer="Gold")])
    fail(root, manager)
    calls(root)
    (root / "repaired").touch()

    result = run_project(root, manager=manager, resume=True)

    assert statuses(result)["legacy"] == "SUCCESS"
    assert reasons(result)["legacy"] == "runs: 'second' runs again"
    assert statuses(result)["managed"] == "REUSED"


# --- appends of runs that failed ---


def test_output_that_was_appended_before_another_failed_is_not_appended_again(make, manager, rows_engine, monkeypatch):
    root = make([row("t", "split", outputs=appending("t", "first", "second"))])
    save = rows_engine.JsonSaver.save

    def full(self, frame, dataset):
        if dataset.name == "silver.second":
            raise OSError("no space left")
        return save(self, frame, dataset)

    with monkeypatch.context() as patched:
        patched.setattr(rows_engine.JsonSaver, "save", full)
        failed = fail(root, manager)

    result = run_project(root, manager=manager, resume=True)

    assert read(root, "silver.first") == read(root, "silver.second") == [{"n": 1}, {"n": 2}]
    assert result.transformations[0].rows_written == 2
    assert reasons(result)["t"] == f"runs: failed in run {failed.run_id}, which had saved 'silver.first' already"


def test_output_that_somebody_repaired_by_hand_is_still_appended_to(make, manager):
    root = make([row("t", "good", outputs=appending("t"))])
    (root / "data/silver").mkdir(parents=True)
    (root / "data/silver/t.json").write_text("damaged")
    fail(root, manager)
    (root / "data/silver/t.json").write_text('[{"n": 0}]')

    run_project(root, manager=manager, resume=True)

    assert read(root, "silver.t") == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_append_of_which_the_run_log_could_not_note_the_end_is_not_repeated(make, manager, monkeypatch):
    root = make([row("t", "good", outputs=appending("t"))])
    note = Journal.note

    def full(self, kind, /, **content):
        if kind == "saved":
            raise RunLogError("no space left")
        note(self, kind, **content)

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "note", full)
        fail(root, manager)

    result = run_project(root, manager=manager, resume=True)

    assert read(root, "silver.t") == [{"n": 1}, {"n": 2}]
    assert "which had saved 'silver.t' already" in reasons(result)["t"]


def test_append_that_happens_once_more_is_a_warning(make, manager):
    rows = [
        row("first", "good"),
        row("adds", "good", ["silver.first"], appending("adds")),
        row("bad", "sometimes"),
    ]
    root = make(rows)
    failed = fail(root, manager)
    (root / "repaired").touch()
    (root / "data/silver/first.json").unlink()

    result = run_project(root, manager=manager, resume=True)

    assert len(read(root, "silver.adds")) == 4
    why = f"'adds' appends to 'silver.adds' once more, as it did in run {failed.run_id}, because 'first' runs again"
    assert why in result.warnings


def test_verdict_after_an_append_does_not_make_it_happen_twice(make, manager):
    root = make([row("t", "good", outputs=appending("t"))])
    hooks = HookManager()

    @hooks.on("transform_success")
    def too_few(payload):
        raise AssertionError("too few rows")

    with pytest.raises(RunFailed):
        run_project(root, manager=manager, hooks=hooks)

    assert run_project(root, manager=manager, resume=True).status == "SUCCESS"
    assert read(root, "silver.t") == [{"n": 1}, {"n": 2}]
