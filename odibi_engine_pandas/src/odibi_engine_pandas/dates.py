"""Text to dates and times, strictly: what cannot be read is an error, never a column that silently stays text."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd
from pandas.tseries.api import guess_datetime_format

from odibi_core.plugin import DataFormatError

__all__ = ["with_dates"]

_ISO = re.compile(r"\s*\d{4}-\d\d?(-|$)")


def with_dates(
    frame: pd.DataFrame,
    columns: list[str],
    *,
    date_format: str | Mapping[str, str] | None,
    dayfirst: bool,
    subject: str,
) -> pd.DataFrame:
    """Return a frame in which some columns of text are dates and times.

    Without a format it is ISO 8601, or else that of the column's first value. Times with differing offsets (as a zone
    with summer time has) come in UTC.

    Args:
        frame: The frame; it is not changed.
        columns: The columns to convert.
        date_format: The format as for strftime, or one by column name.
        dayfirst: Whether 03/04/2013 is the third of April.
        subject: Where the frame is from, for messages.

    Raises:
        DataFormatError: A value is not of the format; names the column and the value.

    Example:
        >>> frame = pd.DataFrame({"day": ["03/04/2013", None]})
        >>> with_dates(frame, ["day"], date_format=None, dayfirst=True, subject="a.csv")["day"][0]
        Timestamp('2013-04-03 00:00:00')
    """
    converted = {}
    for column in columns:
        given = date_format if date_format is None or isinstance(date_format, str) else date_format.get(column)
        texts = frame[column]
        pattern = given or _format_of(texts, dayfirst=dayfirst, subject=f"{subject}: column {column!r}")
        converted[column] = _dates(texts, pattern, subject=f"{subject}: column {column!r}")
    return frame.assign(**converted)


def _format_of(texts: pd.Series, *, dayfirst: bool, subject: str) -> str:
    known = texts.dropna()
    if known.empty or _ISO.match(str(known.iloc[0])):
        return "ISO8601"
    first = str(known.iloc[0])
    # pandas warns when the two readings of a date disagree with dayfirst; only the one that fits is asked for.
    is_day_first = dayfirst or bool(re.match(r"\s*(1[3-9]|2\d|3[01])\D", first))
    pattern = guess_datetime_format(
        first, dayfirst=is_day_first and not re.match(r"\s*\d+\D(1[3-9]|2\d|3[01])\D", first)
    )
    if pattern is None:
        raise DataFormatError(f"{subject}: {first!r} is in no format that is known; say it with date_format")
    return pattern


def _dates(texts: pd.Series, pattern: str, *, subject: str) -> pd.Series:
    try:
        try:
            return pd.to_datetime(texts, format=pattern)
        except ValueError as error:
            if "Mixed timezones" not in str(error):
                raise
            return pd.to_datetime(texts, format=pattern, utc=True)
    except (ValueError, TypeError, OverflowError) as error:
        known = texts.dropna()
        unreadable = known[pd.to_datetime(known, format=pattern, errors="coerce", utc=True).isna()]
        which = f"{unreadable.iloc[0]!r} is no date" if len(unreadable) else str(error)
        raise DataFormatError(f"{subject}: {which} of the format {pattern}; say the format with date_format") from error
