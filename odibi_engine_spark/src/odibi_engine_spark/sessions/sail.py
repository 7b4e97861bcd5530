"""Sail in this process: a Spark Connect server without Java."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from odibi_engine_spark.errors import SparkUnavailableError
from odibi_engine_spark.sessions.connect import build_connect

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["build_sail", "has_sail"]


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
    os.environ.setdefault("RUST_LOG", "error")  # otherwise it tells of every connection on the screen
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    address = server.listening_address
    if address is None:
        raise SparkUnavailableError("Sail was started and listens nowhere; try again.")
    try:
        session = build_connect(f"sc://{address[0]}:{address[1]}", conf=conf, seconds=seconds)
        # Sail makes a session when it is first used, and a session that it has not made cannot be released.
        session.catalog.currentCatalog()
    except BaseException:
        server.stop()
        raise

    def stop() -> None:
        # The session first: a client whose server is gone tries for ten minutes to say goodbye to it.
        session.stop()
        server.stop()

    return session, stop
