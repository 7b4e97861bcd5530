"""A standalone cluster: one master and two workers on this machine."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.spark

RUN = """
import json, sys, threading
from pathlib import Path

from odibi_core.plugin import EngineConfig, TransformationOutcome, TransformationTask
from odibi_engine_spark.engine import SparkEngine

root = Path("project").resolve()
sys.path.insert(0, str(root))
from acme_cluster.rules import who_and_what

options = {"master": sys.argv[1], "delta": False, "conf": {"spark.ui.enabled": False, "spark.executor.memory": "512m"}}
engine = SparkEngine(EngineConfig(project_root=root, options=options))
task = TransformationTask(
    run_id="r", project="p", env="qat", layer="Silver", engine="spark", transformation_id="tripled", module="m",
    function="f", attempt=1, constants={}, inputs=(), outputs=(), _execute=TransformationOutcome,
)
with engine.transformation(task):
    frame = engine.session.range(0, 20, 1, 4).mapInArrow(who_and_what, "value long, process long")
    rows = frame.collect()
print(json.dumps([engine.flavour.kind, engine.flavour.shares_files, sum(row.value for row in rows),
                  all(row.process != __import__("os").getpid() for row in rows)]))
engine.close()
"""
RULES = """
import os

import pyarrow as pa


def who_and_what(batches):
    for batch in batches:
        values = [3 * value.as_py() for value in batch["id"]]
        yield pa.RecordBatch.from_pydict({"value": values, "process": [os.getpid()] * len(values)})
"""


def test_functions_of_the_project_run_on_the_workers(spark_cluster, run_python, tmp_path):
    package = tmp_path / "project" / "acme_cluster"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "rules.py").write_text(RULES)

    done = run_python(RUN, spark_cluster.url, env={"SPARK_LOCAL_IP": "127.0.0.1"})

    assert done.stderr == ""
    assert json.loads(done.stdout) == ["classic", True, 570, True]
    assert spark_cluster.alive() == 2
    assert [app["state"] for app in spark_cluster.state()["completedapps"]] == ["FINISHED"]
