"""Columns by their names, and messages about those that are not there, or do not go together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl
import polars.selectors as cs

from odibi_core.plugin import ColumnNotFoundError, DataFormatError, did_you_mean

__all__ = [
    "absence",
    "column",
    "common_type",
    "is_pattern",
    "listed",
    "require_arrow_types",
    "require_columns",
    "require_fit",
    "selected",
    "unified",
]

_COLUMNS_SHOWN = 20


def column(name: str) -> pl.Expr:
    """Return the column of a name; `polars.col` takes ``*`` for all columns, and ``^a.*$`` for those that match.

    Example:
        >>> pl.DataFrame({"*": [1], "n": [2]}).select(column("*") + 1).to_dict(as_series=False)
        {'*': [2]}
    """
    return cs.by_name(name).as_expr()


def selected(frame: pl.LazyFrame, names: Iterable[str]) -> pl.LazyFrame:
    """Return some columns of a frame, in the order of the names.

    Example:
        >>> selected(pl.LazyFrame({"*": [1], "n": [2], "m": [3]}), ["n", "*"]).collect().columns
        ['n', '*']
    """
    return frame.select(cs.by_name(*names))


def is_pattern(name: str) -> bool:
    """Return whether Polars takes a name for a pattern where it wants text and no expression, as for partitions.

    Example:
        >>> [is_pattern(name) for name in ("*", "^a.*$", "a*")]
        [True, True, False]
    """
    return name == "*" or (name.startswith("^") and name.endswith("$"))


def listed(columns: Iterable[object]) -> str:
    """Return column names for a message, the first twenty of them.

    Example:
        >>> listed(["a", "b"])
        'a, b'
    """
    names = [str(column) for column in columns]
    more = len(names) - _COLUMNS_SHOWN
    return ", ".join(names[:_COLUMNS_SHOWN]) + (f", ... {more} more" if more > 0 else "")


def absence(missing: Sequence[str], columns: Sequence[str], *, subject: str) -> str:
    """Return a message that columns are not there, with what is there and what may have been meant.

    Example:
        >>> absence(["dely"], ["delay", "origin"], subject="input 'bronze.flights'")
        "column 'dely' is not in input 'bronze.flights' (columns: delay, origin). Did you mean 'delay'?"
    """
    what = f"column {missing[0]!r} is" if len(missing) == 1 else f"columns {listed(map(repr, missing))} are"
    there = f"(columns: {listed(columns)})" if columns else "(it has no columns)"
    hint = did_you_mean(missing[0], columns) if len(missing) == 1 else ""
    return f"{what} not in {subject} {there}. {hint}".rstrip()


def require_arrow_types(schema: Mapping[str, pl.DataType]) -> None:
    """Refuse columns that Arrow has no type for.

    Polars hands Python objects over as bytes that are their addresses, and its largest integers in a format of its own.

    Args:
        schema: The columns of the frame that is handed over.

    Raises:
        DataFormatError: There is such a column.

    Example:
        >>> require_arrow_types({"delay": pl.Int64()})
        >>> try:
        ...     require_arrow_types({"delay": pl.List(pl.Int128())})
        ... except DataFormatError as error:
        ...     print(error)
        the Polars frame: column 'delay' is List(Int128), which Arrow does not have; cast it first
    """
    for name, kind in schema.items():
        unknown = _without_arrow_type(kind)
        if unknown is not None:
            hint = "make it text, numbers or structs first" if unknown == pl.Object else "cast it first"
            raise DataFormatError(f"the Polars frame: column {name!r} is {kind}, which Arrow does not have; {hint}")


def _without_arrow_type(kind: pl.DataType) -> pl.DataType | None:
    if isinstance(kind, pl.Struct):
        found = (_without_arrow_type(field.dtype) for field in kind.fields)  # type: ignore[arg-type]  # never a class here
        return next((one for one in found if one is not None), None)
    if isinstance(kind, pl.List | pl.Array):
        return _without_arrow_type(kind.inner)  # type: ignore[arg-type]  # as above
    return kind if kind in {pl.Object, pl.Int128, pl.UInt128} else None


def require_columns(wanted: Iterable[str], columns: Sequence[str], *, subject: str) -> None:
    """Raise if a column is not there.

    Args:
        wanted: The columns that are needed.
        columns: The columns that there are.
        subject: What they were looked for in.

    Raises:
        ColumnNotFoundError: Names all that are missing, and what they may have been meant to be.
    """
    missing = [column for column in dict.fromkeys(wanted) if column not in columns]
    if missing:
        raise ColumnNotFoundError(absence(missing, columns, subject=subject))


def require_fit(columns: Sequence[str], existing: Sequence[str], *, subject: str) -> None:
    """Raise if rows with some columns cannot be appended to rows with others; their order does not matter.

    Args:
        columns: The columns of what is to be appended.
        existing: The columns that are there.
        subject: What is appended to, for messages.

    Raises:
        DataFormatError: A column is missing or superfluous; names all of them.
    """
    missing = [name for name in existing if name not in columns]
    extra = [name for name in columns if name not in existing]
    if missing or extra:
        found = [f"is missing {listed(missing)}"] if missing else []
        found += [f"has {listed(extra)} besides"] if extra else []
        raise DataFormatError(
            f"{subject}: cannot append, because the frame {' and '.join(found)}; what is there has {listed(existing)}. "
            "Give the frame the same columns, or save with mode 'overwrite'."
        )


def unified(schemas: Sequence[pl.Schema], *, subject: str) -> pl.Schema:
    """Return one schema for rows of several: integers become floats where one of them has floats, and so on.

    Args:
        schemas: Schemas with the same columns; the first gives their order.
        subject: What they are of, for messages.

    Raises:
        DataFormatError: A column has types that do not go together, such as numbers and text.
    """
    return pl.Schema(
        {name: common_type(name, [schema[name] for schema in schemas], subject=subject) for name in schemas[0]}
    )


def common_type(name: str, types: Sequence[pl.DataType], *, subject: str) -> pl.DataType:
    """Return the type that values of several types of one kind go into without loss.

    Args:
        name: The column, for messages.
        types: Its types.
        subject: What has the column, for messages.

    Raises:
        DataFormatError: They are of different kinds.

    Example:
        >>> common_type("a", [pl.Int16(), pl.Float64(), pl.Null()], subject="a.parquet")
        Float64
    """
    known = [kind for kind in dict.fromkeys(types) if kind != pl.Null]
    if len(known) <= 1:
        return known[0] if known else types[0]
    if len({_kind(kind) for kind in known}) == 1:
        parts = [pl.Series([], dtype=kind).to_frame(name) for kind in known]
        return pl.concat(parts, how="vertical_relaxed").schema[name]
    found = " and ".join(str(kind) for kind in known)
    raise DataFormatError(f"{subject}: column {name!r} is {found}, which do not go together; make it one type first")


def _kind(kind: pl.DataType) -> object:
    if kind.is_numeric():
        return "number"
    if kind in {pl.String, pl.Categorical} or isinstance(kind, pl.Enum):
        return "text"
    if isinstance(kind, pl.Datetime):
        return ("time", kind.time_zone)
    return "nested" if kind.is_nested() else kind.base_type()
