"""Which delta-spark goes with which pyspark; measured, see docs/decisions/spark-versions.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TypeAlias

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
    """Return what is wrong with two versions and what to do, an empty text if they go together.

    Args:
        pyspark: The version of pyspark.
        delta: The version of delta-spark.

    Example:
        >>> pair_problem(pyspark="4.1.1", delta="4.1.0")
        ''
        >>> print(pair_problem(pyspark="4.1.4", delta="4.1.0"))
        delta-spark 4.1.0 does not work with pyspark 4.1.4. Install delta-spark>=4.3,<4.4, or pyspark>=4.1,<4.1.2.
    """
    spark, jars = _numbers(pyspark), _numbers(delta)
    if any(pair.fits(spark, jars) for pair in _PAIRS):
        return ""
    ways = [f"delta-spark{pair.shown_delta}" for pair in _PAIRS if pair.spark_from <= spark < pair.spark_before][-1:]
    ways += [f"pyspark{pair.shown_spark}" for pair in _PAIRS if pair.delta_from <= jars < pair.delta_before][-1:]
    advice = ", or ".join(ways) or f"pyspark{_PAIRS[-1].shown_spark} with delta-spark{_PAIRS[-1].shown_delta}"
    return f"delta-spark {delta} does not work with pyspark {pyspark}. Install {advice}."


Version: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Pair:
    """Versions that go together, each from one and before another."""

    spark_from: Version
    spark_before: Version
    delta_from: Version
    delta_before: Version

    def fits(self, spark: Version, delta: Version) -> bool:
        return self.spark_from <= spark < self.spark_before and self.delta_from <= delta < self.delta_before

    @property
    def shown_spark(self) -> str:
        return _range(self.spark_from, self.spark_before)

    @property
    def shown_delta(self) -> str:
        return _range(self.delta_from, self.delta_before)


# Delta before 4.3 uses a class of Spark's that 4.1.2 took away; 4.4 has no jars where Maven looks for them.
_PAIRS = (
    _Pair((4, 0), (4, 1), (4, 0), (4, 1)),
    _Pair((4, 1), (4, 1, 2), (4, 1), (4, 4)),
    _Pair((4, 1), (4, 2), (4, 3), (4, 4)),
)


def _range(low: Version, high: Version) -> str:
    return f">={'.'.join(map(str, low))},<{'.'.join(map(str, high))}"


def _numbers(text: str) -> Version:
    return tuple(int(match[0]) if (match := re.match(r"\d+", part)) else 0 for part in text.split(".")[:3])


def check_pair() -> None:
    """Raise if pyspark and delta-spark are installed in versions that do not go together.

    Raises:
        SparkVersionError: They do not; says what to install.
    """
    pyspark, delta = installed_version("pyspark"), delta_version()
    if pyspark and delta and (problem := pair_problem(pyspark=pyspark, delta=delta)):
        raise SparkVersionError(problem)
