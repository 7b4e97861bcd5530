"""Silver on Polars: for each function of ``silver.functions`` its twin, which rows find by the same name.

Polars is imported by the functions, so that the project can be planned and run where it is not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from odibi_core import odibi_function

if TYPE_CHECKING:
    from polars import LazyFrame


@odibi_function(engine="polars", module="silver.functions")
def clean_flights(flights: LazyFrame) -> LazyFrame:
    """Give flights their types, and say of each what became of it; every row stays."""
    import polars as pl

    whole = ["dep_time", "sched_dep_time", "arr_time", "sched_arr_time", "dep_delay", "arr_delay", "air_time"]
    return flights.with_columns(
        pl.col(whole).cast(pl.Int16),
        pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us").dt.replace_time_zone("UTC"),
        is_cancelled=pl.col("dep_time").is_null(),
        is_arrival_unknown=pl.col("dep_time").is_not_null() & pl.col("arr_delay").is_null(),
    )


@odibi_function(engine="polars", module="silver.functions")
def clean_weather(weather: LazyFrame) -> LazyFrame:
    """Keep the hour as a point in time only: by the local clock, 1:00 on 3 November 2013 came twice."""
    import polars as pl

    hour = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us").dt.replace_time_zone("UTC")
    return weather.drop("year", "month", "day", "hour").with_columns(hour)


@odibi_function(engine="polars", module="silver.functions")
def clean_planes(planes: LazyFrame) -> LazyFrame:
    """Name the columns so that they keep their meaning beside a flight's: ``year`` is the year a plane was built."""
    import polars as pl

    names = {"year": "year_built", "type": "plane_type", "speed": "cruise_speed", "engine": "engine_type"}
    return planes.rename(names).with_columns(pl.col("year_built").cast(pl.Int16))


@odibi_function(engine="polars", module="silver.functions")
def enrich_flights(flights: LazyFrame, weather: LazyFrame, planes: LazyFrame) -> LazyFrame:
    """Add to each flight the weather at its origin in the hour it was to leave, and its plane.

    ``validate`` makes a second report for one hour, or a second plane of one number, an error: it would silently double
    flights.
    """
    with_weather = flights.join(weather, on=["origin", "time_hour"], how="left", validate="m:1", maintain_order="left")
    return with_weather.join(planes, on="tailnum", how="left", validate="m:1", maintain_order="left")
