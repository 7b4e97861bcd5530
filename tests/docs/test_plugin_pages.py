"""The pages for authors have every hook with its exact signature, and every field and method that there is."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import inspect
import re
from pathlib import Path

import pytest

from odibi_core import plugin, testing
from odibi_core.loading.hooks import HOOKS, KINDS_OF_SPEC
from odibi_core.plugin import EVENT_TYPES, hookspecs
from odibi_core.testing.data.tables import AWKWARD

PAGES = {path.name: path for path in (Path(__file__).resolve().parents[2] / "docs" / "plugins").glob("*.md")}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in PAGES.items()}
SHOWN = re.compile(r"^(?:def |\| `)(odibi_\w+)(\(.*?\) -> [^`:]+)(?:: \.\.\.$|` \|)", re.MULTILINE)
REQUIRED = ("ConfigStore", "Connection", "ExecutionEngine", "LogSink", "Reader", "Saver", "SecretProvider")


def written(hook: str) -> str:
    """Return a hook's signature as one writes it; by another way than the script that fills the pages."""
    function = getattr(hookspecs, hook)
    hints = function.__annotations__
    arguments = [f"{name}: {hints[name].removeprefix('events.')}" for name in inspect.signature(function).parameters]
    return f"({', '.join(arguments)}) -> {hints['return']}"


def test_every_hook_is_on_one_page_with_its_exact_signature() -> None:
    shown = [(name, signature.strip()) for text in TEXTS.values() for name, signature in SHOWN.findall(text)]

    assert sorted(shown) == sorted((hook, written(hook)) for hook in HOOKS)


@pytest.mark.parametrize("spec", KINDS_OF_SPEC, ids=lambda spec: spec.__name__)
def test_every_field_of_a_spec_is_described(spec: type) -> None:
    (text,) = [text for text in TEXTS.values() if f"| field of `{spec.__name__}` |" in text]
    table = text.partition(f"| field of `{spec.__name__}` |")[2].partition("<!-- end -->")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [field.name for field in dataclasses.fields(spec)]
    assert "| |" not in table


@pytest.mark.parametrize("protocol", REQUIRED)
def test_every_method_of_a_protocol_is_described(protocol: str) -> None:
    (text,) = [text for text in TEXTS.values() if f"| method of `{protocol}` |" in text]
    table = text.partition(f"| method of `{protocol}` |")[2].partition("<!-- end -->")[0]
    methods = [name for name in vars(getattr(plugin, protocol)) if not name.startswith("_")]

    assert re.findall(r"^\| `(\w+)\(", table, re.MULTILINE) == methods


def test_every_event_is_described_with_its_own_fields() -> None:
    missing = [
        (class_.__name__, field.name)
        for class_ in EVENT_TYPES.values()
        for field in dataclasses.fields(class_)
        if f"`{field.name}`" not in TEXTS["events.md"]
    ]

    assert missing == []


def test_every_contract_word_and_fixture_of_the_kit_is_described() -> None:
    from odibi_core.testing import fixtures

    named = [name for name in testing.__all__ if name != "Contract"]
    named += [*AWKWARD, *(name for name in fixtures.__all__ if name.islower())]

    assert [name for name in named if f"`{name}`" not in TEXTS["testing.md"]] == []


def test_every_page_is_linked_from_the_first() -> None:
    assert [name for name in PAGES if name != "index.md" and f"({name})" not in TEXTS["index.md"]] == []


def test_kinds_of_new_plugin_are_those_that_there_are() -> None:
    from odibi_core.authoring import PluginKind

    assert [kind for kind in PluginKind if f"`{kind}`" not in TEXTS["index.md"]] == []


def test_example_of_a_conformance_has_the_fields_of_one() -> None:
    from odibi_core.testing.checking.conformance import Conformance

    example = TEXTS["testing.md"].rpartition("```json")[2]

    assert re.findall(r'^  "(\w+)": ', example, re.MULTILINE) == list(Conformance.__slots__)


def test_our_own_distributions_keep_the_rule_of_names() -> None:
    ours = {
        entry_point.dist.name
        for entry_point in importlib.metadata.entry_points(group=plugin.ENTRY_POINT_GROUP)
        if entry_point.dist is not None and entry_point.value.startswith("odibi_")
    }

    assert ours
    assert all(name.startswith("odibi-") for name in ours)
