"""Which style a function is of, read from its parameters."""

from __future__ import annotations

import functools

import pytest

from odibi_core.errors import FunctionSignatureError
from odibi_core.functions import CallStyle, FunctionSignature, read_signature, with_context


def no_parameters(): ...
def only_keywords(**kwargs): ...
def only_constants(**constants): ...
def v2_all(inputs, constants, outputs, spark, env, **kwargs): ...
def v2_defaults(spark=None, env="qat", **kwargs): ...
def v2_context(context, inputs, outputs): ...
def v2_keyword_only(*, context, inputs): ...
def one_frame(df): ...
def frame_and_constants(df, constants=None): ...
def frame_and_keywords(df, **constants): ...
def two_frames(flights, weather, /, context=None): ...
def any_frames(*frames): ...
def mixed(inputs, df): ...
def generator_of_data(context, *, rows): ...


@pytest.mark.parametrize(
    ("function", "style"),
    [
        (no_parameters, "v2"),
        (only_keywords, "v2"),
        (only_constants, "v2"),
        (v2_all, "v2"),
        (v2_defaults, "v2"),
        (v2_context, "v2"),
        (v2_keyword_only, "v2"),
        (one_frame, "managed"),
        (frame_and_constants, "managed"),
        (frame_and_keywords, "managed"),
        (two_frames, "managed"),
        (any_frames, "managed"),
        (mixed, "managed"),
        (generator_of_data, "managed"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_style_is_told_by_the_names_of_the_parameters(function, style):
    assert read_signature(function).style is CallStyle(style)


def test_signature_says_what_each_parameter_gets():
    def join(flights, weather, how="left", *others, limit, context=None, **constants): ...

    signature = read_signature(join)

    assert signature.frames == ("flights", "weather")
    assert signature.optional_frames == ("how",)
    assert signature.takes_any_frames
    assert signature.constant_names == ("how", "limit")
    assert signature.constants == "keywords"
    assert signature.takes_context


@pytest.mark.parametrize(
    ("function", "constants"),
    [
        (frame_and_constants, "dict"),
        (frame_and_keywords, "keywords"),
        (generator_of_data, "named"),
        (one_frame, "none"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_signature_says_how_constants_are_given(function, constants):
    assert read_signature(function).constants == constants


def test_text_names_the_function_its_parameters_and_its_place():
    def join(flights, /, weather, how="left", *, limit, big={}, **constants): ...  # noqa: B006

    text = str(read_signature(join))

    assert "join(flights, /, weather, how='left', *, limit, big=..., **constants)" in text
    assert "test_signature.py:" in text


def test_text_of_positional_only_and_star_parameters():
    def one(df, /): ...
    def two(df, *frames, limit=3): ...

    assert "(df, /) " in str(read_signature(one))
    assert "(df, *frames, limit=3) " in str(read_signature(two))


def test_context_may_have_another_name():
    def clean(df, ctx=None): ...
    def load(ctx, inputs): ...

    assert not read_signature(clean).takes_context
    assert read_signature(clean, context_param="ctx").takes_context
    assert read_signature(load, context_param="ctx").style is CallStyle.V2


def test_with_context_tells_the_name_of_its_parameter():
    """A-12."""

    @with_context(context_param="ctx")
    def clean(df, ctx=None): ...

    signature = read_signature(clean)

    assert signature.takes_context
    assert signature.frames == ("df",)


class Cleaner:
    def __init__(self, df, limit=3): ...

    def method(self, df): ...

    def __call__(self, flights, weather): ...


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("function", "frames", "constants"),
    [
        (Cleaner, ("df",), ("limit",)),
        (Cleaner(None), ("flights", "weather"), ()),
        (Cleaner(None).method, ("df",), ()),
        (functools.partial(Cleaner, limit=5), ("df",), ("limit",)),
        (functools.partial(two_frames, "F"), ("weather",), ()),
        (logged(one_frame), ("df",), ()),
        (lambda df: df, ("df",), ()),
    ],
    ids=["class", "object", "method", "partial class", "partial function", "decorated", "lambda"],
)
def test_anything_callable_has_a_signature(function, frames, constants):
    signature = read_signature(function)

    assert isinstance(signature, FunctionSignature)
    assert (signature.frames, signature.constant_names) == (frames, constants)


def test_async_function_is_refused():
    async def clean(df): ...

    with pytest.raises(FunctionSignatureError, match=r"clean .*test_signature\.py:\d+\) is async"):
        read_signature(clean)
    with pytest.raises(FunctionSignatureError, match="is async"):
        read_signature(logged(clean))


def test_function_that_does_not_tell_its_parameters_is_refused():
    with pytest.raises(FunctionSignatureError, match=r"does not tell its parameters.*Write a function around it"):
        read_signature(max)
