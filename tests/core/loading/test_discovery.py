"""Level 0 and the way through level 1: what is found, what is blocked, and what one broken plugin does to others."""

from __future__ import annotations

import json
import logging
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odibi_core.errors import PluginLoadError
from odibi_core.loading import PluginManager, PluginSettings, PluginState, get_manager, list_plugins
from odibi_core.loading.distributions import find_plugins
from odibi_core.loading.records import canonical_name

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

    with caplog.at_level(logging.WARNING, logger="odibi_core.loading"):
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

    with caplog.at_level(logging.WARNING, logger="odibi_core.loading"):
        discover(disable=["acme-goood", "something-else-entirely"])

    assert "No installed plugin is called 'acme-goood'" in caplog.text
    assert "Did you mean 'acme-good'?" in caplog.text
    assert "something-else-entirely" not in caplog.text


def test_two_distributions_with_one_entry_point_name_both_fail(install_distribution, discover, record_of):
    """P6, pitfall 14: pluggy would load one of the two and say nothing."""
    for name in ("acme-one", "acme-two"):
        package = name.replace("-", "_")
        install_distribution(name, plugins={"twin": f"{package}.plugin"}, modules={f"{package}/plugin.py": RAISES})

    records = [record for record in discover().records if record.name == "twin"]

    assert [record.state for record in records] == [PluginState.FAILED, PluginState.FAILED]
    for record in records:
        assert "'twin' (acme-one 1.0), 'twin' (acme-two 1.0)" in record.reason
        assert "ODIBI_PLUGINS_DISABLE=acme-one" in record.reason
        assert '{"plugins": {"prefer": {"plugin twin": "acme-one"}}}' in record.reason


@pytest.mark.parametrize("way_out", [{"disable": ["acme-one"]}, {"prefer": {"plugin twin": "acme-two"}}], ids=str)
def test_each_way_out_of_a_name_clash_works(way_out, install_distribution, discover):
    """P6: the two ways out that the message names."""
    for name in ("acme-one", "acme-two"):
        package = name.replace("-", "_")
        install_distribution(name, plugins={"twin": f"{package}.plugin"}, modules={f"{package}/plugin.py": ""})

    states = {record.distribution: record.state for record in discover(**way_out).records}

    assert states["acme-one"] is PluginState.BLOCKED
    assert states["acme-two"] is PluginState.ACTIVE


def test_distribution_that_is_on_the_path_twice_is_no_clash(
    install_distribution, discover, record_of, tmp_path, monkeypatch
):
    """Pitfall 14: the first one shadows the second, as for any import."""
    install_distribution.plugin("good", GOOD, version="1.0")
    other = type(install_distribution)(tmp_path / "front", monkeypatch)
    other.plugin("good", GOOD, version="2.0")

    record = record_of(discover(), "good")

    assert (record.state, record.version) == (PluginState.ACTIVE, "2.0")


def test_name_listed_twice_in_one_distribution_for_two_modules_fails(install_distribution, discover, record_of):
    """Pitfall 14: which of the two is meant, nobody can know."""
    install_distribution("acme", entry_points=b"[odibi.plugins]\nacme = acme.one\nacme = acme.two\n")

    record = record_of(discover(), "acme")

    assert record.state is PluginState.FAILED
    assert "'acme.one' and 'acme.two'" in record.reason


def test_names_are_found_without_importing_anything(install_distribution):
    """Pitfall 2: level 0 is metadata."""
    module = install_distribution.plugin("bad", RAISES)

    (plugin,) = [plugin for plugin in find_plugins() if plugin.record.name == "bad"]

    assert plugin.record.state is PluginState.FOUND
    assert (plugin.record.distribution, plugin.record.version, plugin.module) == ("acme-bad", "1.0", module)
    assert plugin.requires == ("odibi-core>=0.1,<1",)


def test_only_metadata_of_our_plugins_is_opened(install_distribution):
    """Pitfall 14: reading the metadata of every distribution would cost 70 ms in a large environment."""
    install_distribution.plugin("good", GOOD)
    install_distribution("stranger", entry_points=b"[console_scripts]\nstranger = stranger:main\n")

    done = install_distribution.python(
        """
        import json, sys
        opened = []
        sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
        from odibi_core.loading.distributions import find_plugins
        find_plugins()
        print(json.dumps([path for path in opened if path.endswith("METADATA")]))
        """
    )

    opened = json.loads(done.stdout)
    assert any("acme_good-1.0.dist-info" in path for path in opened)
    assert not any("stranger" in path or "hypothesis" in path for path in opened)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("acme.plugin:plugin", "names a module: 'acme.plugin'"),
        ("acme.plugin [fast]", "extras fast"),
        ("acme plugin", "is no module"),
        ("", "is no module"),
    ],
)
def test_entry_point_that_is_no_module_fails(value, words, install_distribution, discover, record_of):
    """Pitfall 24: extras are not supported, and only modules are plugins."""
    install_distribution("acme", plugins={"acme": value}, modules={"acme/plugin.py": ""})

    record = record_of(discover(), "acme")

    assert record.state is PluginState.FAILED
    assert words in record.reason


@pytest.mark.parametrize(
    "entry_points",
    [b"[odibi.plugins]\nno equals sign\n", b"[odibi.plugins]\nbad = \xff\xfe\n"],
    ids=["no value", "not UTF-8"],
)
def test_unreadable_entry_points_do_not_hide_other_plugins(entry_points, install_distribution, discover, record_of):
    """Pitfall 1: importlib.metadata gives up on the first unreadable file, whoever it belongs to."""
    install_distribution("acme-torn", version="3.1", entry_points=entry_points)
    install_distribution.plugin("good", GOOD)

    manager = discover()

    assert record_of(manager, "good").state is PluginState.ACTIVE
    torn = record_of(manager, "acme-torn")
    assert (torn.state, torn.version) == (PluginState.FAILED, "3.1")
    assert "entry_points.txt cannot be read" in torn.reason


def test_unreadable_entry_points_of_a_stranger_are_no_plugin(install_distribution, discover, record_of, caplog):
    """Pitfall 1: it is said in the log, and is not in the list."""
    install_distribution("stranger", entry_points=b"[console_scripts]\nno equals sign\n")
    install_distribution.plugin("good", GOOD)

    with caplog.at_level(logging.WARNING, logger="odibi_core.loading"):
        manager = discover()

    assert record_of(manager, "good").state is PluginState.ACTIVE
    assert "stranger" not in [record.name for record in manager.records]
    assert "entry points of stranger cannot be read" in caplog.text


def test_metadata_without_a_name_fails_that_plugin_alone(install_distribution, discover, record_of):
    install_distribution("nameless", plugins={"nameless": "nameless.plugin"}, metadata="Metadata-Version: 2.1\n\n")
    install_distribution.plugin("good", GOOD)

    manager = discover()

    assert record_of(manager, "nameless").state is PluginState.FAILED
    assert "no name" in record_of(manager, "nameless").reason
    assert record_of(manager, "good").state is PluginState.ACTIVE


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


HOSTILE = st.text(
    alphabet=st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"), blacklist_characters="=[]#\x85"), min_size=1
).filter(lambda text: text == text.strip() and text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(name=HOSTILE)
def test_hostile_entry_point_names_are_taken_as_they_are(name, install_distribution):
    """Pitfall 15: whatever the name, the plugin is found under it, can be loaded, and can be disabled by it."""
    install_distribution("acme-hostile", plugins={name: "acme_hostile"}, modules={"acme_hostile.py": ""})

    loaded = PluginManager(PluginSettings(only=frozenset({"acme-hostile"}))).discover()
    disabled = PluginManager(PluginSettings(only=frozenset({"acme-hostile"}), disable=frozenset({name}))).discover()

    (record,) = [record for record in loaded.records if record.distribution == "acme-hostile"]
    assert (record.name, record.state) == (name, PluginState.ACTIVE if name != "kernel" else PluginState.FAILED)
    (record,) = [record for record in disabled.records if record.distribution == "acme-hostile"]
    assert record.state is PluginState.BLOCKED
    json.dumps(list_plugins(loaded))


@given(st.text(alphabet=string.ascii_letters + string.digits + "-_.", min_size=1))
def test_canonical_names_are_those_of_packaging(name):
    """Pitfall 15: PEP 503."""
    from packaging.utils import canonicalize_name

    assert canonical_name(name) == canonicalize_name(name)
