"""The registry: by module, name and engine; what v2's callers know, and what went wrong there."""

from __future__ import annotations

import importlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from odibi_core.errors import FunctionNotFoundError
from odibi_core.functions import REGISTRY, Engine, FunctionRegistry


def make(name, module="test_module"):
    def function():
        return name

    function.__module__ = module
    return function


@pytest.fixture
def registry():
    return FunctionRegistry.isolated()


def test_registry_is_one_object_everywhere():
    """U-25."""
    assert FunctionRegistry() is REGISTRY
    assert FunctionRegistry.isolated() is not REGISTRY


def test_exact_engine_beats_any_and_nothing_is_none(registry):
    """A-14, U-24."""
    for_pandas, for_any = make("pandas"), make("any")
    registry.register("clean", "pandas", for_pandas, module="m")
    registry.register("clean", "any", for_any, module="m")

    assert registry.resolve("m", "clean", "pandas") is for_pandas
    assert registry.resolve("m", "clean", "polars") is for_any
    assert registry.resolve("m", "other", "pandas") is None
    assert registry.resolve("other", "clean", "pandas") is None


@pytest.mark.parametrize("engine", ["Pandas", " PANDAS ", Engine.PANDAS])
def test_engine_is_matched_without_regard_to_case(registry, engine):
    """A-14, U-25."""
    function = make("f")
    registry.register("clean", engine, function)

    assert registry.resolve(None, "clean", "pandas") is function
    assert registry.resolve(None, "clean", engine) is function
    assert registry.resolve(module=None, func="clean", engine="spark") is None


def test_modules_do_not_shadow_each_other(registry):
    """A-15, A-16."""
    of_a, of_b = make("a"), make("b")
    registry.register("clean", "pandas", of_a, module="a")
    registry.register("clean", "pandas", of_b, module="b")

    assert registry.resolve("a", "clean", "pandas") is of_a
    assert registry.resolve("b", "clean", "pandas") is of_b


def test_without_a_module_the_answer_must_not_depend_on_it(registry):
    """A-15: the documented rule."""
    registry.register("clean", "pandas", make("a"), module="a")
    registry.register("clean", "any", make("b"), module="b")
    registry.register("dedupe", "any", make("c"), module="b")

    assert registry.resolve(None, "dedupe", "pandas")() == "c"
    with pytest.raises(FunctionNotFoundError, match=r"'clean'.*several modules have one: a, b\. Name the module"):
        registry.resolve(None, "clean", "pandas")
    for ask in (registry.get_metadata, registry.unregister):
        registry.register("clean", "pandas", make("b"), module="b")
        with pytest.raises(FunctionNotFoundError, match="a, b"):
            ask("clean", "pandas")


def test_function_is_found_under_its_logical_and_its_real_module(registry):
    function = make("f", module="project.cleaning_functions")
    registry.register("clean", "any", function, module="cleaning")

    assert registry.resolve("cleaning", "clean", "pandas") is function
    assert registry.resolve("project.cleaning_functions", "clean", "pandas") is function
    assert registry.resolve(None, "clean", "pandas") is function
    assert len(registry.list_all()) == 1
    assert registry.get_all() == [("clean", "any")]


@pytest.mark.parametrize(
    ("name", "engine", "function", "error"),
    [
        ("", "any", print, ValueError),
        (None, "any", print, ValueError),
        ("f", " ", print, ValueError),
        ("f", "any", "x", TypeError),
    ],
)
def test_empty_names_and_what_cannot_be_called_are_refused(registry, name, engine, function, error):
    """A-18."""
    with pytest.raises(error):
        registry.register(name, engine, function)
    assert registry.get_all() == []


def test_registering_again_replaces_with_a_warning_if_it_is_other_code(registry, caplog):
    """A-18."""
    registry.register("clean", "pandas", origin_a, module="m")
    registry.register("clean", "pandas", origin_b, module="m")

    assert registry.resolve("m", "clean", "pandas") is origin_b
    (message,) = caplog.messages
    assert "replaced" in message
    assert "m.clean" in message
    assert "engine=pandas" in message
    assert message.count("test_registry.py:") == 2


def test_registering_the_same_code_again_is_silent(registry, caplog):
    for _ in range(2):
        registry.register("clean", "pandas", origin_a)
        registry.register("local", "pandas", make("again"), module="m")

    assert caplog.messages == []


def test_reloading_a_module_is_silent_and_the_new_function_counts(project, caplog, monkeypatch):
    root = project(
        files={
            "reloaded.py": "from odibi_core.functions import pandas_function\n@pandas_function()\ndef f(df):\n    return 1\n"
        }
    )
    monkeypatch.syspath_prepend(root)
    module = importlib.import_module("reloaded")
    first = module.f

    importlib.reload(module)

    assert caplog.messages == []
    assert REGISTRY.resolve("reloaded", "f", "pandas") is module.f is not first


def test_metadata_round_trips(registry):
    """A-20, U-26."""
    registry.register(
        "clean", "Pandas", make("f"), module="m", description="Cleans.", version="1.0", author="me", tags=["a"], x=1
    )

    metadata = registry.get_metadata("clean", "pandas")

    assert metadata == {
        "module": "m",
        "description": "Cleans.",
        "version": "1.0",
        "author": "me",
        "tags": ["a"],
        "x": 1,
    }
    metadata["version"] = "2.0"
    assert registry.get_metadata("clean", "pandas", module="m")["version"] == "1.0"


def test_metadata_is_asked_for_exactly(registry):
    registry.register("clean", "any", make("f"))

    assert registry.get_metadata("clean", "pandas") is None
    assert registry.get_metadata("clean", "any")["description"] is None


def test_docstring_is_the_description(registry):
    """A-20."""

    def clean(df):
        """Drop duplicates.

        More.
        """

    registry.register("clean", "any", clean)

    assert registry.get_metadata("clean", "any")["description"].startswith("Drop duplicates.")


def test_unregister_is_true_then_false(registry):
    """U-25."""
    registry.register("clean", "any", make("f", module="real"), module="logical")
    registry.register("other", "any", make("g", module="real"))

    assert registry.unregister("clean", "ANY") is True
    assert registry.unregister("clean", "any") is False
    assert registry.resolve("logical", "clean", "any") is registry.resolve("real", "clean", "any") is None
    assert registry.get_all() == [("other", "any")]


def test_unregister_in_one_module_leaves_the_other(registry):
    registry.register("clean", "any", make("f"), module="a")
    kept = make("g", module="other")
    registry.register("clean", "any", kept, module="b")

    assert registry.unregister("clean", "any", module="a") is True
    assert registry.resolve(None, "clean", "any") is kept


def test_clear_empties(registry):
    """U-25."""
    registry.register("clean", "any", make("f"))

    registry.clear()

    assert registry.get_all() == []


def test_lists_by_engine_module_and_tag(registry):
    registry.register("b", "pandas", make("1"), module="m", tags=["Quality"])
    registry.register("a", "any", make("2"), module="m", tags="quality")
    registry.register("a", "pandas", make("3", module="other"), module="n")

    assert registry.get_all() == [("a", "any"), ("a", "pandas"), ("b", "pandas")]
    assert registry.get_all(engine="Pandas") == [("a", "pandas"), ("b", "pandas")]
    assert [entry.name for entry in registry.list_all(module="m")] == ["a", "b"]
    assert [entry.name for entry in registry.find_by_tag("QUALITY")] == ["a", "b"]
    assert registry.find_by_tag("none") == []


@pytest.fixture
def eager_switching():
    """Threads change places as often as the interpreter can, so that a missing lock shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_switching")
def test_64_threads_lose_nothing(registry):
    """A-22."""
    barrier = threading.Barrier(64, timeout=60)
    kept = make("kept")
    registry.register("kept", "any", kept, module="m")

    def work(number):
        barrier.wait()
        for round_ in range(20):
            registry.register(f"f{number}_{round_}", "pandas", make("x"), module=f"m{number % 8}")
            assert registry.resolve("m", "kept", "spark") is kept
            assert registry.resolve(f"m{number % 8}", f"f{number}_{round_}", "pandas") is not None
            registry.list_all(module="m")
            registry.register("passing", "any", make("p"), module=f"own{number}")
            assert registry.unregister("passing", "any", module=f"own{number}")

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(work, range(64)))

    assert len(registry.get_all()) == 64 * 20 + 1


def origin_a():
    """One place."""


def origin_b():
    """Another place."""
