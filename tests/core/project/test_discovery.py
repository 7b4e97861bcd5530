"""A project is found by name, by folder or by its manifest, and what was looked at is told when it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from odibi_core.errors import ConfigError, ProjectNotFoundError
from odibi_core.project import find_manifest, locate_project


def manifest(folder: Path, name: str = "Energy Efficiency", *, file: str = "manifest.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    text = f"project_name: {name}\n" if file.endswith("yaml") else f'{{"project_name": "{name}"}}'
    (folder / file).write_text(text, encoding="utf-8")
    return folder / file


@pytest.mark.parametrize(
    ("folder", "start"),
    [
        ("projects/energy_efficiency", "."),
        ("energy_efficiency", "."),
        ("projects/energy_efficiency", "notebooks"),
        ("anything", "anything"),
        ("anything", "anything/config/deep"),
    ],
    ids=["projects", "here", "beside", "inside", "below"],
)
@pytest.mark.parametrize("name", ["Energy Efficiency", "energy_efficiency", "ENERGY EFFICIENCY"])
def test_a_project_is_found_by_name(tmp_path: Path, folder: str, start: str, name: str) -> None:
    """U-05."""
    expected = manifest(tmp_path / folder)
    (tmp_path / start).mkdir(parents=True, exist_ok=True)

    assert find_manifest(name, start=tmp_path / start) == expected


def test_the_working_folder_is_where_looking_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = manifest(tmp_path / "projects" / "o'brien", "O'Brien")
    monkeypatch.chdir(tmp_path)

    assert find_manifest("O'Brien") == expected
    assert locate_project("O'Brien") == expected


def test_without_a_name_the_nearest_manifest_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = manifest(tmp_path / "p", file="manifest.json")
    (tmp_path / "p" / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "p" / "a" / "b")

    assert find_manifest() == expected
    assert locate_project(None) == expected
    assert locate_project(".") == expected


@pytest.mark.parametrize("where", ["p", "p/manifest.yaml", "p/config", "./p/", "p/../p"])
def test_a_project_is_located_by_folder_or_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """U-07."""
    expected = manifest(tmp_path / "p")
    (tmp_path / "p" / "config").mkdir()
    monkeypatch.chdir(tmp_path)

    assert locate_project(where) == expected
    assert locate_project(Path(where)) == expected


def test_a_manifest_path_may_be_the_folder(tmp_path: Path) -> None:
    expected = manifest(tmp_path / "p")

    assert find_manifest(manifest_path=tmp_path / "p") == expected
    assert find_manifest(manifest_path=str(expected)) == expected


def test_a_manifest_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A-45, D-05."""
    manifest(tmp_path)

    with pytest.raises(
        ProjectNotFoundError, match=r"There is no manifest .*manifest\.yml\. Did you mean 'manifest\.yaml'"
    ):
        find_manifest("Energy Efficiency", manifest_path=tmp_path / "manifest.yml")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ProjectNotFoundError, match=r"There is no manifest in .*empty"):
        find_manifest(manifest_path=tmp_path / "empty")


def test_an_unknown_project_is_an_error_that_says_where_it_was_looked_for(tmp_path: Path) -> None:
    """A-45, D-05."""
    manifest(tmp_path / "projects" / "energy")
    manifest(tmp_path, "Here")

    with pytest.raises(ProjectNotFoundError) as failed:
        find_manifest("Enrgy", start=tmp_path)

    message = str(failed.value)
    assert message.startswith("Project 'Enrgy' not found. Looked for a manifest in ")
    assert str(tmp_path / "projects" / "enrgy") in message
    assert "Projects here: Here, energy. Did you mean 'energy'?" in message


def test_with_no_project_at_all_the_way_to_make_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProjectNotFoundError, match="odibi init NAME"):
        find_manifest("Energy", start=tmp_path)
    with pytest.raises(ProjectNotFoundError, match=r"There is no manifest in .* or any folder above it.*odibi init"):
        find_manifest(start=tmp_path)


def test_in_a_folder_of_projects_they_are_named(tmp_path: Path) -> None:
    manifest(tmp_path / "projects" / "b")
    manifest(tmp_path / "projects" / "a")

    with pytest.raises(ProjectNotFoundError, match="Name one of the projects: a, b"):
        find_manifest(start=tmp_path)


def test_two_manifests_in_one_folder_are_an_error(tmp_path: Path) -> None:
    manifest(tmp_path / "p")
    manifest(tmp_path / "p", file="manifest.json")

    with pytest.raises(ConfigError, match=r"has manifest\.json and manifest\.yaml\. Keep one of them"):
        find_manifest("P", start=tmp_path)


def test_a_manifest_above_that_cannot_be_read_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{", encoding="utf-8")

    with pytest.raises(ProjectNotFoundError, match="Project 'P' not found"):
        find_manifest("P", start=tmp_path)


@pytest.mark.parametrize("name", ["../../x", "", "..\\x", "a/b", "a\0b"])
def test_a_hostile_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A-71."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError, match=r"outside the folder of the projects|is empty|cannot be shown"):
        find_manifest(name)
    with pytest.raises(ConfigError):
        locate_project(name)


@pytest.mark.parametrize("where", [None, "energy", "projects/energy", Path("projects/energy/manifest.json")], ids=str)
def test_a_project_is_looked_for_from_another_folder(tmp_path: Path, where: str | Path | None) -> None:
    """A-42: v2's keyword repo_path."""
    manifest = tmp_path / "repo/projects/energy/manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text('{"project_name": "Energy"}')
    start = manifest.parent if where is None else tmp_path / "repo"

    assert locate_project(where, start=start) == manifest
