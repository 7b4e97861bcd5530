"""Silver on Spark: for each function of ``silver.functions`` its twin, which rows find by the same name.

PySpark is imported by the functions, so that the project can be planned and run where it is not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from odibi_core import spark_function

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@spark_function(module="silver.functions")
def clean_flights(flights: DataFrame) -> DataFrame:
    """Give flights their types, and say of each what became of it; every row stays."""
    from pyspark.sql import functions as F

    whole = ["dep_time", "sched_dep_time", "arr_time", "sched_arr_time", "dep_delay", "arr_delay", "air_time"]
    return flights.withColumns(
        {name: F.col(name).cast("smallint") for name in whole}
        | {
            "time_hour": F.col("time_hour").cast("timestamp"),
            "is_cancelled": F.col("dep_time").isNull(),
            "is_arrival_unknown": F.col("dep_time").isNotNull() & F.col("arr_delay").isNull(),
        }
    )


@spark_function(module="silver.functions")
def clean_weather(weather: DataFrame) -> DataFrame:
    """Keep the hour as a point in time only: by the local clock, 1:00 on 3 November 2013 came twice."""
    from pyspark.sql import functions as F

    return weather.drop("year", "month", "day", "hour").withColumn("time_hour", F.col("time_hour").cast("timestamp"))


@spark_function(module="silver.functions")
def clean_planes(planes: DataFrame) -> DataFrame:
    """Name the columns so that they keep their meaning beside a flight's: ``year`` is the year a plane was built."""
    from pyspark.sql import functions as F

    names = {"year": "year_built", "type": "plane_type", "speed": "cruise_speed", "engine": "engine_type"}
    return planes.withColumnsRenamed(names).withColumn("year_built", F.col("year_built").cast("smallint"))


@spark_function(module="silver.functions")
def enrich_flights(flights: DataFrame, weather: DataFrame, planes: DataFrame) -> DataFrame:
    """Add to each flight the weather at its origin in the hour it was to leave, and its plane.

    A second report for one hour, or a second plane of one number, is an error: it would silently double flights.
    """
    reports, fleet = _one_per(weather, "origin", "time_hour"), _one_per(planes, "tailnum")
    return (
        flights.join(reports, ["origin", "time_hour"], "left")
        .join(fleet, "tailnum", "left")
        .select(
            *flights.columns,
            *(name for name in weather.columns if name not in {"origin", "time_hour"}),
            *(name for name in planes.columns if name != "tailnum"),
        )
    )


def _one_per(frame: DataFrame, *keys: str) -> DataFrame:
    """Return a frame that raises, once it is read, if two rows have one key."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    rows = F.count(F.lit(1)).over(Window.partitionBy(*keys))
    told = F.raise_error(F.concat(F.lit(f"two rows for one {' and '.join(keys)}: "), F.concat_ws(", ", *keys)))
    return frame.withColumn(keys[0], F.when(rows == 1, F.col(keys[0])).otherwise(told.cast("string")))
