"""Rows may come from a config store that a plugin provides."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import ConfigStoreSpec, hookimpl
from odibi_core.project import ProjectReading, read_project

WriteProject = Callable[..., Path]

SALES = {"project_name": "Sales", "layer_order": ["Bronze", "Silver", "Gold"]}

PLUGIN = """
from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    rows: str = ""
    password: str = ""


class Store:
    def __init__(self, rows="", password=""):
        self.rows = rows
        self.password = password

    def read_transformations(self, project, env):
        if self.rows == "broken":
            raise OSError(f"no route to Server=db;Pwd={self.password}")
        base = {"TRANSFORMATION_ID": "t", "Layer": "silver", "MODULE": "m", "FUNCTION": "f", "PROJECT": project}
        yield {**base, "ENVIRONMENT": None, "INPUTS": '["bronze.a"]', "ENABLED": True}
        yield {**base, "TRANSFORMATION_ID": "prod-only", "ENVIRONMENT": "prod"}
        yield {**base, "PROJECT": "Other"}

    def read_ingestion(self, project, env):
        if self.rows == "wrong":
            yield {"ingestion_id": "i", "source_path": "x"}
        else:
            yield {"ingestion_id": "i", "source_path": "x.csv", "target_table": "bronze.a", "is_autoloader": 0}
"""


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginManager]:
    (tmp_path / "odibi_test_store.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)

    @hookimpl
    def odibi_register_config_stores() -> Any:
        yield ConfigStoreSpec(name="acme", factory="odibi_test_store:Store", options_model="odibi_test_store:Options")

    manager = PluginManager(PluginSettings(discover=False))
    manager.register(SimpleNamespace(odibi_register_config_stores=odibi_register_config_stores), name="acme")
    yield manager.freeze()
    sys.modules.pop("odibi_test_store", None)


@pytest.fixture
def read(write_project: WriteProject, manager: PluginManager) -> Callable[..., ProjectReading]:
    def read(store: Any, **files: Any) -> ProjectReading:
        return read_project(write_project({**SALES, "config_store": store}, **files), manager=manager)

    return read


def test_rows_of_every_environment_are_read(read: Callable[..., ProjectReading]) -> None:
    reading = read({"type": "acme"}, **{"config/transformations.json": "is not read"})

    assert reading.problems == []
    assert reading.project is not None
    assert [(row.transformation_id, row.environment) for row in reading.project.rows] == [
        ("i", "qat"),
        ("t", "qat"),
        ("i", "prod"),
        ("t", "prod"),
        ("prod-only", "prod"),
    ]
    assert [row.transformation_id for row in reading.project.rows_for("qat")] == ["i", "t"]
    assert reading.project.rows[1].file == "config_store 'acme'"


def test_a_wrong_row_is_told_with_its_store(read: Callable[..., ProjectReading]) -> None:
    problems = read({"type": "acme", "rows": "wrong"}).problems

    assert [str(problem).partition(" Write")[0] for problem in problems] == [
        "config_store 'acme': ingestion 'i': a row has one target, but there is none.",
        "config_store 'acme': ingestion 'i': a row has one target, but there is none.",
    ]


def test_a_store_that_cannot_be_read_is_never_an_empty_one(
    read: Callable[..., ProjectReading], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A-62, D-22."""
    monkeypatch.setenv("STORE_PASSWORD", "hunter2")

    problems = read({"type": "acme", "rows": "broken", "password": "${env:STORE_PASSWORD}"}).problems

    assert [str(problem) for problem in problems] == [
        "config_store 'acme': The transformations rows of 'qat' cannot be read: OSError: no route to Server=db;Pwd=***."
    ]


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ({"type": "acmee"}, "Did you mean 'acme'?"),
        ({"type": "acme", "password": "${env:STORE_NOTHING}"}, "has no 'STORE_NOTHING'"),
        ({"type": "acme", "pasword": "x"}, "Unknown key 'config_store.pasword'. Did you mean 'password'?"),
        ({}, "The config_store has no type."),
    ],
    ids=str,
)
def test_a_store_that_cannot_be_opened_is_told(
    read: Callable[..., ProjectReading], store: dict[str, str], expected: str
) -> None:
    assert expected in str(read(store).problems[0])


def test_the_type_files_means_the_projects_own_files(
    read: Callable[..., ProjectReading], row: Callable[..., dict[str, Any]]
) -> None:
    reading = read({"type": "files"}, **{"config/transformations.json": [row()]})

    assert reading.problems == []
    assert reading.project is not None
    assert [found.transformation_id for found in reading.project.rows] == ["clean"]


@pytest.fixture
def rows_of(write_project: WriteProject, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ProjectReading]:
    """Read a project whose store has just these transformation rows."""

    def rows_of(*rows: dict[str, Any], ingestion: tuple[dict[str, Any], ...] = ()) -> ProjectReading:
        class Store:
            def read_transformations(self, _project: str, _env: str) -> Any:
                return rows

            def read_ingestion(self, _project: str, _env: str) -> Any:
                return ingestion

        monkeypatch.setitem(sys.modules, "odibi_test_rows", SimpleNamespace(Store=Store))

        @hookimpl
        def odibi_register_config_stores() -> Any:
            yield ConfigStoreSpec(name="rows", factory="odibi_test_rows:Store")

        manager = PluginManager(PluginSettings(discover=False))
        manager.register(SimpleNamespace(odibi_register_config_stores=odibi_register_config_stores), name="rows")
        manifest = {**SALES, "environments": ["qat"], "config_store": {"type": "rows"}}
        return read_project(write_project(manifest), manager=manager.freeze())

    return rows_of


@pytest.mark.parametrize(
    ("cells", "invalid"),
    [
        ({"inputs": "[1"}, "'inputs' is not valid JSON: expecting ',' delimiter at character 3."),
        ({"constants": "[1]"}, "'constants' must be a mapping, but is a list."),
        (
            {"inputs": "[", "outputs": "[3]"},
            (
                "'inputs' is not valid JSON: expecting value at character 2. "
                "'outputs' must list names and mappings, but one of them is 3."
            ),
        ),
        ({"depends_on": "[1]"}, "'depends_on' must be a list of texts, but one of them is 1. Put it in quotes."),
    ],
    ids=str,
)
def test_bad_json_of_one_row_is_that_rows_trouble_only(
    rows_of: Callable[..., ProjectReading], row: Callable[..., dict[str, Any]], cells: dict[str, Any], invalid: str
) -> None:
    """A-61: the row is read, and will fail; D-23: v2 read it as if the cell were empty."""
    reading = rows_of(row(**cells), row(transformation_id="other"))

    assert reading.problems == []
    assert reading.project is not None
    assert [found.invalid for found in reading.project.rows] == [f"The row cannot be used: {invalid}", None]


def test_bad_json_of_an_ingestion_row_is_that_rows_trouble_only(rows_of: Callable[..., ProjectReading]) -> None:
    """A-61."""
    good = {"ingestion_id": "i", "source_path": "x.csv", "target_table": "bronze.a"}
    reading = rows_of(ingestion=({**good, "source_options": "{"}, {**good, "ingestion_id": "other"}))

    assert reading.problems == []
    assert reading.project is not None
    assert [row.invalid is None for row in reading.project.rows] == [False, True]


def test_what_no_row_can_be_made_of_still_stops_everything(
    rows_of: Callable[..., ProjectReading], row: Callable[..., dict[str, Any]]
) -> None:
    reading = rows_of(row(inputs="[", layer="Slver"), row(transformation_id="other"))

    assert len(reading.problems) == 2
