"""`plugins.allow`: what a project does not name is never imported, whatever it calls itself."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.loading import PluginManager, PluginRecord, PluginSettings, PluginState
from odibi_core.loading.blocking import why_blocked

LOUD = "raise RuntimeError('imported')"


def states(manager):
    return {record.distribution: record.state for record in manager.records if record.distribution.startswith("acme")}


def test_what_is_not_allowed_is_never_imported(install_distribution, discover, record_of):
    install_distribution.plugin("good", "")
    install_distribution.plugin("other", LOUD)

    manager = discover(allow=frozenset({"acme-good"}))

    assert states(manager) == {"acme-good": PluginState.ACTIVE, "acme-other": PluginState.BLOCKED}
    assert record_of(manager, "other").reason == "the manifest's `plugins.allow` does not name it (acme-good)"


@pytest.mark.parametrize("name", ["good", "Good", "acme-good", "ACME_Good", "acme.good"])
def test_plugin_is_allowed_by_its_name_or_its_distribution_in_any_spelling(name, install_distribution, discover):
    install_distribution.plugin("good", "")

    assert states(discover(allow=frozenset({name}))) == {"acme-good": PluginState.ACTIVE}


def test_nothing_allowed_is_nothing_loaded(install_distribution, discover):
    install_distribution.plugin("good", LOUD)

    assert states(discover(allow=frozenset())) == {"acme-good": PluginState.BLOCKED}


def test_another_distribution_is_not_let_in_by_the_name_of_an_allowed_plugin(install_distribution, discover):
    install_distribution.plugin("good", "")
    install_distribution("acme-evil", plugins={"good": "evil"}, modules={"evil.py": LOUD})

    by_name = discover(allow=frozenset({"good"}))
    by_distribution = discover(allow=frozenset({"acme-good"}))

    assert set(states(by_name).values()) == {PluginState.BLOCKED}
    assert all(
        "name the distribution that is meant" in record.reason for record in by_name.records if record.reason[0] == "t"
    )
    assert states(by_distribution) == {"acme-good": PluginState.ACTIVE, "acme-evil": PluginState.BLOCKED}


def test_an_entry_point_called_like_an_allowed_distribution_is_not_let_in(install_distribution, discover):
    install_distribution.plugin("good", "")
    install_distribution("acme-evil", plugins={"acme-good": "evil"}, modules={"evil.py": LOUD})

    manager = discover(allow=frozenset({"acme-good"}))

    assert states(manager) == {"acme-good": PluginState.ACTIVE, "acme-evil": PluginState.BLOCKED}


@pytest.mark.parametrize(
    ("settings", "loaded"),
    [
        ({"allow": {"one", "two"}}, {"one", "two"}),
        ({"allow": {"one", "two"}, "disable": {"one"}}, {"two"}),
        ({"allow": {"one", "two"}, "only": {"two", "three"}}, {"two"}),
        ({"allow": {"one"}, "only": {"two"}}, set()),
        ({"allow": {"one", "nowhere"}, "strict": True}, {"one"}),
    ],
    ids=["allow", "disable wins", "only narrows", "only and allow share nothing", "strict is about the broken"],
)
def test_allow_with_the_other_settings(settings, loaded, install_distribution, discover):
    for name in ("one", "two", "three"):
        install_distribution.plugin(name, "")

    manager = discover(**{key: frozenset(value) if key != "strict" else value for key, value in settings.items()})

    assert {record.name for record in manager.records if record.state is PluginState.ACTIVE} == loaded


def test_allowed_lists_of_two_places_have_in_common_what_may_be_loaded():
    settings = PluginSettings(allow=frozenset({"a", "B"})).merged(allow=["b", "c"])

    assert settings.allow == {"b"}
    assert settings.merged().allow == {"b"}


def test_plugin_registered_by_hand_is_code_of_the_caller_and_no_business_of_the_list():
    manager = PluginManager(PluginSettings(discover=False, allow=frozenset()))

    assert manager.register(SimpleNamespace(), name="mine").state is PluginState.ACTIVE


NAMES = st.sampled_from(["a", "A", "a_b", "a-b", "b", "c.d", "c-d"])


@given(plugins=st.lists(st.tuples(NAMES, NAMES), unique=True, max_size=6), allow=st.frozensets(NAMES, max_size=3))
def test_an_allowed_name_lets_in_plugins_of_one_distribution_at_most(plugins, allow):
    records = [PluginRecord(name, distribution, "1", "x") for name, distribution in plugins]
    settings = PluginSettings(allow=allow)

    reasons = why_blocked(records, settings=settings)

    for name in settings.allow:
        let_in = {
            record.distribution.lower().replace("_", "-").replace(".", "-")
            for record, reason in zip(records, reasons, strict=True)
            if not reason and PluginSettings(allow=frozenset({record.name, record.distribution})).allow & {name}
        }
        assert len(let_in - (settings.allow - {name})) <= 1
