"""Functions of another engine that declare that they take converted frames."""

from __future__ import annotations

import pytest

from odibi_core.errors import ConfigError, FunctionNotFoundError, FunctionSignatureError
from odibi_core.functions import REGISTRY, explain_function, odibi_function, pandas_function, resolve_function

SOURCE = """
    from odibi_core.functions import odibi_function, pandas_function, spark_function, universal_function

    @pandas_function(convert_from=("spark", "Polars"))
    def score(df): ...

    @pandas_function(convert_from="any")
    def tidy(df): ...

    @pandas_function()
    def undeclared(df): ...

    @pandas_function(convert_from="spark")
    def native_wins(df): ...

    @spark_function(name="native_wins")
    def native_wins_on_spark(df): ...

    @pandas_function(name="portable_wins", convert_from="spark")
    def portable_wins_on_pandas(df): ...

    @universal_function(name="portable_wins")
    def portable_wins_anywhere(df): ...

    @pandas_function(convert_from="spark")
    def contested(df): ...

    @odibi_function("polars", name="contested", convert_from="spark")
    def contested_on_polars(df): ...

    @pandas_function(convert_from="spark", auto_register=False)
    def marked(df): ...

    @pandas_function(convert_from="spark")
    def reads_itself(inputs, **kwargs): ...
    """


@pytest.fixture
def resolve(project):
    root = project(files={"silver.py": SOURCE})

    def run(name, engine, installed=None):
        return resolve_function("silver", name, engine, root=root, installed=installed)

    run.root = root
    return run


def test_declared_function_of_another_engine_is_used_and_says_so(resolve):
    found = resolve("score", "spark")

    assert (found.engine, found.handed_to) == ("pandas", "pandas")
    assert found.why == (
        "converted: it is written for engine 'pandas' and declares convert_from 'spark', so frames are handed over "
        "from 'spark' to 'pandas' and back"
    )
    assert resolve("score", " POLARS ").handed_to == "pandas"
    assert resolve("tidy", "duckdb").handed_to == "pandas"
    assert resolve("marked", "spark").handed_to == "pandas"
    assert resolve("score", "pandas").handed_to is None


def test_nothing_is_converted_that_does_not_declare_it(resolve):
    with pytest.raises(FunctionNotFoundError, match=r"exists for pandas, and not for engine 'spark'.*convert_from"):
        resolve("undeclared", "spark")
    with pytest.raises(FunctionNotFoundError, match="exists for pandas, and not for engine 'duckdb'"):
        resolve("score", "duckdb")


def test_native_comes_before_any_engine_and_both_before_conversion(resolve):
    assert resolve("native_wins", "spark").engine == "spark"
    assert resolve("portable_wins", "spark").engine == "any"
    assert resolve("portable_wins", "pandas").engine == "pandas"


def test_engine_that_is_not_installed_is_no_answer(resolve):
    assert resolve("score", "spark", installed=("pandas", "spark")).handed_to == "pandas"
    with pytest.raises(FunctionNotFoundError, match="exists for pandas"):
        resolve("score", "spark", installed=("spark",))


def test_two_that_declare_it_are_refused_unless_one_is_installed(resolve):
    with pytest.raises(FunctionNotFoundError, match=r"several take its frames converted: pandas \(.*polars \("):
        resolve("contested", "spark")
    assert resolve("contested", "spark", installed=("spark", "polars")).handed_to == "polars"


def test_function_that_reads_by_itself_has_nothing_to_convert(resolve):
    with pytest.raises(FunctionSignatureError, match="gets no frames that could be converted"):
        resolve("reads_itself", "spark")


def test_explanation_ends_with_the_conversion(resolve):
    explained = explain_function("silver", "score", "spark", root=resolve.root)

    assert explained.steps[-1].tried == "conversion: silver.score with convert_from 'spark'"
    assert explained.steps[-1].is_answer
    assert explained.to_dict()["handed_to"] == "pandas"


def test_function_for_any_engine_has_nothing_to_convert():
    with pytest.raises(ConfigError, match="Name that engine"):
        odibi_function(convert_from="spark")


def test_declaration_is_in_the_metadata():
    @pandas_function(module="scoring", convert_from=["Spark", "polars"])
    def score(df): ...

    assert REGISTRY.get_metadata("score", "pandas", module="scoring")["convert_from"] == ("polars", "spark")
