"""`plugins.disable` is edited in the text of a manifest, and nothing that people wrote is lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odibi_core.project.disable_list import add_disabled, disabled_lines, remove_disabled
from odibi_core.project.documents import parse_text

TEXTS = {
    "yaml without plugins": (".yaml", "# ours\nproject_name: P  # the name\ntags: [a, disable]\n"),
    "yaml without a last newline": (".yml", "project_name: P"),
    "yaml with windows lines": (".yaml", "# ours\r\nproject_name: P\r\nplugins:\r\n  strict: true # really\r\n"),
    "yaml block without disable": (".yaml", "plugins: # which\n\n  # only these\n  strict: true\nproject_name: P\n"),
    "yaml flow block": (".yaml", "project_name: P\nplugins: {strict: true} # which\n"),
    "yaml empty flow block": (".yaml", "project_name: P\nplugins: {}\n"),
    "yaml flow list": (".yaml", "project_name: P\nplugins:\n  disable: [b, 'c'] # why\n"),
    "yaml empty list": (".yaml", "project_name: P\nplugins:\n  disable: []\n"),
    "yaml block list": (".yaml", "plugins:\n    disable:\n    # slow\n    - b\n    - c # broken\nproject_name: P\n"),
    "yaml with another disable": (".yaml", "metadata: {disable: [x]}\n# disable: [z]\nplugins:\n  disable: [b]\n"),
    "toml without plugins": (".toml", '# ours\nproject_name = "P"\n[metadata]\na = 1 # one\n'),
    "toml table": (".toml", 'project_name = "P"\n[plugins] # which\nstrict = true\n\n[metadata]\na = 1\n'),
    "toml inline table": (".toml", 'project_name = "P"\nplugins = {strict = true}\n'),
    "toml dotted": (".toml", 'project_name = "P"\nplugins.strict = true\n'),
    "toml list": (".toml", 'project_name = "P"\n[plugins]\ndisable = [\n  "b", # broken\n  "c",\n]\n'),
    "json without plugins": (".json", '{\n  "project_name": "P",\n  "tags": []\n}\n'),
    "json block": (".json", '{"project_name": "P", "plugins": {"strict": true}}'),
    "json empty block": (".json", '{"project_name": "P", "plugins": {}}'),
    "json list": (".json", '{"plugins": {"disable": ["b"], "settings": {"b": {"disable": [1]}}}, "project_name": "P"}'),
}


def read(text, suffix):
    document, problems = parse_text(text, file="manifest", suffix=suffix)
    assert problems == []
    return document.data


@pytest.mark.parametrize(("suffix", "text"), TEXTS.values(), ids=TEXTS)
def test_name_is_added_and_nothing_is_taken_away(suffix, text):
    changed = add_disabled(text, suffix=suffix, name="audit")

    data, before = read(changed, suffix), read(text, suffix)
    assert "audit" in data["plugins"]["disable"]
    assert {*data["plugins"].pop("disable")} == {"audit", *before.setdefault("plugins", {}).pop("disable", [])}
    assert data == before
    rest = iter(changed)
    assert all(letter in rest for letter in text), "the old text is not what is left without the addition"
    assert ("\r\n" in text) == ("\r\n" in changed)
    assert changed.count("\n") == changed.count("\r\n") or "\r\n" not in changed


@pytest.mark.parametrize(("suffix", "text"), TEXTS.values(), ids=TEXTS)
def test_name_that_was_added_can_be_removed(suffix, text):
    changed = remove_disabled(add_disabled(text, suffix=suffix, name="audit"), suffix=suffix, name="audit")

    data, before = read(changed, suffix), read(text, suffix)
    assert data["plugins"].pop("disable") == before.setdefault("plugins", {}).pop("disable", [])
    assert data == before
    comments = [line.partition("#")[2] for line in text.splitlines() if "#" in line]
    assert [comment for comment in comments if comment not in changed] == []


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".yaml", "plugins:\n  disable:\n    - audit # broken since May\n    - b\n"),
        (".toml", '[plugins]\ndisable = [\n  "b"\n  # the next one is slow\n  , "audit" # why\n]\n'),
        (".yaml", "x: &a\n  disable: [audit]\nplugins: *a\n"),
    ],
    ids=["its own comment", "a comment before it", "an alias"],
)
def test_what_cannot_be_removed_without_losing_more_is_left(suffix, text):
    changed = remove_disabled(text, suffix=suffix, name="audit")

    assert changed is None or ("why" in changed and "slow" in changed)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".yaml", "- a\n"),
        (".yaml", "project_name: P\n...\n"),
        (".yaml", "x: [\n"),
        (".json", '{"plugins": []}'),
        (".json", '{"plugins": {"disable": "b"}}'),
        (".json", '{"project_name": "P", "project_name": "Q"}'),
    ],
)
def test_what_is_not_understood_is_not_touched(suffix, text):
    assert add_disabled(text, suffix=suffix, name="audit") is None


def test_name_that_is_there_twice_is_removed_twice():
    text = "plugins:\n  disable: [audit, b, audit]\n"

    assert read(remove_disabled(text, suffix=".yaml", name="audit"), ".yaml") == {"plugins": {"disable": ["b"]}}


def test_name_that_is_not_there_cannot_be_removed():
    assert remove_disabled("plugins: {disable: [b]}\n", suffix=".yaml", name="audit") is None


def test_name_is_not_cut_out_of_a_longer_one():
    text = "plugins:\n  disable:\n    - audit-log\n    - audit\n"

    assert remove_disabled(text, suffix=".yaml", name="audit") == "plugins:\n  disable:\n    - audit-log\n"


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".toml", ".json"])
def test_lines_for_the_hand_are_what_they_say(suffix):
    lines = disabled_lines(suffix, name="audit")

    text = f"{{{lines}}}" if suffix == ".json" else lines
    assert read(text, suffix) == {"plugins": {"disable": ["audit"]}}


@given(
    data=st.fixed_dictionaries(
        {"project_name": st.text(max_size=6), "metadata": st.dictionaries(st.text(max_size=9), st.text(max_size=9))},
        optional={
            "plugins": st.fixed_dictionaries({}, optional={"disable": st.lists(st.text(max_size=4), max_size=3)})
        },
    ),
    indent=st.sampled_from([None, 0, 2]),
    name=st.from_regex(r"[a-z][a-z-]{0,4}", fullmatch=True),
)
def test_any_json_gets_the_name_and_keeps_the_rest(data, indent, name):
    changed = add_disabled(json.dumps(data, indent=indent), suffix=".json", name=name)

    found = json.loads(changed)
    assert sorted(found["plugins"].pop("disable")) == sorted([name, *data.get("plugins", {}).pop("disable", [])])
    assert found == {"plugins": {}, **data}
