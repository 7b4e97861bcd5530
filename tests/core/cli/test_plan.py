"""`odibi plan` and `odibi validate`: what would run and why, and what is wrong."""

from __future__ import annotations

import json

import pytest

from odibi_core import plan_project


def paragraphs(text: str) -> dict[str, dict[str, str]]:
    """Return the facts of each transformation: ``{"clean": {"engine": "...", ...}}``."""
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if line.startswith("    "):
            name, _, value = line.strip().partition(" ")
            found[list(found)[-1]][name] = value.strip()
        elif line.startswith("  "):
            found[line.strip()] = {}
    return found


def test_plan_says_what_runs_where_and_why(odibi, shop):
    answer = odibi("plan", cwd=shop)

    assert (answer.code, answer.stderr) == (0, "")
    assert answer.stdout.startswith("Shop in qat, on engine rows (default_engine of the manifest)\n\nBronze: 1 transf")
    assert paragraphs(answer.stdout)["clean"] == {
        "engine": "rows (default_engine of the manifest)",
        "function": "steps.good (attribute of steps; managed style)",
        "reads": "bronze.orders as json (data/bronze/orders.json)",
        "writes": "silver.orders as json (data/silver/orders.json), overwrite",
        "after": "ingest (reads bronze.orders)",
    }


def test_plan_touches_nothing(odibi, shop):
    before = sorted(shop.rglob("*"))

    odibi("plan", cwd=shop)

    assert sorted(shop.rglob("*")) == before


def test_plan_in_json_is_what_the_api_gives(odibi, shop):
    answer = odibi("plan", "--json", "--layer", "Silver", cwd=shop)

    assert answer.json == plan_project(shop, target_layers=["Silver"]).to_dict()


def test_plan_takes_the_selection_of_run(odibi, shop):
    answer = odibi("plan", "--select", "clean+", "--engine", "rows2", "--env", "prod", cwd=shop)

    assert answer.stdout.startswith("Shop in prod, on engine rows2 (argument engine)")
    assert list(paragraphs(answer.stdout)) == ["clean", "report"]


def test_plan_shows_steps_where_there_are_several(odibi, make_project):
    row = {"function": "good", "inputs": ["in.json"]}
    rows = [
        {**row, "transformation_id": "first", "outputs": ["silver.a"]},
        {**row, "transformation_id": "second", "outputs": ["silver.b"], "step": 2},
    ]
    root = make_project(rows, files={"steps.py": "def good(df):\n    return df\n"})

    answer = odibi("plan", cwd=root)

    assert list(paragraphs(answer.stdout)) == ["first  (step 1)", "second  (step 2)"]
    assert "warning: first: input 'in.json' is not there yet" in answer.stdout


def test_plan_with_quiet_leaves_out_warnings(odibi, shop):
    (shop / "landing/orders.json").unlink()

    assert "warning" in odibi("plan", cwd=shop).stdout
    assert "warning" not in odibi("plan", "-q", cwd=shop).stdout


@pytest.mark.parametrize(
    ("words", "checked"), [([], "qat, prod"), (["--env", "Prod"], "prod")], ids=["every environment", "one"]
)
def test_valid_project_is_said_to_be_valid(odibi, shop, words, checked):
    text = odibi("validate", *words, cwd=shop)
    document = odibi("validate", "--json", *words, cwd=shop)

    assert (text.code, text.stdout) == (0, f"Shop: nothing is wrong (checked for {checked})\n")
    assert document.json == {
        "project": "Shop",
        "environments": checked.split(", "),
        "valid": True,
        "problems": [],
    }


def spoil(shop, position, **values):
    path = shop / "config/transformations.json"
    rows = json.loads(path.read_text())
    rows[position].update(values)
    path.write_text(json.dumps(rows, indent=2))


def test_problems_of_every_environment_are_shown_once_with_file_line_and_suggestion(odibi, shop):
    spoil(shop, 0, function="godo", environment="prod")
    spoil(shop, 1, module="stepz")

    text = odibi("validate", cwd=shop)
    document = odibi("validate", "--json", cwd=shop)

    assert text.code == document.code == 2
    assert text.stdout.startswith("Shop: 2 problems\n")
    assert document.json["valid"] is False
    problems = {problem["message"].split("'")[1]: problem for problem in document.json["problems"]}
    assert len(document.json["problems"]) == 2
    assert all(problem["file"] == "config/transformations.json" for problem in problems.values())
    assert all(f"config/transformations.json:{problem['line']}: " in text.stdout for problem in problems.values())
    assert "Did you mean 'good'?" in text.stdout
    assert "Did you mean 'steps'?" in text.stdout


def test_environment_that_is_named_is_the_only_one_checked(odibi, shop):
    spoil(shop, 0, function="godo", environment="prod")

    assert odibi("validate", "--env", "prod", cwd=shop).code == 2
    assert "godo" not in odibi("validate", "--env", "qat", cwd=shop).stdout


def test_manifest_that_cannot_be_read_is_a_problem_like_others(odibi, shop):
    (shop / "manifest.json").write_text('{"project_name": "Shop",\n  "layer_order": [}')

    text = odibi("validate", cwd=shop)
    document = odibi("validate", "--json", cwd=shop)

    assert text.code == document.code == 2
    assert "manifest.json:2: " in text.stdout
    assert (document.json["problems"][0]["file"], document.json["problems"][0]["line"]) == ("manifest.json", 2)


def test_engine_that_is_not_installed_is_a_problem(odibi, shop):
    answer = odibi("validate", "--no-plugins", "--json", cwd=shop)

    assert answer.code == 2
    assert any("No engine is installed." in problem["message"] for problem in answer.json["problems"])


def test_stored_row_with_bad_json_is_a_problem_although_the_others_would_run(odibi, make_project, site):
    """A-61."""
    site.plugin(
        "store",
        """
        @hookimpl
        def odibi_register_config_stores():
            yield ConfigStoreSpec(name="table", factory="acme_table:Store")
        """,
        acme_table=(
            "class Store:\n"
            "    def read_ingestion(self, project, env):\n"
            "        return []\n"
            "    def read_transformations(self, project, env):\n"
            "        row = {'layer': 'Silver', 'module': 'steps', 'function': 'good', 'inputs': '[\"in.json\"]'}\n"
            "        yield {**row, 'transformation_id': 'good', 'outputs': '[\"silver.good\"]'}\n"
            "        yield {**row, 'transformation_id': 'bad', 'outputs': '[\"silver.bad'}\n"
        ),
    )
    root = make_project(
        manifest={"config_store": {"type": "table"}, "environments": ["qat"]},
        files={"steps.py": "def good(df):\n    return df\n", "in.json": "[]"},
    )

    validated, planned = odibi("validate", "--json", cwd=root), odibi("plan", "--json", cwd=root)

    assert (validated.code, planned.code) == (2, 0)
    (problem,) = validated.json["problems"]
    assert problem["message"].startswith("transformation 'bad': The row cannot be used: 'outputs' is not valid JSON")
    assert planned.json["warnings"][0].startswith("bad will fail: ")
