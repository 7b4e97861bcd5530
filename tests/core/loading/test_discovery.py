"""The way of a plugin into the records: what is blocked, and what one broken plugin does to the others."""

from __future__ import annotations

import logging

import pytest

from odibi_core.errors import PluginLoadError
from odibi_core.loading import PluginManager, PluginSettings, PluginState, get_manager, list_plugins

GOOD = """
@hookimpl
def odibi_register_engines():
    yield EngineSpec(name="duckdb", factory="acme_good.engine:Engine")
"""
RAISES = "raise RuntimeError('no licence')"


def test_plugin_that_raises_at_import_does_not_stop_others(install_distribution, discover, record_of):
    """P2, pitfall 1: one entry point whose import fails."""
    install_distribution.plugin("bad", RAISES)
    install_distribution.plugin("good", GOOD)

    manager = discover()

    assert record_of(manager, "good").state is PluginState.ACTIVE
    assert record_of(manager, "good").provides == ("engine duckdb",)
    assert record_of(manager, "bad").state is PluginState.FAILED
    assert record_of(manager, "bad").reason == "cannot be registered: RuntimeError: no licence (plugin.py:3)"
    assert manager.engines.names() == ("duckdb",)


def test_broken_plugin_is_neither_fatal_nor_silent(install_distribution, discover, caplog):
    """P9: it is logged with names, listed with its reason, and quoted when something is not found."""
    install_distribution.plugin("bad", RAISES)

    with caplog.at_level(logging.WARNING, logger="odibi.loading"):
        manager = discover()

    assert "Plugin 'bad' (acme-bad 1.0) is failed" in caplog.text
    assert "no licence" in caplog.text
    (listed,) = [one for one in list_plugins(manager) if one["name"] == "bad"]
    assert listed["state"] == "failed"
    with pytest.raises(LookupError, match=r"Plugin 'bad' \(acme-bad 1\.0\) is failed: .*no licence"):
        manager.engine("duckdb")


def test_plugin_that_exits_at_import_is_failed(install_distribution, discover, record_of):
    """Pitfall 1: SystemExit is no way to end the host."""
    install_distribution.plugin("leaver", "import sys\nsys.exit('bye')")

    record = record_of(discover(), "leaver")

    assert record.state is PluginState.FAILED
    assert "SystemExit: bye" in record.reason


def test_keyboard_interrupt_while_a_plugin_is_imported_passes(install_distribution, discover):
    """Pitfall 1: the user is no broken plugin."""
    install_distribution.plugin("slow", "raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        discover()


def test_exception_that_cannot_be_shown_is_recorded(install_distribution, discover, record_of):
    install_distribution.plugin(
        "odd",
        """
        class Odd(Exception):
            def __str__(self):
                raise ValueError

        raise Odd
        """,
    )

    assert "Odd: (its message cannot be shown)" in record_of(discover(), "odd").reason


def test_missing_library_at_import_names_what_to_install(install_distribution, discover, record_of):
    install_distribution.plugin("needy", "import sklearn_of_nobody", requires=["sklearn-of-nobody; extra == 'ml'"])

    reason = record_of(discover(), "needy").reason

    assert reason == "needs the module 'sklearn_of_nobody', which is not installed: pip install \"acme-needy[ml]\""


@pytest.mark.parametrize("spelling", ["bad", "acme-bad", "Acme_Bad", "ACME.bad", " acme--bad "])
def test_disabled_plugin_is_never_imported(spelling, install_distribution, discover, record_of):
    """P3, pitfalls 2 and 15: blocking comes before the import, by either name, in any spelling of PEP 503."""
    install_distribution.plugin("bad", RAISES)

    record = record_of(discover(disable=[spelling]), "bad")

    assert record.state is PluginState.BLOCKED
    assert "ODIBI_PLUGINS_DISABLE" in record.reason


def test_environment_disables_before_import(install_distribution, monkeypatch, record_of):
    """P3: the variable of an operations team, and the variable that lets only some in."""
    install_distribution.plugin("bad", RAISES)
    install_distribution.plugin("good", GOOD)
    monkeypatch.setenv("ODIBI_PLUGINS_DISABLE", "odibi-sinks, acme_bad ,")
    monkeypatch.setenv("ODIBI_PLUGINS_ONLY", "good,bad")

    manager = get_manager()

    assert record_of(manager, "bad").state is PluginState.BLOCKED
    assert record_of(manager, "good").state is PluginState.ACTIVE
    assert manager.is_frozen


def test_only_lets_nothing_else_in(install_distribution, discover, record_of):
    install_distribution.plugin("bad", RAISES)
    install_distribution.plugin("good", GOOD)

    manager = discover(only=frozenset({"acme-good"}))

    assert record_of(manager, "good").state is PluginState.ACTIVE
    assert record_of(manager, "bad").state is PluginState.BLOCKED
    assert "allowed (acme-good)" in record_of(manager, "bad").reason


def test_only_of_nothing_blocks_everything(install_distribution, discover):
    install_distribution.plugin("good", GOOD)

    manager = discover(only=frozenset())

    assert {record.state for record in manager.records} == {PluginState.BLOCKED}
    assert manager.engines.names() == ()


def test_misspelt_name_in_the_settings_is_said(install_distribution, discover, caplog):
    install_distribution.plugin("good", GOOD)

    with caplog.at_level(logging.WARNING, logger="odibi.loading"):
        discover(disable=["acme-goood", "something-else-entirely"])

    assert "No installed plugin is called 'acme-goood'" in caplog.text
    assert "Did you mean 'acme-good'?" in caplog.text
    assert "something-else-entirely" not in caplog.text


def test_module_that_does_not_exist_fails_with_the_distribution_to_reinstall(install_distribution, discover, record_of):
    install_distribution("acme", plugins={"acme": "acme.plugin"}, modules={"acme/other.py": ""})

    record = record_of(discover(), "acme")

    assert record.reason == "its module 'acme.plugin' does not exist: pip install --force-reinstall acme"


def test_five_plugins_installed_together_have_five_truthful_states(install_distribution, discover):
    """P2, P4, P6, P9: the acceptance scenario, in one process."""
    install_distribution.plugin("raises", RAISES)
    install_distribution.plugin("misspelt", "@hookimpl\ndef odibi_layer_strat(event): ...")
    install_distribution.plugin("newer", GOOD, requires=["odibi-core>=99"])
    install_distribution.plugin("good", GOOD)
    install_distribution(
        "acme-clashing",
        plugins={"good-too": "acme_clashing"},
        modules={
            "acme_clashing.py": """
            from odibi_core.plugin import LogSinkSpec, hookimpl

            @hookimpl
            def odibi_register_log_sinks():
                yield LogSinkSpec(name="x", factory="a:B")
                yield LogSinkSpec(name="x", factory="a:C")
            """
        },
    )

    states = {one["name"]: (one["state"], one["reason"]) for one in list_plugins(discover())}

    assert states["good"] == ("active", "")
    assert states["raises"][0] == "failed"
    assert states["misspelt"][0] == "failed"
    assert "Did you mean 'odibi_layer_start'?" in states["misspelt"][1]
    assert states["newer"][0] == "incompatible"
    assert states["good-too"][0] == "failed"
    assert "yields log sink 'x' twice" in states["good-too"][1]


def test_strict_names_every_broken_plugin(install_distribution, monkeypatch):
    """Pitfall 1: ODIBI_PLUGINS_STRICT=1, which CI sets, turns records into one error."""
    install_distribution.plugin("raises", RAISES)
    install_distribution.plugin("newer", GOOD, requires=["odibi-core>=99"])
    monkeypatch.setenv("ODIBI_PLUGINS_STRICT", "1")
    monkeypatch.setenv("ODIBI_PLUGINS_ONLY", "raises,newer")

    with pytest.raises(PluginLoadError) as caught:
        get_manager()

    assert "2 plugins cannot be used" in str(caught.value)
    assert "'raises' (acme-raises 1.0) is failed" in str(caught.value)
    assert "'newer' (acme-newer 1.0) is incompatible: needs odibi-core>=99" in str(caught.value)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_strict_is_content_with_good_plugins(install_distribution, discover):
    install_distribution.plugin("good", GOOD)

    assert discover(strict=True).engines.names() == ("duckdb",)


def test_discovery_is_done_once(install_distribution, discover):
    install_distribution.plugin("good", GOOD)
    manager = discover()

    assert manager.discover().records == manager.records
    assert len([record for record in manager.records if record.name == "good"]) == 1


def test_manager_that_may_not_discover_finds_nothing(install_distribution):
    """Pitfall 22: what a test fixture uses."""
    install_distribution.plugin("good", GOOD)

    assert PluginManager(PluginSettings(discover=False)).discover().records == ()
