"""Several files as one frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from odibi_core.plugin import DataFormatError
from odibi_engine_pandas.columns import listed
from odibi_engine_pandas.sources import Source

__all__ = ["combined", "require_same_columns", "text_where_types_differ"]


def combined(frames: Sequence[pd.DataFrame], sources: Sequence[Source]) -> pd.DataFrame:
    """Return the rows of several frames, one below the other.

    Args:
        frames: The frames, in order; they have the same columns, in any order.
        sources: Where each is from, for messages.

    Raises:
        DataFormatError: A file has other columns than the first.
    """
    if len(frames) == 1:
        return frames[0]
    columns = frames[0].columns.tolist()
    for frame, source in zip(frames, sources, strict=True):
        require_same_columns(frame.columns.tolist(), columns, source=source, first=sources[0])
    # An empty part has no types of its own to say; it would only turn numbers into objects.
    filled = [frame[columns] for frame in frames if len(frame)]
    if not filled:
        return frames[0]
    return pd.concat(_typed_alike(filled, columns), ignore_index=True)


def require_same_columns(columns: Sequence[str], expected: Sequence[str], *, source: Source, first: Source) -> None:
    """Raise if a file has other columns than the first one of its dataset.

    Raises:
        DataFormatError: Names the file and the columns.
    """
    missing = [name for name in expected if name not in columns]
    extra = [name for name in columns if name not in expected]
    if missing or extra:
        found = [f"lacks {listed(missing)}"] if missing else []
        found += [f"has {listed(extra)} besides"] if extra else []
        raise DataFormatError(
            f"{source.name!r}: {source.shown} {' and '.join(found)}, compared with {first.shown}. Files that are read "
            "as one have the same columns; choose those that all have with the option columns, or read them apart."
        )


def text_where_types_differ(
    frames: Sequence[pd.DataFrame], read_again: Callable[[int, dict[str, str]], pd.DataFrame]
) -> list[pd.DataFrame]:
    """Return frames of inferred types as they would be if all had been inferred together.

    A column that is text in one file and a number in another is text in all; so it is read again, since ``007`` can no
    longer be told from the number.

    Args:
        frames: The frames, one per file.
        read_again: Reads the file of that position with types for some of its columns.
    """
    kinds = [{name: _kind(frame[name]) for name in frame.columns} for frame in frames]
    texts = {name for kind in kinds for name, is_text in kind.items() if is_text}
    unified = []
    for position, (frame, kind) in enumerate(zip(frames, kinds, strict=True)):
        wrong = {name: "str" for name in sorted(texts) if kind.get(name) is False}
        unified.append(read_again(position, wrong) if wrong else frame)
    return unified


def _kind(column: pd.Series) -> bool | None:
    """Return whether a column is text; None if it has no value to tell by."""
    return None if column.isna().all() else isinstance(column.dtype, pd.StringDtype)


def _typed_alike(frames: list[pd.DataFrame], columns: list[str]) -> list[pd.DataFrame]:
    """Give columns without a single value the type that they have in another part."""
    alike = []
    dtypes = {name: [frame[name].dtype for frame in frames if not frame[name].isna().all()] for name in columns}
    for frame in frames:
        unknown = {
            name: dtypes[name][0]
            for name in columns
            if dtypes[name] and frame[name].dtype not in dtypes[name] and frame[name].isna().all()
        }
        # An all-null column cannot become an int or a bool; concat then promotes, as for one file with nulls.
        possible = {name: dtype for name, dtype in unknown.items() if dtype.kind not in "iub"}
        alike.append(frame.astype(possible) if possible else frame)
    return alike
