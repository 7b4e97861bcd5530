"""Which delta-spark goes with which pyspark; measured, see docs/decisions/spark-versions.md."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from odibi_engine_spark.errors import SparkVersionError

__all__ = ["check_pair", "delta_version", "installed_version", "pair_problem"]


def installed_version(distribution: str) -> str | None:
    """Return the version of an installed distribution, None if it is not installed.

    Args:
        distribution: Its name, such as ``"delta-spark"``.
    """
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def delta_version() -> str | None:
    """Return the version of delta-spark, None if it is not installed."""
    return installed_version("delta-spark")


def pair_problem(*, pyspark: str, delta: str) -> str:
    """Return what is wrong with two versions, an empty text if they go together.

    Args:
        pyspark: The version of pyspark.
        delta: The version of delta-spark.

    Example:
        >>> pair_problem(pyspark="4.1.1", delta="4.1.0")
        ''
        >>> print(pair_problem(pyspark="4.2.0", delta="4.1.0"))
        delta-spark 4.1.0 does not work with pyspark 4.2.0. Install one of: pyspark 4.1.1 with delta-spark 4.1.0.
    """
    for spark_range, delta_range in _PAIRS:
        if _is_in(pyspark, spark_range) and _is_in(delta, delta_range):
            return ""
    return (
        f"delta-spark {delta} does not work with pyspark {pyspark}. "
        "Install one of: pyspark 4.1.1 with delta-spark 4.1.0."
    )


# (pyspark from, before), (delta-spark from, before)
_PAIRS = ((((4, 1, 0), (4, 1, 2)), ((4, 1, 0), (4, 2, 0))),)


def _is_in(text: str, bounds: tuple[tuple[int, ...], tuple[int, ...]]) -> bool:
    low, high = bounds
    return low <= _numbers(text) < high


def _numbers(text: str) -> tuple[int, ...]:
    parts = []
    for part in text.split(".")[:3]:
        digits = "".join(character for character in part if character.isdigit())
        parts.append(int(digits or 0))
    return tuple(parts)


def check_pair() -> None:
    """Raise if pyspark and delta-spark are installed in versions that do not go together.

    Raises:
        SparkVersionError: They do not; says what to install.
    """
    pyspark, delta = installed_version("pyspark"), delta_version()
    if pyspark and delta and (problem := pair_problem(pyspark=pyspark, delta=delta)):
        raise SparkVersionError(problem)
