"""What the columns of a frame may be called, and what becomes of its index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import pandas as pd

from odibi_core.plugin import ColumnNotFoundError, DataFormatError, did_you_mean

__all__ = ["absence", "aligned_to", "flat_frame", "listed", "require_columns", "require_fit"]

_COLUMNS_SHOWN = 20


def listed(columns: Iterable[object]) -> str:
    """Return column names for a message, the first twenty of them.

    Example:
        >>> listed(["a", "b"])
        'a, b'
    """
    names = [str(column) for column in columns]
    more = len(names) - _COLUMNS_SHOWN
    return ", ".join(names[:_COLUMNS_SHOWN]) + (f", ... {more} more" if more > 0 else "")


def require_columns(wanted: Iterable[str], columns: Sequence[str], *, subject: str) -> None:
    """Raise if a column is not there.

    Args:
        wanted: The columns that are needed.
        columns: The columns that there are.
        subject: What they were looked for in.

    Raises:
        ColumnNotFoundError: Names all that are missing, and what they may have been meant to be.

    Example:
        >>> require_columns(["dely"], ["delay", "origin"], subject="flights.csv")
        Traceback (most recent call last):
            ...
        odibi_core.errors.ColumnNotFoundError: column 'dely' is not in flights.csv (columns: delay, origin). Did you ...
    """
    missing = [column for column in dict.fromkeys(wanted) if column not in columns]
    if missing:
        raise ColumnNotFoundError(absence(missing, columns, subject=subject))


def absence(missing: Sequence[object], columns: Iterable[object], *, subject: str) -> str:
    """Return a message that columns are not there, with what is there and what may have been meant.

    Example:
        >>> absence(["dely"], ["delay", "origin"], subject="input 'bronze.flights'")
        "column 'dely' is not in input 'bronze.flights' (columns: delay, origin). Did you mean 'delay'?"
    """
    names = [str(column) for column in columns]
    what = f"column {missing[0]!r} is" if len(missing) == 1 else f"columns {listed(map(repr, missing))} are"
    there = f"(columns: {listed(names)})" if names else "(it has no columns)"
    hint = did_you_mean(str(missing[0]), names) if len(missing) == 1 else ""
    return f"{what} not in {subject} {there}. {hint}".rstrip()


def flat_frame(frame: pd.DataFrame, *, subject: str) -> pd.DataFrame:
    """Return a frame whose columns are all that it holds and have unique texts for names; its data is not copied.

    An index level that has a name becomes a column, in front; one without a name is dropped. Names that are numbers or
    dates are written as text.

    Args:
        frame: The frame; it is not changed.
        subject: What it is to become, for messages.

    Raises:
        DataFormatError: Two columns have one name, a name is missing, or names have several levels.

    Example:
        >>> flat_frame(pd.DataFrame({2024: [1]}, index=pd.Index(["JFK"], name="origin")), subject="x").columns.tolist()
        ['origin', '2024']
    """
    if isinstance(frame.columns, pd.MultiIndex):
        raise DataFormatError(
            f"{subject}: the frame's column names have {frame.columns.nlevels} levels (such as {frame.columns[0]!r}); "
            "join them into one first: frame.columns = ['_'.join(map(str, name)) for name in frame.columns]"
        )
    columns = [_text_name(name, subject=f"{subject}: column {number}") for number, name in enumerate(frame.columns, 1)]
    _refuse_duplicates(columns, subject)
    flat = frame.copy(deep=False)
    flat.attrs = {}
    flat.columns = pd.Index(columns)
    named = [number for number, level in enumerate(frame.index.names) if level is not None]
    for number in reversed(named):
        name = _text_name(frame.index.names[number], subject=f"{subject}: index level {number + 1}")
        _insert_index_level(flat, name, frame.index.get_level_values(number), subject=subject)
    if not _is_default(frame.index):
        flat.index = pd.RangeIndex(len(flat))
    if not flat.columns.size and len(flat):
        raise DataFormatError(f"{subject}: the frame has {len(flat)} rows and no columns")
    return flat


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


def aligned_to(frame: pd.DataFrame, existing: Sequence[str], *, subject: str) -> pd.DataFrame:
    """Return a frame with its columns in the order of those it is appended to.

    A frame without rows and columns (an empty JSON array, say) fits anything.

    Args:
        frame: A flat frame.
        existing: The columns that are there; none if nothing is known of them.
        subject: What is appended to, for messages.

    Raises:
        DataFormatError: A column is missing or superfluous; names all of them.
    """
    if not existing:
        return frame
    if not frame.columns.size:
        return frame.reindex(columns=list(existing))
    require_fit(frame.columns.tolist(), existing, subject=subject)
    return frame[list(existing)]


def _text_name(name: Hashable, *, subject: str) -> str:
    if isinstance(name, str):
        return name
    if name is None or isinstance(name, tuple) or name != name:  # noqa: PLR0124  # NaN is no name
        raise DataFormatError(f"{subject} of the frame has {name!r} for a name; give it a text")
    return str(name)


def _is_default(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _insert_index_level(frame: pd.DataFrame, name: str, values: pd.Index, *, subject: str) -> None:
    """Make an index level the first column, unless it is a column already, as set_index(drop=False) leaves it."""
    if name not in frame.columns:
        frame.insert(0, name, values)
    elif not pd.Index(frame[name]).equals(values):
        raise DataFormatError(
            f"{subject}: the frame has a column {name!r} and an index of that name with other values; "
            "rename one, or drop the index with frame.reset_index(drop=True)"
        )


def _refuse_duplicates(columns: list[str], subject: str) -> None:
    repeated = sorted(name for name, count in Counter(columns).items() if count > 1)
    if repeated:
        raise DataFormatError(
            f"{subject}: the frame has more than one column named {listed(map(repr, repeated))}; rename them first"
        )
