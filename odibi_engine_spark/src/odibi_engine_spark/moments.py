"""How Spark writes moments into Parquet files, those of Delta tables among them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Final

from odibi_engine_spark.raised import SPARK_ERRORS
from odibi_engine_spark.sessions.connect import at_first_try

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["plain_moments"]

_SETTING: Final = "spark.sql.parquet.outputTimestampType"
_OLD: Final = "INT96"


class _Switched:
    """The sessions whose setting is another than their user's, and how many saves need that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._saves = 0
        self._befores: list[tuple[SparkSession, str | None]] = []

    def enter(self, session: SparkSession) -> None:
        with self._lock:
            self._saves += 1
            # A server may neither tell nor change it, as Databricks' own; then the files are written its way.
            with suppress(*SPARK_ERRORS):
                before = session.conf.get(_SETTING, None)
                if before in {None, _OLD}:
                    session.conf.set(_SETTING, "TIMESTAMP_MICROS")
                    self._befores.append((session, before))

    def leave(self, *, has_failed: bool) -> None:
        with self._lock:
            self._saves -= 1
            # Two objects may mean one session, so that of saves at once the last one puts everything back.
            while not self._saves and self._befores:
                session, before = self._befores.pop()
                # A session that is gone has no setting.
                with suppress(*SPARK_ERRORS), at_first_try(session) if has_failed else nullcontext():
                    session.conf.unset(_SETTING) if before is None else session.conf.set(_SETTING, before)


_switched: Final = _Switched()


@contextmanager
def plain_moments(session: SparkSession) -> Iterator[None]:
    """Have moments written as Parquet's own type while something is saved.

    By itself Spark writes INT96, which others take for nanoseconds: they read it without its zone, and the year 9999,
    which many tables have for a row that holds, as 1816 (delta-rs 1.6.6). It is a setting of the session alone; Spark
    has no such option for one write. Another choice of the user's stands.

    Args:
        session: The session that saves. Sail writes the right type, and needs none of this.
    """
    _switched.enter(session)
    try:
        yield
    except BaseException:
        # Perhaps the server is gone.
        _switched.leave(has_failed=True)
        raise
    _switched.leave(has_failed=False)
