"""Settings of a session that a save needs, and that Spark has no option for in one write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Final

from odibi_engine_spark.raised import SPARK_ERRORS
from odibi_engine_spark.sessions.connect import at_first_try

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["plain_moments", "whole_overwrites"]


class _Switch:
    """A setting, and the sessions in which it is another than their user's as long as saves need that.

    Args:
        setting: Its name.
        wanted: What saves need.
        spoils: What of a user's they cannot do with, in upper case; ``None`` is no value. Another choice stands.
    """

    def __init__(self, setting: str, *, wanted: str, spoils: frozenset[str | None]) -> None:
        self._setting = setting
        self._wanted = wanted
        self._spoils = spoils
        self._lock = threading.Lock()
        self._saves = 0
        self._befores: list[tuple[SparkSession, str | None]] = []

    @contextmanager
    def on(self, session: SparkSession) -> Iterator[None]:
        """Have it as it is wanted."""
        self._enter(session)
        try:
            yield
        except BaseException:
            # Perhaps the server is gone.
            self._leave(has_failed=True)
            raise
        self._leave(has_failed=False)

    def _enter(self, session: SparkSession) -> None:
        with self._lock:
            self._saves += 1
            # A server may neither tell nor change it, as Databricks' own; then the save is done its way.
            with suppress(*SPARK_ERRORS):
                before = session.conf.get(self._setting, None)
                if (before and before.upper()) in self._spoils:
                    session.conf.set(self._setting, self._wanted)
                    self._befores.append((session, before))

    def _leave(self, *, has_failed: bool) -> None:
        with self._lock:
            self._saves -= 1
            # Two objects may mean one session, so that of saves at once the last one puts everything back.
            while not self._saves and self._befores:
                session, before = self._befores.pop()
                # A session that is gone has no setting.
                with suppress(*SPARK_ERRORS), at_first_try(session) if has_failed else nullcontext():
                    session.conf.unset(self._setting) if before is None else session.conf.set(self._setting, before)


_moments: Final = _Switch(
    "spark.sql.parquet.outputTimestampType", wanted="TIMESTAMP_MICROS", spoils=frozenset({None, "INT96"})
)
_overwrites: Final = _Switch("spark.sql.sources.partitionOverwriteMode", wanted="STATIC", spoils=frozenset({"DYNAMIC"}))


@contextmanager
def plain_moments(session: SparkSession) -> Iterator[None]:
    """Have moments written as Parquet's own type while something is saved.

    By itself Spark writes INT96, which others take for nanoseconds: they read it without its zone, and the year 9999,
    which many tables have for a row that holds, as 1816 (delta-rs 1.6.6).

    Args:
        session: The session that saves. Sail writes the right type, and needs none of this.
    """
    with _moments.on(session):
        yield


@contextmanager
def whole_overwrites(session: SparkSession) -> Iterator[None]:
    """Have an overwritten table of the catalog be what was saved, in a session that overwrites by partitions, too.

    Args:
        session: The session that saves.
    """
    with _overwrites.on(session):
        yield
