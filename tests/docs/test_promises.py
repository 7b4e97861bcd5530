"""The page of promises is complete, and each test that it names exists and says what it proves."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "promises.md"
LINES = [*range(1, 72), 93, 94, 95, 97, 100]
KINDS = {"K", "P", "F"}


@dataclass(frozen=True)
class Promise:
    """One row of the page."""

    number: int
    kinds: tuple[str, ...]
    text: str
    tests: tuple[str, ...]
    waits_for: str


def read_promises(page: str) -> list[Promise]:
    promises = []
    for row in re.findall(r"^\| A-(.*) \|$", page, re.MULTILINE):
        number, kinds, text, proof = row.split(" | ")
        tests = re.findall(r"`([^`\s]+::[^`\s]+)`", proof)
        waits_for = proof.partition("*not yet:* ")[2]
        promises.append(Promise(int(number), tuple(kinds.split(", ")), text, tuple(tests), waits_for))
    return promises


PROMISES = read_promises(PAGE.read_text(encoding="utf-8"))


@cache
def claims_of(file: Path) -> dict[str, set[int]]:
    """Return the tests of a file, and the lines that each names in its name or docstring."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {
        node.name: {
            *map(int, re.findall(r"\bA-(\d+)", ast.get_docstring(node) or "")),
            *map(int, re.findall(r"(?<=_)a(\d{2,3})(?=_)", node.name)),
        }
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_line_is_there_once_and_in_order() -> None:
    assert [promise.number for promise in PROMISES] == LINES


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: f"A-{promise.number:02}")
def test_line_is_proven_by_tests_that_exist_and_name_it(promise: Promise) -> None:
    assert set(promise.kinds) <= KINDS
    assert promise.text.endswith((".", ")"))
    assert promise.tests or promise.waits_for, "it names neither a test nor what it waits for"
    for reference in promise.tests:
        file, name = reference.split("::")
        assert (TESTS / file).is_file(), file
        assert name in claims_of(TESTS / file), f"there is no {name} in {file}"
        assert promise.number in claims_of(TESTS / file)[name], f"{reference} does not name A-{promise.number:02}"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("| A-07 | P | Text. | `a.py::test_x`<br>`b.py::test_y` |", Promise(7, ("P",), "Text.", ("a.py::test_x", "b.py::test_y"), "")),
        ("| A-39 | K, F | Text. | *not yet:* a sink |", Promise(39, ("K", "F"), "Text.", (), "a sink")),
        ("| A-70 | F | Text. | `a.py::test_x`<br>*not yet:* Spark |", Promise(70, ("F",), "Text.", ("a.py::test_x",), "Spark")),
    ],
    ids=["tests", "none yet", "both"],
)  # fmt: skip
def test_row_is_read(row: str, expected: Promise) -> None:
    assert read_promises(f"# Page\n\n{row}\n") == [expected]


def test_a100_every_room_and_every_distribution_has_tests() -> None:
    kernel = ROOT / "odibi_core" / "src" / "odibi_core"
    rooms = {path.name for path in kernel.iterdir() if (path / "__init__.py").is_file()}
    members = {
        path.parent.name for pattern in ("odibi_*", "plugins/*") for path in ROOT.glob(f"{pattern}/pyproject.toml")
    }
    folders = {*(f"core/{room}" for room in rooms), *(name.removeprefix("odibi_") for name in members)}

    empty = [folder for folder in folders if not any(claims_of(file) for file in (TESTS / folder).rglob("test_*.py"))]

    assert empty == []
    assert {"cli", "events", "functions", "planning", "project", "running", "runlog"} <= rooms


def test_a100_every_distribution_supports_the_same_pythons() -> None:
    wanted = {
        re.search(r'^requires-python = "(.*)"$', path.read_text(encoding="utf-8"), re.MULTILINE)[1]  # type: ignore[index]  # each has one
        for pattern in ("odibi_*", "plugins/*")
        for path in ROOT.glob(f"{pattern}/pyproject.toml")
    }

    assert wanted == {">=3.11"}
