"""What a run costs beside the same PySpark code by hand, and what running transformations at once gains.

One session, two cores. Each round does the fifty transformations by hand and as a project, in turns; then eight jobs of
one task each, one after the other and at once, by a run and by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from odibi_core import run_project

SLOW = "aggregate(transform(sequence(1, 1500000), x -> x * id % 7), 0L, (a, b) -> a + b) AS total"
STEPS = f"""
def summed(df):
    return df.groupBy("key").count()


def slow(df):
    return df.selectExpr({SLOW!r})
"""
CONF = {
    "spark.log.level": "ERROR",
    "spark.scheduler.mode": "FAIR",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def start_spark() -> Any:
    """Return a session on two cores."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master("local[2]")
    for key, value in CONF.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def write_project(root: Path, *, function: str, transformations: int) -> None:
    """Write a project of transformations that read one table and write a table each."""
    (root / "config").mkdir(parents=True)
    (root / "steps.py").write_text(STEPS, encoding="utf-8")
    manifest = {
        "project_name": root.name,
        "layer_order": ["Bronze", "Silver"],
        "default_engine": "spark",
        "warehouse": {"path": "data", "format": "parquet"},
    }
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    rows = [
        {
            "transformation_id": f"t{number}",
            "layer": "Silver",
            "module": "steps",
            "function": function,
            "inputs": ["bronze.keys"],
            "outputs": [f"silver.t{number}"],
        }
        for number in range(transformations)
    ]
    (root / "config" / "transformations.json").write_text(json.dumps(rows), encoding="utf-8")


def run(root: Path, spark: Any, *, max_workers: int) -> None:
    """Run the project on the session."""
    run_project(
        root.name,
        manifest_path=root / "manifest.json",
        auth_provider=lambda **_: {"spark": spark, "sql_provider": None},
        max_workers=max_workers,
    )


def run_by_hand(root: Path, spark: Any, *, transformations: int) -> None:
    """Do what `run` does, without a plan, a run log, or a save that is all or nothing."""
    for number in range(transformations):
        frame = spark.read.parquet(str(root / "data/bronze/keys.parquet"))
        done = frame.groupBy("key").count()
        done.write.mode("overwrite").parquet(str(root / f"data/by_hand/t{number}.parquet"))


def run_slow_by_hand(root: Path, spark: Any, *, max_workers: int) -> None:
    """Do the eight jobs in threads, which is as much at once as this machine has of it."""

    def save(number: int) -> None:
        frame = spark.read.parquet(str(root / "data/bronze/keys.parquet"))
        done = frame.selectExpr(SLOW)
        done.write.mode("overwrite").parquet(str(root / f"data/by_hand/t{number}.parquet"))

    with ThreadPoolExecutor(max_workers) as pool:
        list(pool.map(save, range(8)))


def seconds(work: Callable[[], None]) -> float:
    """Return how long some work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def show(what: str, one: list[float], other: list[float], *, names: tuple[str, str], target: str) -> None:
    """Print the medians of two ways to do something, and of their ratio pair by pair."""
    ratio = statistics.median(a / b for a, b in zip(one, other, strict=True))
    first, second = statistics.median(one), statistics.median(other)
    print(f"{what:34} {names[0]} {first:6.2f} s   {names[1]} {second:6.2f} s   ratio {ratio:5.3f}   wanted {target}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--transformations", type=int, default=50)
    given = parser.parse_args()
    spark = start_spark()
    folder = Path(tempfile.mkdtemp(prefix="odibi-spark-"))
    try:
        measure(spark, folder, rounds=given.rounds, transformations=given.transformations)
    finally:
        spark.stop()
        shutil.rmtree(folder)


def measure(spark: Any, folder: Path, *, rounds: int, transformations: int) -> None:
    """Measure both and print a line each."""
    many, eight = folder / "many", folder / "eight"
    write_project(many, function="summed", transformations=transformations)
    write_project(eight, function="slow", transformations=8)
    spark.range(0, 100_000, 1, 1).selectExpr("id % 100 AS key").write.parquet(str(many / "data/bronze/keys.parquet"))
    spark.range(1, 2, 1, 1).write.parquet(str(eight / "data/bronze/keys.parquet"))
    print(f"Python {sys.version.split()[0]}, pyspark {version('pyspark')}, odibi-engine-spark ", end="")
    print(f"{version('odibi-engine-spark')}, local[2], {os.cpu_count()} CPUs; {rounds} rounds after one to warm up")
    framework, by_hand, at_once, in_turn, at_once_by_hand, in_turn_by_hand = [], [], [], [], [], []
    for number in range(rounds + 1):
        pair = [
            seconds(lambda: run(many, spark, max_workers=1)),
            seconds(lambda: run_by_hand(many, spark, transformations=transformations)),
            seconds(lambda: run(eight, spark, max_workers=1)),
            seconds(lambda: run(eight, spark, max_workers=4)),
            seconds(lambda: run_slow_by_hand(eight, spark, max_workers=1)),
            seconds(lambda: run_slow_by_hand(eight, spark, max_workers=4)),
        ]
        if number:
            columns = (framework, by_hand, in_turn, at_once, in_turn_by_hand, at_once_by_hand)
            for values, value in zip(columns, pair, strict=True):
                values.append(value)
    show(f"{transformations} transformations", framework, by_hand, names=("run ", "by hand"), target="<= 1.03")
    show("8 jobs of one task", in_turn, at_once, names=("turn", "at once"), target=">= 1.5")
    show("the same by hand", in_turn_by_hand, at_once_by_hand, names=("turn", "at once"), target="as above")


if __name__ == "__main__":
    main()
