"""What a database said, in a message that names the sink, the table and what to do, and never a password."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import IntegrityError

from odibi_core.plugin import RunLogError
from odibi_sinks.sql.urls import SqlPlace

__all__ = ["explained", "is_race"]

_OTHER_ERRORS: Final[tuple[type[Exception], ...]] = (OSError, ImportError, ValueError, TypeError, OverflowError)
_DUPLICATES: Final = frozenset({"IntegrityError", "UniqueViolation"})
_DEADLOCKS: Final = frozenset({"40001", "40P01", 1213})
"""SQLSTATEs of SQL Server and PostgreSQL; MariaDB has a number."""

_FULL_DISK: Final = frozenset({"53100", "SQLITE_FULL", 1021, 1114, errno.ENOSPC})
"""PostgreSQL's SQLSTATE, SQLite's name, and MariaDB's numbers for a full disk and for a table that cannot grow."""

_LOCKED: Final = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED"})
_OF_THE_TABLE: Final = frozenset({1048, 1054, 1142, 1146, 1264, 1265, 1364, 1366, 1406})
"""MariaDB's numbers for what a table or the user's rights do not allow; its driver has one class for them and for a
connection that is lost."""

_LONGEST: Final = 1000
"""Characters of a driver's message. Some quote the row that they could not store."""


@contextmanager
def explained(what: str, *, place: SqlPlace, table_name: str, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn what SQLAlchemy and the driver raise into a `RunLogError`.

    Args:
        what: What is done, such as ``"write to"``.
        place: The database.
        table_name: The table, with its schema.
        errors: What SQLAlchemy raises, and the driver where SQLAlchemy does not stand between.

    Raises:
        RunLogError: Anything went wrong.
    """
    try:
        yield
    except RunLogError:
        raise
    except (*_OTHER_ERRORS, *errors) as error:
        said = " ".join(str(getattr(error, "orig", None) or error).split()) or type(error).__name__
        told = place.mask(said)
        if len(told) > _LONGEST:
            told = told[:_LONGEST] + " ..."
        raise RunLogError(
            f"The SQL log sink cannot {what} the table {table_name!r} at {place.shown}: {told.rstrip('.')}. "
            f"{_advice(error, place)}"
        ) from (error if said == told else None)


def is_race(error: Exception) -> bool:
    """Return whether something failed because somebody else wrote the same rows at that moment: trying again helps.

    Args:
        error: What SQLAlchemy or the driver raised.
    """
    cause = getattr(error, "orig", None) or error
    if isinstance(error, IntegrityError) or type(cause).__name__ in _DUPLICATES:
        return True
    return not _DEADLOCKS.isdisjoint(_codes_of(cause))


def _advice(error: Exception, place: SqlPlace) -> str:
    if isinstance(error, ImportError):
        return "Install the database's driver anew."
    # COPY goes past SQLAlchemy, and its errors are the driver's own.
    cause = getattr(error, "orig", None) or error
    kinds = {kind.__name__ for kind in type(cause).__mro__} | {kind.__name__ for kind in type(error).__mro__}
    if kinds.isdisjoint({"DBAPIError", "DatabaseError", "InterfaceError", "OSError"}):
        return "Check the URL, and that the records have the types of the run log's columns."
    codes = _codes_of(cause)
    if not _FULL_DISK.isdisjoint(codes):
        return "Free some space on its disk." if place.dialect == "sqlite" else "Free some space on the server's disk."
    if not _LOCKED.isdisjoint(codes):
        return "Another program keeps it locked: end that one's transaction, or make timeout_seconds longer."
    if place.dialect == "sqlite":
        return "Check the path, its permissions and the space on its disk."
    if _OF_THE_TABLE.isdisjoint(codes) and not kinds.isdisjoint({"OperationalError", "InterfaceError", "OSError"}):
        return "Check that the server runs, can be reached and lets this user in."
    return "Check the table's columns and the user's rights."


def _codes_of(cause: BaseException) -> set[object]:
    codes = {getattr(cause, name, None) for name in ("sqlstate", "sqlite_errorname", "errno")}
    return codes | {code for code in cause.args[:1] if isinstance(code, int | str)}
