"""What v2's second tutorial does with the registry, and its documented function styles (§4.2)."""

from __future__ import annotations

from odibi_core.functions import (
    REGISTRY,
    ExecutionContext,
    bind_arguments,
    odibi_function,
    pandas_function,
    read_signature,
    spark_function,
    universal_function,
)


def test_registered_function_is_listed_resolved_by_keyword_and_run():
    @odibi_function(engine="any", module="cleaning", description="Drop repeated rows", version="1.0")
    def remove_duplicates(rows, subset=None):
        return list(dict.fromkeys(rows))

    assert REGISTRY.get_all() == [("remove_duplicates", "any")]
    found = REGISTRY.resolve(module="cleaning", func="remove_duplicates", engine="pandas")
    assert found([1, 2, 2, 3, 3, 4]) == [1, 2, 3, 4]


def test_variants_under_different_names():
    @pandas_function(module="cleaning")
    def fill_pandas(df):
        return "pandas"

    @spark_function(module="cleaning")
    def fill_spark(df):
        return "spark"

    assert REGISTRY.resolve("cleaning", "fill_pandas", "pandas") is fill_pandas
    assert REGISTRY.resolve("cleaning", "fill_pandas", "spark") is None
    assert REGISTRY.resolve("cleaning", "fill_spark", "spark") is fill_spark


def test_resolution_falls_back_to_any_and_then_to_nothing():
    @universal_function(module="quality")
    def count_nulls(df):
        return 0

    assert REGISTRY.resolve("quality", "count_nulls", "pandas") is count_nulls
    assert REGISTRY.resolve("quality", "count_nulls", "spark") is count_nulls
    assert REGISTRY.resolve("quality", "count_rows", "pandas") is None


def test_rich_metadata_comes_back_and_is_searched():
    @pandas_function(module="quality", author="Data Team", version="2.1.0", tags=["quality", "nulls"], category="check")
    def check_nulls(df):
        """Count nulls."""

    @pandas_function(module="cleaning", author="Data Team")
    def clean(df):
        """Clean."""

    assert REGISTRY.get_metadata("check_nulls", "pandas") == {
        "module": "quality",
        "description": "Count nulls.",
        "author": "Data Team",
        "version": "2.1.0",
        "tags": ["quality", "nulls"],
        "category": "check",
    }
    listed = {name: REGISTRY.get_metadata(name, engine) for name, engine in REGISTRY.get_all()}
    assert [name for name, metadata in listed.items() if metadata["module"] == "quality"] == ["check_nulls"]
    assert [entry.name for entry in REGISTRY.find_by_tag("nulls")] == ["check_nulls"]


def test_functions_of_tutorial_01_are_called_as_written():
    """A-58."""

    def clean_sales_data(df, constants=None):
        constants = constants or {}
        return [row for row in df if row >= constants.get("min_revenue", 0)]

    signature = read_signature(clean_sales_data)
    for constants, rows in (({}, [100.0, 255.0]), ({"min_revenue": 200.0}, [255.0])):
        args, kwargs = bind_arguments(
            signature,
            frames={"sales_bronze": [100.0, 255.0]},
            constants=constants,
            context=ExecutionContext("pandas"),
            inputs=["sales_bronze.csv"],
            outputs=["sales_silver.csv"],
            spark=None,
            env="qat",
        )
        assert clean_sales_data(*args, **kwargs) == rows
