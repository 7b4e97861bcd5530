"""From a row's inputs and constants to the arguments of its function."""

from __future__ import annotations

import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odibi_core.errors import FunctionSignatureError
from odibi_core.functions import (
    RESERVED_CONSTANTS,
    V2_NAMES,
    ExecutionContext,
    bind_arguments,
    check_call,
    misspelt_constants,
    read_signature,
    resolve_function,
)

CONTEXT = ExecutionContext("pandas", "P", "qat")
KERNEL = {
    "context": CONTEXT,
    "inputs": ["bronze.sales"],
    "outputs": [{"table": "s.x"}],
    "spark": "session",
    "env": "qat",
}


def call(function, frames=(), constants=None, **given):
    """Bind and really call."""
    named = frames if isinstance(frames, dict) else dict(zip(frames, map(str.upper, frames), strict=True))
    args, kwargs = bind_arguments(
        read_signature(function), frames=named, constants=constants or {}, **{**KERNEL, **given}
    )
    return function(*args, **kwargs)


# --- v2 style --------------------------------------------------------------------------------------------------------


def test_v2_function_with_keywords_gets_everything_but_the_context():
    """U-12, A-57."""

    def legacy(**kwargs):
        return kwargs

    assert call(legacy, constants={"a": 1}) == {
        "inputs": ["bronze.sales"],
        "constants": {"a": 1},
        "outputs": [{"table": "s.x"}],
        "env": "qat",
        "spark": "session",
    }


def test_v2_function_with_keywords_gets_no_spark_where_there_is_none():
    """U-12."""

    def legacy(**kwargs):
        return kwargs

    assert "spark" not in call(legacy, spark=None)


def test_v2_function_gets_exactly_what_it_names():
    """A-09, A-11, U-13, U-14."""

    def smart(context, inputs, outputs):
        return context, inputs, outputs

    def load(spark, env="prod"):
        return spark, env

    assert call(smart) == (CONTEXT, ["bronze.sales"], [{"table": "s.x"}])
    assert call(load, spark=None) == (None, "qat")


def test_v2_function_with_context_and_keywords_gets_each_once():
    """U-13."""

    def smart(context, inputs, **kwargs):
        return context, inputs, sorted(kwargs)

    assert call(smart) == (CONTEXT, ["bronze.sales"], ["constants", "env", "outputs", "spark"])


def test_empty_constants_inputs_and_outputs_are_passed_too():
    """A-57, D-18: v2 left them out."""

    def documented(inputs, constants, outputs):
        return inputs, constants, outputs

    assert call(documented, inputs=(), outputs=()) == ([], {}, [])


def test_extra_keywords_of_the_run_reach_keywords_and_lose_against_v2_names():
    """U-17."""

    def legacy(inputs, **kwargs):
        return kwargs

    assert call(legacy, extra={"plant_id": 7, "env": "wrong"})["plant_id"] == 7
    assert call(legacy, extra={"plant_id": 7, "env": "wrong"})["env"] == "qat"


def test_v2_function_sees_the_reserved_constants():
    """U-11."""

    def legacy(constants):
        return constants

    assert call(legacy, constants={"engine": "pandas", "retry": {}}) == {"engine": "pandas", "retry": {}}


def test_keywords_named_constants_are_the_constants():
    def legacy(context, **constants):
        return constants

    assert call(legacy, constants={"a": 1, "engine": "pandas"}) == {"a": 1}


def test_function_without_parameters_is_called_without_arguments():
    def nothing():
        return "called"

    assert call(nothing, frames=["df"]) == "called"


def test_positional_only_v2_parameters_work():
    def load(inputs, env, /):
        return inputs, env

    assert call(load) == (["bronze.sales"], "qat")


def test_what_a_function_does_to_its_arguments_is_not_seen_elsewhere():
    constants = {"columns": ["a"], "nested": {"b": [1]}}
    inputs = ({"path": "x.csv", "options": {"sep": ";"}},)

    def meddle(inputs, constants):
        constants["columns"].append("x")
        constants["nested"]["b"].append(2)
        inputs[0]["options"].clear()

    call(meddle, constants=constants, inputs=inputs)

    assert constants == {"columns": ["a"], "nested": {"b": [1]}}
    assert inputs == ({"path": "x.csv", "options": {"sep": ";"}},)


# --- managed style ---------------------------------------------------------------------------------------------------


def test_one_frame_whatever_its_name():
    """A-58."""
    assert call(lambda df: df, ["sales"]) == "SALES"


def test_constants_as_dictionary():
    """A-58."""

    def clean(df, constants=None):
        return df, constants

    assert call(clean, ["sales"], {"min_revenue": 200.0, "engine": "pandas"}) == (
        "SALES",
        {"min_revenue": 200.0, "engine": "pandas"},
    )
    assert call(clean, ["sales"]) == ("SALES", {})


def test_constants_as_keywords_without_the_reserved_ones():
    """A-58."""

    def clean(df, **constants):
        return constants

    assert call(clean, ["sales"], {"a": 1, "engine": "pandas", "retry": {"attempts": 3}}) == {"a": 1}


def test_named_constants_are_not_repeated_in_the_keywords():
    def clean(df, limit=3, *, floor, **rest):
        return limit, floor, rest

    assert call(clean, ["sales"], {"limit": 5, "floor": 1, "x": 2}) == (5, 1, {"x": 2})


def test_a_function_that_names_a_reserved_constant_gets_it():
    def clean(df, *, engine):
        return engine

    assert call(clean, ["sales"], {"engine": "pandas"}) == "pandas"


def test_frames_bind_by_name_first_and_then_by_position():
    def join(flights, weather, planes):
        return flights, weather, planes

    assert call(join, ["weather", "a", "b"]) == ("A", "WEATHER", "B")
    assert call(join, ["x", "y", "z"]) == ("X", "Y", "Z")
    assert call(join, ["planes", "weather", "flights"]) == ("FLIGHTS", "WEATHER", "PLANES")


def test_star_takes_what_is_left():
    def union(first, *others):
        return first, others

    assert call(union, ["a", "b", "c"]) == ("A", ("B", "C"))
    assert call(union, ["a"]) == ("A", ())
    assert call(union, ["x", "first"]) == ("FIRST", ("X",))


def test_star_leaves_parameters_with_a_default_alone():
    def union(first, how="inner", *others, limit=1):
        return first, how, others, limit

    assert call(union, ["a", "b"]) == ("A", "inner", ("B",), 1)
    assert call(union, ["a", "b"], {"how": "left", "limit": 2}) == ("A", "left", ("B",), 2)
    assert call(union, ["a", "how"]) == ("A", "HOW", (), 1)


def test_parameter_with_a_default_gets_a_constant_or_an_input_that_is_left_over():
    def clean(df, other=None):
        return df, other

    assert call(clean, ["a"]) == ("A", None)
    assert call(clean, ["a", "b"]) == ("A", "B")
    assert call(clean, ["other", "a"]) == ("A", "OTHER")
    assert call(clean, ["a"], {"other": 5}) == ("A", 5)


def test_context_session_environment_and_declarations_are_given_where_named():
    """A-09."""

    def clean(df, context, spark, *, env, inputs, outputs):
        return df, context, spark, env, inputs, outputs

    assert call(clean, ["a"]) == ("A", CONTEXT, "session", "qat", ["bronze.sales"], [{"table": "s.x"}])


def test_positional_only_parameters_are_passed_by_position():
    def clean(df, limit=3, other=None, /, constants=None):
        return df, limit, other, constants

    assert call(clean, ["a"], {"other": 7}) == ("A", 3, 7, {"other": 7})
    assert call(clean, ["a"]) == ("A", 3, None, {})


def test_keyword_may_have_the_name_of_a_positional_only_parameter():
    def clean(df, /, **constants):
        return df, constants

    assert call(clean, ["a"], {"df": 1}) == ("A", {"df": 1})


def test_keyword_only_constants_are_bound_by_name():
    def clean(df, *, limit, floor=0):
        return limit, floor

    assert call(clean, ["a"], {"limit": 3}) == (3, 0)


def test_extra_keywords_of_the_run_are_bound_by_name_and_lose_against_constants():
    """U-17."""

    def clean(df, plant_id=None, *, limit):
        return plant_id, limit

    assert call(clean, ["a"], {"limit": 3}, extra={"plant_id": 7, "limit": 9}) == (7, 3)


def test_function_that_makes_data_needs_no_input():
    def make(context, *, rows):
        return rows

    assert call(make, [], {"rows": 3}) == 3


def test_classes_partials_and_objects_are_bound_like_functions():
    class Join:
        def __init__(self, df=None):
            self.df = df

        def __call__(self, flights, weather):
            return flights, weather

    assert call(Join, ["a"]).df == "A"
    assert call(Join(), ["a", "flights"]) == ("FLIGHTS", "A")
    assert call(functools.partial(lambda df, how, limit: (df, how, limit), limit=3), ["a", "b"]) == ("A", "B", 3)


# --- what does not fit -----------------------------------------------------------------------------------------------


def join(flights, weather, *, limit=1):
    return flights, weather, limit


def test_too_few_inputs():
    with pytest.raises(FunctionSignatureError) as caught:
        call(join, ["weather"])

    message = str(caught.value)
    assert "test_binding.join(flights, weather, *, limit=1)" in message
    assert "test_binding.py:" in message
    assert "needs 2 inputs, and the row has 1 input (weather)" in message
    assert "Nothing is there for 'flights'" in message


def test_too_many_inputs():
    with pytest.raises(FunctionSignatureError) as caught:
        call(join, ["a", "b", "c", "d"])

    message = str(caught.value)
    assert "takes 2 inputs at most, and the row has 4 inputs (a, b, c, d)" in message
    assert "Nothing takes 'c', 'd'" in message


def test_constant_for_a_parameter_that_wants_a_frame_is_explained():
    def clean(df, limit):
        return df

    with pytest.raises(FunctionSignatureError, match="constant 'limit': constants go to parameters with a default"):
        call(clean, ["a"], {"limit": 3})


def test_missing_constant_is_named():
    def clean(df, *, limit):
        return df

    with pytest.raises(
        FunctionSignatureError, match=r"needs the constant 'limit', and the row has 1 constant \(limt\)"
    ):
        call(clean, ["a"], {"limt": 3})
    with pytest.raises(FunctionSignatureError, match=r"It stands after a [*]; an input needs a parameter before it"):
        call(clean, ["a", "limit"])


def test_constant_with_the_name_of_a_frame_is_refused_where_it_would_be_a_keyword():
    def clean(df, **constants):
        return df

    with pytest.raises(FunctionSignatureError, match="takes an input as 'df', and the row has a constant of that name"):
        call(clean, ["a"], {"df": None})


def test_constant_that_is_not_named_by_a_string_is_refused_as_a_keyword():
    def clean(df, **constants):
        return df

    with pytest.raises(FunctionSignatureError, match="names one by 2024"):
        call(clean, ["a"], {2024: "x"})


def test_call_is_checked_without_data(project):
    root = project(files={"checked.py": "def clean(df, *, limit): ...\ndef legacy(**kwargs): ...\n"})
    managed = resolve_function("checked", "clean", "pandas", root=root)
    legacy = resolve_function("checked", "legacy", "pandas", root=root)

    check_call(managed, inputs=["a"], constants={"limit": 1})
    check_call(legacy, inputs=["a", "b"], constants={})
    with pytest.raises(FunctionSignatureError, match="needs the constant 'limit'"):
        check_call(managed, inputs=["a"], constants={})
    with pytest.raises(FunctionSignatureError, match="at most"):
        check_call(managed, inputs=["a", "b"], constants={"limit": 1})


# --- any mix ---------------------------------------------------------------------------------------------------------

NAMES = ["a", "b", "c", "d", "inputs", "constants", "outputs", "context", "spark", "env"]


@st.composite
def functions(draw):
    """A function that returns what it was called with, and its parameters by kind."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=6))
    positional_only = draw(st.integers(0, len(names)))
    keyword_only = draw(st.integers(positional_only, len(names)))
    star = draw(st.sampled_from(["", "*frames"]))
    keywords = draw(st.sampled_from(["", "**kwargs"]))
    first_default = draw(st.integers(0, keyword_only))
    parts, defaults = [], set()
    for position, name in enumerate(names):
        if position == positional_only and position:
            parts.append("/")
        if position == keyword_only:
            parts.append(star or "*")
        has_default = first_default <= position if position < keyword_only else draw(st.booleans())
        defaults |= {name} if has_default else set()
        parts.append(f"{name}='default of {name}'" if has_default else name)
    if positional_only == len(names) and names:
        parts.append("/")
    if star and keyword_only == len(names):
        parts.append(star)
    namespace = {}
    text = ", ".join([*parts, *([keywords] if keywords else [])])
    exec(f"def function({text}):\n    return dict(locals())", namespace)
    return namespace["function"], {
        "frames": [n for n in names[:keyword_only] if n not in V2_NAMES],
        "positional_only": set(names[:positional_only]),
        "keyword_only": [n for n in names[keyword_only:] if n not in V2_NAMES],
        "v2": [n for n in names if n in V2_NAMES],
        "defaults": defaults,
        "star": bool(star),
        "keywords": bool(keywords),
    }


def fits(shape, inputs, constants):
    """Say independently whether a managed function can be called."""
    takers = {n for n in shape["frames"] if not (n in shape["defaults"] and n in constants)}
    by_name = takers & set(inputs)
    left = len(inputs) - len(by_name)
    needed = takers - by_name - shape["defaults"]
    return (
        left >= len(needed)
        and (shape["star"] or left <= len(takers - by_name))
        and all(n in constants or n in shape["defaults"] for n in shape["keyword_only"])
        and not (
            shape["keywords"]
            and any(n in constants and n not in shape["defaults"] | shape["positional_only"] for n in shape["frames"])
        )
    )


@settings(max_examples=300)
@given(
    functions(),
    st.lists(st.sampled_from(["a", "b", "c", "x", "y"]), unique=True, max_size=5),
    st.sets(st.sampled_from(["a", "b", "c", "d", "k", "engine"])),
)
def test_any_mix_of_parameters_binds_every_input_exactly_once_or_raises(made, inputs, constant_names):
    function, shape = made
    frames = {name: f"frame {name}" for name in inputs}
    constants = {name: f"constant {name}" for name in sorted(constant_names)}
    given = {**KERNEL, "constants": constants}
    is_managed = bool(shape["frames"] or shape["keyword_only"] or shape["star"])
    signature = read_signature(function)
    assert signature.style.value == ("managed" if is_managed else "v2")

    if is_managed and not fits(shape, inputs, constants):
        with pytest.raises(FunctionSignatureError):
            bind_arguments(signature, frames=frames, **given)
        return
    args, kwargs = bind_arguments(signature, frames=frames, **given)
    received = function(*args, **kwargs)

    keywords = received.pop("kwargs", {})
    stars = received.pop("frames", ())
    assert {name: received[name] for name in shape["v2"]} == {name: given[name] for name in shape["v2"]}
    if not is_managed:
        wanted = V2_NAMES - {"context"} - set(shape["v2"])
        assert keywords == ({name: given[name] for name in wanted} if shape["keywords"] else {})
        return
    values = [received[name] for name in shape["frames"]]
    assert sorted(value for value in [*values, *stars] if value.startswith("frame ")) == sorted(frames.values())
    for name, value in zip(shape["frames"], values, strict=True):
        if name in constants and name in shape["defaults"]:
            assert value == constants[name]
        elif name in inputs:
            assert value == frames[name]
        else:
            assert value.startswith("frame ") or (name in shape["defaults"] and value == f"default of {name}")
    for name in shape["keyword_only"]:
        assert received[name] == constants.get(name, f"default of {name}")
    if shape["keywords"]:
        taken = {n for n in received if n not in shape["positional_only"] or n in shape["defaults"]}
        assert keywords == {n: v for n, v in constants.items() if n not in taken | RESERVED_CONSTANTS}


@pytest.mark.parametrize(
    ("function", "constants", "said"),
    [
        (
            lambda df, *, limit=1: df,
            {"limt": 3},
            ["constant 'limt' is not a parameter of <lambda>. Did you mean 'limit'?"],
        ),
        (
            lambda df, limit=1: df,
            {"Limit": 3},
            ["constant 'Limit' is not a parameter of <lambda>. Did you mean 'limit'?"],
        ),
        (lambda df, *, limit=1: df, {"limit": 3, "limits": 4}, []),
        (lambda df, *, limit=1: df, {"owner": "ops", "engine": "pandas"}, []),
        (lambda df, *, limit=1, **rest: df, {"limt": 3}, []),
        (lambda df, *, limit=1, constants=None: df, {"limt": 3}, []),
        (lambda df, *, limit=1, context=None: df, {"limt": 3}, []),
        (lambda inputs, outputs: None, {"input": 3}, []),
    ],
)
def test_a_constant_is_told_where_a_parameter_of_nearly_its_name_has_none(function, constants, said):
    assert misspelt_constants(read_signature(function), constants) == said
