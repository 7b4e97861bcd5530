"""Gold on Spark: for each function of ``gold.functions`` its twin, which rows find by the same name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from odibi_core import spark_function

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@spark_function(module="gold.functions")
def delay_by_airline(flights: DataFrame, airlines: DataFrame) -> DataFrame:
    """Return each airline's mean arrival delay in minutes, worst first, over the flights whose delay is known."""
    from pyspark.sql import functions as F

    delays = (
        flights.where(F.col("arr_delay").isNotNull())
        .groupBy("carrier")
        .agg(F.count("*").alias("flights"), F.avg("arr_delay").alias("mean_arr_delay"))
    )
    names = airlines.withColumnRenamed("name", "airline")
    named = delays.join(names, "carrier", "left").select("carrier", "airline", "flights", "mean_arr_delay")
    return named.orderBy(F.desc("mean_arr_delay"))


@spark_function(module="gold.functions")
def delay_by_weather(flights: DataFrame, *, visibility_bands: Sequence[float]) -> DataFrame:
    """Return delays and cancellations by visibility and rain; flights without a weather report are "unknown".

    Args:
        flights: Flights with their weather.
        visibility_bands: The edges of the bands in miles, ascending; a band includes its upper edge, the first both.
    """
    from pyspark.sql import functions as F

    visibility = F.when(F.col("visib") < visibility_bands[0], "unknown")
    for low, high in pairwise(visibility_bands):
        visibility = visibility.when(F.col("visib") <= high, f"{low:g}-{high:g} miles")
    rain = F.when(F.col("precip") > 0, "rain").when(F.col("precip").isNotNull(), "dry")
    return (
        flights.groupBy(
            visibility.otherwise("unknown").alias("visibility"),
            rain.otherwise("unknown").alias("rain"),
        )
        .agg(
            F.count("*").alias("flights"),
            F.avg(F.col("is_cancelled").cast("int")).alias("cancelled_share"),
            F.avg("dep_delay").alias("mean_dep_delay"),
            F.avg("arr_delay").alias("mean_arr_delay"),
        )
        .orderBy("visibility", "rain")
    )


@spark_function(module="gold.functions")
def utilisation_by_plane(flights: DataFrame) -> DataFrame:
    """Return flights, hours in the air and miles of each plane, the busiest first.

    Cancelled flights do not count. Hours are those on record: a diverted flight has none.
    """
    from pyspark.sql import functions as F

    flown = flights.where(~F.col("is_cancelled") & F.col("tailnum").isNotNull())
    return (
        flown.groupBy("tailnum")
        .agg(
            *(F.first(name, ignorenulls=True).alias(name) for name in ("manufacturer", "model", "seats", "year_built")),
            F.count("*").alias("flights"),
            # Tenths of an hour, from whole minutes as on pandas: halves of floats are not rounded alike.
            (F.floor((F.coalesce(F.sum("air_time"), F.lit(0)) + 3) / 6) / 10).alias("hours"),
            F.sum("distance").alias("miles"),
        )
        .orderBy(F.desc("hours"), "tailnum")
    )
