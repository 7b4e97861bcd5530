"""Patterns of dates: what strftime calls %d is dd on Spark.

This module is imported while a project is planned, so it imports no data library.
"""

from __future__ import annotations

import re

__all__ = ["has_zone", "pattern_of"]

_DIRECTIVES = {
    "%A": "EEEE",
    "%B": "MMMM",
    "%H": "HH",
    "%I": "hh",
    "%M": "mm",
    "%S": "ss",
    "%Y": "yyyy",
    "%a": "EEE",
    "%b": "MMM",
    "%d": "dd",
    "%f": "SSSSSS",
    "%j": "DDD",
    "%m": "MM",
    "%p": "a",
    "%y": "yy",
    "%z": "xxx",
    "%F": "yyyy-MM-dd",
    "%T": "HH:mm:ss",
    "%%": "%",
}
_LITERAL = re.compile(r"[A-Za-z']+")
_QUOTED = re.compile(r"'(?:[^']|'')*'")


def pattern_of(text: str) -> str:
    """Return a pattern as Spark has it; one as for strftime is translated.

    Args:
        text: The pattern.

    Raises:
        ValueError: A directive of strftime has no counterpart.

    Example:
        >>> pattern_of("%d/%m/%Y at %H:%M"), pattern_of("dd/MM/yyyy")
        ("dd/MM/yyyy 'at' HH:mm", 'dd/MM/yyyy')
    """
    if "%" not in text:
        return text
    pattern = ""
    for part in re.split(r"(%.)", text):
        if part.startswith("%"):
            if part not in _DIRECTIVES:
                known = ", ".join(sorted(_DIRECTIVES))
                raise ValueError(f"{part} has no counterpart on Spark; use {known}, or a pattern such as dd/MM/yyyy")
            pattern += _DIRECTIVES[part]
        else:
            pattern += _LITERAL.sub(lambda match: "'" + match[0].replace("'", "''") + "'", part)
    return pattern


def has_zone(pattern: str) -> bool:
    """Return whether times of a pattern have a zone or an offset.

    Example:
        >>> has_zone("yyyy-MM-dd'T'HH:mmXXX"), has_zone("yyyy-MM-dd 'X'")
        (True, False)
    """
    return bool(re.search("[VzOXxZ]", _QUOTED.sub("", pattern)))
