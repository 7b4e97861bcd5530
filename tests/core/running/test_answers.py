"""How a project has fared, asked in the short forms and in the predecessor's; and what failed, run again."""

from __future__ import annotations

import json

import pytest

import odibi_core
from odibi_core import (
    get_failed_transformations,
    get_layer_summary,
    get_project_status,
    retry_failed_transformations,
    run_project,
)
from odibi_core.errors import ConfigError, ProjectNotFoundError, RunLogError, SelectionError
from odibi_core.project import Project
from odibi_core.runlog import RunIndex, index_store

STEPS = """
    from pathlib import Path
    from rows_engine import Rows

    def good(df):
        return Rows(df)

    def fragile(df):
        if not Path(__file__).with_name("mended").exists():
            raise ValueError("boom")
        return Rows(df)
"""
ROWS = [
    {"transformation_id": "b1", "layer": "Bronze", "function": "good", "inputs": ["in.json"], "outputs": ["bronze.b1"]},
    {
        "transformation_id": "s1",
        "layer": "Silver",
        "function": "good",
        "inputs": ["bronze.b1"],
        "outputs": ["silver.s1"],
    },
    {
        "transformation_id": "s2",
        "layer": "Silver",
        "function": "fragile",
        "inputs": ["bronze.b1"],
        "outputs": ["silver.s2"],
    },
    {
        "transformation_id": "s3",
        "layer": "Silver",
        "function": "good",
        "inputs": ["silver.s2"],
        "outputs": ["silver.s3"],
    },
    {
        "transformation_id": "s4",
        "layer": "Silver",
        "function": "good",
        "inputs": ["bronze.b1"],
        "outputs": ["silver.s4"],
        "enabled": False,
    },
]


class Shelf:
    """A log sink that can be read back, with nothing in it but two methods."""

    def __init__(self):
        self.records = []

    def write(self, records):
        self.records.extend(records)

    def read_records(self, *, project=None, since=None):
        return self.records


@pytest.fixture
def shop(make_project, manager, monkeypatch):
    """A project that ran twice: one transformation fails, and one is skipped because of it."""
    root = make_project(ROWS, name="Corner Shop", functions={"steps.py": STEPS}, files={"in.json": '[{"n": 1}]'})
    monkeypatch.chdir(root)
    shelf = Shelf()
    for _ in range(2):
        run_project(root, manager=manager, log_sink=shelf, raise_on_failure=False)
    return root, shelf


@pytest.fixture
def perfect(make_project, manager, monkeypatch):
    """A project with four transformations that all succeeded."""
    rows = [{**ROWS[0], "transformation_id": f"b{n}", "outputs": [f"bronze.b{n}"]} for n in range(4)]
    root = make_project(rows, functions={"steps.py": STEPS}, files={"in.json": '[{"n": 1}]'})
    monkeypatch.chdir(root)
    run_project(root, manager=manager)
    return root


def test_each_execution_counts_once(perfect):
    """A-93: 4 successes are 4 and "100.0%", not 8 and 50 %."""
    status = get_project_status("Shop", "qat")
    assert (status["total_runs"], status["success_count"], status["success_rate"]) == (4, 4, "100.0%")


FIGURES = {"total_runs": 6, "success_count": 4, "failed_count": 2, "success_rate": "66.7%"}
PROVIDER, SESSION = object(), object()


@pytest.mark.parametrize(
    ("args", "named"),
    [
        pytest.param((), {}, id="the working folder's"),
        pytest.param(("Corner Shop", "qat"), {}, id="short"),
        pytest.param(("corner shop", "QAT", 24), {}, id="any case"),
        pytest.param(("Corner Shop",), {"env": "qat", "hours": 24}, id="short, named"),
        pytest.param((PROVIDER, SESSION, "Corner Shop", "qat", 24), {}, id="the predecessor's"),
        pytest.param((None, None, "Corner Shop", "qat"), {}, id="the predecessor's, with neither"),
        pytest.param((None, SESSION), {"project": "Corner Shop"}, id="the predecessor's, half named"),
        pytest.param((), {"sql_provider": PROVIDER, "spark": SESSION, "project": "Corner Shop"}, id="all named"),
    ],
)
def test_both_forms_are_understood(shop, args, named):
    """A-97: short forms next to long ones."""
    status = get_project_status(*args, **named)
    assert {name: status[name] for name in FIGURES} == FIGURES
    assert (status["project"], status["environment"], status["period_hours"]) == ("Corner Shop", "qat", 24)
    assert len(get_failed_transformations(*args, **named)) == 2


def test_a_layer_by_itself_is_a_dictionary(shop):
    """A-97: the figures of one layer can be picked out."""
    summary = get_layer_summary("Corner Shop", "qat", "silver")
    assert summary["success_count"] == 2
    assert summary == get_layer_summary(None, None, "Corner Shop", "qat", "Silver")
    assert {name: summary[name] for name in ("layer", "config_count", "enabled_count", "disabled_count")} == {
        "layer": "Silver",
        "config_count": 4,
        "enabled_count": 3,
        "disabled_count": 1,
    }


def test_all_layers_come_in_their_order_with_what_is_configured(shop):
    summaries = get_layer_summary(PROVIDER, SESSION, "Corner Shop", "qat")
    assert [(one["layer"], one["config_count"], one["total_runs"], one["skipped_count"]) for one in summaries] == [
        ("Bronze", 1, 2, 0),
        ("Silver", 4, 4, 2),
        ("Gold", 0, 0, 0),
    ]
    assert summaries[2]["success_rate"] == "N/A"


@pytest.mark.parametrize("question", [get_layer_summary, retry_failed_transformations])
def test_an_unknown_layer_is_not_one_without_runs_or_failures(shop, question):
    with pytest.raises(SelectionError, match=r"Layer 'Slver' is not one of .*Did you mean 'Silver'"):
        question("Corner Shop", "qat", "Slver")


def test_failures_are_listed_with_what_v2_listed(shop):
    newest, oldest = get_failed_transformations("Corner Shop", "qat", 12)
    assert newest["transformation_id"] == oldest["transformation_id"] == "s2"
    assert newest["start_time"] > oldest["start_time"]
    assert newest["error_message"] == "ValueError: boom (steps.py:10)"
    assert {"end_time", "duration_seconds", "run_id", "layer", "status"} <= set(newest)


QUESTIONS = [get_project_status, get_layer_summary, get_failed_transformations, retry_failed_transformations]


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_run_log_that_cannot_be_read_is_an_error(shop, question):
    """A-94: never "no failures"."""
    root, _ = shop
    journal = min((root / ".odibi" / "runs").glob("*.jsonl"))
    journal.write_bytes(journal.read_bytes().replace(b'"seq":1', b'"sec":1'))
    with pytest.raises(RunLogError, match="damaged"):
        question("Corner Shop", "qat")


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_unknown_project_or_environment_is_an_error(shop, question):
    with pytest.raises(ProjectNotFoundError, match="Corner Ship"):
        question("Corner Ship", "qat")
    with pytest.raises(SelectionError, match="Environment 'qut'"):
        question("Corner Shop", "qut")


@pytest.mark.parametrize("hours", [0, -1, "24", True, float("nan"), float("inf")])
def test_hours_that_make_no_sense_are_refused(shop, hours):
    with pytest.raises(ConfigError, match="hours is"):
        get_project_status("Corner Shop", "qat", hours)


def test_arguments_that_are_too_many_or_come_twice_are_refused(shop):
    with pytest.raises(TypeError, match="at most 3 positional arguments: project, env, hours"):
        get_project_status("Corner Shop", "qat", 24, 7)
    with pytest.raises(TypeError, match="'env' by position and by name"):
        get_project_status("Corner Shop", "qat", env="prod")


def test_a_project_that_never_ran_has_no_figures_and_no_failures(make_project, monkeypatch):
    root = make_project(ROWS, functions={"steps.py": STEPS})
    monkeypatch.chdir(root)
    assert get_project_status("Shop", "qat")["success_rate"] == "N/A"
    assert get_failed_transformations("Shop", "qat") == []
    assert retry_failed_transformations("Shop", "qat")["message"].startswith("Nothing failed")


# --- from a log sink that can be read back ---


def test_a_sink_gives_the_same_answers_as_the_run_log(shop):
    _, shelf = shop
    shelf.records.reverse()
    shelf.records.sort(key=lambda record: record["seq"])  # runs mixed
    for question in QUESTIONS[:3]:
        assert question("Corner Shop", "qat", source=shelf) == question("Corner Shop", "qat")


def test_a_sink_answers_for_a_project_that_is_not_on_this_machine(shop, tmp_path, monkeypatch):
    _, shelf = shop
    monkeypatch.chdir(tmp_path.parent)
    assert get_project_status("CORNER SHOP", "qat", source=shelf)["success_count"] == 4
    assert get_layer_summary("Corner Shop", "qat", "silver", source=shelf)["config_count"] is None
    with pytest.raises(ProjectNotFoundError):
        get_project_status("Corner Shop", source=shelf)


@pytest.mark.parametrize("question", [get_project_status, get_layer_summary, get_failed_transformations])
def test_a_name_that_neither_this_machine_nor_the_sink_knows_is_an_error(shop, tmp_path, monkeypatch, question):
    """Whoever mistypes a name must not read that nothing failed."""
    _, shelf = shop
    monkeypatch.chdir(tmp_path.parent)
    with pytest.raises(ProjectNotFoundError, match="not on this machine, and the log sink Shelf has no record of it"):
        question("Cornr Shop", "qat", source=shelf)
    with pytest.raises(SelectionError, match=r"has no record of it\. It has: qat\. Did you mean 'qat'\?"):
        question("Corner Shop", "qut", source=shelf)


def test_records_of_v2_count_once_too():
    from datetime import UTC, datetime, timedelta

    shelf = Shelf()
    begin = datetime.now(UTC) - timedelta(hours=1)
    for number, end in enumerate(("SUCCESS", "FAILED")):
        for status in ("RUNNING", end):
            shelf.write(
                [
                    {
                        "transformation_id": f"t{number}",
                        "project": "Old",
                        "env": "qat",
                        "status": status,
                        "start_time": begin,
                        "duration_seconds": 2.0,
                    }
                ]
            )
    status = get_project_status("Old", "qat", source=shelf)
    assert (status["total_runs"], status["success_count"], status["failed_count"]) == (2, 1, 1)


def test_a_sink_that_cannot_be_read_says_so(shop):
    class Broken(Shelf):
        def read_records(self, *, project=None, since=None):
            raise OSError("gone: postgresql://etl:s3cret@db/dw")

    class BrokenHalfway(Shelf):
        def read_records(self, *, project=None, since=None):
            yield shop[1].records[0]
            raise ValueError("row 2 is damaged")

    with pytest.raises(
        RunLogError, match=r"The log sink Broken cannot be read: OSError: gone: postgresql://etl:\*\*\*@db"
    ):
        get_failed_transformations("Corner Shop", "qat", source=Broken())
    with pytest.raises(RunLogError, match="row 2 is damaged"):
        get_failed_transformations("Corner Shop", "qat", source=BrokenHalfway())


def test_a_sink_that_has_only_write_is_refused_with_what_can_be_used(shop):
    class Writer:
        def write(self, records):
            pass

    with pytest.raises(ConfigError, match=r"Writer cannot be read back.*'file', 'sql' and 'delta'"):
        get_project_status("Corner Shop", "qat", source=Writer())


def test_a_sink_of_the_manifest_can_be_named(shop):
    with pytest.raises(ConfigError, match=r"names no log sink of type 'delta'\. There are: none"):
        get_project_status("Corner Shop", "qat", source="delta")


# --- retrying ---


def outcomes(root):
    index = RunIndex(root / ".odibi")
    return {one["transformation_id"]: one["status"] for one in index.transformations(index.run().run_id)}


def test_by_default_it_only_says_what_would_run(shop):
    root, _ = shop
    answer = retry_failed_transformations(PROVIDER, SESSION, "Corner Shop", "qat", "Silver", 24)
    assert {name: answer[name] for name in ("failed_count", "failed_ids", "dry_run", "layer")} == {
        "failed_count": 1,
        "failed_ids": ["s2"],
        "dry_run": True,
        "layer": "Silver",
    }
    assert "dry_run=False" in answer["message"]
    assert len(RunIndex(root / ".odibi").runs()) == 2


def test_exactly_what_failed_is_run_again(shop, manager):
    """A-95: re-runs exactly the failed ids and reports results."""
    root, _ = shop
    (root / "mended").touch()
    answer = retry_failed_transformations("Corner Shop", "qat", dry_run=False, manager=manager)
    assert (answer["status"], answer["retry_count"], answer["message"]) == ("SUCCESS", 1, "1 of 1 succeeded.")
    assert [one["transformation_id"] for one in answer["transformations"]] == ["s2"]
    assert "error" not in answer
    assert outcomes(root) == {"s2": "SUCCESS"}
    assert json.dumps(answer)
    again = retry_failed_transformations("Corner Shop", "qat", dry_run=False, manager=manager)
    assert (again["failed_count"], again["failed_ids"]) == (0, [])
    assert again["message"] == "All that failed in the last 24 hours has succeeded since."


def test_what_fails_again_is_said(shop, manager):
    answer = retry_failed_transformations("Corner Shop", "qat", dry_run=False, manager=manager)
    assert (answer["status"], answer["message"]) == ("FAILED", "0 of 1 succeeded.")
    assert answer["error"] == "s2: ValueError: boom (steps.py:10)"


def test_only_one_layer_if_one_is_named(shop, manager):
    assert retry_failed_transformations("Corner Shop", "qat", "bronze")["failed_ids"] == []
    assert retry_failed_transformations("Corner Shop", "qat", "SILVER")["failed_ids"] == ["s2"]


def test_what_is_not_in_the_project_any_more_is_named_and_left_out(shop, manager):
    root, _ = shop
    path = root / "config" / "transformations.json"
    rows = [row for row in json.loads(path.read_text()) if row["transformation_id"] not in ("s2", "s3")]
    path.write_text(json.dumps(rows))
    answer = retry_failed_transformations("Corner Shop", "qat", dry_run=False, manager=manager)
    assert answer["failed_ids"] == []
    assert "Not in the project any more, or disabled: s2." in answer["message"]


def test_failures_of_several_runs_are_retried_run_by_run(make_project, manager, monkeypatch):
    rows = [
        {**ROWS[0], "transformation_id": name, "function": "fragile", "outputs": [f"bronze.{name}"]} for name in "ab"
    ]
    root = make_project(rows, functions={"steps.py": STEPS}, files={"in.json": '[{"n": 1}]'})
    monkeypatch.chdir(root)
    for name in "ab":
        run_project(root, manager=manager, selected=[name], raise_on_failure=False)
    (root / "mended").touch()
    answer = retry_failed_transformations("Shop", "qat", dry_run=False, manager=manager)
    assert (answer["failed_ids"], answer["retry_count"], len(answer["run_ids"])) == (["a", "b"], 2, 2)
    assert answer["status"] == "SUCCESS"


def test_a_retry_asks_the_run_log_as_often_however_many_runs_there_were(shop, manager, monkeypatch):
    """Each question looks at each journal; one about each run took a minute after 2,000 of them."""
    root, _ = shop
    look, looked = index_store._size_and_time, []
    monkeypatch.setattr(index_store, "_size_and_time", lambda journal: [look(journal), looked.append(journal)][0])

    def looks_per_run():
        looked.clear()
        assert retry_failed_transformations("Corner Shop", "qat")["failed_ids"] == ["s2"]
        retry_failed_transformations("Corner Shop", "qat")
        return len(looked) / len(RunIndex(root / ".odibi").runs())

    before = looks_per_run()
    for _ in range(4):
        run_project(root, manager=manager, selected=["s2"], raise_on_failure=False)

    assert looks_per_run() <= before + 1


def test_a_project_object_is_a_project_too(shop, manager):
    root, _ = shop
    project = Project.load(root, manager=manager)
    assert get_project_status(project, "qat")["total_runs"] == 6
    (root / "mended").touch()
    assert retry_failed_transformations(project, dry_run=False, manager=manager)["status"] == "SUCCESS"


def test_the_helpers_are_names_of_the_package():
    assert {function.__name__ for function in QUESTIONS} <= set(odibi_core.__all__)
