"""`odibi status`, `odibi failed`, `odibi runs`: what the run log says."""

from __future__ import annotations

import json

import pytest

from odibi_core import run_project
from odibi_core.runlog import RunIndex


def index(root):
    return RunIndex(root / ".odibi")


def test_status_counts_executions_and_shows_the_newest_run(odibi, shop):
    run_project(shop)
    newest = run_project(shop)

    answer = odibi("status", cwd=shop)

    assert (answer.code, answer.stderr) == (0, "")
    assert answer.stdout.startswith("Shop in qat, last 24 hours\n")
    assert "6 executions: 6 succeeded, 0 failed (100.0%)\n" in answer.stdout
    assert f"Newest run: {newest.run_id}, SUCCESS, began 20" in answer.stdout
    rows = [line.split()[:5] for line in answer.stdout.splitlines()[2:5]]
    assert rows == [["Bronze", "2", "2", "0", "0"], ["Silver", "2", "2", "0", "0"], ["Gold", "2", "2", "0", "0"]]


def test_status_in_json_has_the_keys_of_the_api(odibi, broken_shop):
    run_project(broken_shop, raise_on_failure=False)

    answer = odibi("status", "--json", "--hours", "2", cwd=broken_shop)

    assert answer.code == 0
    expected = index(broken_shop).status("Shop", "qat", 2)
    assert {key: answer.json[key] for key in expected} == expected
    assert (answer.json["success_count"], answer.json["failed_count"], answer.json["period_hours"]) == (1, 1, 2)
    assert [layer["layer"] for layer in answer.json["layers"]] == ["Silver"]
    assert answer.json["newest_run"]["status"] == "FAILED"


def test_project_that_never_ran_says_so(odibi, shop):
    assert "It has never run." in odibi("status", cwd=shop).stdout
    assert odibi("runs", cwd=shop).stdout == "It has never run.\n"
    assert odibi("runs", "--json", cwd=shop).json == []
    never = "No failure of Shop in qat in the last 24 hours: it has never run there.\n"
    assert odibi("failed", cwd=shop).stdout == never
    assert odibi("failed", "--json", cwd=shop).json == []
    assert not (shop / ".odibi").exists()


def test_failed_lists_what_failed_and_why(odibi, broken_shop):
    result = run_project(broken_shop, raise_on_failure=False)

    text = odibi("failed", cwd=broken_shop)
    document = odibi("failed", "--json", cwd=broken_shop)

    assert (text.code, document.code) == (0, 0)
    (line,) = text.stdout.splitlines()
    assert line.startswith("FAILED   fails: ValueError: boom (steps.py:8) (Silver, 20")
    assert line.endswith(f", run {result.run_id})")
    assert document.json == index(broken_shop).failed("Shop", "qat")


def test_failures_of_another_environment_are_not_listed(odibi, broken_shop):
    run_project(broken_shop, raise_on_failure=False)

    assert odibi("failed", "--env", "prod", "--json", cwd=broken_shop).json == []


@pytest.mark.parametrize("command", ["status", "failed"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--env", "prdo"], "Did you mean 'prod'?"),
        (["--hours", "0"], "--hours"),
        (["--hours", "nan"], "nan is not a finite number"),
        (["--hours", "1e999"], "1e999 is not a finite number"),
    ],
    ids=["environment", "hours", "no number", "too many hours"],
)
def test_history_that_cannot_be_exits_2(odibi, shop, command, words, said):
    answer = odibi(command, *words, cwd=shop)

    assert answer.code == 2
    assert said in answer.stderr


@pytest.mark.parametrize("words", [["runs"], ["runs", "list"]], ids=" ".join)
def test_runs_are_listed_the_newest_first(odibi, shop, words):
    ids = [run_project(shop).run_id, run_project(shop, "prod", target_layers=["Bronze"]).run_id]

    text = odibi(*words, cwd=shop)
    document = odibi(*words, "--json", cwd=shop)

    assert [line.split()[:3] for line in text.stdout.splitlines()[1:]] == [
        [ids[1], "SUCCESS", "prod"],
        [ids[0], "SUCCESS", "qat"],
    ]
    assert [line.split()[-1] for line in text.stdout.splitlines()] == ["DONE", "1/1", "3/3"]
    assert document.json == [run.to_dict() for run in index(shop).runs()]


def test_runs_can_be_limited(odibi, shop):
    first, second = run_project(shop).run_id, run_project(shop, "prod").run_id

    assert [run["run_id"] for run in odibi("runs", "--limit", "1", "--json", cwd=shop).json] == [second]
    assert [run["run_id"] for run in odibi("runs", "list", "--env", "qat", "--json", cwd=shop).json] == [first]


def test_runs_of_a_project_that_is_named(odibi, shop):
    run_project(shop)

    assert len(odibi("runs", shop, "--json", cwd=shop.parent).json) == 1


@pytest.mark.parametrize("part", [slice(None), slice(None, -2), slice(-8, None)], ids=["id", "beginning", "end"])
def test_run_is_shown_with_its_transformations(odibi, broken_shop, part):
    result = run_project(broken_shop, raise_on_failure=False)
    run_project(broken_shop, raise_on_failure=False)

    text = odibi("runs", "show", result.run_id[part], cwd=broken_shop)
    document = odibi("runs", "show", result.run_id[part], "--json", cwd=broken_shop)

    lines = text.stdout.splitlines()
    assert lines[0] == f"Run {result.run_id} of Shop (qat, rows)"
    assert lines[1].startswith("FAILED  began 20")
    statuses = {one["transformation_id"]: one["status"] for one in document.json["transformations"]}
    assert statuses == {"fails": "FAILED", "waits": "SKIPPED", "works": "SUCCESS"}
    assert document.json["run_id"] == result.run_id
    assert {tuple(line.split()[:2]) for line in lines[5:8]} == {(status, id_) for id_, status in statuses.items()}


def test_newest_run_is_shown_if_none_is_named(odibi, shop):
    run_project(shop)
    newest = run_project(shop)

    assert odibi("runs", "show", "--json", cwd=shop).json["run_id"] == newest.run_id


def test_run_that_is_not_there_exits_2(odibi, shop):
    run = run_project(shop)

    answer = odibi("runs", "show", "2025", cwd=shop)

    assert answer.code == 2
    assert "Run '2025' not found" in answer.stderr
    assert run.run_id in answer.stderr


def test_part_of_an_id_that_several_runs_have_exits_2_and_lists_them(odibi, shop):
    first, second = run_project(shop).run_id, run_project(shop).run_id

    answer = odibi("runs", "show", "2", cwd=shop)

    assert answer.code == 2
    assert "'2' is the beginning or the end of 2 runs" in answer.stderr
    assert f"The newest of them: {second}, {first}." in answer.stderr


def test_runs_of_an_environment_that_is_misspelt_are_no_empty_list(odibi, shop):
    run_project(shop)

    misspelt, never = (
        odibi("runs", "list", "--env", "prdo", "--json", cwd=shop),
        odibi("runs", "--env", "PROD", cwd=shop),
    )

    assert misspelt.code == 2
    assert "Did you mean 'prod'?" in misspelt.json["error"]["message"]
    assert (never.code, never.stdout) == (0, "It has never run in PROD.\n")


def test_runs_of_an_environment_that_the_manifest_has_no_more_are_listed(odibi, shop):
    run = run_project(shop, "prod")
    manifest = shop / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"prod"', '"live"'))

    assert [row["run_id"] for row in odibi("runs", "list", "--env", "prod", "--json", cwd=shop).json] == [run.run_id]


def test_nothing_failed_is_told_from_nothing_ran(odibi, shop):
    run_project(shop)

    assert odibi("failed", cwd=shop).stdout == "No failure of Shop in qat in the last 24 hours.\n"
    assert odibi("failed", "--env", "prod", cwd=shop).stdout.endswith("in the last 24 hours: it has never run there.\n")


def test_nothing_to_show_before_the_first_run(odibi, shop):
    answer = odibi("runs", "show", cwd=shop)

    assert answer.code == 2
    assert "has never run" in answer.stderr


QUESTIONS = ["status", "failed", "runs list", "runs show", "runs diff", "retry", "run --resume"]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("damage", ["no JSON", "cut off", "empty", "no folder"])
def test_run_log_that_cannot_be_read_is_no_empty_answer(odibi, broken_shop, question, damage):
    """A-94: exit 2, and nothing on stdout that could be taken for an answer."""
    first = run_project(broken_shop, raise_on_failure=False)
    run_project(broken_shop, selected=["works"])
    folder = broken_shop / ".odibi" / "runs"
    journal = folder / f"{first.run_id}.jsonl"
    content = journal.read_bytes()
    if damage == "no folder":
        folder.rename(folder.with_name("elsewhere"))
        folder.touch()
    else:
        journal.write_bytes(
            {"no JSON": content.replace(b'"seq":1', b'"seq:1'), "cut off": content[: len(content) // 2], "empty": b""}[
                damage
            ]
        )

    text, document = odibi(*question.split(), cwd=broken_shop), odibi(*question.split(), "--json", cwd=broken_shop)

    assert (text.code, document.code) == (2, 2)
    assert text.stdout == ""
    assert document.json["error"]["type"] == "RunLogError"
    assert str(folder if damage == "no folder" else journal) in document.json["error"]["message"]


def test_costs_of_plugins_are_shown_with_a_run(shop, odibi, site):
    site.plugin("watch", "@hookimpl\ndef odibi_layer_start(event):\n    raise RuntimeError('down')")
    odibi("run", "--quiet", cwd=shop)

    shown = odibi("runs", "show")
    costs = odibi("runs", "show", "--json").json["plugin_costs"]

    assert {name: cost["errors"] for name, cost in costs.items()} == {"rows": 0, "watch": 2}
    (line,) = [line for line in shown.stdout.splitlines() if line.startswith("watch")]
    assert line.split()[:4] == ["watch", "1.0", "hooks", "2"]


def test_run_without_costs_is_shown_without_them(shop, odibi):
    odibi("run", "--quiet", cwd=shop)
    (journal,) = (shop / ".odibi" / "runs").glob("*.jsonl")
    lines = journal.read_text().splitlines()
    end = {key: value for key, value in json.loads(lines[-1]).items() if key != "plugin_costs"}
    journal.write_text("\n".join([*lines[:-1], json.dumps(end, separators=(",", ":"))]) + "\n")

    shown = odibi("runs", "show", "--json", cwd=shop)

    assert (shown.code, shown.json["plugin_costs"]) == (0, {})
