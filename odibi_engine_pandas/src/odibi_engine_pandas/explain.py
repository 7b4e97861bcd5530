"""A missing column in words: pandas says ``KeyError: 'x'``, which does not tell whose column, nor what there is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import pandas as pd

from odibi_core.plugin import did_you_mean
from odibi_engine_pandas.columns import absence

__all__ = ["explanation"]

# What pandas says, other than the bare name, when a column is not there.
_PHRASES = re.compile(
    r"not in index|are in the \[|are in the columns|not found in axis|Column not found: |do not exist"
    r"|not columns of the DataFrame|not found in columns|not present in the DataFrame"
)
# Where rows and columns are looked up alike: the call, and its variable that tells which.
_AXIS_OF = {
    ("pandas.core.generic", "_rename"): "axis_no",
    ("pandas.core.generic", "drop"): "axis",
    ("pandas.core.generic", "xs"): "axis",
    ("pandas.core.indexing", "_getitem_iterable"): "axis",
}

_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_NO_ATTRIBUTE = re.compile(r"'DataFrame' object has no attribute '(.*)'")
_NO_NAME = re.compile(r"name '(.*)' is not defined")


def explanation(error: BaseException, frames: Mapping[str, pd.DataFrame]) -> str | None:
    """Return what an error says about columns, None if it says nothing or is not pandas'.

    Args:
        error: What a function raised.
        frames: The frames it was given, by the name of the input.

    Example:
        >>> frame = pd.DataFrame({"dep_delay": [1]})
        >>> try:
        ...     frame["dep_dely"]
        ... except KeyError as error:
        ...     explanation(error, {"bronze.flights": frame})
        "column 'dep_dely' is not in input 'bronze.flights' (columns: dep_delay). Did you mean 'dep_delay'?"
    """
    stack = _pandas_calls(error.__traceback__)
    if stack is None or _looks_up_a_row(stack):
        return None
    asked = _frame_asked(stack)
    if asked is None and stack:
        return None
    names = [name for name in _names_in(error) if _is_hashable(name)]
    if isinstance(error, AttributeError):
        # df.delay may be a column or a method; only what resembles a column is one.
        names = [name for name in names if asked is not None and did_you_mean(name, map(str, asked.columns))]
    if asked is not None:
        names = [name for name in names if name not in asked.columns]
    return _sentence(names, asked, frames, error) if names else None


def _is_hashable(name: object) -> bool:
    try:
        hash(name)
    except TypeError:
        return False
    return True


def _pandas_calls(traceback: TracebackType | None) -> list[FrameType] | None:
    """Return pandas' calls at the end of a traceback, innermost first; None if it does not end in pandas."""
    calls = []
    while traceback is not None:
        calls.append(traceback.tb_frame)
        traceback = traceback.tb_next
    inner: list[FrameType] = []
    for call in reversed(calls):
        if str(call.f_globals.get("__name__", "")).partition(".")[0] != "pandas":
            break
        inner.append(call)
    return None if calls and not inner else inner


def _looks_up_a_row(stack: Sequence[FrameType]) -> bool:
    for call in stack:
        axis = _AXIS_OF.get((call.f_globals["__name__"], call.f_code.co_name))
        if axis is not None and call.f_locals.get(axis) in {0, "index"}:
            return True
    return False


def _frame_asked(stack: Sequence[FrameType]) -> pd.DataFrame | None:
    """Return the frame that was asked for the column: the `self` of a call, or what a group-by is of."""
    for call in stack:
        owner = call.f_locals.get("self")
        # Not getattr of anything: a half-made group-by answers it with a recursion.
        is_indexer = type(owner).__module__ == "pandas.core.indexing"
        of_owner = owner.obj if is_indexer else getattr(owner, "__dict__", {}).get("obj")  # type: ignore[union-attr]  # an indexer has it
        for candidate in (owner, of_owner, call.f_locals.get("obj")):
            if isinstance(candidate, pd.DataFrame):
                return candidate
    return None


def _names_in(error: BaseException) -> list[Any]:
    subject = error.args[0] if error.args else None
    if isinstance(error, AttributeError | NameError):
        match = (_NO_ATTRIBUTE if isinstance(error, AttributeError) else _NO_NAME).fullmatch(str(subject))
        return [match[1]] if match else []
    if not isinstance(error, KeyError):
        return []
    if isinstance(subject, list | pd.Index):
        return list(subject)
    if not isinstance(subject, str):
        return [] if subject is None else [subject]
    if not _PHRASES.search(subject):
        return [subject]
    if ": " in subject and not _QUOTED.search(subject):
        return [subject.rpartition(": ")[2]]
    listed = re.search(r"\[.*\]", subject)
    text = re.sub(r"dtype='[^']*'", "", listed[0] if listed else subject)
    return [single or double for single, double in _QUOTED.findall(text)]


def _sentence(
    names: list[Any], asked: pd.DataFrame | None, frames: Mapping[str, pd.DataFrame], error: BaseException
) -> str | None:
    if asked is None:
        lacking = [name for name, frame in frames.items() if any(column not in frame.columns for column in names)]
        return " ".join(absence(names, frames[name].columns, subject=f"input {name!r}") for name in lacking) or None
    same = [name for name, frame in frames.items() if frame is asked]
    alike = same or [name for name, frame in frames.items() if frame.columns.equals(asked.columns)]
    if alike:
        return absence(names, asked.columns, subject=" or ".join(f"input {name!r}" for name in alike))
    having = [name for name, frame in frames.items() if all(column in frame.columns for column in names)]
    hint = f" Input {', '.join(map(repr, having))} has it, the frame made of it no longer." if having else ""
    return absence(names, asked.columns, subject=f"the frame that was asked for it{_line(error)}") + hint


def _line(error: BaseException) -> str:
    """Say where the user's own code asked: the last call before pandas'."""
    where = ""
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0] != "pandas":
            where = f" in {code.co_name}, line {traceback.tb_lineno} of {Path(code.co_filename).name}"
        traceback = traceback.tb_next
    return where
