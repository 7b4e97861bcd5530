"""The demo on Polars: the same project, the same figures; and by layer over two engines."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

SCRIPTS = Path(sys.executable).parent
GOLD = {
    "delay_by_airline": ["carrier"],
    "delay_by_weather": ["visibility", "rain"],
    "utilisation_by_plane": ["tailnum"],
}


@pytest.fixture(scope="module")
def expected(finished_demo: Any) -> dict[str, pd.DataFrame]:
    """Gold as pandas makes it."""
    return gold_of(finished_demo.folder)


@pytest.fixture
def demo(copy_demo: Callable[[Path], Path], tmp_path: Path) -> Path:
    return copy_demo(tmp_path)


def gold_of(demo: Path) -> dict[str, pd.DataFrame]:
    return {name: figures_of(demo / "data" / "gold" / f"{name}.parquet", keys) for name, keys in GOLD.items()}


def figures_of(table: Path, keys: list[str]) -> pd.DataFrame:
    """Read a table with every number as a float: Int16 with its own null and double are one figure."""
    frame = pd.read_parquet(table).sort_values(keys, ignore_index=True)
    return frame.astype(dict.fromkeys(frame.select_dtypes("number").columns, "float64"))


def set_in_manifest(demo: Path, **keys: Any) -> None:
    path = demo / "manifest.yaml"
    manifest = yaml.safe_load(path.read_text(encoding="utf-8")) | keys
    path.write_text(yaml.safe_dump({key: value for key, value in manifest.items() if value is not None}))


def layers_on(**engines: str) -> dict[str, dict[str, str]]:
    return {layer: {"name": layer, "default_engine": engine} for layer, engine in engines.items()}


def check(demo: Path, expected: dict[str, pd.DataFrame], check_demo: Callable[[Path], None]) -> None:
    check_demo(demo)
    for name, frame in gold_of(demo).items():
        pd.testing.assert_frame_equal(frame, expected[name], check_dtype=False, rtol=1e-12, obj=name)


def run_on(demo: Path, run_command: Callable[..., subprocess.CompletedProcess[str]], *arguments: str) -> dict[str, Any]:
    done = run_command([SCRIPTS / "odibi", "run", "--json", *arguments], folder=demo)
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_polars_makes_the_same_gold(demo, expected, check_demo, run_command):
    document = run_on(demo, run_command, "--engine", "polars")

    rows = {each["transformation_id"]: each["rows_written"] for each in document["transformations"]}
    assert rows["enrich-flights"] == 336_776
    assert rows["delay-by-airline"] == 16
    assert {each["engine"] for each in document["transformations"]} == {"polars"}
    check(demo, expected, check_demo)


@pytest.mark.parametrize(
    ("bronze", "silver", "gold"),
    [
        pytest.param("polars", "pandas", "polars", marks=pytest.mark.soak),
        pytest.param("spark", "polars", "pandas", marks=pytest.mark.spark),
        pytest.param("polars", "spark", "polars", marks=pytest.mark.spark),
        pytest.param("pandas", "polars", "spark", marks=pytest.mark.spark),
    ],
)
def test_each_layer_may_have_its_engine(demo, expected, check_demo, run_command, bronze, silver, gold):
    """Each reads what the other wrote."""
    if "spark" in {bronze, silver, gold}:
        pytest.importorskip("pysail", reason="Sail is not installed")
    set_in_manifest(
        demo,
        engines={"spark": {"sail": True}},
        layers=layers_on(Bronze=bronze, Silver=silver, Gold=gold),
        default_engine=None,
    )

    document = run_on(demo, run_command)

    engines = {each["layer"]: each["engine"] for each in document["transformations"]}
    assert engines == {"Bronze": bronze, "Silver": silver, "Gold": gold}
    check(demo, expected, check_demo)
