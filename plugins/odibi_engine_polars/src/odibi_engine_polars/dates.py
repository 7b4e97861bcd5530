"""Text to dates and times, strictly: what cannot be read is an error, never a column that silently stays text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from odibi_core.plugin import DataFormatError
from odibi_engine_polars.columns import column

__all__ = ["with_dates"]

_ISO = re.compile(r"\s*(?:\d{4}-\d\d?(?:-|$)|\d{8}$)")
_ZONE = r":\d\d(?:\.\d+)?\s*(?:[Zz]|[+-]\d\d(?::?\d\d)?)$"
_GUESSED = re.compile(
    r"(?P<one>\d{1,2})(?P<sep>[/.-])(?P<two>\d{1,2})(?P=sep)(?P<year>\d{4})"
    r"(?P<time>[ T]\d{1,2}:\d\d(?P<second>:\d\d)?)?$"
)
_ISO_LOCAL = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y%m%d")
_ISO_ZONED = ("%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z")
_MOST_MONTHS = 12


def with_dates(
    frame: pl.LazyFrame,
    columns: Sequence[str],
    *,
    date_format: str | Mapping[str, str] | None,
    dayfirst: bool,
    subject: str,
) -> pl.LazyFrame:
    """Return a frame in which some columns of text are dates and times; all their values are looked at now.

    Without a format it is ISO 8601, or else that of the column's first value. Times with offsets come in UTC.

    Args:
        frame: The frame.
        columns: The columns to convert.
        date_format: The format as for strftime, or one by column name.
        dayfirst: Whether 03/04/2013 is the third of April.
        subject: Where the frame is from, for messages.

    Raises:
        DataFormatError: A value is not of the format; names the column and the value.

    Example:
        >>> frame = pl.LazyFrame({"day": ["03/04/2013", None]})
        >>> with_dates(frame, ["day"], date_format=None, dayfirst=True, subject="a.csv").collect()["day"][0]
        datetime.datetime(2013, 4, 3, 0, 0)
    """
    if not columns:
        return frame
    seen = frame.select(
        *(column(name).drop_nulls().first().alias(f"first {name}") for name in columns),
        *(column(name).str.contains(_ZONE).any().alias(f"zone {name}") for name in columns),
    ).collect(engine="streaming")
    facts = seen.row(0, named=True) if seen.height else {}
    parsed: dict[str, pl.Expr] = {}
    patterns: dict[str, str] = {}
    for name in columns:
        given = date_format if date_format is None or isinstance(date_format, str) else date_format.get(name)
        first = facts.get(f"first {name}")
        of_column = f"{subject}: column {name!r}"
        patterns[name] = given or _format_of(first, dayfirst=dayfirst, subject=of_column)
        parsed[name] = _parsed(name, patterns[name], has_zone=bool(facts.get(f"zone {name}")))
    _require_all(frame, parsed, patterns, subject=subject)
    return frame.with_columns(expression.alias(name) for name, expression in parsed.items())


def _require_all(
    frame: pl.LazyFrame, parsed: Mapping[str, pl.Expr], patterns: Mapping[str, str], *, subject: str
) -> None:
    try:
        misfits = (
            frame.select(
                column(name).filter(column(name).is_not_null() & expression.is_null()).first().alias(name)
                for name, expression in parsed.items()
            )
            .collect(engine="streaming")
            .row(0, named=True)
        )
    except pl.exceptions.ComputeError as error:
        detail = str(error).partition("\n")[0]
        raise DataFormatError(f"{subject}: date_format {', '.join(patterns.values())}: {detail}") from error
    for name, value in misfits.items():
        if value is not None:
            raise DataFormatError(
                f"{subject}: column {name!r}: {value!r} is no date of the format {patterns[name]}; "
                "say the format with date_format"
            )


def _format_of(first: str | None, *, dayfirst: bool, subject: str) -> str:
    if first is None or _ISO.match(first):
        return "ISO8601"
    found = _GUESSED.match(first.strip())
    if found is None:
        raise DataFormatError(f"{subject}: {first!r} is in no format that is known; say it with date_format")
    is_day_first = int(found["one"]) > _MOST_MONTHS or (dayfirst and int(found["two"]) <= _MOST_MONTHS)
    day = ("%d", "%m") if is_day_first else ("%m", "%d")
    time = "" if not found["time"] else found["time"][0] + ("%H:%M:%S" if found["second"] else "%H:%M")
    return found["sep"].join((*day, "%Y")) + time


def _parsed(name: str, pattern: str, *, has_zone: bool) -> pl.Expr:
    text = column(name).str.strip_chars()
    if pattern != "ISO8601":
        # chrono's %f counts nanoseconds; strftime's is a fraction.
        chrono = pattern.replace(".%f", "%.f").replace("%f", "%6f")
        zone = "UTC" if re.search(r"%(?:z|Z|:z|#z)", chrono) else None
        return text.str.to_datetime(chrono, time_unit="us", time_zone=zone, strict=False)
    plain = text.str.replace(r"^(\d{4}-\d\d-\d\d)[Tt]", "${1} ")
    if has_zone:
        zoned = plain.str.replace(r"\s*[Zz]$", "+00:00")
        return pl.coalesce(
            zoned.str.to_datetime(each, time_unit="us", time_zone="UTC", strict=False) for each in _ISO_ZONED
        )
    return pl.coalesce(plain.str.to_datetime(each, time_unit="us", strict=False) for each in _ISO_LOCAL)
