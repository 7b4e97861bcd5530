"""Reading a project: everything that is wrong is found in one go, with file and line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odibi_core.errors import ConfigError, ProjectNotFoundError, ValidationFailed
from odibi_core.loading import PluginManager
from odibi_core.project import Project, read_project, read_project_with_plugins

MakeRow = Callable[..., dict[str, Any]]
WriteProject = Callable[..., Path]

INGESTION = {"ingestion_id": "ingest", "source_path": "landing/x.csv", "target_table": "bronze.x"}


def told(manifest_path: Path, manager: PluginManager | None = None) -> list[str]:
    return [str(problem) for problem in read_project(manifest_path, manager=manager).problems]


def test_a_project_is_its_manifest_and_its_rows(write_project: WriteProject, row: MakeRow) -> None:
    path = write_project(
        **{
            "config/ingestion.json": [INGESTION],
            "config/transformations.json": [row(), row(transformation_id="off", enabled=0, environment="prod")],
        }
    )

    project = Project.load(path)

    assert (project.name, project.root, project.manifest_path) == ("Sales", path.parent, path)
    assert project.state_dir == path.parent / ".odibi"
    assert [found.transformation_id for found in project.rows] == ["ingest", "clean", "off"]
    assert [found.transformation_id for found in project.rows_for("QAT")] == ["ingest", "clean"]
    assert [found.transformation_id for found in project.rows_for("prod")] == ["ingest", "clean", "off"]


def test_a_project_without_rows_is_fine(write_project: WriteProject) -> None:
    assert Project.load(write_project()).rows == ()


def test_all_problems_of_all_files_are_told_at_once_in_their_order(write_project: WriteProject) -> None:
    path = write_project(
        '{\n "project_name": "Sales",\n "default_env": "dev",\n "layers": {"Silver": {"max_worker": 2}},\n "xyzzy": 1,\n'
        ' "layer_order": ["Bronze", "Silver", "Gold"]\n}',
        **{
            "config/ingestion.yaml": "- ingestion_id: a\n  source_path: x.csv\n",
            "config/transformations.csv": 'transformation_id,layer,module,function,inputs\na,Silver,m,f,"[1"\n'
            "b,Slver,m,f,\nc,Silver,m,f,\nc,Gold,m,f,\n",
        },
    )

    with pytest.raises(ValidationFailed) as failed:
        Project.load(path)

    assert str(failed.value).splitlines()[0] == f"{path}: 7 problems"
    assert [(problem.file, problem.line) for problem in failed.value.problems] == [
        ("manifest.json", 3),
        ("manifest.json", 4),
        ("manifest.json", 5),
        ("config/ingestion.yaml", 1),
        ("config/transformations.csv", 2),
        ("config/transformations.csv", 3),
        ("config/transformations.csv", 5),
    ]
    text = str(failed.value)
    assert "manifest.json:4: Unknown key 'layers.Silver.max_worker'. Did you mean 'max_workers'?" in text
    assert "config/transformations.csv:5: The id 'c' is already used in config/transformations.csv:4." in text


def test_what_could_be_read_is_returned_beside_the_problems(write_project: WriteProject, row: MakeRow) -> None:
    path = write_project(
        {"project_name": "Sales", "layer_order": ["Bronze", "Silver", "Gold"], "tags": 3},
        **{"config/transformations.json": [row(), row(layer="Slver")]},
    )

    reading = read_project(path)

    assert reading.project is not None
    assert reading.project.manifest.tags == []
    assert [found.transformation_id for found in reading.project.rows] == ["clean"]
    assert len(reading.problems) == 2


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        ("", "manifest.json: The file is empty."),
        ("{", "manifest.json:1: Not valid JSON at column 2"),
        ("[]", "manifest.json:1: A manifest is a mapping of keys, but this is a list."),
        ("{}", "manifest.json:1: The key 'project_name' is missing."),
        ('{"project_name": "../../x"}', "manifest.json:1: The project_name '../../x' would be a folder outside"),
        ('{"project_name": ""}', "manifest.json:1: The project_name is missing."),
        ('{\n"project_name": "a",\n"project_name": "b"}', "manifest.json:3: The key 'project_name' is already there"),
    ],
    ids=["empty", "malformed", "list", "no name", "hostile name", "blank name", "twice"],
)
def test_a_bad_manifest_is_told(write_project: WriteProject, manifest: str, expected: str) -> None:
    found = told(write_project(manifest))

    assert len(found) == 1
    assert found[0].startswith(expected)


def test_keys_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text("project_name: P\nlayers:\n  S: {on: 1}\n1.5: x\n", encoding="utf-8")

    reading = read_project(tmp_path / "manifest.yaml")

    assert reading.project is None
    assert [str(problem) for problem in reading.problems] == [
        "manifest.yaml:3: A key must be text, but one is true. Put it in quotes.",
        "manifest.yaml:4: A key must be text, but one is 1.5. Put it in quotes.",
    ]


def test_what_is_wrong_deep_inside_is_left_out_alone(write_project: WriteProject) -> None:
    path = write_project(
        {"project_name": "P", "layers": {"Silver": {"depends_on": ["Bronze", 3], "max_workers": 2}, "Gold": 3}}
    )

    reading = read_project(path)

    assert len(reading.problems) == 2
    assert reading.project is not None
    assert list(reading.project.manifest.layers) == ["Silver"]
    assert reading.project.manifest.layers["Silver"].depends_on == []
    assert reading.project.manifest.layers["Silver"].max_workers == 2


def test_a_missing_manifest_is_told(tmp_path: Path) -> None:
    reading = read_project(tmp_path / "manifest.yaml")

    assert reading.project is None
    assert str(reading.problems[0]) == "manifest.yaml: There is no such file."
    with pytest.raises(ProjectNotFoundError, match="There is no manifest"):
        Project.load(tmp_path / "manifest.yaml")


def test_rows_are_not_blamed_for_what_is_wrong_with_the_manifest(write_project: WriteProject, row: MakeRow) -> None:
    path = write_project(
        {"layer_order": "Refined", "environments": 3},
        **{"config/transformations.json": [row(layer="Refined", environment="dev", project="Anything")]},
    )

    assert len(told(path)) == 3


def test_two_files_of_one_kind_are_a_problem(write_project: WriteProject, row: MakeRow) -> None:
    path = write_project(**{"config/transformations.json": [row()], "config/transformations.csv": "a,b\n"})

    assert told(path) == [
        (
            "config: There are several files of transformations: transformations.csv, transformations.json. "
            "Keep one of them."
        )
    ]


@pytest.mark.parametrize(
    "name", ["transformation.yaml", "transfromations.json", "transformations.yamll", "ingestion.xlsx", "ingestions.csv"]
)
def test_a_file_that_was_meant_to_hold_rows_is_not_passed_over_in_silence(
    write_project: WriteProject, name: str
) -> None:
    found = told(write_project(**{f"config/{name}": "x"}))

    assert len(found) == 1
    assert found[0].startswith(f"config/{name}: The file is not read; rows of this kind are in one of ")


def test_other_files_of_the_config_folder_are_nobodys_business(write_project: WriteProject) -> None:
    """The predecessor's scaffold writes the first of these."""
    path = write_project(
        **{"config/transformation_config_example.json": "{}", "config/notes.txt": "", "config/a.yaml": ""}
    )

    assert told(path) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "config/ingestion.yaml: The file is empty."),
        ("a: b: c", "config/ingestion.yaml:1: Not valid YAML"),
        ("- a\n", "config/ingestion.yaml:1: Row 1 must be a mapping of columns"),
    ],
)
def test_a_bad_file_of_rows_is_told(write_project: WriteProject, content: str, expected: str) -> None:
    assert told(write_project(**{"config/ingestion.yaml": content}))[0].startswith(expected)


@pytest.mark.parametrize(
    ("first", "second", "is_clash"),
    [(None, None, True), ("qat", "qat", True), ("qat", "QAT", True), (None, "qat", True), ("qat", "prod", False)],
)
def test_an_id_is_unique_in_an_environment(
    write_project: WriteProject, row: MakeRow, first: str | None, second: str | None, is_clash: bool
) -> None:
    """A-73: one id may live in qat and prod."""
    path = write_project(**{"config/transformations.json": [row(environment=first), row(environment=second)]})

    found = told(path)

    assert bool(found) is is_clash
    if is_clash:
        assert "The id 'clean' is already used in config/transformations.json:1" in found[0]
        assert "Ids are unique in a project and environment" in found[0]


def test_an_ingestion_and_a_transformation_may_not_share_an_id(write_project: WriteProject, row: MakeRow) -> None:
    path = write_project(
        **{
            "config/ingestion.yaml": "\n\n- {ingestion_id: clean, source_path: x, target_table: y}",
            "config/transformations.json": [row()],
        }
    )

    assert "config/transformations.json:1: The id 'clean' is already used in config/ingestion.yaml:3." in told(path)[0]


def test_options_of_the_manifest_are_checked_against_the_plugins_models(
    write_project: WriteProject, kernel: PluginManager
) -> None:
    path = write_project(
        {
            "project_name": "Sales",
            "connections": {"a": {"type": "locl"}, "b": {"type": "local", "path": "."}, "c": {}},
            "log_sinks": [{"type": "nothing"}],
            "engines": {"not-installed": {"x": 1}},
        }
    )

    found = told(path, kernel)

    assert len(found) == 3
    assert "Connection 'locl' not found. Installed: local, package. Did you mean 'local'?" in "".join(found)
    assert "Log sink 'nothing' not found." in "".join(found)
    assert "The connection 'c' has no type." in "".join(found)


def test_the_installed_plugins_are_asked_if_no_manager_is_given(write_project: WriteProject) -> None:
    """The pandas engine and the file sink are installed wherever these tests run."""
    path = write_project(
        {
            "project_name": "Sales",
            "engines": {"pandas": {"nonsense-option": 1}},
            "log_sinks": [{"type": "file", "pth": "x"}],
        }
    )

    found = "\n".join(told(path))

    assert "Unknown key 'engines.pandas.nonsense-option'." in found
    assert "Unknown key 'log_sinks[0].pth'. Did you mean 'path'?" in found


def test_the_manifest_chooses_the_plugins_unless_a_manager_is_given(
    write_project: WriteProject, kernel: PluginManager
) -> None:
    path = write_project({"project_name": "Sales", "plugins": {"only": ["nothing-at-all"]}})

    project, problems, manager = read_project_with_plugins(path)

    assert (project.name, problems) == ("Sales", ())
    assert all(str(record.state) == "blocked" for record in manager.records)
    assert project.manager() is manager
    assert read_project_with_plugins(path, manager=kernel)[2] is kernel


def test_reading_with_plugins_raises_only_if_there_is_no_project_to_speak_of(write_project: WriteProject) -> None:
    project, problems, _ = read_project_with_plugins(write_project({"project_name": "Sales", "xyzzy": 1}))
    assert (project.name, len(problems)) == ("Sales", 1)

    with pytest.raises(ValidationFailed, match="Not valid JSON"):
        read_project_with_plugins(manifest_path=write_project("{"))


def test_rows_are_read_even_if_the_first_of_an_id_belongs_elsewhere(write_project: WriteProject, row: MakeRow) -> None:
    rows = [row(environment="qat"), row(environment="prod"), row(environment="prod")]

    found = told(write_project(**{"config/transformations.json": rows}))

    assert len(found) == 1
    assert "is already used in config/transformations.json:1 for the environment 'prod'." in found[0]


def test_a_hostile_name_is_no_way_out_of_the_folder() -> None:
    with pytest.raises(ConfigError, match=r"'\.\./\.\./x'.*outside the folder of the projects"):
        read_project_with_plugins("../../x")
