"""What a database said, in a message that names the sink, the table and what to do, and never a password."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from odibi_core.plugin import RunLogError
from odibi_sinks.sql.urls import SqlPlace

__all__ = ["explained", "is_race"]

_OTHER_ERRORS: Final[tuple[type[Exception], ...]] = (OSError, ImportError, ValueError, TypeError, OverflowError)
_DUPLICATES: Final = frozenset({"IntegrityError", "UniqueViolation"})
_DEADLOCKS: Final = frozenset({"40001", "40P01", 1213})
"""SQLSTATEs of SQL Server and PostgreSQL; MariaDB has a number."""

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
    codes = {getattr(cause, "sqlstate", None), *cause.args[:1]}
    return not codes.isdisjoint(_DEADLOCKS)


def _advice(error: Exception, place: SqlPlace) -> str:
    if isinstance(error, ImportError):
        return "Install the database's driver anew."
    if not isinstance(error, DBAPIError | OSError):
        return "Check the URL, and that the records have the types of the run log's columns."
    if place.dialect == "sqlite":
        return "Check the path, its permissions and the space on its disk."
    if isinstance(error, OperationalError | InterfaceError | OSError):
        return "Check that the server runs, can be reached and lets this user in."
    return "Check the table's columns and the user's rights."
