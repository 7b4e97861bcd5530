"""`odibi run --resume`, `odibi run --unchanged skip` and `odibi retry`."""

from __future__ import annotations

import json
import os

import pytest

from odibi_core.runlog import Journal, new_run_id

STEPS = """
    from pathlib import Path

    from rows_engine import Rows

    def good(df):
        return Rows(df)

    def sometimes(df):
        if not Path(__file__).with_name("repaired").exists():
            raise ValueError("boom")
        return Rows(df)
"""


def row(id_, function, inputs=("landing/orders.json",), **more):
    return {
        "transformation_id": id_,
        "function": function,
        "inputs": list(inputs),
        "outputs": [f"silver.{id_.replace(' ', '_').replace(',', '_')}"],
        **more,
    }


ROWS = [row("fails", "sometimes"), row("waits", "good", ["silver.fails"]), row("works", "good")]


@pytest.fixture
def repairable(make_project):
    """A project in which ``fails`` raises until there is a file ``repaired``, and ``waits`` depends on it."""
    return make_project(ROWS, files={"steps.py": STEPS, "landing/orders.json": '[{"n": 1}]'})


@pytest.fixture
def failed_run(odibi, repairable):
    """Its first run, which has failed; the project has been repaired since."""
    answer = odibi("run", "--json", cwd=repairable)
    assert answer.code == 1
    (repairable / "repaired").touch()
    return answer.json


def statuses(answer):
    return {one["transformation_id"]: one["status"] for one in answer.json["transformations"]}


def lines(answer):
    return [" ".join(line.split()) for line in answer.stdout.splitlines()]


# --- resume ---


def test_resume_tells_what_stands_and_why_the_rest_ran(odibi, repairable, failed_run):
    answer = odibi("run", "--resume", cwd=repairable)

    assert answer.code == 0
    assert f"REUSED works: succeeded in run {failed_run['run_id']}" in lines(answer)
    assert f"fails: runs: failed in run {failed_run['run_id']}" in lines(answer)
    assert "waits: runs: 'fails' runs again" in lines(answer)
    assert any("2 SUCCESS, 1 REUSED" in line for line in lines(answer))


@pytest.mark.parametrize("part", ["", "end"])
def test_resume_takes_an_id(odibi, repairable, failed_run, part):
    name = failed_run["run_id"][-8:] if part else failed_run["run_id"]

    answer = odibi("run", "--json", "--resume", name, cwd=repairable)

    assert answer.code == 0
    assert statuses(answer) == {"fails": "SUCCESS", "waits": "SUCCESS", "works": "REUSED"}
    assert answer.json["transformations"][2]["reason"] == f"succeeded in run {failed_run['run_id']}"


def test_project_before_the_option_is_the_project(odibi, repairable, failed_run, tmp_path):
    assert odibi("run", repairable, "--resume", cwd=tmp_path).code == 0


def test_project_behind_the_option_is_taken_for_an_id_and_the_error_says_so(odibi, repairable, failed_run):
    answer = odibi("run", "--resume", "sales", cwd=repairable)

    assert answer.code == 2
    assert "Run 'sales' not found among 1 run(s)" in answer.stderr
    assert "If 'sales' is the project, it stands before the option: odibi run sales --resume" in answer.stderr


def test_nothing_to_resume_exits_2(odibi, shop):
    answer = odibi("run", "--resume", cwd=shop)

    assert (answer.code, answer.stdout) == (2, "")
    assert "nothing to resume: Shop has never run in qat" in answer.stderr


def test_dry_run_of_a_resume_shows_what_would_be_done(odibi, repairable, failed_run):
    answer = odibi("run", "--resume", "--dry-run", cwd=repairable)

    assert answer.code == 0
    assert f"REUSED works (Silver, rows) succeeded in run {failed_run['run_id']}" in lines(answer)
    assert f"PLANNED fails (Silver, rows) runs: failed in run {failed_run['run_id']}" in lines(answer)
    assert not (repairable / "data/silver/fails.json").exists()


def test_run_that_failed_says_how_to_go_on(odibi, repairable):
    answer = odibi("run", cwd=repairable)

    assert "When it is repaired: odibi run --resume for all that is left, odibi retry for what failed" in lines(answer)


def test_reused_transformations_are_told_in_lists_of_runs(odibi, repairable, failed_run):
    run_id = odibi("run", "--resume", "--json", cwd=repairable).json["run_id"]

    listed, shown = odibi("runs", cwd=repairable), odibi("runs", "show", run_id, cwd=repairable)

    assert any(line.startswith(f"{run_id} SUCCESS") and line.endswith("3/3") for line in lines(listed))
    assert f"went on with run {failed_run['run_id']}" in lines(shown)
    assert any(
        line.startswith("REUSED works") and line.endswith(f"succeeded in run {failed_run['run_id']}")
        for line in lines(shown)
    )


# --- unchanged ---


def test_unchanged_skip_prints_the_reason_of_each_transformation(odibi, shop):
    first = odibi("run", "--unchanged", "skip", "--json", cwd=shop).json["run_id"]
    second = odibi("run", "--unchanged", "skip", cwd=shop)
    path = shop / "landing/orders.json"
    path.write_text('[{"n": 7}]')
    os.utime(path, ns=(1, 1))
    third = odibi("run", "--unchanged", "skip", cwd=shop)

    assert [line for line in lines(second) if line.startswith("REUSED")] == [
        f"REUSED {id_}: unchanged since run {first}" for id_ in ("ingest", "clean", "report")
    ]
    assert [line for line in lines(third) if ": runs: " in line] == [
        "ingest: runs: landing/orders.json changed",
        "clean: runs: 'ingest' runs again",
        "report: runs: 'clean' runs again",
    ]
    assert json.loads((shop / "data/gold/report.json").read_text()) == [{"n": 7}]


def test_other_word_for_unchanged_exits_2(odibi, shop):
    answer = odibi("run", "--unchanged", "never", cwd=shop)

    assert answer.code == 2
    assert "'never' is not one of 'run', 'skip'" in answer.stderr


# --- retry ---


def test_retry_runs_exactly_what_failed(odibi, repairable, failed_run):
    answer = odibi("retry", "--json", cwd=repairable)

    assert answer.code == 0
    assert statuses(answer) == {"fails": "SUCCESS"}
    assert not (repairable / "data/silver/waits.json").exists()


def test_after_a_retry_resume_runs_what_had_been_skipped(odibi, repairable, failed_run):
    retried = odibi("retry", "--json", cwd=repairable).json["run_id"]

    answer = odibi("run", "--resume", "--json", cwd=repairable)

    assert statuses(answer) == {"fails": "REUSED", "waits": "SUCCESS", "works": "REUSED"}
    assert answer.json["transformations"][0]["reason"] == f"succeeded in run {retried}"


def test_retry_that_fails_again_exits_1_and_can_be_repeated(odibi, repairable):
    odibi("run", cwd=repairable)

    again = odibi("retry", cwd=repairable)
    (repairable / "repaired").touch()
    at_last = odibi("retry", cwd=repairable)

    assert again.code == 1
    assert any(line.startswith("FAILED fails: ValueError: boom") for line in lines(again))
    assert at_last.code == 0


def test_nothing_failed_is_said_and_exits_0(odibi, shop):
    before = odibi("retry", cwd=shop)
    run_id = odibi("run", "--json", cwd=shop).json["run_id"]
    after = odibi("retry", cwd=shop)
    document = odibi("retry", "--json", cwd=shop)

    assert (before.code, before.stdout) == (0, "Nothing to retry: Shop has never run in qat.\n")
    said = f"Nothing to retry: nothing failed in the last run of Shop in qat, {run_id} (SUCCESS)."
    assert (after.code, after.stdout) == (0, f"{said}\n")
    assert (document.code, document.json["transformations"], document.json["run_id"]) == (0, [], "")
    assert document.json["warnings"] == [said]


def test_a_run_that_was_aborted_is_not_passed_off_as_complete(odibi, shop):
    living = Journal.create(
        shop / ".odibi", run_id=new_run_id(), project="Shop", env="qat", engine="rows", layers=[], plugins={}
    )
    living.close("ABORTED", duration_seconds=0.1)

    answer = odibi("retry", cwd=shop)

    assert answer.code == 0
    assert "(ABORTED). It was aborted before it was done; what it left is run by: odibi run --resume" in answer.stdout


def test_only_the_last_run_of_the_environment_counts(odibi, repairable, failed_run):
    assert odibi("retry", "--env", "prod", cwd=repairable).stdout == ("Nothing to retry: Shop has never run in prod.\n")
    odibi("run", "--select", "works", cwd=repairable)

    assert odibi("retry", cwd=repairable).stdout.startswith("Nothing to retry: nothing failed in the last run")


def test_dry_run_of_a_retry_runs_nothing(odibi, repairable, failed_run):
    answer = odibi("retry", "--dry-run", cwd=repairable)

    assert answer.code == 0
    assert f"PLANNED fails (Silver, rows) runs: failed in run {failed_run['run_id']}" in lines(answer)
    assert not any("waits" in line for line in lines(answer))
    assert not (repairable / "data/silver/fails.json").exists()


def test_engine_is_that_of_the_last_run_unless_given(odibi, repairable):
    odibi("run", "--engine", "rows2", cwd=repairable)

    assert odibi("retry", "--json", cwd=repairable).json["engine"] == "rows2"
    (repairable / "repaired").touch()
    assert odibi("retry", "--json", "--engine", "rows", cwd=repairable).json["engine"] == "rows"


@pytest.mark.parametrize("id_", ["two words", "a,b", "+plus+", "star*", "tag:x"])
def test_id_that_looks_like_a_selector_is_retried_too(odibi, make_project, id_):
    rows = [{**row("odd", "sometimes"), "transformation_id": id_}, row("star-other", "good", tags=["x"])]
    root = make_project(rows, files={"steps.py": STEPS, "landing/orders.json": "[]"})
    odibi("run", cwd=root)
    (root / "repaired").touch()

    answer = odibi("retry", "--json", cwd=root)

    assert statuses(answer) == {id_: "SUCCESS"}


def test_row_that_is_gone_is_left_out_with_a_warning(odibi, make_project):
    files = {"steps.py": STEPS, "landing/orders.json": "[]"}
    both = [row("fails", "sometimes"), row("gone", "sometimes")]
    root = make_project(both, files=files)
    run_id = odibi("run", "--json", cwd=root).json["run_id"]
    make_project(both[:1], files=files)
    (root / "repaired").touch()

    answer = odibi("retry", "--json", cwd=root)

    assert statuses(answer) == {"fails": "SUCCESS"}
    assert f"'gone' failed in run {run_id} and is not in the project any more" in answer.json["warnings"]


def test_nothing_left_of_what_failed_exits_2(odibi, make_project, repairable, failed_run):
    make_project([{**ROWS[0], "enabled": False}, ROWS[2]])

    answer = odibi("retry", cwd=repairable)

    assert answer.code == 2
    assert f"What failed in run {failed_run['run_id']} is not in project 'Shop' any more, or disabled: fails." in (
        answer.stderr
    )


def test_run_log_that_cannot_be_read_exits_2_and_runs_nothing(odibi, repairable, failed_run):
    journal = repairable / f".odibi/runs/{failed_run['run_id']}.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"type":"record"', b'"type":"recxrd"', 1))

    for words in (["retry"], ["run", "--resume"]):
        answer = odibi(*words, cwd=repairable)

        assert (answer.code, answer.stdout) == (2, "")
        assert "is damaged at byte" in answer.stderr
        assert "Nothing has run." in answer.stderr
    assert len(list(repairable.glob(".odibi/runs/*.jsonl"))) == 1
