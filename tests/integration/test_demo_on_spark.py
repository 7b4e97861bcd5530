"""The demo on Spark: the same project, the same figures, whichever Spark it is and wherever its executors die."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which
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
CONF = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
}
BY_LAYER = {
    "Bronze": {"name": "Bronze", "default_engine": "spark"},
    "Silver": {"name": "Silver", "default_engine": "pandas"},
    "Gold": {"name": "Gold", "default_engine": "spark"},
}

pytestmark = [pytest.mark.spark]

needs_sail = pytest.mark.skipif(find_spec("pysail") is None, reason="Sail is not installed")
needs_java = pytest.mark.skipif(which("java") is None, reason="no Java")


@pytest.fixture(scope="module")
def expected(
    copy_demo: Callable[[Path], Path], run_demo: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, pd.DataFrame]:
    """Gold as pandas makes it."""
    demo = copy_demo(tmp_path_factory.mktemp("pandas"))
    run_demo(demo, scripts=SCRIPTS)
    return gold_of(demo)


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


def check(demo: Path, expected: dict[str, pd.DataFrame], check_demo: Callable[[Path], None]) -> None:
    check_demo(demo)
    for name, frame in gold_of(demo).items():
        pd.testing.assert_frame_equal(frame, expected[name], check_dtype=False, rtol=1e-12, obj=name)


def run_on(demo: Path, run_command: Callable[..., subprocess.CompletedProcess[str]], *arguments: str) -> dict[str, Any]:
    done = run_command([SCRIPTS / "odibi", "run", "--json", *arguments], folder=demo)
    assert done.returncode == 0, done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@needs_sail
def test_sail_makes_the_same_gold(demo, expected, check_demo, run_command):
    set_in_manifest(demo, engines={"spark": {"sail": True}})

    document = run_on(demo, run_command, "--engine", "spark")

    assert {each["engine"] for each in document["transformations"]} == {"spark"}
    check(demo, expected, check_demo)


@needs_sail
def test_each_layer_may_have_its_engine(demo, expected, check_demo, run_command):
    """Bronze on Spark, Silver on pandas, Gold on Spark: each reads what the other wrote."""
    set_in_manifest(demo, engines={"spark": {"sail": True}}, layers=BY_LAYER, default_engine=None)

    document = run_on(demo, run_command)

    engines = {each["layer"]: each["engine"] for each in document["transformations"]}
    assert engines == {"Bronze": "spark", "Silver": "pandas", "Gold": "spark"}
    check(demo, expected, check_demo)


@needs_java
def test_spark_in_this_process_makes_the_same_gold(demo, expected, check_demo, run_command):
    set_in_manifest(demo, engines={"spark": {"master": "local[2]", "conf": CONF, "delta": False}})

    document = run_on(demo, run_command, "--engine", "spark")

    rows = {each["transformation_id"]: each["rows_written"] for each in document["transformations"]}
    assert rows["enrich-flights"] == 336_776
    assert rows["delay-by-airline"] == 16
    check(demo, expected, check_demo)


@needs_java
@pytest.mark.timeout(600)
def test_a_cluster_makes_the_same_gold_though_a_worker_is_killed(demo, expected, check_demo, tmp_path):
    with standalone_cluster(tmp_path / "cluster") as cluster:
        conf = CONF | {"spark.executor.memory": "1g", "spark.executor.cores": "1"}
        set_in_manifest(demo, engines={"spark": {"master": cluster.master, "conf": conf, "delta": False}})
        run = subprocess.Popen(
            [SCRIPTS / "odibi", "run", "--engine", "spark", "--json"],
            cwd=demo,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with run:
            wait_for(lambda: succeeded_in(demo) >= 4, what="most of Bronze", process=run)
            cluster.kill_worker()
            printed, log = run.communicate(timeout=240)

    assert run.returncode == 0, printed + log
    assert len(json.loads(printed)["transformations"]) == 12
    check(demo, expected, check_demo)


def succeeded_in(demo: Path) -> int:
    journals = list((demo / ".odibi" / "runs").glob("*.jsonl"))
    return sum(journal.read_text(encoding="utf-8").count('"SUCCESS"') for journal in journals)


@dataclass(frozen=True)
class Cluster:
    """A master and its workers, each a process group of its own."""

    master: str
    workers: list[subprocess.Popen[bytes]]

    def kill_worker(self) -> None:
        """Kill a worker with its executors, as when a machine dies."""
        os.killpg(self.workers.pop().pid, signal.SIGKILL)


@contextmanager
def standalone_cluster(folder: Path) -> Iterator[Cluster]:
    """One master and two workers of Spark's own on 127.0.0.1."""
    folder.mkdir()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with ExitStack() as stack:
        log = folder / "master.log"
        address = f"spark://127.0.0.1:{port}"
        start = ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port)]
        master = stack.enter_context(daemon([*start, "--webui-port", "0"], log))
        wait_for(lambda: "New state: ALIVE" in log.read_text(), what="the master", process=master)
        start = ["org.apache.spark.deploy.worker.Worker", address, "--host", "127.0.0.1", "--webui-port", "0"]
        workers = [
            stack.enter_context(
                daemon(
                    [*start, "--cores", "1", "--memory", "1g", "--work-dir", str(folder / f"worker{number}")],
                    folder / f"worker{number}.log",
                )
            )
            for number in (1, 2)
        ]
        wait_for(lambda: log.read_text().count("Registering worker") == 2, what="two workers", process=master)
        yield Cluster(address, list(workers))


@contextmanager
def daemon(arguments: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    import pyspark

    script = Path(pyspark.__file__).parent / "bin" / "spark-class"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [script, *arguments],
            cwd=log.parent,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            print(f"{arguments[0]} was gone already")
        process.wait(timeout=30)


def environment() -> dict[str, str]:
    unwanted = ("PYSPARK_", "SPARK_", "_PYSPARK", "PYTHONPATH", "VIRTUAL_ENV")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(unwanted)}
    return kept | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1"}


def wait_for(is_so: Callable[[], bool], *, what: str, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + 240
    while not is_so():
        assert process.poll() is None, f"waiting for {what}: the process ended with {process.returncode}"
        assert time.monotonic() < deadline, f"waited four minutes for {what}"
        time.sleep(0.05)
