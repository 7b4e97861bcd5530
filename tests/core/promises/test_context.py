"""What the kernel promises about the context that a function may ask for."""

from __future__ import annotations

import json
import sys

import pytest

from odibi_core import Engine, ExecutionContext, HookManager, run_project
from odibi_core.functions import get_current_context

STEPS = """
    import threading

    from odibi_core import ExecutionContext, with_context
    from rows_engine import Rows

    seen = {}
    together = threading.Barrier(4, timeout=20)

    def managed(df, context):
        seen["context"] = context
        return Rows(df)

    def legacy(context, **kwargs):
        seen["context"] = context

    def without(df):
        return Rows(df)

    def legacy_without(**kwargs):
        seen["keywords"] = kwargs

    @with_context()
    def current(df, context=None):
        return Rows([who(context)])

    @with_context(context_param="ctx")
    def renamed(df, ctx):
        return Rows([who(ctx)])

    @with_context()
    def helper(prefix, context=None):
        return f"{prefix}{context.transformation_id}"

    def calls_a_helper(df):
        other = ExecutionContext("rows", transformation_id="somebody else")
        return Rows([helper("by "), helper(prefix="by "), helper("by ", other)])

    def who(context):
        together.wait()
        found = f"{context.transformation_id} on {context.engine.value}"
        together.wait()
        return found

    def fails(df):
        raise ValueError("boom")
"""
FILES = {"steps.py": STEPS, "landing/in.json": "[]"}


def row(id_, function, **more):
    inputs, outputs = (["landing/in.json"], [f"silver.{id_}"]) if "legacy" not in function else ([], [])
    return {"transformation_id": id_, "function": function, "inputs": inputs, "outputs": outputs, **more}


def told(root, id_):
    return json.loads((root / f"data/silver/{id_}.json").read_text(encoding="utf-8"))


@pytest.fixture
def run(make_project, manager):
    """Run rows; return the result, and what functions have put into ``steps.seen``."""

    def run(*rows, **asked_for):
        root = make_project(rows, files=FILES)
        hooks, seen = HookManager(), {}
        for event in ("transform_success", "transform_failure"):
            hooks.register(event, lambda _: seen.update(sys.modules["steps"].seen, after=get_current_context()))
        result = run_project(
            root,
            manager=manager,
            hooks=hooks,
            auth_provider=lambda **_: {"spark": "session", "sql_provider": hooks},
            **asked_for,
        )
        for id_ in (one["transformation_id"] for one in rows):
            path = root / f"data/silver/{id_}.json"
            seen[id_] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        return result, seen

    return run


@pytest.mark.parametrize("style", ["managed", "legacy"])
def test_a09_function_that_asks_for_it_gets_the_context(run, style):
    """A-09, U-13."""
    _, seen = run(row("t", style))

    context = seen["context"]
    assert isinstance(context, ExecutionContext)
    assert (context.engine, context.project, context.env) == (Engine("rows"), "Shop", "qat")
    assert context.spark == "session"
    assert context.hooks is context.sql_provider
    context.logger.info("a function may log")


def test_a09_hooks_of_the_context_are_there_also_if_nobody_listens(make_project, manager):
    """A-09, U-20: a function may emit an event of its own."""
    functions = "def check(context):\n    context.hooks.emit('quality_check', {'score': 0.98})\n"
    root = make_project([{"transformation_id": "t", "function": "check"}], files={"steps.py": functions})
    hooks, scores = HookManager(), []
    hooks.declare("quality_check", "score")
    hooks.register("quality_check", lambda payload: scores.append(payload["score"]))

    assert run_project(root, manager=manager).status == "SUCCESS"
    assert run_project(root, manager=manager, hooks=hooks).status == "SUCCESS"
    assert scores == [0.98]


def test_a10_extras_say_which_row_and_run_it_is(run):
    """A-10."""
    result, seen = run(row("t", "managed", entity_1="Lyon", entity_2="Boiler", entity_3="Valve", step=3))

    assert seen["context"].extras == {
        "plant": "Lyon",
        "asset": "Boiler",
        "entity_1": "Lyon",
        "entity_2": "Boiler",
        "entity_3": "Valve",
        "layer": "Silver",
        "step": 3,
        "transformation_id": "t",
        "run_id": result.run_id,
    }


def test_a11_function_that_does_not_ask_gets_none(run):
    """A-11, U-12."""
    _, seen = run(row("t", "without"), row("v2", "legacy_without"))

    assert seen["t"] == []
    assert sorted(seen["keywords"]) == ["constants", "env", "inputs", "outputs", "spark"]


@pytest.mark.parametrize("function", ["current", "renamed"])
def test_a12_each_worker_thread_sees_the_context_of_its_own_transformation(run, function):
    """A-12: four at once, and each thread has several."""
    _, seen = run(*(row(f"t{number}", function) for number in range(12)), max_workers=4)

    assert [seen[f"t{number}"] for number in range(12)] == [[f"t{number} on rows"] for number in range(12)]


def test_a12_context_is_there_for_whatever_the_function_calls(run):
    """A-12: also if the helper is called with positional arguments."""
    _, seen = run(row("t", "calls_a_helper"))

    assert seen["t"] == ["by t", "by t", "by somebody else"]


@pytest.mark.parametrize("function", ["calls_a_helper", "fails"])
def test_a12_context_does_not_outlive_its_transformation(run, function):
    """A-12, D-27: also if the function raises."""
    _, seen = run(row("t", function), raise_on_failure=False)

    assert seen["after"] is None
    assert get_current_context() is None
