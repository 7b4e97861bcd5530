"""Gold: three answers. Who is late, does the weather matter, and how hard do the planes work."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pandas as pd


def delay_by_airline(flights: pd.DataFrame, airlines: pd.DataFrame) -> pd.DataFrame:
    """Return each airline's mean arrival delay in minutes, worst first, over the flights whose delay is known."""
    arrived = flights.dropna(subset="arr_delay")
    delays = arrived.groupby("carrier", as_index=False).agg(
        flights=("arr_delay", "size"),
        mean_arr_delay=("arr_delay", "mean"),
    )
    names = airlines.rename(columns={"name": "airline"})
    named = delays.merge(names, on="carrier", how="left", validate="one_to_one")
    columns = ["carrier", "airline", "flights", "mean_arr_delay"]
    return named[columns].sort_values("mean_arr_delay", ascending=False, ignore_index=True)


def delay_by_weather(flights: pd.DataFrame, *, visibility_bands: Sequence[float]) -> pd.DataFrame:
    """Return delays and cancellations by visibility and rain; flights without a weather report are "unknown".

    Args:
        flights: Flights with their weather.
        visibility_bands: The edges of the bands in miles, ascending; a band includes its upper edge, the first both.
    """
    labels = [f"{low:g}-{high:g} miles" for low, high in pairwise(visibility_bands)]
    bands = pd.cut(flights["visib"], list(visibility_bands), labels=labels, include_lowest=True)
    rain = (flights["precip"] > 0).map({True: "rain", False: "dry"})
    groups = flights.assign(
        visibility=bands.cat.add_categories("unknown").fillna("unknown"),
        rain=rain.where(flights["precip"].notna(), "unknown"),
    ).groupby(["visibility", "rain"], observed=True, as_index=False)
    return groups.agg(
        flights=("is_cancelled", "size"),
        cancelled_share=("is_cancelled", "mean"),
        mean_dep_delay=("dep_delay", "mean"),
        mean_arr_delay=("arr_delay", "mean"),
    ).astype({"visibility": "str"})


def utilisation_by_plane(flights: pd.DataFrame) -> pd.DataFrame:
    """Return flights, hours in the air and miles of each plane, the busiest first.

    Cancelled flights do not count. Hours are those on record: a diverted flight has none.
    """
    flown = flights[~flights["is_cancelled"]]
    planes = flown.groupby("tailnum", as_index=False).agg(
        manufacturer=("manufacturer", "first"),
        model=("model", "first"),
        seats=("seats", "first"),
        year_built=("year_built", "first"),
        flights=("tailnum", "size"),
        minutes=("air_time", "sum"),
        miles=("distance", "sum"),
    )
    # Tenths of an hour are six minutes. Whole numbers are rounded alike on every engine, halves of floats are not.
    planes.insert(6, "hours", (planes.pop("minutes") + 3) // 6 / 10)
    return planes.sort_values(["hours", "tailnum"], ascending=[False, True], ignore_index=True)
