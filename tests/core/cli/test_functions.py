"""`odibi functions`: which there are, and which one runs."""

from __future__ import annotations

import pytest

FUNCTIONS = '''
from odibi_core import odibi_function

@odibi_function(engine="rows", module="steps")
def clean(df):
    """Drop what nobody needs.

    More about it.
    """
    return df

@odibi_function(engine="any", module="steps")
def count(df):
    """Count."""
    return df

def plain(df, *, at_least=3):
    """Do it without a decorator."""
    return df

def unused(df):
    return df
'''


@pytest.fixture
def project(make_project):
    rows = [
        {"transformation_id": "t1", "function": "clean", "inputs": ["in.json"], "outputs": ["silver.a"]},
        {"transformation_id": "t2", "function": "plain", "inputs": ["in.json"], "outputs": ["silver.b"]},
    ]
    return make_project(rows, files={"steps.py": FUNCTIONS})


def test_registered_functions_and_those_of_rows_are_listed(odibi, project):
    text = odibi("functions", "list", cwd=project)
    document = odibi("functions", "list", "--json", cwd=project)

    listed = {one["function"]: one for one in document.json["functions"]}
    assert text.code == document.code == 0
    assert list(listed) == ["clean", "count", "plain"]
    assert listed["clean"] | {"file": None} == {
        "module": "steps",
        "function": "clean",
        "engine": "rows",
        "style": "managed",
        "convert_from": [],
        "description": "Drop what nobody needs.\n\nMore about it.",
        "file": None,
        "line": 4,
        "used_by": ["t1"],
    }
    assert (listed["count"]["engine"], listed["count"]["used_by"]) == ("any", [])
    assert (listed["plain"]["engine"], listed["plain"]["used_by"]) == ("", ["t2"])
    (line,) = [line for line in text.stdout.splitlines() if line.startswith("steps.clean")]
    assert line.split() == ["steps.clean", "rows", "steps.py:4", "t1"]


def test_functions_of_other_engines_can_be_left_out(odibi, project):
    answer = odibi("functions", "list", "--engine", "rows2", "--json", cwd=project)

    assert [one["function"] for one in answer.json["functions"]] == ["count", "plain"]


def test_function_that_takes_converted_frames_is_of_the_other_engine_too(odibi, make_project):
    taken = FUNCTIONS.replace('engine="rows", module', 'engine="rows", convert_from=("rows2", "rows3"), module')
    own = '\n@odibi_function(engine="rows3", module="steps")\ndef clean(df):\n    return df\n'
    project = make_project(manifest={"transformation_modules": ["steps"]}, files={"steps.py": taken + own})

    converted, native = (
        [
            (one["function"], one["engine"])
            for one in odibi("functions", "list", "--engine", engine, "--json", cwd=project).json["functions"]
        ]
        for engine in ("rows2", "rows3")
    )

    assert converted == [("clean", "rows"), ("count", "any")]
    assert native == [("clean", "rows3"), ("count", "any")]


def test_module_that_cannot_be_imported_does_not_hide_the_others(odibi, make_project):
    rows = [
        {"transformation_id": "t1", "module": "broken", "function": "f", "inputs": [], "outputs": ["silver.a"]},
        {"transformation_id": "t2", "module": "steps", "function": "clean", "inputs": [], "outputs": ["silver.b"]},
    ]
    root = make_project(rows, files={"steps.py": FUNCTIONS, "broken.py": "raise RuntimeError('no')"})

    answer = odibi("functions", "list", cwd=root)

    assert answer.code == 0
    assert "steps.clean" in answer.stdout
    assert "warning: module 'broken' cannot be imported: RuntimeError: no" in answer.stdout


def test_function_that_nobody_can_call_does_not_hide_the_others(odibi, make_project):
    more = FUNCTIONS + '\n@odibi_function(engine="any", module="steps")\nasync def later(df):\n    return df\n'
    row = {"transformation_id": "t1", "function": "clean", "inputs": ["in.json"], "outputs": ["silver.a"]}
    root = make_project([row], files={"steps.py": more})

    answer = odibi("functions", "list", "--json", cwd=root)

    assert [one["function"] for one in answer.json["functions"]] == ["clean", "count"]
    assert "steps.later" in answer.json["problems"][0]
    assert "async" in answer.json["problems"][0]


def test_functions_of_plugins_are_listed_outside_any_project(odibi, tmp_path, site):
    provider = '@hookimpl\ndef odibi_register_functions():\n    yield FunctionsSpec(name="acme_cleaning")\n'
    site.plugin("cleaning_plugin", provider, acme_cleaning=FUNCTIONS.replace('"steps"', '"acme_cleaning"'))

    answer = odibi("functions", "list", "--json", cwd=tmp_path)

    assert [(one["module"], one["function"]) for one in answer.json["functions"]] == [
        ("acme_cleaning", "clean"),
        ("acme_cleaning", "count"),
    ]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["clean", "--engine", "rows"], id="name and engine"),
        pytest.param(["steps.clean"], id="with its module, on the project's engine"),
        pytest.param(["clean", "--module", "steps", "--engine", "Rows"], id="module as an option"),
    ],
)
def test_function_is_explained(odibi, project, words):
    text = odibi("functions", "explain", *words, cwd=project)
    document = odibi("functions", "explain", *words, "--json", cwd=project)

    (found,) = document.json
    assert text.code == document.code == 0
    assert (found["module"], found["function"], found["engine"]) == ("steps", "clean", "rows")
    assert found["why"] == "registered for engine 'rows' in steps"
    assert text.stdout.startswith("steps.clean on engine rows\n")
    assert "Runs steps.py:4: registered for engine 'rows' in steps\n" in text.stdout
    assert "steps.clean(df)" in text.stdout


def test_function_for_another_engine_is_not_what_runs(odibi, project):
    text = odibi("functions", "explain", "clean", "--engine", "rows2", cwd=project)
    document = odibi("functions", "explain", "clean", "--engine", "rows2", "--json", cwd=project)

    assert text.code == document.code == 2
    assert "exists for rows, and not for engine 'rows2'" in text.stdout
    assert document.json[0]["error"] is not None


def test_function_that_is_not_there_is_said_with_a_suggestion(odibi, project):
    answer = odibi("functions", "explain", "claen", cwd=project)

    assert answer.code == 2
    assert "No module has a function 'claen'. There are: clean, count, plain. Did you mean 'clean'?" in answer.stderr


def test_module_that_is_not_there_is_said(odibi, project):
    answer = odibi("functions", "explain", "stesp.clean", "--engine", "rows", cwd=project)

    assert answer.code == 2
    assert "no such module" in answer.stdout
    assert "Did you mean 'steps'?" in answer.stdout
