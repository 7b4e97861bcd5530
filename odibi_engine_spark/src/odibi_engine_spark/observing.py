"""How many rows a save writes, found out while they are written."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from pyspark.sql import Observation
from pyspark.sql import functions as F  # noqa: N812 - as everybody writes it

from odibi_engine_spark.raised import SPARK_ERRORS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from odibi_engine_spark.engine import SparkEngine

__all__ = ["observed"]

_numbers = itertools.count(1)


def observed(frame: DataFrame, *, engine: SparkEngine) -> tuple[DataFrame, Callable[[], int | None]]:
    """Return a frame that counts its rows when it is saved, and what to ask for their number afterwards.

    It costs no job. Where Spark cannot do it, the number is None.

    Args:
        frame: What is about to be saved, once.
        engine: The engine.
    """
    if not engine.flavour.observe:
        return frame, lambda: None
    observation = Observation(f"odibi_rows_{next(_numbers)}")
    counted = frame.observe(observation, F.count(F.lit(1)).alias("rows"))

    def rows() -> int | None:
        try:
            found = observation.get.get("rows")
        except SPARK_ERRORS:
            # The rows are saved. Of some plans, as of literals into a Delta table of the catalog, Spark drops their
            # number.
            return None
        return None if found is None else int(found)

    return counted, rows
