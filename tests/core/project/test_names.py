"""Project names become folder names that stay where they belong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.errors import ConfigError
from odibi_core.project.names import check_project_name, is_same_project, name_fault, project_slug

HOSTILE = st.text() | st.lists(
    st.sampled_from(["..", ".", "/", "\\", "C:", "~", "a", " ", "\0", "\n", "é", "\ud800"])
).map("".join)


@given(name=HOSTILE)
def test_an_accepted_name_is_one_part_of_a_path_below_the_folder(name: str) -> None:
    """A-71."""
    if name_fault(name) is not None:
        with pytest.raises(ConfigError):
            check_project_name(name)
        return
    slug = check_project_name(name)

    path = os.path.normpath(f"/projects/{slug}")
    assert Path(path).parent == Path("/projects")
    assert len(slug.encode()) <= 200
    assert not set(slug) & set("/\\\0\n\r")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty"),
        ("   ", "is empty"),
        ("../../x", "outside the folder of the projects"),
        ("..", "outside the folder of the projects"),
        (".", "outside the folder of the projects"),
        ("a/b", "outside the folder of the projects"),
        ("a\\b", "outside the folder of the projects"),
        ("/etc", "outside the folder of the projects"),
        ("C:evil", "outside the folder of the projects"),
        ("a\nb", "cannot be shown"),
        ("a\0b", "cannot be shown"),
        ("a\u202eb", "cannot be shown"),
        ("\ud800", "cannot be shown"),
        ("x" * 201, "longer than the 200 bytes"),
        (None, "is not text but NoneType"),
    ],
    ids=repr,
)
def test_a_name_that_is_no_folder_is_refused_with_the_reason(name: object, reason: str) -> None:
    """A-71."""
    with pytest.raises(ConfigError, match=reason):
        check_project_name(name)


@pytest.mark.parametrize("name", ["O'Brien", "Robert'); DROP TABLE Students;--", "Été 🚀", "Acme Inc.", "-rf", "~"])
def test_a_name_that_is_only_unusual_is_fine(name: str) -> None:
    """A-63."""
    assert check_project_name(name) == project_slug(name)


def test_case_and_blanks_do_not_matter() -> None:
    """D-46."""
    assert is_same_project("Energy Efficiency", other="energy_efficiency")
    assert is_same_project("  ENERGY efficiency", other="Energy_Efficiency")
    assert not is_same_project("Energy", other="Energy 2")
