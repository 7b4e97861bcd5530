"""Silver: the right types, one meaning per column, and flights with their weather and their planes.

Each function takes the frames that its row in ``config/transformations.yaml`` names as inputs, in that order, and
returns the frame that is saved as the row's output. Reading and saving is Odibi's part.
"""

from __future__ import annotations

import pandas as pd


def clean_flights(flights: pd.DataFrame) -> pd.DataFrame:
    """Give flights their types, and say of each what became of it; every row stays.

    Clock times (``dep_time``, 517 for 5:17) and delays in minutes are whole numbers, missing where there is none.
    """
    clock_times = ["dep_time", "sched_dep_time", "arr_time", "sched_arr_time"]
    minutes = ["dep_delay", "arr_delay", "air_time"]
    return flights.assign(
        **flights[clock_times + minutes].astype("Int16"),
        time_hour=pd.to_datetime(flights["time_hour"], utc=True),
        is_cancelled=flights["dep_time"].isna(),
        # It left, but no arrival delay is on record: diverted, or lost to the statistics.
        is_arrival_unknown=flights["dep_time"].notna() & flights["arr_delay"].isna(),
    )


def clean_weather(weather: pd.DataFrame) -> pd.DataFrame:
    """Keep the hour as a point in time only: by the local clock, 1:00 on 3 November 2013 came twice."""
    local_clock = ["year", "month", "day", "hour"]
    return weather.drop(columns=local_clock).assign(time_hour=pd.to_datetime(weather["time_hour"], utc=True))


def clean_planes(planes: pd.DataFrame) -> pd.DataFrame:
    """Name the columns so that they keep their meaning beside a flight's: ``year`` is the year a plane was built."""
    names = {"year": "year_built", "type": "plane_type", "speed": "cruise_speed", "engine": "engine_type"}
    return planes.rename(columns=names).astype({"year_built": "Int16"})


def enrich_flights(flights: pd.DataFrame, weather: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    """Add to each flight the weather at its origin in the hour it was to leave, and its plane.

    Flights without a weather report or a known plane stay, with nothing in those columns. ``validate`` makes a second
    report for one hour, or a second plane of one number, an error: it would silently double flights.
    """
    with_weather = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    return with_weather.merge(planes, on="tailnum", how="left", validate="many_to_one")
