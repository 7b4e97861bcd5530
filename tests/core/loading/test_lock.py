"""`odibi.lock`: what is installed is compared with it before anything is imported."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.errors import ConfigError, PluginLoadError, PluginLockError
from odibi_core.loading import (
    LockedPlugin,
    PluginLock,
    PluginState,
    find_plugins,
    get_manager,
    read_lock,
)
from odibi_core.loading.settings import PluginSettings

LOUD = "raise RuntimeError('imported')"


def locked():
    """The lock of what this test has installed."""
    return PluginLock.of(one for one in find_plugins() if one.record.distribution.startswith("acme"))


def test_what_is_installed_as_locked_is_loaded(install_distribution, discover, record_of):
    install_distribution.plugin("good", "")

    manager = discover(lock=locked())

    assert record_of(manager, "good").state is PluginState.ACTIVE
    assert manager.drift == ()


def test_lock_holds_distribution_version_entry_point_and_api_and_no_place(install_distribution):
    install_distribution.plugin("good", "", version="2.1")

    text = locked().to_text()

    assert json.loads(text) == {
        "lock_version": 1,
        "api": 1,
        "plugins": [
            {
                "name": "good",
                "distribution": "acme-good",
                "version": "2.1",
                "entry_point": "acme_good.plugin",
                "requires_api": "<1,>=0.1",
            }
        ],
    }
    assert str(install_distribution.folder) not in text


def changed(install, **more):
    """Replace the one plugin by another of the same distribution."""
    info = next(install.folder.glob("acme_good-*.dist-info"))
    for file in info.iterdir():
        file.unlink()
    info.rmdir()
    install("acme-good", **{"plugins": {"good": "loud"}, "modules": {"loud.py": LOUD}, **more})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": "1.1", "plugins": {"good": "acme_good.plugin"}}, "has the version '1.1', and '1.0' is locked"),
        ({"plugins": {"good": "loud"}}, "has the entry point 'loud', and 'acme_good.plugin' is locked"),
        ({"plugins": {"good": "acme_good.plugin"}, "requires": ["odibi-core>=0.1"]}, "range of kernels"),
        ({"plugins": {"bad": "acme_good.plugin"}}, "'bad' (acme-good 1.0) is installed and not locked"),
        ({"plugins": {}}, "'good' (acme-good 1.0) is locked and not installed"),
    ],
    ids=["version", "entry point", "api window", "new", "gone"],
)
def test_drift_is_refused_with_what_differs_and_both_ways_out(change, words, install_distribution, discover):
    install_distribution.plugin("good", LOUD)
    lock = locked()
    changed(install_distribution, **change)

    with pytest.raises(PluginLockError) as caught:
        discover(lock=lock)

    message = str(caught.value)
    assert words in message
    assert "bring back what is locked" in message
    assert "odibi plugins lock" in message
    assert isinstance(caught.value, ConfigError)


def test_nothing_at_all_is_imported_where_something_differs(install_distribution, discover):
    install_distribution.plugin("good", "import sys; sys.modules['acme_was_here'] = sys")
    lock = locked()
    install_distribution.plugin("new", LOUD)

    with pytest.raises(PluginLockError, match=r"'new' \(acme-new 1.0\) is installed and not locked"):
        discover(lock=lock)

    import sys

    assert "acme_was_here" not in sys.modules


def test_what_differs_is_blocked_where_that_is_no_error(install_distribution, discover, record_of):
    install_distribution.plugin("good", "")
    lock = locked()
    install_distribution.plugin("new", LOUD)

    manager = discover(lock=lock, refuses_drift=False)

    assert record_of(manager, "good").state is PluginState.ACTIVE
    assert record_of(manager, "new").state is PluginState.BLOCKED
    assert "not as odibi.lock has it" in record_of(manager, "new").reason
    assert [one.plugin for one in manager.drift] == ["new"]


def test_another_version_of_the_plugin_api_is_drift(install_distribution, discover):
    with pytest.raises(PluginLockError, match="version 0 of the plugin API is locked, and this kernel has 1"):
        discover(lock=PluginLock(api=0))


@pytest.mark.parametrize(
    "how", [{"disable": ("acme-new", "gone")}, {"only": frozenset({"good"})}], ids=["disable", "only"]
)
def test_what_is_blocked_differs_in_nothing(how, install_distribution, discover, record_of):
    install_distribution.plugin("good", "")
    gone = LockedPlugin(name="gone", distribution="acme-gone", version="1", entry_point="x")
    lock = PluginLock(plugins=(*locked().plugins, gone))
    install_distribution.plugin("new", LOUD)

    manager = discover(lock=lock, **how)

    assert record_of(manager, "good").state is PluginState.ACTIVE
    assert manager.drift == ()


def test_drift_is_told_before_strictness(install_distribution, discover):
    install_distribution.plugin("good", LOUD)
    lock = locked()

    with pytest.raises(PluginLoadError, match="strict"):
        discover(lock=lock, strict=True)
    install_distribution.plugin("new", LOUD)
    with pytest.raises(PluginLockError):
        discover(lock=lock, strict=True)


def test_a_refused_discovery_is_refused_again_and_is_not_remembered(install_distribution):
    install_distribution.plugin("good", "")
    settings = PluginSettings(only=frozenset({"good"}), lock=PluginLock())

    for _ in range(2):
        with pytest.raises(PluginLockError):
            get_manager(settings)


def test_settings_with_a_lock_can_be_sent_and_compared():
    lock = PluginLock(plugins=(LockedPlugin(name="a", distribution="b", version="1", entry_point="c"),))
    settings = PluginSettings(lock=lock)

    assert pickle.loads(pickle.dumps(settings)) == settings
    assert hash(PluginSettings(lock=PluginLock.from_text(lock.to_text()))) == hash(settings)
    assert settings != PluginSettings(lock=PluginLock())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is no JSON"),
        ("[]", "has lock_version None"),
        ('{"lock_version": 2}', "has lock_version 2, and this Odibi knows 1"),
        ('{"lock_version": 1, "api": 1}', "is not as Odibi writes it"),
        ('{"lock_version": 1, "api": "1", "plugins": []}', "is not as Odibi writes it"),
        ('{"lock_version": 1, "api": 1, "plugins": [{"name": "a"}]}', "is not as Odibi writes it"),
        ('{"lock_version": 1, "api": 1, "plugins": [3]}', "is not as Odibi writes it"),
    ],
)
def test_file_that_is_no_lock_is_an_error_that_says_what_to_do(text, words, tmp_path):
    path = tmp_path / "odibi.lock"
    path.write_text(text)

    with pytest.raises(PluginLockError, match=words) as caught:
        read_lock(path)
    assert "odibi plugins lock" in str(caught.value)


def test_file_that_is_missing_or_not_text_is_an_error(tmp_path):
    with pytest.raises(PluginLockError, match=r"there is no odibi.lock beside it.*odibi plugins lock"):
        read_lock(tmp_path / "odibi.lock")
    (tmp_path / "odibi.lock").write_bytes(b"\xff\xfe")
    with pytest.raises(PluginLockError, match="not UTF-8"):
        read_lock(tmp_path / "odibi.lock")


WORDS = st.text(max_size=8)
PLUGINS = st.lists(
    st.builds(LockedPlugin, name=WORDS, distribution=WORDS, version=WORDS, entry_point=WORDS, requires_api=WORDS)
)


@given(plugins=PLUGINS)
def test_lock_is_read_as_it_was_written(plugins):
    lock = PluginLock(plugins=tuple(plugins))

    assert PluginLock.from_text(lock.to_text()) == lock


@pytest.mark.parametrize(
    ("requires", "window"),
    [
        (["odibi-core>=0.1,<1"], "<1,>=0.1"),
        (["Odibi_Core (<1,>=0.1)", "pandas>=2"], "<1,>=0.1"),
        (["odibi-core[testing] >= 0.1 ; python_version > '3'"], ">=0.1"),
        (["odibi-core"], ""),
        (["odibi-core-extras>=3"], ""),
        ([], ""),
    ],
)
def test_window_of_kernels_is_read_in_one_spelling(requires, window, install_distribution):
    install_distribution("acme-good", plugins={"good": "x"}, requires=requires)

    assert [one.requires_api for one in locked().plugins] == [window]
