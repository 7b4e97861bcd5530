"""A new project: whole or not at all, where it belongs, and right as it is."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from odibi_core.errors import ConfigError
from odibi_core.functions import PortableCall, read_signature
from odibi_core.loading import project_imports
from odibi_core.project import Project, ProjectManifest, ProjectType, initialize_project, validate_manifest
from odibi_core.project.scaffold_samples import sample_for


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_result_has_v2s_seven_keys(tmp_path: Path) -> None:
    """A-69, U-02."""
    made = initialize_project("Customer Churn", project_type="analytics", base_path=tmp_path)

    folder = tmp_path / "customer_churn"
    assert list(made) == [
        *("project_name", "project_slug", "project_path", "manifest_path", "created_files", "layer_order"),
        "next_steps",
    ]
    assert made["project_name"] == "Customer Churn"
    assert made["project_slug"] == "customer_churn"
    assert made["project_path"] == str(folder)
    assert made["manifest_path"] == str(folder / "manifest.json")
    assert made["layer_order"] == ["Bronze", "Silver", "Gold"]
    assert sorted(made["created_files"]) == sorted(str(folder / name) for name in tree(folder))
    assert len(made["next_steps"]) == 5
    assert f"cd {folder}" in made["next_steps"][0]


def test_the_tree_is_v2s(tmp_path: Path) -> None:
    """A-69."""
    initialize_project("Plant Efficiency", ProjectType.MANUFACTURING, tmp_path)

    layers = ["bronze", "silver_1", "silver_2", "gold_1", "gold_2"]
    assert {
        *("manifest.json", "README.md", ".gitignore", "config/ingestion.yaml", "config/transformations.yaml"),
        *("landing/readings.csv", "tests/test_functions.py", "transformations/__init__.py", "docs/layers.md"),
        *("sql/ddl/.gitkeep", "sql/queries/.gitkeep", "metadata/.gitkeep"),
        *(f"notebooks/{layer}/.gitkeep" for layer in layers),
        *(f"transformations/{layer}/__init__.py" for layer in layers),
        *(f"transformations/{layer}/functions.py" for layer in layers[1:]),
    } <= set(tree(tmp_path / "plant_efficiency"))


def test_paths_are_relative_if_the_base_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    made = initialize_project("P")

    assert made["project_path"] == str(Path("projects", "p"))
    assert Path(made["manifest_path"]).is_file()
    assert all(Path(name).is_file() for name in made["created_files"])


@pytest.mark.parametrize("project_type", list(ProjectType), ids=str)
def test_a_new_project_has_no_problems_and_its_rows_name_what_is_there(
    tmp_path: Path, project_type: ProjectType
) -> None:
    """A-70, D-46."""
    made = initialize_project("Energy Efficiency", project_type, tmp_path)

    project = Project.load(made["project_path"])

    assert validate_manifest(project.manifest) == []
    assert project.manifest.project_type is project_type
    assert {row.layer for row in project.rows} == set(project.manifest.layer_order)
    written = {output for row in project.rows for output in row.outputs if isinstance(output, str)}
    assert len(written) == len(project.rows) - 1
    for row in project.rows:
        if row.is_ingestion:
            assert (project.root / row.inputs[0]["path"]).is_file()  # type: ignore[index, call-overload]
        else:
            module = project.root / Path(*row.module.split(".")).with_suffix(".py")
            names = [node.name for node in ast.parse(module.read_text()).body if isinstance(node, ast.FunctionDef)]
            assert names == [row.function]


@pytest.mark.parametrize("project_type", [ProjectType.MANUFACTURING, ProjectType.ANALYTICS], ids=str)
def test_the_functions_make_something_of_the_sample_data(tmp_path: Path, project_type: ProjectType) -> None:
    """A-70: each function is given what the one before it returned."""
    project = Project.load(initialize_project("P", project_type, tmp_path)["project_path"])
    frames: dict[Any, pd.DataFrame] = {}

    with project_imports(project.root):
        for row in project.rows:
            if row.is_ingestion:
                frames[row.outputs[0]["table"]] = pd.read_csv(project.root / row.inputs[0]["path"])  # type: ignore[index, call-overload]
                continue
            module = __import__(row.module, fromlist=[row.function])
            assert str(module.__file__).startswith(str(project.root))
            inputs = [frames[name] for name in row.inputs]
            before = [frame.copy() for frame in inputs]
            function = getattr(module, row.function)
            call = PortableCall(read_signature(function), "pandas")
            args, _ = call.arguments(tuple(inputs), {}, frames=inputs)
            frames[row.outputs[0]] = call.native(function(*args, constants=dict(row.constants)))
            for frame, copy in zip(inputs, before, strict=True):
                pd.testing.assert_frame_equal(frame, copy)

    if project_type is ProjectType.ANALYTICS:
        assert len(frames["silver.orders"]) == 5
        assert frames["gold.revenue_by_region"].to_dict("records") == [
            {"region": "West", "revenue": 830.0, "orders": 1},
            {"region": "South", "revenue": 510.5, "orders": 2},
            {"region": "North", "revenue": 300.6, "orders": 2},
        ]
    else:
        assert [len(frames[f"{layer}.readings"]) for layer in ("bronze", "silver_1", "silver_2")] == [8, 6, 5]
        assert frames["gold_2.output_by_plant"].to_dict("records") == [
            {"plant": "Gent", "output_kg": 253, "assets": 2},
            {"plant": "Lyon", "output_kg": 1213, "assets": 2},
        ]


def test_the_projects_own_tests_pass(tmp_path: Path) -> None:
    made = initialize_project("P", "manufacturing", tmp_path)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=made["project_path"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("project_type", list(ProjectType), ids=str)
def test_sample_data_shows_what_cleaning_does(project_type: ProjectType) -> None:
    frame = pd.read_csv(io.StringIO(sample_for(project_type).csv))

    assert frame.duplicated().any()
    assert frame.isna().any().any()


def test_the_readme_links_nothing_that_is_not_there(tmp_path: Path) -> None:
    """D-46."""
    made = initialize_project("P", "manufacturing", tmp_path)
    readme = (tmp_path / "p" / "README.md").read_text(encoding="utf-8")

    named = [word for line in readme.splitlines() if line.startswith("| `") for word in line.split("`")[1::2][:1]]
    assert named
    for name in named:
        if "<" not in name:
            assert Path(made["project_path"], name.split(",", maxsplit=1)[0]).exists(), name
    assert "](" not in readme


def test_every_file_is_utf8_with_unix_line_ends_and_keeps_the_name(tmp_path: Path) -> None:
    """A-71."""
    initialize_project("Été 🚀", description='Ein "Test" mit Ümlauten', base_path=tmp_path)

    files = tree(tmp_path / "été_🚀")
    for name, content in files.items():
        assert "\r" not in content.decode("utf-8"), name
    assert json.loads(files["manifest.json"])["description"] == 'Ein "Test" mit Ümlauten'
    assert "# Été 🚀" in files["README.md"].decode("utf-8")


def test_a_name_with_an_apostrophe_works(tmp_path: Path) -> None:
    """A-63."""
    made = initialize_project("O'Brien", base_path=tmp_path)

    assert Project.load(made["project_path"]).name == "O'Brien"


def test_an_existing_project_is_an_error_that_names_it_and_stays_as_it_is(tmp_path: Path) -> None:
    """A-69, U-04."""
    initialize_project("P", base_path=tmp_path)
    (tmp_path / "p" / "README.md").write_text("mine")
    before = tree(tmp_path)

    with pytest.raises(
        ValueError, match=r"Project 'P' already exists: there is .*p\. Choose another name, or overwrite"
    ):
        initialize_project("P", "manufacturing", tmp_path)

    assert tree(tmp_path) == before


def test_overwriting_writes_the_files_again_and_leaves_others(tmp_path: Path) -> None:
    """A-69."""
    initialize_project("P", base_path=tmp_path)
    (tmp_path / "p" / "README.md").write_text("mine")
    (tmp_path / "p" / "landing" / "more.csv").write_text("a\n1\n")

    initialize_project("P", "manufacturing", tmp_path, description="again", overwrite=True)

    assert ProjectManifest.from_json(tmp_path / "p" / "manifest.json").description == "again"
    assert (tmp_path / "p" / "README.md").read_text(encoding="utf-8").startswith("# P\n\nagain\n")
    assert (tmp_path / "p" / "landing" / "more.csv").read_text() == "a\n1\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["p"]


@pytest.mark.parametrize("name", ["../../x", "..", "", "a/b", "a\\b", "C:x", "a\nb"])
def test_a_name_that_would_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    """A-71, D-46."""
    with pytest.raises(ValueError, match=r"Project name .* Use a plain name without slashes"):
        initialize_project(name, base_path=tmp_path / "a" / "b")

    assert list(tmp_path.iterdir()) == []


def test_an_unknown_type_is_refused(tmp_path: Path) -> None:
    """A-71."""
    with pytest.raises(ConfigError, match="Did you mean 'manufacturing'"):
        initialize_project("P", "manufacturig", tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="cannot be written"):
        initialize_project("P", base_path=tmp_path / "file")

    written: list[Path] = []
    write_text = Path.write_text

    def fill_the_disk(path: Path, *args: Any, **kwargs: Any) -> int:
        written.append(path)
        if len(written) == 7:
            raise OSError(28, "No space left on device")
        return write_text(path, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", fill_the_disk)
    with pytest.raises(ConfigError, match="No space left on device"):
        initialize_project("P", base_path=tmp_path / "projects")

    assert len(written) == 7
    assert list((tmp_path / "projects").iterdir()) == []


def test_a_file_of_that_name_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("mine")

    with pytest.raises(ConfigError, match=r"already exists.*Remove it first"):
        initialize_project("P", base_path=tmp_path, overwrite=True)

    assert (tmp_path / "p").read_text() == "mine"


def test_nothing_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    initialize_project("P", base_path=tmp_path)

    assert capsys.readouterr() == ("", "")
