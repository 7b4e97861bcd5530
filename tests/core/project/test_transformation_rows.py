"""Transformation rows: every format means the same, and every wrong cell is told by its column and line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from odibi_core.project import ProjectManifest, TransformationRow
from odibi_core.project.documents import Document, parse_text
from odibi_core.project.row_reading import RowScope
from odibi_core.project.transformations import TRANSFORMATION_COLUMNS, parse_transformations

MakeRow = Callable[..., dict[str, Any]]
LAYERS = ["Bronze", "Silver", "Gold"]
SCOPE = RowScope.of(ProjectManifest(project_name="Energy Efficiency", layer_order=LAYERS))


def parse(rows: Any, *, scope: RowScope = SCOPE) -> tuple[list[TransformationRow], list[str]]:
    found, problems = parse_transformations(Document(file="rows", data=rows), scope=scope)
    return found, [f"{problem.message} {problem.suggestion or ''}".strip() for problem in problems]


def test_the_columns_are_those_of_the_registry_and_two_more() -> None:
    """A-72."""
    assert TRANSFORMATION_COLUMNS - {"depends_on", "tags"} == {
        *("transformation_id", "transformation_group_id", "project", "environment", "layer", "step", "enabled"),
        *("entity_1", "entity_2", "entity_3", "module", "function", "inputs", "constants", "outputs", "description"),
        *("created_at", "updated_at", "created_by", "updated_by"),
    }


FULL = {
    "transformation_id": "silver-sales",
    "transformation_group_id": "sales",
    "project": "energy efficiency",
    "environment": "QAT",
    "layer": "silver",
    "step": 2,
    "enabled": False,
    "entity_1": "Lyon",
    "entity_2": "Boiler A",
    "entity_3": "Valve 7",
    "module": "silver.sales",
    "function": "clean",
    "inputs": ["bronze.sales", {"type": "query", "sql": "select 1"}],
    "constants": {"engine": "pandas", "limits": [1, 2.5, None]},
    "outputs": [{"table": "silver.sales", "mode": "append"}],
    "description": "Äpfel",
    "depends_on": ["a", "b"],
    "tags": ["x", "y"],
    "created_at": "2024-01-01",
    "created_by": "ann",
}


def as_csv(row: dict[str, Any]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(row)
    writer.writerow([json.dumps(cell) if isinstance(cell, list | dict) else cell for cell in row.values()])
    return out.getvalue()


def as_toml(row: dict[str, Any]) -> str:
    keys = [f"{key} = {json.dumps(cell)}" for key, cell in row.items() if not isinstance(cell, dict | list)]
    lists = [f"{key} = {json.dumps(row[key])}" for key in ("depends_on", "tags")]
    nested = [f"{key} = '{json.dumps(row[key])}'" for key in ("inputs", "constants", "outputs")]
    return "\n".join(["[[transformations]]", *keys, *lists, *nested])


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".json", json.dumps([FULL])),
        (".json", json.dumps({"transformations": [FULL]})),
        (".yaml", json.dumps([FULL], ensure_ascii=False)),
        (".csv", as_csv(FULL)),
        (".toml", as_toml(FULL)),
    ],
    ids=["json", "json below a key", "yaml", "csv", "toml"],
)
def test_a_row_means_the_same_in_every_format(suffix: str, text: str) -> None:
    document, faults = parse_text(text, file="f", suffix=suffix)
    assert document is not None, faults

    rows, problems = parse_transformations(document, scope=SCOPE)

    assert (problems, faults) == ([], [])
    line = 2 if suffix == ".csv" else 1
    assert rows == [
        TransformationRow(
            transformation_id="silver-sales",
            transformation_group_id="sales",
            project="energy efficiency",
            environment="qat",
            layer="Silver",
            step=2,
            enabled=False,
            entity_1="Lyon",
            entity_2="Boiler A",
            entity_3="Valve 7",
            module="silver.sales",
            function="clean",
            inputs=("bronze.sales", {"type": "query", "sql": "select 1"}),
            constants={"engine": "pandas", "limits": [1, 2.5, None]},
            outputs=({"table": "silver.sales", "mode": "append"},),
            description="Äpfel",
            depends_on=("a", "b"),
            tags=("x", "y"),
            file="f",
            line=line,
        )
    ]


def test_the_smallest_row_has_defaults(row: MakeRow) -> None:
    rows, problems = parse([row()])

    assert problems == []
    assert (rows[0].step, rows[0].enabled, rows[0].environment, rows[0].inputs, rows[0].constants) == (
        *(1, True, None, ()),
        {},
    )


@pytest.mark.parametrize(
    ("cell", "meant"),
    [(1, True), ("0", False), ("TRUE", True), ("no", False), (" yes ", True), (None, True), ("", True), (False, False)],
    ids=repr,
)
def test_enabled_is_understood_as_people_write_it(row: MakeRow, cell: object, meant: bool) -> None:
    rows, problems = parse([row(enabled=cell)])

    assert (rows[0].enabled, problems) == (meant, [])


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("bronze.sales", ("bronze.sales",)),
        ({"path": "x.csv"}, ({"path": "x.csv"},)),
        ('"bronze.sales"', ("bronze.sales",)),
        ('["a", {"table": "b"}]', ("a", {"table": "b"})),
        ('{"table": "b"}', ({"table": "b"},)),
        ([], ()),
        (None, ()),
        ("", ()),
    ],
    ids=repr,
)
def test_inputs_may_be_a_list_or_one_in_data_or_json_text(row: MakeRow, cell: object, meant: tuple[Any, ...]) -> None:
    rows, problems = parse([row(inputs=cell, outputs=cell)])

    assert (rows[0].inputs, rows[0].outputs, problems) == (meant, meant, [])


@pytest.mark.parametrize("cell", ["a, b", ["a", "b"], '["a", "b"]', " a ,b,, "], ids=repr)
def test_tags_and_dependencies_may_be_words_between_commas(row: MakeRow, cell: object) -> None:
    rows, problems = parse([row(tags=cell, depends_on=cell)])

    assert (rows[0].tags, rows[0].depends_on, problems) == (("a", "b"), ("a", "b"), [])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"inputs": "[1"}, "'inputs' is not valid JSON: expecting ',' delimiter at character 3."),
        ({"constants": "a: 1"}, "'constants' is not valid JSON: expecting value at character 1."),
        ({"outputs": '["a"'}, "'outputs' is not valid JSON: expecting ',' delimiter at character 5."),
        ({"constants": "9" * 5_000}, "'constants' is not valid JSON: Exceeds the limit"),
        ({"constants": [1]}, "'constants' must be a mapping, but is a list."),
        ({"constants": "[1]"}, "'constants' must be a mapping, but is a list."),
        ({"inputs": 3}, "'inputs' must list names and mappings, but one of them is 3."),
        ({"inputs": ["a", ""]}, "'inputs' must list names and mappings, but one of them is empty."),
        ({"outputs": [None]}, "'outputs' must list names and mappings, but one of them is empty."),
        ({"inputs": [["a"]]}, "'inputs' must list names and mappings, but one of them is a list."),
        ({"step": -1}, "'step' must be a whole number, 0 or more, but is -1."),
        ({"step": 1.5}, "'step' must be a whole number, 0 or more, but is 1.5."),
        ({"step": True}, "'step' must be a whole number, 0 or more, but is true."),
        ({"step": "first"}, "'step' must be a whole number, 0 or more, but is 'first'."),
        (
            {"enabled": "maybe"},
            "'enabled' must be true or false, but is 'maybe'. Write true or false, 1 or 0, yes or no",
        ),
        ({"enabled": 2}, "'enabled' must be true or false, but is 2."),
        (
            {"module": "silver/sales.py"},
            "import path such as 'silver.sales', but is 'silver/sales.py'. Write 'silver.sal",
        ),
        (
            {"module": "silver..sales"},
            "'module' must be an import path such as 'silver.sales', but is 'silver..sales'.",
        ),
        ({"module": "silver.class"}, "'module' must be an import path"),
        ({"module": None}, "'module' is missing."),
        ({"function": "cl-ean"}, "'function' must be the name of a function, but is 'cl-ean'."),
        ({"function": " "}, "'function' is missing."),
        (
            {"layer": "Slver"},
            "Unknown layer 'Slver'; the manifest's layer_order has Bronze, Silver, Gold. Did you mean 'S",
        ),
        ({"environment": "prd"}, "Unknown environment 'prd'; the manifest has qat, prod. Did you mean 'prod'?"),
        ({"modul": "x"}, "Unknown column 'modul'. Did you mean 'module'?"),
        ({"plant": "x"}, "Unknown column 'plant'. It is called 'entity_1' here."),
        ({"input_table": "x"}, "Unknown column 'input_table'. It is called 'inputs' here."),
        ({"xyzzy": "x"}, "Unknown column 'xyzzy'. Columns: constants, created_at,"),
        ({True: "x"}, "Unknown column 'True'."),
        ({"entity_1": 7}, "'entity_1' must be text, but is 7. Put it in quotes."),
        ({"entity_1": False}, "'entity_1' must be text, but is false. Put it in quotes."),
        ({"description": ["x"]}, "'description' must be text, but is a list."),
        ({"depends_on": [1]}, "'depends_on' must be a list of texts, but one of them is 1. Put it in quotes."),
        ({"tags": {"a": 1}}, "'tags' must be a list of texts, but is a mapping."),
        ({"project": 3}, "'project' must be text, but is 3."),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_cell_is_told_by_its_column(row: MakeRow, cells: dict[str, Any], expected: str) -> None:
    """A-61: the row is left out, the message names the column, other rows are read."""
    rows, problems = parse([{**row(), **cells}, row(transformation_id="other")])

    assert len(problems) == 1
    assert problems[0].startswith("transformation 'clean': ")
    assert expected in problems[0]
    assert [found.transformation_id for found in rows] == ["other"]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, "row 1: 'transformation_id' is missing."),
        ("  ", "row 1: 'transformation_id' is missing."),
        ("a\nb", "row 1: 'transformation_id' is 'a\\nb', which holds a character that cannot be shown."),
        (100, "row 1: 'transformation_id' must be text, but is 100. Put it in quotes."),
    ],
    ids=repr,
)
def test_a_row_without_a_usable_id_is_told_by_its_place(row: MakeRow, cell: object, expected: str) -> None:
    assert parse([row(transformation_id=cell)]) == ([], [expected])


def test_a_long_id_is_fine(row: MakeRow) -> None:
    assert parse([row(transformation_id="x" * 300)])[1] == []


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (3, "The file must be a list of rows, but is a number. Write [] for no rows."),
        ({"transformations": "x"}, "'transformations' must be a list of rows, but is text."),
        ({"transformations": None}, "'transformations' must be a list of rows, but is nothing."),
        ({"transformation": []}, "Unknown key 'transformation'. Did you mean 'transformations'?"),
        ({"rows": []}, "Unknown key 'rows'. Rows are a list below the key 'transformations'."),
        ({}, "The key 'transformations' is missing."),
        (["x"], "Row 1 must be a mapping of columns, but is text."),
        ([None], "Row 1 must be a mapping of columns, but is nothing."),
    ],
    ids=str,
)
def test_a_file_that_holds_no_rows_is_told(data: Any, expected: str) -> None:
    rows, problems = parse(data)

    assert rows == []
    assert len(problems) == 1
    assert expected in problems[0]


def test_no_rows_are_no_problem() -> None:
    assert parse([]) == ([], [])
    assert parse({"transformations": []}) == ([], [])


def test_every_problem_of_a_row_has_its_own_line() -> None:
    text = "- transformation_id: a\n  layer: Slver\n  module: m\n  function: f\n  inputs: '[1'\n  stp: 1\n"
    document, _ = parse_text(text, file="config/t.yaml", suffix=".yaml")
    assert document is not None

    _, problems = parse_transformations(document, scope=SCOPE)

    assert sorted((problem.file, problem.line) for problem in problems) == [("config/t.yaml", n) for n in (2, 5, 6)]


def test_rows_of_another_project_are_passed_over(row: MakeRow) -> None:
    rows, problems = parse([row(), {"project": "Churn", "nonsense": 1}, row(transformation_id="b", project="")])

    assert [found.transformation_id for found in rows] == ["clean", "b"]
    assert problems == []


def test_a_project_may_be_named_by_its_slug_and_in_any_case(row: MakeRow) -> None:
    """D-46."""
    rows, problems = parse([row(project="energy_efficiency"), row(transformation_id="b", project="ENERGY EFFICIENCY")])

    assert (len(rows), problems) == (2, [])


def test_a_misspelt_project_in_every_row_is_told_instead_of_running_nothing(row: MakeRow) -> None:
    """D-46."""
    rows, problems = parse([row(project="Energy Eficiency"), row(project="Other")])

    assert rows == []
    assert problems == [
        (
            "None of the 2 rows is for the project 'Energy Efficiency': they name 'Energy Eficiency', 'Other'. "
            "Leave the column 'project' out, or write the manifest's name."
        )
    ]


def test_rows_of_quite_other_projects_are_no_problem(row: MakeRow) -> None:
    assert parse([row(project="Churn")]) == ([], [])


def test_nothing_is_checked_against_what_a_broken_manifest_does_not_say(row: MakeRow) -> None:
    manifest = ProjectManifest(project_name="Energy Efficiency", layer_order=LAYERS)
    scope = RowScope.of(manifest, broken={"layer_order", "environments", "project_name"})

    rows, problems = parse([row(layer="X", environment="Y", project="Z")], scope=scope)

    assert [(found.layer, found.environment) for found in rows] == [("X", "Y")]
    assert problems == []
