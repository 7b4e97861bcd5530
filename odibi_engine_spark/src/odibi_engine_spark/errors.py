"""Errors of the Spark engine, and which of Spark's own may pass by themselves."""

from __future__ import annotations

from odibi_core.plugin import ConfigError, OdibiError, TransientError

__all__ = ["SessionConflictError", "SparkUnavailableError", "SparkVersionError", "TransientSparkError"]


class SparkUnavailableError(TransientError, ConnectionError):
    """No session: Java, a jar, the master or the Spark Connect server cannot be had; the message says which."""


class SparkVersionError(ConfigError):
    """Versions that do not go together, such as those of pyspark and delta-spark."""


class SessionConflictError(OdibiError, RuntimeError):
    """This process has a session that the one asked for cannot live beside."""


class _ByContent(type):
    def __instancecheck__(cls, error: object) -> bool:
        from odibi_engine_spark.explain import is_transient

        return isinstance(error, BaseException) and is_transient(error)


class TransientSparkError(Exception, metaclass=_ByContent):
    """What an error of Spark is an instance of if trying again may help.

    Spark says by a name or a code inside an error, and not by its class, that a connection broke or that two commits
    of a Delta table met, and which classes there are depends on what is installed. Never raised.
    """
