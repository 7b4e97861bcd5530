"""Spark's errors in words: one line of a trace that has hundreds."""

from __future__ import annotations

__all__ = ["is_transient", "one_line"]

_TRANSIENT_CODES = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED"})
_TRANSIENT_WORDS = ("DELTA_CONCURRENT_", "ConcurrentAppendException", "ConcurrentWriteException")


def is_transient(error: BaseException) -> bool:
    """Return whether an error of Spark may pass by itself.

    Args:
        error: Any error.
    """
    code = getattr(error, "code", None)
    if type(error).__module__.startswith("grpc") and callable(code):
        return getattr(code(), "name", "") in _TRANSIENT_CODES
    if not type(error).__module__.startswith(("pyspark", "py4j", "delta")):
        return False
    text = f"{type(error).__name__} {error}"
    return any(word in text for word in _TRANSIENT_WORDS)


def one_line(error: BaseException) -> str:
    """Return the first line of what an error says.

    Args:
        error: Any error.
    """
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
