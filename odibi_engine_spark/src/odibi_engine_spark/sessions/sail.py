"""Sail in this process: a Spark Connect server without Java."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from odibi_engine_spark.errors import SparkUnavailableError
from odibi_engine_spark.sessions.connect import build_connect, stop_connect
from odibi_engine_spark.sessions.signals import interrupt_handler_kept

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["build_sail", "has_sail"]

# Sail reads them when a server starts; what is set already is the user's.
_ENVIRONMENT = {
    "RUST_LOG": "error",  # otherwise it tells of every connection on the screen
    # Sail forgets a session, with its views, that is idle for a quarter of an hour, as one in a notebook may well be.
    # The server ends with us, so ours may stay: for a year, in seconds.
    "SAIL_SPARK__SESSION_TIMEOUT_SECS": str(365 * 24 * 3600),
}


def has_sail() -> bool:
    """Return whether Sail is installed."""
    return find_spec("pysail") is not None


def build_sail(*, conf: Mapping[str, str], seconds: float) -> tuple[SparkSession, Callable[[], None]]:
    """Start Sail and connect to it.

    Args:
        conf: Settings of the session.
        seconds: How long to wait for the server's answer.

    Returns:
        The session, and what ends it and the server.

    Raises:
        SparkUnavailableError: Sail is not installed.
    """
    if not has_sail():
        raise SparkUnavailableError(
            'engines.spark.sail is true, and Sail is not installed: pip install "odibi-engine-spark[sail]"'
        )
    for variable, value in _ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    # Sail ends its server on Ctrl-C: an interrupted cell of a notebook would cost the session. It says so to the system
    # when its server first runs, which it does by the time it has answered.
    with interrupt_handler_kept():
        server.start(background=True)
        try:
            session = _connect(server.listening_address, conf=conf, seconds=seconds)
        except BaseException:
            server.stop()
            raise

    def stop() -> None:
        # The session first: a client cannot say goodbye to a server that is gone.
        try:
            stop_connect(session)
        finally:
            server.stop()

    return session, stop


def _connect(address: tuple[str, int] | None, *, conf: Mapping[str, str], seconds: float) -> SparkSession:
    if address is None:
        raise SparkUnavailableError("Sail was started and listens nowhere; try again.")
    session = build_connect(f"sc://{address[0]}:{address[1]}", conf=conf, seconds=seconds)
    # Sail makes a session when it is first used, and a session that it has not made cannot be released.
    session.catalog.currentCatalog()
    return session
