"""Polars' errors in words: which input, which column, what was meant.

Polars adds the plan that it had resolved so far, which is of no use to whoever reads a run log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl
from polars import exceptions

from odibi_engine_polars.columns import absence, listed

__all__ = ["explanation"]

# What Polars says, one release or the other, when a column is not there.
_MISSING = re.compile(
    r'^(?:unable to find column |not found: |unable to find field |)"(?P<name>[^\n]*?)"(?: not found)?'
)
_VALID = re.compile(r"valid columns: \[(?P<names>.*?)\]", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PLAN = re.compile(r"\n\s*(?:Resolved plan until failure|This error occurred with the following context)")


def explanation(error: BaseException, frames: Mapping[str, pl.LazyFrame | pl.DataFrame]) -> str | None:
    """Return what an error of Polars is about, None if it is no error of Polars.

    Args:
        error: What was raised.
        frames: The frames that a function was given, by the name of the input; none if a plan failed later.

    Example:
        >>> frame = pl.LazyFrame({"dep_delay": [1]})
        >>> try:
        ...     frame.select("dep_dely").collect()
        ... except pl.exceptions.ColumnNotFoundError as error:
        ...     explanation(error, {"bronze.flights": frame})
        "column 'dep_dely' is not in input 'bronze.flights' (columns: dep_delay). Did you mean 'dep_delay'?"
    """
    if not isinstance(error, exceptions.PolarsError) and type(error).__module__.startswith("narwhals."):
        # In a portable function Polars' own error is the one that Narwhals' was raised for.
        error = error.__cause__ or error.__context__ or error
    if not isinstance(error, exceptions.PolarsError):
        return None
    said = _PLAN.split(str(error), maxsplit=1)[0].strip()
    if isinstance(error, exceptions.ColumnNotFoundError):
        found = _MISSING.match(said)
        return _missing(found["name"], str(error), frames) if found else said
    if isinstance(error, exceptions.SchemaFieldNotFoundError | exceptions.StructFieldNotFoundError):
        return f"a field is not there: {said}"
    if "cannot write 'Object' datatype" in said:
        return "a column is of Python objects (pl.Object), which no file holds; make it text, numbers or structs first"
    sentences = [line.strip() for line in said.splitlines() if line.strip()]
    return " ".join(sentences) or type(error).__name__


def _missing(name: str, said: str, frames: Mapping[str, pl.LazyFrame | pl.DataFrame]) -> str:
    columns = {input_name: _columns_of(frame) for input_name, frame in frames.items()}
    there = _columns_said(said)
    asked = [input_name for input_name, names in columns.items() if there is not None and names == there]
    if not asked and there is None:
        asked = [input_name for input_name, names in columns.items() if name not in names]
        if len(asked) != len(columns) or not asked:
            having = [input_name for input_name in columns if input_name not in asked]
            hint = f" Input {listed(map(repr, having))} has it." if having else ""
            return f"column {name!r} is not in the frame that was asked for it.{hint}"
        return " ".join(absence([name], columns[input_name], subject=f"input {input_name!r}") for input_name in asked)
    if asked:
        return absence([name], there or [], subject=" or ".join(f"input {input_name!r}" for input_name in asked))
    having = [input_name for input_name, names in columns.items() if name in names]
    hint = f" Input {listed(map(repr, having))} has it, the frame made of it no longer." if having else ""
    return absence([name], there or [], subject="the frame that was asked for it") + hint


def _columns_said(said: str) -> list[str] | None:
    """Return the columns of the frame that was asked, as far as Polars says: in words, or in the plan it shows."""
    valid = _VALID.search(said)
    if valid is not None:
        return _QUOTED.findall(valid["names"])
    shown = re.search(r"\nDF \[(?P<names>.*?)\]; PROJECT \*/(?P<count>\d+) COLUMNS\s*(?:\n|$)", said)
    names = _QUOTED.findall(shown["names"]) if shown is not None else []
    return names if shown is not None and len(names) == int(shown["count"]) else None


def _columns_of(frame: pl.LazyFrame | pl.DataFrame) -> list[str]:
    try:
        return list(frame.collect_schema().names())
    except exceptions.PolarsError:
        return []
