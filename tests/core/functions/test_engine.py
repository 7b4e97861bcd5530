"""The name of an engine is an open set, folded, and one object per name."""

from __future__ import annotations

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from odibi_core.errors import ConfigError
from odibi_core.functions import Engine


def test_constants_are_the_engines_of_their_names():
    """A-01."""
    assert Engine("spark") is Engine.SPARK
    assert Engine("pandas") is Engine.PANDAS
    assert Engine.SPARK.value == "spark"
    assert type(Engine.SPARK.value) is str
    assert (Engine.SPARK.name, str(Engine.SPARK), repr(Engine.SPARK)) == ("SPARK", "spark", "Engine('spark')")


def test_any_other_name_is_an_engine_too():
    assert Engine("polars").value == "polars"
    assert Engine("polars") != Engine.PANDAS


@pytest.mark.parametrize("spelling", ["pandas", " Pandas ", "PANDAS", "\tpandas\n", Engine.PANDAS])
def test_case_and_blanks_do_not_matter(spelling):
    """A-04."""
    assert Engine(spelling) is Engine.PANDAS


def test_engine_equals_its_name_and_has_its_hash():
    assert Engine.PANDAS == "pandas"
    assert {Engine.PANDAS: 1}["pandas"] == 1
    assert Engine.PANDAS in frozenset({"pandas", "spark"})


@pytest.mark.parametrize("name", ["", "  "])
def test_empty_name_is_an_error(name):
    with pytest.raises(ConfigError, match="name is empty"):
        Engine(name)


@pytest.mark.parametrize("name", [None, 3, ["pandas"]])
def test_what_is_no_string_is_an_error(name):
    with pytest.raises(TypeError, match="such as 'pandas'"):
        Engine(name)


def test_copies_are_the_same_object():
    engine = Engine("duckdb")

    assert pickle.loads(pickle.dumps(engine)) is engine
    assert copy.copy(engine) is copy.deepcopy(engine) is engine
    assert json.dumps({"engine": engine}) == '{"engine": "duckdb"}'


def test_threads_that_are_first_with_a_name_get_one_object():
    with ThreadPoolExecutor(16) as pool:
        engines = list(pool.map(lambda number: Engine(f"engine-{number % 50}"), range(2000)))

    assert len({id(engine) for engine in engines}) == 50
