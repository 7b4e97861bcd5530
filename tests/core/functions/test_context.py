"""The execution context: one class, extras, a repr without secrets, and one current context per thread."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from odibi_core.events import HookManager
from odibi_core.functions import (
    Engine,
    ExecutionContext,
    clear_context,
    get_current_context,
    set_current_context,
    use_context,
    with_context,
)


def test_context_has_the_fields_of_v2_by_position_and_keyword():
    """A-09."""
    hooks = HookManager()

    context = ExecutionContext(Engine.SPARK, "Energy", "qat", "session", "provider", "logger", hooks, {"plant": "P1"})

    assert (context.engine, context.project, context.env) == (Engine.SPARK, "Energy", "qat")
    assert (context.spark, context.sql_provider, context.logger, context.hooks) == (
        "session",
        "provider",
        "logger",
        hooks,
    )
    assert context.extras == {"plant": "P1"}


def test_engine_may_be_given_by_name():
    assert ExecutionContext(" Pandas ", "P", "qat").engine is Engine.PANDAS


def test_every_field_has_a_default_and_unknown_keywords_become_extras():
    """A-13, U-27: the other context class of v2 was built like this."""
    context = ExecutionContext(spark="session", config={"path": "data"})

    assert context.spark == "session"
    assert context.config == {"path": "data"}
    assert context.extras == {"config": {"path": "data"}}
    assert (context.engine.value, context.project, context.hooks) == ("any", "", None)


def test_extras_are_read_and_set_like_fields():
    """A-10."""
    context = ExecutionContext("pandas", "P", "qat", extras={"plant": "P1", "layer": "Silver"}, asset="A1")

    context.asset = "A2"
    context.env = "prod"

    assert (context.plant, context.layer, context.asset, context.env) == ("P1", "Silver", "A2", "prod")
    assert context.extras == {"plant": "P1", "layer": "Silver", "asset": "A2"}


def test_extras_of_the_caller_are_not_changed():
    extras = {"plant": "P1"}

    ExecutionContext("pandas", extras=extras).asset = "A1"

    assert extras == {"plant": "P1"}


def test_what_is_not_there_is_an_attribute_error_with_a_suggestion():
    context = ExecutionContext("pandas", config={})

    with pytest.raises(AttributeError, match=r"nor an extra 'confg'\. Did you mean 'config'"):
        _ = context.confg
    assert not hasattr(context, "anything")


def test_repr_names_what_is_there_and_shows_no_secret():
    """A-13."""
    context = ExecutionContext(
        "pandas",
        "Energy",
        "qat",
        sql_provider="pwd=s3cret",
        extras={"plant": "P1"},
        token="s3cret",
        config={"k": "s3cret"},
    )

    assert repr(context) == (
        "ExecutionContext(engine=Engine('pandas'), project='Energy', env='qat', with sql_provider, config, plant, token)"
    )
    assert (
        repr(ExecutionContext("pandas", "E", "q")) == "ExecutionContext(engine=Engine('pandas'), project='E', env='q')"
    )


def test_context_can_be_copied_pickled_and_replaced():
    context = ExecutionContext("pandas", "P", "qat", config={"a": 1})

    for other in (copy.copy(context), copy.deepcopy(context), pickle.loads(pickle.dumps(context))):
        assert (other.engine, other.config) == (Engine.PANDAS, {"a": 1})
    assert dataclasses.replace(context, env="prod").env == "prod"
    assert dataclasses.replace(context, env="prod").config == {"a": 1}


def test_current_context_is_set_and_cleared():
    """U-27."""
    context = ExecutionContext("pandas")
    assert get_current_context() is None

    set_current_context(context)
    assert get_current_context() is context
    clear_context()
    assert get_current_context() is None


def test_context_of_a_block_ends_with_it_whatever_happens():
    outer, inner = ExecutionContext("pandas"), ExecutionContext("spark")

    with use_context(outer):
        with pytest.raises(LookupError, match="spark"), use_context(inner):
            raise LookupError(get_current_context().engine)
        assert get_current_context() is outer
    assert get_current_context() is None


def test_current_context_is_that_of_the_thread():
    """U-27, A-12: no leak into a thread's next task either."""
    set_current_context(ExecutionContext("pandas", "main"))
    barrier = threading.Barrier(16, timeout=30)

    def work(number):
        before = get_current_context()
        with use_context(ExecutionContext("pandas", f"p{number}")):
            barrier.wait()
            inside = get_current_context().project
        return before, inside, get_current_context()

    with ThreadPoolExecutor(16) as pool:
        results = [*pool.map(work, range(16)), *pool.map(work, range(16, 32))]

    assert results == [(None, f"p{number}", None) for number in range(32)]
    assert get_current_context().project == "main"


def test_function_gets_the_current_context_where_none_is_given():
    """A-12, U-27."""

    @with_context()
    def load(table, context=None):
        return table, context

    context = ExecutionContext(spark="session", config={})
    assert load("t") == ("t", None)
    with use_context(context):
        assert load("t") == ("t", context)
        assert load(table="t") == ("t", context)


def test_context_given_by_position_or_keyword_wins():
    """A-12, D-27: v2 raised "multiple values" for the positional one."""

    @with_context()
    def load(table, context=None):
        return context

    mine = ExecutionContext("spark")
    with use_context(ExecutionContext("pandas")):
        assert load("t", mine) is mine
        assert load("t", context=mine) is mine
        assert load("t", None) is None


@pytest.mark.parametrize("shape", ["required", "keyword only", "positional only", "star"])
def test_any_kind_of_parameter_gets_the_context(shape):
    def required(table, ctx):
        return table, ctx

    def keyword_only(table, *, ctx):
        return table, ctx

    def positional_only(table, ctx, /):
        return table, ctx

    def star(table, *tables, ctx=None):
        return table, ctx

    function = with_context(context_param="ctx")(
        {"required": required, "keyword only": keyword_only, "positional only": positional_only, "star": star}[shape]
    )
    context = ExecutionContext("pandas")

    with use_context(context):
        assert function("t") == ("t", context)
    assert function("t") == ("t", None)


def test_default_is_kept_where_there_is_no_current_context():
    fallback = ExecutionContext("pandas", "fallback")

    @with_context()
    def load(context=fallback):
        return context

    assert load() is fallback


def test_function_without_the_parameter_is_returned_unchanged():
    """A-11."""

    def plain(df, **context):
        return df

    assert with_context()(plain) is plain
    assert not hasattr(plain, "_odibi_context_aware")


def test_decorated_function_keeps_its_name_and_says_what_it_wants():
    @with_context(context_param="ctx")
    def load(table, ctx=None):
        """Load a table."""

    assert (load.__name__, load.__doc__) == ("load", "Load a table.")
    assert (load._odibi_context_aware, load._odibi_context_param) == (True, "ctx")


def test_decorator_without_parentheses_is_a_clear_error():
    with pytest.raises(TypeError, match=r"Write @with_context\(\) with parentheses"):

        @with_context
        def load(context):
            pass
