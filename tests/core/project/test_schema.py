"""One JSON Schema: what the kernel accepts, an editor accepts, and what it refuses, mostly too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.plugin import ConnectionSpec, EngineSpec, LogSinkSpec, ReaderSpec, hookimpl
from odibi_core.project import ProjectManifest, ProjectType, initialize_project, project_schema
from odibi_core.project.ingestion import INGESTION_COLUMNS
from odibi_core.project.transformations import TRANSFORMATION_COLUMNS

ROW = {"transformation_id": "a", "layer": "Silver", "module": "m", "function": "f"}

PLUGIN = """
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Retry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    attempts: int = 3


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sep: Literal[",", ";"] = ","
    retry: Retry = Retry()
"""


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginManager]:
    (tmp_path / "odibi_test_options.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(tmp_path)
    model = "odibi_test_options:Options"

    @hookimpl
    def odibi_register_connections() -> Any:
        yield ConnectionSpec(name="acme", factory="a:B", options_model=model)
        yield ConnectionSpec(name="broken", factory="a:B", options_model="odibi_test_options:Nothing")

    @hookimpl
    def odibi_register_engines() -> Any:
        yield EngineSpec(name="acme", factory="a:B", options_model=model)

    @hookimpl
    def odibi_register_log_sinks() -> Any:
        yield LogSinkSpec(name="acme", factory="a:B", options_model=model)

    @hookimpl
    def odibi_register_readers() -> Any:
        yield ReaderSpec(engine="acme", format="csv", factory="a:B", options_model=model)

    hooks = (odibi_register_connections, odibi_register_engines, odibi_register_log_sinks, odibi_register_readers)
    manager = PluginManager(PluginSettings(discover=False))
    manager.register(SimpleNamespace(**{hook.__name__: hook for hook in hooks}), name="acme")
    return manager.freeze()


def accepts(schema: dict[str, Any], data: Any, *, part: str | None = None) -> bool:
    whole = schema if part is None else {**schema, "anyOf": [{"$ref": f"#/$defs/{part}"}]}
    return Draft202012Validator(whole).is_valid(data)


def manifest(**keys: Any) -> dict[str, Any]:
    return {"project_name": "P", **keys}


def test_it_is_a_schema_of_the_draft_it_names_and_is_json(manager: PluginManager) -> None:
    schema = project_schema(manager)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_every_reference_leads_somewhere(manager: PluginManager) -> None:
    schema = project_schema(manager)
    references: list[str] = []

    def collect(node: Any) -> None:
        if isinstance(node, dict):
            references.extend([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
            for inner in node.values():
                collect(inner)
        elif isinstance(node, list):
            for inner in node:
                collect(inner)

    collect(schema)
    assert references
    assert [ref for ref in references if ref.removeprefix("#/$defs/") not in schema["$defs"]] == []


@pytest.mark.parametrize("project_type", list(ProjectType), ids=str)
def test_a_new_project_is_accepted(tmp_path: Path, kernel: PluginManager, project_type: ProjectType) -> None:
    folder = Path(initialize_project("P", project_type, tmp_path)["project_path"])
    schema = project_schema(kernel)

    for name, part in (
        ("manifest.json", "Manifest"),
        ("config/ingestion.yaml", "IngestionRows"),
        ("config/transformations.yaml", "TransformationRows"),
    ):
        assert accepts(schema, yaml.safe_load((folder / name).read_text()), part=part), name


def test_every_key_and_column_is_there(kernel: PluginManager) -> None:
    defs = project_schema(kernel)["$defs"]

    assert set(defs["Manifest"]["properties"]) == {*ProjectManifest.model_fields, "$schema"}
    assert set(defs["TransformationRow"]["properties"]) == TRANSFORMATION_COLUMNS
    assert set(defs["IngestionRow"]["properties"]) == INGESTION_COLUMNS


@pytest.mark.parametrize(
    "data",
    [
        manifest(),
        manifest(**{"$schema": "x"}),
        manifest(connections={"a": {"type": "local"}, "b": {"type": "acme", "sep": ";", "retry": {"attempts": 1}}}),
        manifest(connections={"a": {"type": "not-installed", "x": 1}, "b": {"type": "broken", "x": 1}}),
        manifest(connections={"a": {"type": "acme", "sep": "${env:SEPARATOR}"}}),
        manifest(layers={"Silver": None}),
        manifest(log_sinks=[{"type": "acme", "sep": ";"}], config_store={"type": "files"}),
        manifest(engines={"acme": {"sep": ";"}, "other": {"x": 1}}, layers={"Silver": {}}),
        [ROW],
        {"transformations": [ROW]},
        [{**ROW, "inputs": "a", "outputs": ["a", {"table": "b", "mode": "append"}], "enabled": "Yes", "step": "1"}],
        [{**ROW, "inputs": [{"path": "x", "format": "csv", "options": {"sep": ";"}}], "constants": {"a": 1}}],
        [{**ROW, "inputs": '["a"]', "constants": "{}", "tags": "a, b", "environment": None, "created_at": 3}],
        {"ingestion": [{"ingestion_id": "a", "source_path": "x.csv", "target_table": "t"}]},
    ],
    ids=str,
)
def test_what_the_kernel_accepts_is_accepted(manager: PluginManager, data: Any) -> None:
    assert accepts(project_schema(manager), data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        manifest(xyzzy=1),
        manifest(project_type="analytcs"),
        manifest(layers={"Silver": {"max_worker": 1}}),
        manifest(connections={"a": {"path": "x"}}),
        manifest(connections={"a": {"type": "acme", "spe": ";"}}),
        manifest(connections={"a": {"type": "acme", "retry": {"attempts": "x"}}}),
        manifest(log_sinks=[{"type": "acme", "sep": "|"}]),
        manifest(engines={"acme": {"sep": "|"}}),
        [{**ROW, "modul": "x"}],
        [{"transformation_id": "a"}],
        [{**ROW, "step": -1}],
        [{**ROW, "enabled": "maybe"}],
        [{**ROW, "outputs": [{"table": "b", "mode": "overwrit"}]}],
        [{**ROW, "inputs": [{"path": "x", "format": "csv", "options": {"sep": "|"}}]}],
        {"ingestion": [{"ingestion_id": "a", "source_pth": "x.csv"}]},
    ],
    ids=str,
)
def test_what_the_kernel_refuses_is_refused(manager: PluginManager, data: Any) -> None:
    assert not accepts(project_schema(manager), data)


def test_a_broken_options_model_is_described_and_stops_nothing(manager: PluginManager) -> None:
    described = project_schema(manager)["$defs"]["options.connection.broken"]

    assert described["description"].startswith("The options are not known: ")
