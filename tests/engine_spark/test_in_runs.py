"""Whole runs on Spark: side by side, timed out, failed, and sent to executors, as the kernel does it."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.spark

STEPS = """
from pathlib import Path

from pyspark.sql import functions as F

FACTOR = 3


def viewed(df, spark, constants):
    number = constants["number"]
    df.where(F.col("id") <= number).createOrReplaceTempView("mine")
    spark.conf.set("spark.sql.shuffle.partitions", str(number + 1))
    (Path(__file__).parent / f"here_{number}").touch()
    wait_for_all(Path(__file__).parent)
    return spark.sql("SELECT count(*) AS rows, max(int(${spark.sql.shuffle.partitions})) AS partitions FROM mine")


def wait_for_all(folder):
    import threading, time

    deadline, pause = time.monotonic() + 60, threading.Event()
    while len(list(folder.glob("here_*"))) < 4 and time.monotonic() < deadline:
        pause.wait(0.05)


def triple(value):
    return value * FACTOR


def tripled(df):
    return df.select(F.udf(triple, "long")("id").alias("id"))


def broken(value):
    raise ValueError(f"row {value} is bad, password=s3cret")


def raising(df):
    return df.where("id = 1").select(F.udf(broken, "long")("id").alias("id"))


def misspelt(df):
    return df.select("idd")


def endless(df, spark):
    return spark.range(10**13).selectExpr("sum(id % 7) AS id")
"""

RUN = """
import json, sys
from pathlib import Path
from odibi_core import run_project
from odibi_core.runlog import read_journal

root = Path("project").resolve()
result = run_project("Numbers", "qat", manifest_path=root / "manifest.json", raise_on_failure=False)
reading = read_journal(root / ".odibi" / "runs" / f"{result.run_id}.jsonl")
ended = {record["transformation_id"]: [record["status"], record.get("error_message")] for record in reading.records}
import pyarrow.parquet as pq
read = lambda name: pq.read_table(root / "data" / "silver" / f"{name}.parquet").to_pylist()
print(json.dumps({"ended": ended, "viewed": [read(f"viewed_{number}") for number in range(4)], "tripled": read("tripled")}))
"""


def row(name, function, **constants):
    return {
        "transformation_id": name,
        "layer": "Silver",
        "step": 1,
        "module": "steps",
        "function": function,
        "inputs": ["bronze.numbers"],
        "outputs": [f"silver.{name}"],
        "constants": constants,
    }


@pytest.fixture
def project(tmp_path, spark_conf):
    import pyarrow as pa
    import pyarrow.parquet as pq

    root = tmp_path / "project"
    (root / "config").mkdir(parents=True)
    (root / "data" / "bronze").mkdir(parents=True)
    pq.write_table(pa.table({"id": list(range(10))}), root / "data" / "bronze" / "numbers.parquet")
    (root / "steps.py").write_text(STEPS)
    conf = {key: value for key, value in spark_conf.items() if not key.endswith(".dir")}
    manifest = {
        "project_name": "Numbers",
        "default_engine": "spark",
        "layer_order": ["Silver"],
        "layers": {"Silver": {"max_workers": 4}},
        "engines": {"spark": {"master": "local[4]", "conf": conf, "delta": False}},
    }
    (root / "manifest.json").write_text(json.dumps(manifest))
    rows = [row(f"viewed_{number}", "viewed", number=number) for number in range(4)]
    rows += [row("tripled", "tripled"), row("raising", "raising"), row("misspelt", "misspelt")]
    rows += [row("endless", "endless", timeout=5)]
    (root / "config" / "transformations.json").write_text(json.dumps(rows))
    return root


def test_transformations_do_not_meet_and_what_fails_says_so_in_one_line(project, run_python):
    done = run_python(RUN, env={"SPARK_LOCAL_IP": "127.0.0.1"})

    found = json.loads(done.stdout.splitlines()[-1])
    ended = found["ended"]
    assert {name: status for name, (status, _) in ended.items()} == {
        **dict.fromkeys(["viewed_0", "viewed_1", "viewed_2", "viewed_3", "tripled"], "SUCCESS"),
        **dict.fromkeys(["raising", "misspelt", "endless"], "FAILED"),
    }, ended
    assert found["viewed"] == [[{"rows": number + 1, "partitions": number + 1}] for number in range(4)]
    assert sorted(one["id"] for one in found["tripled"]) == [3 * number for number in range(10)]
    assert "ValueError: row 1 is bad" in ended["raising"][1]
    assert "column 'idd' is not in input 'bronze.numbers' (columns: id). Did you mean 'id'?" in ended["misspelt"][1]
    assert "5" in ended["endless"][1]
    assert all("\n" not in message for _, message in ended.values() if message)
    assert "s3cret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "at org.apache" not in done.stdout + done.stderr
