"""Level 0: what the metadata of installed distributions says, also when it is torn, doubled or hostile."""

from __future__ import annotations

import json
import logging
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odibi_core.loading import PluginManager, PluginSettings, PluginState, list_plugins
from odibi_core.loading.distributions import find_plugins
from odibi_core.loading.records import canonical_name

GOOD = """
@hookimpl
def odibi_register_engines():
    yield EngineSpec(name="duckdb", factory="acme_good.engine:Engine")
"""
RAISES = "raise RuntimeError('no licence')"


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

    with caplog.at_level(logging.WARNING, logger="odibi.loading"):
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


def test_metadata_that_is_not_text_fails_that_plugin_alone(install_distribution, discover, record_of):
    info = install_distribution("acme", plugins={"acme": "acme.plugin"})
    (info / "METADATA").write_bytes(b"Name: \xff\xfe")

    assert record_of(discover(), "acme").reason == "the METADATA of its distribution is not UTF-8"


def test_plugin_installed_as_an_egg_is_found_with_its_requirements(install_distribution, discover, record_of):
    """What `setup.py develop` leaves, which has no METADATA."""
    egg = install_distribution.folder / "acme_egg.egg-info"
    egg.mkdir()
    (egg / "PKG-INFO").write_text("Metadata-Version: 1.2\nName: acme-egg\nVersion: 0.9\n")
    (egg / "entry_points.txt").write_text("[odibi.plugins]\negg = acme_egg\n")
    (egg / "requires.txt").write_text("odibi-core>=99\n\n[fast]\nacme-missing\n")

    record = record_of(discover(), "egg")

    assert (record.distribution, record.version, record.state) == ("acme-egg", "0.9", PluginState.INCOMPATIBLE)
    assert "needs odibi-core>=99" in record.reason
    assert "acme-missing" not in record.reason


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
