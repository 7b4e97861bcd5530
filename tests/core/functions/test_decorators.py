"""The registering decorators."""

from __future__ import annotations

import pytest

from odibi_core.functions import (
    REGISTRY,
    Engine,
    ExecutionContext,
    odibi_function,
    pandas_function,
    spark_function,
    universal_function,
    use_context,
    with_context,
)


def test_decorated_function_is_the_same_object_and_marked():
    """A-19."""

    def clean(df):
        return df

    decorated = odibi_function("Pandas", name="scrub", module="cleaning")(clean)

    assert decorated is clean
    assert decorated([1]) == [1]
    assert clean._odibi_registered is True
    assert (clean._odibi_engine, clean._odibi_name, clean._odibi_module) == ("pandas", "scrub", "cleaning")
    assert REGISTRY.resolve("cleaning", "scrub", "pandas") is clean


def test_defaults_are_any_engine_own_name_and_own_module():
    @odibi_function()
    def clean(df):
        """Drop duplicates."""

    assert (clean._odibi_engine, clean._odibi_name, clean._odibi_module) == ("any", "clean", __name__)
    assert REGISTRY.get_metadata("clean", "any") == {"module": __name__, "description": "Drop duplicates."}


def test_function_that_is_not_registered_is_marked_all_the_same():
    @odibi_function(engine="spark", auto_register=False)
    def clean(df):
        return df

    assert clean._odibi_registered is True
    assert REGISTRY.get_all() == []


@pytest.mark.parametrize(
    ("decorator", "engine"), [(spark_function, "spark"), (pandas_function, "pandas"), (universal_function, "any")]
)
def test_shorthands(decorator, engine):
    @decorator(name="f", module="m", version="1.0")
    def clean(df):
        return df

    assert REGISTRY.get("f", engine, module="m").function is clean
    assert REGISTRY.get_metadata("f", engine)["version"] == "1.0"


def test_one_decorator_object_describes_every_function_it_is_used_on():
    """A-20, D-28: v2 lost the description the second time."""
    shared = odibi_function(engine="any", module="m", description="Shared.", tags=["a"])

    for name in ("first", "second"):
        function = type(test_shorthands)((lambda df: df).__code__, {}, name)
        shared(function)

    for name in ("first", "second"):
        assert REGISTRY.get_metadata(name, "any", module="m") == {
            "module": "m",
            "description": "Shared.",
            "tags": ["a"],
        }


def test_one_name_for_several_engines():
    """U-24."""

    @spark_function(name="clean")
    def clean_spark(df):
        return "spark"

    @pandas_function(name="clean")
    def clean_pandas(df):
        return "pandas"

    @universal_function(name="clean")
    def clean_any(df):
        return "any"

    assert [REGISTRY.resolve(__name__, "clean", engine)(None) for engine in ("spark", "pandas", "polars")] == [
        "spark",
        "pandas",
        "any",
    ]


def test_stacked_decorators_register_for_each_engine():
    @spark_function()
    @pandas_function()
    def clean(df):
        return df

    assert REGISTRY.get_all() == [("clean", "pandas"), ("clean", "spark")]


@pytest.mark.parametrize("outside", [spark_function, pandas_function])
def test_registered_function_gets_the_current_context(outside):
    """U-27."""

    @outside()
    @with_context()
    def load(table, context=None):
        return context.config["path"], table

    with use_context(ExecutionContext(config={"path": "data"})):
        registered = REGISTRY.resolve(__name__, "load", load._odibi_engine)
        assert registered("sales") == ("data", "sales")


@pytest.mark.parametrize("decorator", [odibi_function, spark_function, pandas_function, universal_function])
def test_decorator_without_parentheses_is_a_clear_error(decorator):
    with pytest.raises(TypeError, match=rf"Write @{decorator.__name__}\(\) with parentheses"):

        @decorator
        def clean(df):
            return df


def test_engine_may_be_an_engine_object():
    odibi_function(Engine("polars"), name="f")(lambda df: df)

    assert REGISTRY.get_all() == [("f", "polars")]
