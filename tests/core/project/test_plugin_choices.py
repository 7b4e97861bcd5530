"""What a manifest says about plugins holds before any is imported, also in a manifest with faults."""

from __future__ import annotations

import json

import pytest

from odibi_core.errors import PluginLockError
from odibi_core.loading import PluginLock, PluginManager, PluginSettings
from odibi_core.project import Project, ProjectManifest, plugin_settings_for, project_schema, read_project_with_plugins
from odibi_core.project.manifest_reading import read_manifest
from odibi_core.project.plugin_choices import settings_of_reading


@pytest.fixture
def manifest(tmp_path):
    """Write a manifest with a ``plugins`` block, and return its path."""

    def write(plugins):
        path = tmp_path / "manifest.json"
        path.write_text(json.dumps({"project_name": "Locks", "plugins": plugins}))
        return path

    return write


def test_allow_and_lock_reach_the_settings(manifest, tmp_path):
    (tmp_path / "odibi.lock").write_text(PluginLock().to_text())
    read = ProjectManifest.from_file(manifest({"allow": ["Acme_Good"], "lock": True}))

    settings = plugin_settings_for(read, root=tmp_path)

    assert (settings.allow, settings.lock) == (frozenset({"acme-good"}), PluginLock())


def test_lock_file_is_not_read_unless_the_manifest_asks(manifest, tmp_path):
    (tmp_path / "odibi.lock").write_text("nonsense")

    assert plugin_settings_for(ProjectManifest.from_file(manifest({})), root=tmp_path).lock is None
    assert plugin_settings_for(ProjectManifest.from_file(manifest({"lock": False})), root=tmp_path).lock is None


def test_lock_without_a_file_is_refused_and_allows_nothing_where_that_is_no_error(manifest, tmp_path):
    read = ProjectManifest.from_file(manifest({"lock": True}))

    with pytest.raises(PluginLockError, match=r"there is no odibi.lock"):
        plugin_settings_for(read, root=tmp_path)
    assert plugin_settings_for(read, root=tmp_path, refuses_drift=False).lock == PluginLock()


@pytest.mark.parametrize(
    "plugins",
    [{"allow": "odibi-sinks"}, {"allow": ["odibi-sinks"], "oops": 1}, {"lock": "yes"}],
    ids=["allow is no list", "another key is misspelt", "lock is no flag"],
)
def test_policy_that_cannot_be_read_allows_nothing(plugins, manifest, tmp_path):
    reading = read_manifest(manifest(plugins))

    assert reading.problems
    assert settings_of_reading(reading, root=tmp_path, settings=PluginSettings()).allow == frozenset()


def test_fault_elsewhere_leaves_the_policy_as_it_is(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"project_name": "Locks", "layer_order": 3, "plugins": {"allow": ["a"]}}))

    settings = settings_of_reading(read_manifest(path), root=tmp_path, settings=PluginSettings())

    assert settings.allow == {"a"}


def test_project_with_other_plugins_than_locked_cannot_be_read(manifest, tmp_path, monkeypatch):
    monkeypatch.setenv("ODIBI_PLUGINS_ONLY", "odibi-engine-pandas")
    path = manifest({"lock": True})
    (tmp_path / "odibi.lock").write_text(PluginLock().to_text())

    with pytest.raises(PluginLockError, match=r"'engine-pandas' .* is installed and not locked"):
        read_project_with_plugins(manifest_path=path)
    with pytest.raises(PluginLockError):
        Project.without_rows(path).manager()


def test_manager_of_the_caller_is_held_to_the_lock_if_it_looked_for_plugins(manifest, tmp_path):
    path = manifest({"lock": True})
    (tmp_path / "odibi.lock").write_text(PluginLock().to_text())
    looked = PluginManager(PluginSettings(only=frozenset({"odibi-engine-pandas"}))).discover().freeze()
    by_hand = PluginManager(PluginSettings(discover=False)).freeze()

    with pytest.raises(PluginLockError):
        read_project_with_plugins(manifest_path=path, manager=looked)
    assert read_project_with_plugins(manifest_path=path, manager=by_hand)[2] is by_hand


def test_schema_knows_allow_and_lock():
    properties = project_schema(PluginManager(PluginSettings(discover=False)))["$defs"]["PluginChoices"]["properties"]

    assert properties["allow"]["anyOf"][0] == {"items": {"type": "string"}, "type": "array"}
    assert properties["lock"]["anyOf"][0] == {"type": "boolean"}
