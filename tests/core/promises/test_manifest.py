"""What the kernel promises about new projects: each type runs as it was made."""

from __future__ import annotations

import pytest

from odibi_core import HookManager, Project, ProjectType, initialize_project, run_project

LAYERS = {
    "manufacturing": ("Bronze", "Silver_1", "Silver_2", "Gold_1", "Gold_2"),
    **dict.fromkeys(("analytics", "ml_pipeline", "data_integration", "custom"), ("Bronze", "Silver", "Gold")),
}


@pytest.mark.parametrize("project_type", [type_.value for type_ in ProjectType])
def test_a70_new_project_of_each_type_runs_on_pandas_without_an_edit(tmp_path, monkeypatch, project_type):
    """A-70, D-46: found by its name, every layer has something to do, and there are rows at the end."""
    pandas = pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    made = initialize_project("Plant Efficiency", project_type)
    hooks, saved = HookManager(), []
    hooks.register("post_save", saved.append)

    result = run_project("Plant Efficiency", "qat", hooks=hooks, fail_on_empty_layer=True)

    assert result.status == "SUCCESS"
    assert result.layers_run == tuple(made["layer_order"]) == LAYERS[project_type]
    assert result.warnings == ()
    assert {one.engine for one in result.transformations} == {"pandas"}
    assert [len(pandas.read_parquet(payload["location"])) for payload in saved] == [
        payload["rows"] for payload in saved
    ]
    assert all(payload["rows"] > 0 for payload in saved)


def test_a70_rows_of_a_new_project_are_those_of_the_name_that_people_wrote(tmp_path):
    """A-70, D-46: v2's example named the folder, matched nothing, and ran nothing."""
    made = initialize_project("Énergie d'O'Brien", base_path=tmp_path)

    project = Project.load(made["project_path"])

    assert {row.project for row in project.rows} <= {None, "Énergie d'O'Brien"}
    assert run_project(project, "qat").status == "SUCCESS"
