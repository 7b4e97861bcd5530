"""The types of columns of text: found from all values, or asked for and then checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from odibi_core.plugin import DataFormatError
from odibi_engine_polars.columns import column
from odibi_engine_polars.csv_options import CsvReadOptions

__all__ = ["Look", "cast_to", "looked_at"]

_SAMPLE = 10_000
_KINDS: Mapping[str, pl.DataType] = {"integer": pl.Int64(), "fraction": pl.Float64(), "truth": pl.Boolean()}


@dataclass(frozen=True, slots=True)
class Look:
    """What the values of a frame of text show.

    Args:
        types: The type of each column.
        has_empty_rows: Whether a row is empty, as a blank line comes.
    """

    types: Mapping[str, pl.DataType]
    has_empty_rows: bool


def looked_at(
    frame: pl.LazyFrame, columns: Sequence[str], asked: Mapping[str, pl.DataType], options: CsvReadOptions
) -> Look:
    """Return what the columns of a frame of text are, having looked at all values once.

    A sample says which types are out of the question, so that most columns are compared with one type only.

    Args:
        frame: The frame, all text, with its nulls.
        columns: The columns that are wanted.
        asked: The types that the options ask for.
        options: The options of the input.

    Raises:
        DataFormatError: A value is not of the type that was asked for; names column and value.
    """
    unknown = [name for name in columns if name not in asked]
    possible: dict[str, Collection[str]] = dict.fromkeys(unknown, tuple(_KINDS))
    sample = frame.head(_SAMPLE).collect(engine="streaming")
    seen = _facts(sample.lazy(), possible, {}, options)
    possible = {name: _still_possible(name, kinds, seen) for name, kinds in possible.items()}
    every = list(frame.collect_schema())
    facts = _facts(frame, possible, asked, options, every=every)
    for name, kind in asked.items():
        value = facts.get(f"misfit {name}")
        if value is not None:
            raise DataFormatError(f"column {name!r} has {value!r}, which is no {kind}; correct it, or the option dtype")
    types = {
        name: _type_of(_still_possible(name, kinds, facts), is_empty=not facts[f"any {name}"])
        for name, kinds in possible.items()
    }
    digits = [name for name, kind in types.items() if kind == pl.Float64]
    types |= _beyond_int64(frame, digits, options) if digits else {}
    return Look({name: asked.get(name, types.get(name, pl.String())) for name in columns}, bool(facts["empty"]))


def cast_to(name: str, kind: pl.DataType, options: CsvReadOptions, *, strict: bool = True) -> pl.Expr:
    """Return a column of text as a type; what does not fit is an error, or null if not strict.

    Args:
        name: The column.
        kind: The type.
        options: The options of the input: decimal point, words for true and false.
        strict: Whether what does not fit is an error.
    """
    text = column(name)
    if kind == pl.Boolean:
        true = ["true", *(word.lower() for word in options.true_values)]
        false = ["false", *(word.lower() for word in options.false_values)]
        low = text.str.to_lowercase()
        parsed = pl.when(low.is_in(true)).then(pl.lit(value=True)).when(low.is_in(false)).then(pl.lit(value=False))
        return parsed.otherwise(None).alias(name)
    if kind.is_numeric():
        text = text.str.strip_chars(" ")
        if options.thousands is not None:
            text = text.str.replace_all(options.thousands, "", literal=True)
        if options.decimal != ".":
            text = text.str.replace_all(options.decimal, ".", literal=True)
    return text if kind == pl.String else text.cast(kind, strict=strict)


def _facts(
    frame: pl.LazyFrame,
    possible: Mapping[str, Collection[str]],
    asked: Mapping[str, pl.DataType],
    options: CsvReadOptions,
    *,
    every: Sequence[str] = (),
) -> dict[str, object]:
    found = [
        _misfits(name, _KINDS[kind], options).any().alias(f"{kind} {name}")
        for name, kinds in possible.items()
        for kind in kinds
    ]
    found += [column(name).is_not_null().any().alias(f"any {name}") for name in possible]
    found += [
        column(name).filter(_misfits(name, kind, options)).first().alias(f"misfit {name}")
        for name, kind in asked.items()
        if kind != pl.String
    ]
    if every:
        is_empty = pl.all_horizontal(column(name).is_null() | (column(name) == "") for name in every)
        found.append(is_empty.any().alias("empty"))
    if not found:
        return {}
    facts: dict[str, object] = frame.select(found).collect(engine="streaming").row(0, named=True)
    return facts


def _misfits(name: str, kind: pl.DataType, options: CsvReadOptions) -> pl.Expr:
    return column(name).is_not_null() & cast_to(name, kind, options, strict=False).is_null()


def _still_possible(name: str, kinds: Collection[str], facts: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(kind for kind in kinds if not facts[f"{kind} {name}"])


def _type_of(kinds: Sequence[str], *, is_empty: bool) -> pl.DataType:
    return pl.String() if is_empty or not kinds else _KINDS[kinds[0]]


def _beyond_int64(frame: pl.LazyFrame, names: Sequence[str], options: CsvReadOptions) -> dict[str, pl.DataType]:
    """Return what is to be done with columns of whole numbers that a float could not hold exactly."""
    facts = (
        frame.select(
            *((cast_to(name, pl.Float64(), options).abs() >= 2.0**53).any().alias(f"large {name}") for name in names),
            *((~column(name).str.contains(r"^ *[+-]?\d+ *$")).any().alias(f"fraction {name}") for name in names),
            *(_misfits(name, pl.UInt64(), options).any().alias(f"unsigned {name}") for name in names),
        )
        .collect(engine="streaming")
        .row(0, named=True)
    )
    whole = [name for name in names if facts[f"large {name}"] and not facts[f"fraction {name}"]]
    return {name: pl.String() if facts[f"unsigned {name}"] else pl.UInt64() for name in whole}
