"""The manifest: v2's keys and defaults, every wrong key told, nothing lost on the way to a file and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.errors import ConfigError, ValidationFailed
from odibi_core.project import LayerConfig, ProjectManifest, ProjectType, Warehouse

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
WORDS = st.lists(TEXT, max_size=3)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
LAYERS = st.builds(
    LayerConfig,
    name=TEXT,
    description=TEXT,
    depends_on=WORDS,
    cache_tables=WORDS,
    max_workers=st.none() | st.integers(1, 64),
    default_engine=st.none() | TEXT,
)
MANIFESTS = st.builds(
    ProjectManifest,
    project_name=TEXT,
    project_type=st.sampled_from(ProjectType),
    description=TEXT,
    layer_order=WORDS,
    layers=st.dictionaries(TEXT, LAYERS, max_size=3),
    environments=WORDS,
    entity_labels=st.dictionaries(TEXT, TEXT, max_size=3),
    cache_plan=st.dictionaries(TEXT, WORDS, max_size=2),
    owner=st.none() | TEXT,
    metadata=st.dictionaries(TEXT, DATA, max_size=3),
    default_engine=st.none() | TEXT,
    warehouse=st.builds(Warehouse, path=TEXT, format=TEXT),
    connections=st.dictionaries(TEXT, st.dictionaries(TEXT, DATA, max_size=2), max_size=2),
    log_sinks=st.lists(st.dictionaries(TEXT, DATA, max_size=2), max_size=2),
    plugins=st.fixed_dictionaries({"disable": WORDS, "only": st.none() | WORDS, "strict": st.none() | st.booleans()}),
)


def problems_of(data: Any) -> list[str]:
    with pytest.raises(ValidationFailed) as failed:
        ProjectManifest.from_dict(data)
    return [str(problem) for problem in failed.value.problems]


def test_the_name_is_enough_and_the_rest_has_the_documented_defaults() -> None:
    """A-65, A-66."""
    assert ProjectManifest(project_name="Energy").to_dict() == {
        "project_name": "Energy",
        "project_type": "custom",
        "description": "",
        "version": "1.0.0",
        "layer_order": ["Bronze", "Silver_1", "Gold_1"],
        "layers": {},
        "environments": ["qat", "prod"],
        "default_env": "qat",
        "entity_labels": {"entity_1": "plant", "entity_2": "asset", "entity_3": "equipment"},
        "transformation_modules": [],
        "cache_plan": {},
        "owner": None,
        "tags": [],
        "metadata": {},
    }


def test_v2s_constructor_keywords_work() -> None:
    manifest = ProjectManifest(
        project_name="P",
        project_type=ProjectType.ANALYTICS,
        description="d",
        version="2.0",
        layer_order=["Bronze", "Silver"],
        layers={"Silver": LayerConfig(name="Silver", description="s", depends_on=["Bronze"], max_workers=2)},
        environments=["dev"],
        default_env="dev",
        entity_labels={},
        transformation_modules=["m"],
        cache_plan={"Silver": ["t"]},
        owner="o",
        tags=["t"],
        metadata={"k": 1},
    )

    assert manifest.layers["Silver"].max_workers == 2
    assert manifest.project_type is ProjectType.ANALYTICS


def test_a_template_can_be_changed_written_and_read_back(tmp_path: Path) -> None:
    """A-65, U-28."""
    manifest = ProjectManifest.create_template("X", ProjectType.MANUFACTURING)
    manifest.owner = "ann"
    manifest.tags.append("energy")
    manifest.cache_plan["Gold_1"] = ["db.t"]
    manifest.entity_labels["entity_1"] = "site"

    text = manifest.to_json(tmp_path / "new" / "folder" / "manifest.json")
    back = ProjectManifest.from_json(tmp_path / "new" / "folder" / "manifest.json")

    assert back == manifest
    assert back.layers["Silver_1"].depends_on == ["Bronze"]
    assert json.loads(text) == manifest.to_dict()
    assert "\n" not in manifest.to_json(indent=None)


@given(manifest=MANIFESTS)
def test_nothing_is_lost_on_the_way_through_json(manifest: ProjectManifest) -> None:
    """A-65."""
    assert ProjectManifest.from_dict(json.loads(manifest.to_json())) == manifest


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".json", '{"$schema": "x", "project_name": "É 🚀", "layers": {"Silver": {"default_engine": "spark"}}}'),
        (".yaml", "project_name: É 🚀\nlayers:\n  Silver: {default_engine: spark}\n"),
        (".yml", "project_name: É 🚀\nlayers: {Silver: {default_engine: spark}}\n"),
        (".toml", 'project_name = "É 🚀"\n[layers.Silver]\ndefault_engine = "spark"\n'),
    ],
    ids=["json", "yaml", "yml", "toml"],
)
def test_every_format_is_read(tmp_path: Path, suffix: str, text: str) -> None:
    (tmp_path / f"manifest{suffix}").write_text(text, encoding="utf-8")

    manifest = ProjectManifest.from_file(tmp_path / f"manifest{suffix}")

    assert manifest.project_name == "É 🚀"
    assert manifest.layers["Silver"] == LayerConfig(name="Silver", default_engine="spark")


def test_a_written_manifest_is_utf8_with_the_characters_themselves(tmp_path: Path) -> None:
    """A-71."""
    ProjectManifest(project_name="É 🚀").to_json(tmp_path / "manifest.json")

    assert "É 🚀" in (tmp_path / "manifest.json").read_bytes().decode("utf-8")


def test_from_dict_leaves_its_argument_alone() -> None:
    """D-45."""
    data = {"project_name": "P", "layers": {"Bronze": {"depends_on": []}}, "metadata": {"a": [1]}}
    before = json.dumps(data)

    manifest = ProjectManifest.from_dict(data)
    manifest.metadata["a"].append(2)
    manifest.layers["Bronze"].depends_on.append("x")

    assert json.dumps(data) == before


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, "The key 'project_name' is missing."),
        ([], "A manifest is a mapping of keys, but this is a list."),
        ({"project": "P"}, "Unknown key 'project'. Did you mean 'project_name'?"),
        ({"project_name": "P", "layer_ordr": []}, "Unknown key 'layer_ordr'. Did you mean 'layer_order'?"),
        ({"project_name": "P", "xyzzy": 1}, "Unknown key 'xyzzy'. Known keys: cache_plan, config_store, connections,"),
        (
            {"project_name": "P", "layers": {"S": {"max_worker": 1}}},
            "Unknown key 'layers.S.max_worker'. Did you mean 'max_workers'?",
        ),
        ({"project_name": "P", "warehouse": {"pth": "x"}}, "Unknown key 'warehouse.pth'. Did you mean 'path'?"),
        ({"project_name": "P", "plugins": {"disabled": []}}, "Unknown key 'plugins.disabled'. Did you mean 'disable'?"),
        (
            {"project_name": "P", "project_type": "analytcs"},
            (
                "'project_type' is 'analytcs', which is none of manufacturing, analytics, ml_pipeline, data_integration, "
                "custom. Did you mean 'analytics'?"
            ),
        ),
        ({"project_name": "P", "version": 1.0}, "'version' must be text, but is 1.0. Put it in quotes."),
        ({"project_name": "P", "tags": None}, "'tags' must be a list, but is nothing."),
        ({"project_name": "P", "layer_order": ["a", 1]}, "'layer_order[1]' must be text, but is 1."),
        ({"project_name": "P", "layers": ["S"]}, "'layers' must be a mapping, but is a list."),
        ({"project_name": "P", "layers": {"S": []}}, "'layers.S' must be a mapping, but is a list."),
        (
            {"project_name": "P", "layers": {"S": {"max_workers": "4"}}},
            "'layers.S.max_workers' must be a whole number, but is '4'.",
        ),
        (
            {"project_name": "P", "layers": {"S": {"max_workers": 0}}},
            "'layers.S.max_workers': input should be greater than or equal to 1, but is 0.",
        ),
        ({"project_name": "P", "entity_labels": {1: "x"}}, "'entity_labels[1]' must be text, but is 1."),
        ({"project_name": "P", True: "x"}, "A key must be text, but one is true. Put it in quotes."),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_with_a_suggestion(data: Any, expected: str) -> None:
    """A-66, D-45."""
    assert any(expected in problem for problem in problems_of(data)), problems_of(data)


def test_all_problems_are_told_at_once() -> None:
    assert len(problems_of({"xyzzy": 1, "tags": 3, "layers": {"S": {"y": 1}}, "version": []})) == 5


def test_a_file_with_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.yaml").write_text("project_name: a\nproject_name: b\n", encoding="utf-8")

    with pytest.raises(ValidationFailed, match=r"manifest\.yaml:2: The key 'project_name' is already there, in line 1"):
        ProjectManifest.from_file(tmp_path / "manifest.yaml")


def test_a_value_that_may_be_a_secret_is_never_shown() -> None:
    """A-80."""
    secret = "postgres://u:hunter2@host"  # the value that must not appear
    data = {
        "project_name": "P",
        "connections": {"a": secret},
        "log_sinks": [secret],
        "config_store": secret,
        "engines": {"spark": secret},
        "plugins": {"settings": {"x": secret}},
    }

    told = problems_of(data)
    manifest = ProjectManifest(project_name="P", connections={"a": {"type": "x", "url": secret}})
    with pytest.raises(ValueError, match="validation error") as failed:
        manifest.connections = {"a": secret}  # type: ignore[dict-item]

    assert len(told) == 5
    assert "hunter2" not in "".join([*told, repr(manifest), str(failed.value)])


def test_a_wrong_value_is_refused_when_it_is_assigned() -> None:
    manifest = ProjectManifest(project_name="P")

    with pytest.raises(ValueError, match="owner"):
        manifest.owner = 3  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("project_type", "layers", "labels", "title"),
    [
        (
            "manufacturing",
            ["Bronze", "Silver_1", "Silver_2", "Gold_1", "Gold_2"],
            ["plant", "asset", "equipment"],
            "X - Manufacturing Data Pipeline",
        ),
        ("analytics", ["Bronze", "Silver", "Gold"], ["domain", "subdomain", "metric"], "X - Analytics Pipeline"),
        ("ml_pipeline", ["Bronze", "Silver", "Gold"], ["category_1", "category_2", "category_3"], "X - Data Pipeline"),
        ("data_integration", ["Bronze", "Silver", "Gold"], ["category_1", "category_2", "category_3"], "X - Data"),
        ("custom", ["Bronze", "Silver", "Gold"], ["category_1", "category_2", "category_3"], "X - Data Pipeline"),
    ],
)
def test_the_five_templates(project_type: str, layers: list[str], labels: list[str], title: str) -> None:
    """A-68."""
    manifest = ProjectManifest.create_template("X", project_type)

    assert manifest.layer_order == layers
    assert list(manifest.entity_labels.values()) == labels
    assert manifest.description.startswith(title)
    assert list(manifest.layers) == (layers if project_type in ("manufacturing", "analytics") else [])


def test_an_unknown_project_type_is_an_error_with_a_suggestion() -> None:
    """A-71."""
    with pytest.raises(ConfigError, match=r"'analitics' does not exist\. There are: analytics, .*Did you mean 'analyt"):
        ProjectManifest.create_template("X", "analitics")
