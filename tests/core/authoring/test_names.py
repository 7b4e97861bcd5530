"""Which names a new plugin may have, and what is made of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from odibi_core.authoring.names import check_free, check_word, name_plugin
from odibi_core.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "distribution", "package", "subject"),
    [
        pytest.param("acme-historian", "acme-historian", "acme_historian", "historian", id="owner and subject"),
        pytest.param("historian", "historian", "historian", "historian", id="one word"),
        pytest.param("Acme.Fixed_Width", "acme-fixed-width", "acme_fixed_width", "fixed-width", id="other spellings"),
        pytest.param("acme-historian-reader", "acme-historian-reader", "acme_historian_reader", "historian", id="kind"),
        pytest.param("odibi-engine-duckdb", "odibi-engine-duckdb", "odibi_engine_duckdb", "duckdb", id="as ours"),
        pytest.param("historian-reader", "historian-reader", "historian_reader", "historian", id="no owner"),
        pytest.param("odibi-reader", "odibi-reader", "odibi_reader", "odibi-reader", id="nothing telling"),
    ],
)
def test_names_are_made_of_the_one_that_was_typed(name, distribution, package, subject):
    names = name_plugin(name)

    assert (names.folder, names.distribution, names.package, names.subject) == (name, distribution, package, subject)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        pytest.param("", "no name that a distribution may have", id="empty"),
        pytest.param("../acme", "no name that a distribution may have", id="another folder"),
        pytest.param("acme historian", "no name that a distribution may have", id="blank"),
        pytest.param("-acme", "no name that a distribution may have", id="option"),
        pytest.param("acme-", "no name that a distribution may have", id="hyphen last"),
        pytest.param("acme\nx", "no name that a distribution may have", id="line break"),
        pytest.param("acme\n", "no name that a distribution may have", id="line break last"),
        pytest.param("café", "no name that a distribution may have", id="accent"),
        pytest.param("${x}", "no name that a distribution may have", id="placeholder"),
        pytest.param("3acme", "nothing that Python can import", id="digit first"),
        pytest.param("class", "a word of Python's own", id="keyword"),
        pytest.param("a" * 101, "has 101 characters", id="long"),
    ],
)
def test_name_that_cannot_be_used_is_refused_with_one_that_can(name, fault):
    with pytest.raises(ConfigError, match=r"acme-historian") as caught:
        name_plugin(name)

    assert fault in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@given(st.text(max_size=30))
def test_name_that_is_taken_is_one_part_of_a_path_and_a_requirement(name):
    try:
        names = name_plugin(name)
    except ConfigError:
        return
    assert Requirement(names.distribution).name == names.distribution
    assert names.package.isidentifier()
    assert not {"/", "\\", "\0"} & set(names.folder)
    assert names.folder not in {".", ".."}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("odibi-core", r"odibi-core .* is installed.*pip uninstall odibi-core", id="distribution"),
        pytest.param("Odibi_Core", r"odibi-core .* is installed", id="another spelling of it"),
        pytest.param("json", "'json'.*of Python itself.*acme-json", id="module of Python"),
        pytest.param("yaml", r"'yaml'.*__init__\.py.*acme-yaml", id="module of a distribution of another name"),
    ],
)
def test_name_of_something_that_is_there_is_refused(name, said):
    with pytest.raises(ConfigError, match=said):
        check_free(name_plugin(name))


def test_folder_without_code_takes_no_name(tmp_path, monkeypatch):
    (tmp_path / "acme_historian").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))

    check_free(name_plugin("acme-historian"))


@pytest.mark.parametrize("word", ["", " ", "a b", "a/b", "-x", "x" * 101, "größe"])
def test_word_that_users_cannot_write_is_refused(word):
    with pytest.raises(ConfigError, match=r"--format .* is no name that users can write"):
        check_word(word, option="--format")
