"""What Sail lacks, and what does it instead."""

from __future__ import annotations

import re
import weakref
from typing import TYPE_CHECKING, NoReturn

from odibi_core.plugin import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["check_path", "is_sail", "refuse_on_sail"]

_KNOWN: weakref.WeakKeyDictionary[SparkSession, bool] = weakref.WeakKeyDictionary()
_SAFE = re.compile(r"(?:[a-z0-9]+://)?[A-Za-z0-9._/=,;+!@$&()':-]*")


def is_sail(session: SparkSession) -> bool:
    """Return whether a session is one of Sail; asked once per session.

    Sail says that it is Spark, of Spark's version. Its SQL function ``version`` gives its own.

    Args:
        session: Any session.
    """
    if not type(session).__module__.startswith("pyspark.sql.connect"):
        return False
    known = _KNOWN.get(session)
    if known is None:
        # Spark answers with its version, a blank and the commit that it was built from.
        known = not str(session.sql("SELECT version()").collect()[0][0]).startswith(f"{session.version} ")
        _KNOWN[session] = known
    return known


def check_path(path: str) -> None:
    """Make sure that Sail puts a Delta table where it should be.

    Sail 0.7.2 percent-encodes a path, and its data files' paths twice: of a path with a blank, the log and the data go
    to two other folders, and one with a ``?`` or ``#`` is cut short. Nothing says so.

    Args:
        path: A path or URI.

    Raises:
        ConfigError: There is a character in it that Sail would encode.
    """
    if _SAFE.fullmatch(path):
        return
    wrong = sorted({character for character in path if not _SAFE.fullmatch(character)})
    raise ConfigError(
        f"Sail cannot keep a Delta table in {path!r}: with {', '.join(map(repr, wrong))} in a path it "
        f"writes to another folder. Use another folder, Spark itself, or delta-rs (odibi-sinks[delta])."
    )


def refuse_on_sail(session: SparkSession, *, what: str, instead: str) -> None:
    """Refuse what Sail lacks.

    Args:
        session: The session in use.
        what: What was asked for.
        instead: What does it, as the end of a sentence.

    Raises:
        ConfigError: The session is one of Sail.
    """
    if is_sail(session):
        _refuse(what, instead)


def _refuse(what: str, instead: str) -> NoReturn:
    raise ConfigError(f"Sail has no {what}. What does it: {instead}, or a session of Spark itself.")
