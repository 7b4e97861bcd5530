"""Gold on Polars: for each function of ``gold.functions`` its twin, which rows find by the same name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from odibi_core import odibi_function

if TYPE_CHECKING:
    from polars import LazyFrame


@odibi_function(engine="polars", module="gold.functions")
def delay_by_airline(flights: LazyFrame, airlines: LazyFrame) -> LazyFrame:
    """Return each airline's mean arrival delay in minutes, worst first, over the flights whose delay is known."""
    import polars as pl

    delays = (
        flights.filter(pl.col("arr_delay").is_not_null())
        .group_by("carrier")
        .agg(flights=pl.len(), mean_arr_delay=pl.col("arr_delay").mean())
    )
    named = delays.join(airlines.rename({"name": "airline"}), on="carrier", how="left", validate="1:1")
    return named.select("carrier", "airline", "flights", "mean_arr_delay").sort("mean_arr_delay", descending=True)


@odibi_function(engine="polars", module="gold.functions")
def delay_by_weather(flights: LazyFrame, *, visibility_bands: Sequence[float]) -> LazyFrame:
    """Return delays and cancellations by visibility and rain; flights without a weather report are "unknown".

    Args:
        flights: Flights with their weather.
        visibility_bands: The edges of the bands in miles, ascending; a band includes its upper edge, the first both.
    """
    import polars as pl

    visibility = pl.when(pl.col("visib") < visibility_bands[0]).then(pl.lit("unknown"))
    for low, high in pairwise(visibility_bands):
        visibility = visibility.when(pl.col("visib") <= high).then(pl.lit(f"{low:g}-{high:g} miles"))
    rain = pl.when(pl.col("precip") > 0).then(pl.lit("rain")).when(pl.col("precip").is_not_null()).then(pl.lit("dry"))
    return (
        flights.group_by(
            visibility=visibility.otherwise(pl.lit("unknown")),
            rain=rain.otherwise(pl.lit("unknown")),
        )
        .agg(
            flights=pl.len(),
            cancelled_share=pl.col("is_cancelled").mean(),
            mean_dep_delay=pl.col("dep_delay").mean(),
            mean_arr_delay=pl.col("arr_delay").mean(),
        )
        .sort("visibility", "rain")
    )


@odibi_function(engine="polars", module="gold.functions")
def utilisation_by_plane(flights: LazyFrame) -> LazyFrame:
    """Return flights, hours in the air and miles of each plane, the busiest first.

    Cancelled flights do not count. Hours are those on record: a diverted flight has none.
    """
    import polars as pl

    flown = flights.filter(~pl.col("is_cancelled") & pl.col("tailnum").is_not_null())
    return (
        flown.group_by("tailnum")
        .agg(
            pl.col("manufacturer", "model", "seats", "year_built").drop_nulls().first(),
            flights=pl.len(),
            # Tenths of an hour, from whole minutes as on pandas: halves of floats are not rounded alike.
            hours=(pl.col("air_time").cast(pl.Int64).sum() + 3) // 6 / 10,
            miles=pl.col("distance").sum(),
        )
        .sort("hours", "tailnum", descending=[True, False])
    )
