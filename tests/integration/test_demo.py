"""`make demo`, as far as `odibi run` goes: real data through every layer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pandas as pd
import pytest

FLIGHTS = 336_776


@pytest.fixture(scope="module")
def demo(finished_demo: Any) -> Path:
    folder: Path = finished_demo.folder
    return folder


def read(demo: Path, table: str) -> pd.DataFrame:
    layer, name = table.split(".")
    return pd.read_parquet(demo / "data" / layer / f"{name}.parquet")


def test_figures_are_those_of_the_data(demo: Path, check_demo: Callable[[Path], None]) -> None:
    check_demo(demo)


def test_result_names_every_transformation_with_its_rows(finished_demo: Any) -> None:
    document = finished_demo.document

    rows = {each["transformation_id"]: each["rows_written"] for each in document["transformations"]}

    assert document["status"] == "SUCCESS"
    assert document["layers_run"] == ["Bronze", "Silver", "Gold"]
    assert len(rows) == 12
    assert rows["enrich-flights"] == FLIGHTS
    assert rows["delay-by-airline"] == 16


def test_no_flight_is_lost_or_doubled_by_a_join(demo: Path) -> None:
    flights = read(demo, "silver.flights_enriched")

    assert len(flights) == FLIGHTS
    assert int(flights["temp"].isna().sum()) == 1_573
    assert int(flights["manufacturer"].isna().sum()) == 52_606


def test_year_of_a_flight_is_not_the_year_of_its_plane(demo: Path) -> None:
    flights = read(demo, "silver.flights_enriched")

    assert set(flights["year"]) == {2013}
    assert flights["year_built"].min() == 1956


def test_cancelled_flights_are_kept_and_marked(demo: Path) -> None:
    flights = read(demo, "silver.flights")

    assert int(flights["is_cancelled"].sum()) == 8_255
    assert int(flights["is_arrival_unknown"].sum()) == 1_175


def test_every_flight_is_in_one_group_of_weather(demo: Path) -> None:
    weather = read(demo, "gold.delay_by_weather")

    assert int(weather["flights"].sum()) == FLIGHTS
    assert int(weather.set_index("visibility").loc["unknown", "flights"]) == 1_556


def test_every_flown_flight_belongs_to_a_plane(demo: Path) -> None:
    planes = read(demo, "gold.utilisation_by_plane")

    assert planes["tailnum"].is_unique
    assert int(planes["flights"].sum()) == FLIGHTS - 8_255


def test_show_prints_the_worst_airlines_and_the_paths(
    demo: Path, run_command: Callable[..., CompletedProcess[str]]
) -> None:
    done = run_command([sys.executable, "show.py"], folder=demo)

    assert done.returncode == 0, done.stderr
    assert "Frontier Airlines Inc." in done.stdout
    assert "21.921" in done.stdout
    assert str(demo / "data" / "gold" / "delay_by_airline.parquet") in done.stdout


def test_run_leaves_only_its_outputs_and_the_run_log(demo: Path) -> None:
    sources = {"README.md", "manifest.yaml", "config", "silver", "gold", "show.py"}

    assert {path.name for path in demo.iterdir()} - sources == {"data", ".odibi"}
