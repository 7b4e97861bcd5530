"""The plugin surface: complete, documented, frozen, light."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import subprocess
import sys
import textwrap

import pytest

import odibi_core.plugin as surface
from odibi_core.plugin import EVENT_ALIASES, EVENT_TYPES, Event, hookspecs, specs

HOOKS = {name: getattr(hookspecs, name) for name in hookspecs.__all__}
OBSERVERS = sorted(f"odibi_{name}" for name in (*EVENT_TYPES, *EVENT_ALIASES))
RUN_HOOKS = {"odibi_run_project", "odibi_run_transformation"}


def test_there_is_one_observer_hook_per_event_and_alias():
    kinds = {"odibi_register", "odibi_configure", "odibi_unconfigure", *RUN_HOOKS}

    assert [name for name in sorted(HOOKS) if not name.startswith(tuple(kinds))] == OBSERVERS


@pytest.mark.parametrize("name", sorted(HOOKS))
def test_hook_docstring_says_when_and_shows_a_whole_plugin(name):
    text = inspect.getdoc(HOOKS[name])

    assert re.search(r"[Cc]alled (once|at most)", text)
    plugin = textwrap.dedent(text.split("A whole plugin::", 1)[1])
    functions = [node for node in ast.parse(plugin).body if isinstance(node, ast.FunctionDef)]
    assert [function.name for function in functions] == [name]
    assert [argument.arg for argument in functions[0].args.args] == list(inspect.signature(HOOKS[name]).parameters)


@pytest.mark.parametrize("name", OBSERVERS)
def test_observer_takes_exactly_one_event(name):
    assert list(inspect.signature(HOOKS[name]).parameters) == ["event"]


def test_only_the_run_hooks_stop_at_the_first_result():
    assert {name for name, hook in HOOKS.items() if hook.odibi_spec["firstresult"]} == RUN_HOOKS


SPECS = [getattr(specs, name) for name in specs.__all__]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.__name__)
def test_spec_is_frozen_and_keyword_only(spec):
    assert spec.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(spec))


@pytest.mark.parametrize("event", EVENT_TYPES.values(), ids=lambda event: event.name)
def test_event_is_slotted_and_says_where_it_happened(event):
    assert "__slots__" in vars(event)
    names = [field.name for field in dataclasses.fields(event)]
    assert names[:5] == ["run_id", "project", "env", "engine", "timestamp"]
    assert issubclass(event, Event)


def test_frames_are_not_in_an_event_s_repr():
    shown = {field.name for type_ in EVENT_TYPES.values() for field in dataclasses.fields(type_) if field.repr}

    assert not shown & {"frame", "frames"}


def test_payload_has_v2_names_for_durations_and_frames():
    dataset = surface.Dataset(name="silver.x", kind="table", format="parquet", location="/p/silver/x.parquet")
    event = surface.PostRead(
        run_id="r",
        project="P",
        env="qat",
        engine="pandas",
        layer="Silver",
        transformation_id="t",
        module="m",
        function="f",
        dataset=dataset,
        frame=[1],
        rows=1,
        duration_seconds=0.5,
    )

    payload = event.payload()

    assert payload["event"] == "post_read"
    assert payload["dataset"] == "silver.x"
    assert payload["duration"] == payload["duration_seconds"] == 0.5
    assert payload["df"] == [1]
    assert payload["timestamp"].tzinfo is not None


def test_all_is_sorted_and_everything_in_it_exists():
    names = surface.__all__

    assert names == sorted(names, key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name))
    assert all(hasattr(surface, name) for name in names)


def test_importing_the_surface_loads_nothing_that_handles_data():
    code = (
        "import sys, odibi_core.plugin\n"
        "heavy = {'pandas', 'numpy', 'pyarrow', 'polars', 'pyspark', 'sqlalchemy', 'pydantic', 'yaml', 'rich', 'click'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
