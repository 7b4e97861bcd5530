"""What the environment, the manifest and the command line say about plugins, and how that adds up."""

from __future__ import annotations

import pytest

from odibi_core.errors import ConfigError
from odibi_core.loading import PluginManager, PluginSettings


def test_environment_is_read_as_comma_lists():
    settings = PluginSettings.from_environment(
        {
            "ODIBI_PLUGINS_DISABLE": "a, Acme_B ,,",
            "ODIBI_PLUGINS_ONLY": " c ",
            "ODIBI_PLUGINS_STRICT": "1",
        }
    )

    assert settings == PluginSettings(disable=frozenset({"a", "acme-b"}), only=frozenset({"c"}), strict=True)


@pytest.mark.parametrize("environ", [{}, {"ODIBI_PLUGINS_ONLY": "", "ODIBI_PLUGINS_STRICT": "0"}], ids=str)
def test_empty_variables_say_nothing(environ):
    assert PluginSettings.from_environment(environ) == PluginSettings()


def test_strictness_that_is_neither_yes_nor_no_is_refused():
    with pytest.raises(ConfigError, match=r"ODIBI_PLUGINS_STRICT is 'maybe'. Set it to 1 or 0"):
        PluginSettings.from_environment({"ODIBI_PLUGINS_STRICT": "maybe"})


def test_manager_without_settings_takes_those_of_the_environment(monkeypatch):
    monkeypatch.setenv("ODIBI_PLUGINS_DISABLE", "acme")

    assert PluginManager().settings.disable == {"acme"}


def test_blocking_can_only_be_added_to():
    base = PluginSettings(disable=frozenset({"a"}), only=frozenset({"x", "y"}), strict=True, discover=False)

    merged = base.merged(disable=["b"], only=["y", "z"], strict=False, discover=True)

    assert merged.disable == {"a", "b"}
    assert merged.only == {"y"}
    assert merged.strict
    assert not merged.discover


def test_merging_nothing_changes_nothing():
    base = PluginSettings(only=frozenset({"x"}), prefer={"engine a": "b"}, strict=True)

    assert base.merged() == base
    assert PluginSettings().merged() == PluginSettings()


def test_only_of_the_manifest_counts_when_the_environment_has_none():
    assert PluginSettings().merged(only=[]).only == frozenset()
    assert PluginSettings().merged(only=["a"]).only == {"a"}


def test_choice_on_top_replaces_the_one_below():
    merged = PluginSettings(prefer={"engine a": "x", "engine b": "y"}).merged(prefer={"engine  a": "Z_z"})

    assert merged.choice("engine a") == "z-z"
    assert merged.choice("Engine B") == "y"
    assert merged.choice("engine c") is None


def test_one_string_is_no_list_of_names():
    with pytest.raises(TypeError, match="plugin names are a list, not one string: 'abc'"):
        PluginSettings().merged(disable="abc")
