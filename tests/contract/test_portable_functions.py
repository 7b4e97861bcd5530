"""One function, three engines, the same answers: for frames without nulls and NaN, whatever else is in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odibi_core.functions import PortableCall, odibi_function, read_signature
from odibi_core.plugin import EngineConfig
from odibi_engine_pandas.engine import PandasEngine

CASES = 200


@odibi_function(engine="any", auto_register=False)
def report_orders(orders: nw.LazyFrame, regions: nw.LazyFrame) -> dict[str, nw.LazyFrame]:
    """Every kind of expression that the documentation calls portable."""
    quantity, region, placed = nw.col("quantity"), nw.col("region"), nw.col("placed_at")
    size = (
        nw.when(quantity >= 10)
        .then(nw.lit("large"))
        .when(quantity >= 3)
        .then(nw.lit("medium"))
        .otherwise(nw.lit("small"))
    )
    lines = (
        orders.filter((quantity > 0) & ~region.str.starts_with("-"))
        .with_columns(
            revenue=quantity * nw.col("price"),
            size=size,
            key=region.str.strip_chars().str.to_uppercase(),
            lower=region.str.to_lowercase(),
            letters=region.str.len_chars(),
            short=region.str.slice(0, 2),
            dashes=region.str.replace_all("-", "_", literal=True),
            has_x=region.str.contains("x", literal=True),
            ends=region.str.ends_with("b"),
            year=placed.dt.year(),
            month=placed.dt.month(),
            day=placed.dt.day(),
            hour=placed.dt.hour(),
            minute=placed.dt.minute(),
            second=placed.dt.second(),
            day_of_year=placed.dt.ordinal_day(),
            start_of_day=placed.dt.truncate("1d"),
            start_of_month=placed.dt.truncate("1mo"),
        )
        .with_columns(
            of_region=quantity.sum().over("case", "region"),
            best=nw.col("revenue").max().over("case", "region"),
            all_revenue=nw.col("revenue").sum().over("case"),
            so_far=quantity.cum_sum().over("case", "region", order_by="order_id"),
            place=nw.col("revenue").rank("min", descending=True).over("case", "region"),
        )
        .join(regions, on=["case", "region"], how="inner")
    )
    totals = lines.group_by("case", "size").agg(
        revenue=nw.col("revenue").sum(),
        mean_price=nw.col("price").mean(),
        lowest=nw.col("price").min(),
        highest=quantity.max(),
        regions=nw.col("key").n_unique(),
        orders=nw.len(),
        first=placed.min(),
        last=placed.max(),
    )
    without_manager = orders.join(regions, on=["case", "region"], how="anti").select("case", "order_id")
    return {"lines": lines, "totals": totals, "without_manager": without_manager}


KEYS = {"lines": ("case", "order_id"), "totals": ("case", "size"), "without_manager": ("case", "order_id")}
REGIONS = st.text("abxXéЖ -", max_size=4)
# Quarters add up to the same sum in any order.
PRICES = st.integers(1, 4000).map(lambda quarters: quarters / 4)
TIMES = st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2099, 12, 31))  # noqa: DTZ001 - times without a zone
ORDERS = st.lists(st.tuples(REGIONS, st.integers(-2, 20), PRICES, TIMES), max_size=12)


def make_case(number: int, orders: list[Any], managed: set[str]) -> tuple[pa.Table, pa.Table]:
    columns = list(zip(*orders, strict=True)) or [(), (), (), ()]
    table = pa.table(
        {
            "case": pa.array([number] * len(orders), pa.int64()),
            "order_id": pa.array(range(len(orders)), pa.int64()),
            "region": pa.array(columns[0], pa.string()),
            "quantity": pa.array(columns[1], pa.int64()),
            "price": pa.array(columns[2], pa.float64()),
            "placed_at": pa.array(columns[3], pa.timestamp("us")),
        }
    )
    regions = sorted(managed)
    return table, pa.table(
        {
            "case": pa.array([number] * len(regions), pa.int64()),
            "region": pa.array(regions, pa.string()),
            "manager": pa.array([f"manager of {region!r}" for region in regions], pa.string()),
        }
    )


@pytest.fixture(scope="module")
def cases() -> list[tuple[pa.Table, pa.Table]]:
    """Two hundred pairs of frames: orders, and the regions that have a manager."""
    made: list[tuple[pa.Table, pa.Table]] = []

    @settings(
        max_examples=CASES,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(ORDERS, st.data())
    def generate(orders: list[Any], data: st.DataObject) -> None:
        there = sorted({order[0] for order in orders})
        managed = data.draw(st.sets(st.sampled_from(there))) if there else set()
        made.append(make_case(len(made), orders, managed))

    generate()
    assert len(made) == CASES
    return made


def run(frames: tuple[Any, Any], engine: str) -> dict[str, Any]:
    """Call the function as the kernel does."""
    call = PortableCall(read_signature(report_orders), engine)
    args, kwargs = call.arguments(frames, {}, frames=frames)
    return call.native(report_orders(*args, **kwargs))


def rows(answers: dict[str, pa.Table]) -> dict[str, list[dict[str, Any]]]:
    """The answers as plain values, each in the order of its key."""
    return {
        name: sorted(
            ({column: plain(value) for column, value in row.items()} for row in answers[name].to_pylist()),
            key=lambda row, name=name: [row[column] for column in KEYS[name]],
        )
        for name in KEYS
    }


def plain(value: Any) -> Any:
    # A day's beginning is a moment on Spark, in the session's zone, which is UTC.
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None)
    # A rank is a float on pandas and a whole number elsewhere.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def run_on_pandas(case: Iterable[pa.Table]) -> dict[str, list[dict[str, Any]]]:
    engine = PandasEngine(EngineConfig(project_root=Path()))
    returned = run(tuple(engine.from_arrow(table) for table in case), "pandas")
    assert all(isinstance(frame, pd.DataFrame) for frame in returned.values())
    return rows({name: engine.to_arrow(frame) for name, frame in returned.items()})


def differences(found: list[Any], expected: list[Any]) -> list[Any]:
    """The cells that differ, or what of the rows does; to be read in a failure."""
    different = []
    for number, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        for name in KEYS:
            if len(ours[name]) != len(theirs[name]):
                different.append((number, name, ours[name], theirs[name]))
            for left, right in zip(ours[name], theirs[name], strict=False):
                different.extend((number, name, key, left[key], right[key]) for key in left if left[key] != right[key])
    return different


def by_case(answers: dict[str, list[dict[str, Any]]]) -> list[dict[str, list[dict[str, Any]]]]:
    return [{name: [row for row in answers[name] if row["case"] == number] for name in KEYS} for number in range(CASES)]


@pytest.fixture(scope="module")
def on_pandas(cases: list[tuple[pa.Table, pa.Table]]) -> list[Any]:
    """The answers of pandas to all cases in one frame, which take it a tenth of a second and one by one half a minute."""
    return by_case(run_on_pandas(pa.concat_tables(tables) for tables in zip(*cases, strict=True)))


def test_pandas_answers_to_one_case_as_to_all(cases: list[tuple[pa.Table, pa.Table]], on_pandas: list[Any]) -> None:
    for number in (*range(5), *range(5, CASES, 39)):
        assert run_on_pandas(cases[number]) == on_pandas[number], number


def test_cases_are_worth_comparing(cases: list[tuple[pa.Table, pa.Table]], on_pandas: list[Any]) -> None:
    assert sum(table.num_rows == 0 for table, _ in cases) >= 1
    assert sum(len(answer["lines"]) > 1 for answer in on_pandas) > CASES / 4
    assert {row["size"] for answer in on_pandas for row in answer["totals"]} == {"small", "medium", "large"}


@pytest.mark.parametrize("lazy", [True, False], ids=["lazy", "in memory"])
def test_polars_answers_as_pandas_does(
    cases: list[tuple[pa.Table, pa.Table]], on_pandas: list[Any], *, lazy: bool
) -> None:
    kind = pl.LazyFrame if lazy else pl.DataFrame
    answers = []
    for case in cases:
        frames = [pl.from_arrow(table) for table in case]
        returned = run(tuple(frame.lazy() if lazy else frame for frame in frames), "polars")
        assert all(isinstance(frame, kind) for frame in returned.values())
        answers.append(rows({name: frame.lazy().collect().to_arrow() for name, frame in returned.items()}))
    assert differences(answers, on_pandas) == []


def test_spark_answers_as_pandas_does(
    cases: list[tuple[pa.Table, pa.Table]], on_pandas: list[Any], spark_engine: Any
) -> None:
    """All cases in one frame, since each would be a handful of jobs."""
    frames = tuple(spark_engine.from_arrow(pa.concat_tables(tables)) for tables in zip(*cases, strict=True))

    returned = run(frames, "spark")

    assert all(spark_engine.is_frame(frame) for frame in returned.values())
    answers = by_case(rows({name: pa.table(spark_engine.to_arrow(frame)) for name, frame in returned.items()}))
    assert differences(answers, on_pandas) == []
