"""`odibi run`: what it prints, what it leaves, and how it exits."""

from __future__ import annotations

import json

import pytest

from odibi_core import run_project


def test_success_prints_a_line_for_each_transformation_and_the_outputs(odibi, shop):
    answer = odibi("run", cwd=shop)

    lines = answer.stdout.splitlines()
    assert answer.code == 0
    assert answer.stderr == ""
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["SUCCESS", "ingest"],
        ["SUCCESS", "clean"],
        ["SUCCESS", "report"],
    ]
    assert "3 rows" in lines[1]
    assert "SUCCESS  Shop (qat, rows) in" in answer.stdout
    assert ["gold.report", "3", "rows", "data/gold/report.json"] in [line.split() for line in lines]
    assert "odibi runs show 2" in answer.stdout


def test_failure_names_what_failed_and_what_was_skipped_and_exits_1(odibi, broken_shop):
    """A-43."""
    answer = odibi("run", cwd=broken_shop)

    lines = [line for line in answer.stdout.splitlines() if line.startswith(("SUCCESS ", "FAILED ", "SKIPPED "))]
    assert answer.code == 1
    assert any(line.startswith("FAILED   fails: ValueError: boom (steps.py:8)") for line in lines)
    assert "SKIPPED  waits: skipped: 'fails' failed" in lines
    assert any(line.startswith("SUCCESS  works") for line in lines)
    assert "FAILED  Shop (qat, rows)" in answer.stdout
    assert answer.stderr.startswith("Run 2")
    assert answer.stderr.endswith("of Shop ended FAILED.\n")


@pytest.mark.parametrize("project", ["shop", "broken_shop"])
def test_json_is_the_result_as_the_api_gives_it(odibi, request, project):
    root = request.getfixturevalue(project)
    by_api = run_project(root, raise_on_failure=False).to_dict()

    answer = odibi("run", "--json", cwd=root)

    assert answer.code == (0 if project == "shop" else 1)
    assert answer.stderr == ""
    assert list(answer.json) == list(by_api)
    assert [list(one) for one in answer.json["transformations"]] == [list(one) for one in by_api["transformations"]]
    assert [one["status"] for one in answer.json["transformations"]] == [
        one["status"] for one in by_api["transformations"]
    ]
    assert {"status", "run_id", "project", "env", "engine", "layers_run", "duration_seconds"} <= set(answer.json)


def test_quiet_prints_nothing_on_success(odibi, shop):
    answer = odibi("run", "-q", cwd=shop)

    assert (answer.code, answer.stdout, answer.stderr) == (0, "", "")


def test_quiet_prints_what_failed_on_stderr(odibi, broken_shop):
    answer = odibi("run", "--quiet", cwd=broken_shop)

    assert (answer.code, answer.stdout) == (1, "")
    assert "fails: ValueError: boom" in answer.stderr


def test_output_of_the_projects_code_does_not_spoil_the_document(call, make_project):
    talkative = """
        import os
        print("at import")

        def talk(df):
            print("from Python")
            os.system("echo from a child")
            return df
    """
    row = {"transformation_id": "t", "function": "talk", "inputs": ["in.json"], "outputs": ["silver.out"]}
    root = make_project([row], files={"steps.py": talkative, "in.json": "[]"})

    answer = call("run", "--json", cwd=root)

    assert answer.json["status"] == "SUCCESS"
    assert sorted(answer.stderr.splitlines()) == ["at import", "from Python", "from a child"]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        pytest.param(["--layer", "silver"], ["clean"], id="a layer, in any case"),
        pytest.param(["--layer", "Gold", "--layer", "Silver"], ["clean", "report"], id="two layers"),
        pytest.param(["--select", "+clean"], ["ingest", "clean"], id="what an id depends on"),
        pytest.param(["--select", "tag:nightly", "--select", "report"], ["clean", "report"], id="two selectors"),
    ],
)
def test_only_what_is_asked_for_runs(odibi, shop, words, ids):
    odibi("run", "-q", cwd=shop)

    answer = odibi("run", "--json", *words, cwd=shop)

    assert [one["transformation_id"] for one in answer.json["transformations"]] == ids


def test_environment_and_engine_are_handed_on(odibi, shop):
    answer = odibi("run", "--json", "--env", "PROD", "--engine", "Rows2", cwd=shop)

    assert (answer.json["env"], answer.json["engine"]) == ("prod", "rows2")
    assert {one["engine"] for one in answer.json["transformations"]} == {"rows2"}


def test_dry_run_runs_nothing(odibi, shop):
    answer = odibi("run", "--dry-run", cwd=shop)

    assert answer.code == 0
    assert "PLANNED  clean  (Silver, rows)" in answer.stdout
    assert not (shop / "data").exists()
    assert not (shop / ".odibi").exists()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["shop"], id="name"),
        pytest.param(["{root}"], id="folder"),
        pytest.param(["{root}/manifest.json"], id="manifest"),
        pytest.param(["--manifest", "{root}/manifest.json"], id="--manifest"),
        pytest.param(["-C", "{root}"], id="-C"),
        pytest.param(["--project-dir", "{root}/landing"], id="--project-dir, inside the project"),
        pytest.param(["-C", "{root}/..", "Shop"], id="-C and a name"),
    ],
)
def test_project_is_found_however_it_is_named(odibi, shop, words):
    root = shop.rename(shop.with_name("shop"))

    answer = odibi("run", "--json", *[word.format(root=root) for word in words], cwd=root.parent)

    assert answer.json["project"] == "Shop"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(
            ["--layer", "Slver"], ["Layer 'Slver'", "Bronze, Silver, Gold", "Did you mean 'Silver'?"], id="layer"
        ),
        pytest.param(["--env", "prd"], ["Environment 'prd'", "qat, prod", "Did you mean 'prod'?"], id="environment"),
        pytest.param(["--engine", "rosw"], ["Engine 'rosw' not found", "Installed: rows, rows2"], id="engine"),
        pytest.param(["--select", "claen"], ["No transformation 'claen'", "Did you mean 'clean'?"], id="id"),
        pytest.param(["--max-workers", "0"], ["--max-workers", "0 is not in the range"], id="workers"),
        pytest.param(["Shpo"], ["Project 'Shpo' not found"], id="project"),
        pytest.param(["--manifest", "manfest.json"], ["manfest.json", "Did you mean 'manifest.json'?"], id="manifest"),
        pytest.param(["-C", "nowhere"], ["nowhere", "does not exist"], id="folder"),
    ],
)
def test_wrong_request_exits_2_and_runs_nothing(odibi, shop, words, said):
    text = odibi("run", *words, cwd=shop)
    document = odibi("run", "--json", *words, cwd=shop)

    assert (text.code, text.stdout) == (2, "")
    assert all(word in text.stderr for word in said)
    assert "Traceback" not in text.stderr
    assert document.code == 2
    assert all(word in document.json["error"]["message"] for word in said)
    assert not (shop / ".odibi").exists()


def test_invalid_project_shows_all_problems_and_exits_2(odibi, shop):
    path = shop / "config" / "transformations.json"
    rows = json.loads(path.read_text())
    rows[0]["function"], rows[1]["function"] = "godo", "bda"
    path.write_text(json.dumps(rows))

    answer = odibi("run", cwd=shop)
    document = odibi("run", "--json", cwd=shop)

    assert answer.code == document.code == 2
    assert "2 problems" in answer.stderr
    assert document.json["error"]["type"] == "ValidationFailed"
    assert [problem["file"] for problem in document.json["error"]["problems"]] == ["config/transformations.json"] * 2
    assert all(problem["line"] for problem in document.json["error"]["problems"])


@pytest.mark.parametrize("where", ["before", "behind"])
def test_without_plugins_run_says_what_to_install(odibi, shop, where):
    manifest = json.loads((shop / "manifest.json").read_text()) | {"default_engine": "pandas"}
    (shop / "manifest.json").write_text(json.dumps(manifest))
    words = ["--no-plugins", "run"] if where == "before" else ["run", "--no-plugins"]

    answer = odibi(*words, cwd=shop)

    assert (answer.code, answer.stdout) == (2, "")
    assert "No engine is installed." in answer.stderr
    assert "pip install odibi-engine-pandas" in answer.stderr


def test_module_that_ends_the_process_is_no_success(odibi, shop):
    manifest = json.loads((shop / "manifest.json").read_text()) | {"transformation_modules": ["script"]}
    (shop / "manifest.json").write_text(json.dumps(manifest))
    (shop / "script.py").write_text("import sys\n\nsys.exit(0)\n")

    answer = odibi("run", cwd=shop)

    assert answer.code == 2
    assert "script" in answer.stderr
    assert not (shop / "data").exists()


def test_blocking_every_plugin_leaves_no_engine_and_no_traceback(call, shop):
    answer = call("run", cwd=shop, ODIBI_PLUGINS_ONLY="nothing")

    assert (answer.code, answer.stdout) == (2, "")
    assert "Engine 'rows' not found. No engine is installed." in answer.stderr
    assert "Traceback" not in answer.stderr


def test_disabled_plugin_is_not_used(odibi, shop):
    answer = odibi("run", "--disable-plugin", "acme-rows", cwd=shop)

    assert answer.code == 2
    assert "'rows' (acme-rows 1.0) is blocked" in answer.stderr


def test_manifest_still_decides_on_plugins_beside_the_command_line(odibi, shop, site):
    site.plugin("nosy", "@hookimpl\ndef odibi_layer_start(event):\n    print('nosy', event.layer)\n")
    manifest = json.loads((shop / "manifest.json").read_text())
    with_it = odibi("run", "--disable-plugin", "other", cwd=shop)
    (shop / "manifest.json").write_text(json.dumps(manifest | {"plugins": {"disable": ["nosy"]}}))

    without_it = odibi("run", "--disable-plugin", "other", cwd=shop)

    assert "nosy Silver" in with_it.stdout
    assert "nosy" not in without_it.stdout
