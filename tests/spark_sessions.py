"""Real sessions: Spark in this process, a Spark Connect server, and Sail. Each is started once, if a test wants it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from odibi_core.plugin import EngineConfig, TransformationOutcome, TransformationTask
from odibi_engine_spark.errors import SparkUnavailableError
from odibi_engine_spark.options import SparkEngineOptions
from odibi_engine_spark.sessions.java import find_java

# The JVM's quick compiler and simplest collector: tests are over before the others pay. By itself that compiler has
# 48 MB for code, which a suite fills.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC -XX:-UsePerfData -XX:+ExitOnOutOfMemoryError"
QUIET_CONF = {
    "spark.driver.extraJavaOptions": JAVA_OPTIONS,
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.log.level": "OFF",
}
FLAVOURS = ("classic", "connect", "sail")


def needs(flavour: str) -> str:
    """Say what is missing for a flavour, nothing if it can be had."""
    if flavour == "sail":
        return "" if find_spec("pysail") else "Sail is not installed"
    if find_java() is None:
        return "no Java"
    return "" if flavour == "classic" or find_spec("grpc") else "the packages of Spark Connect are not installed"


def flavour_param(flavour: str) -> Any:
    marks = [] if flavour == "sail" else [pytest.mark.spark]
    if missing := needs(flavour):
        marks.append(pytest.mark.skip(reason=f"Spark {flavour}: {missing}"))
    return pytest.param(flavour, marks=marks, id=flavour)


@contextlib.contextmanager
def had_or_skipped(flavour: str) -> Iterator[None]:
    """Skip what needs a session that this machine cannot have, say for lack of a network; in CI that is a failure."""
    try:
        yield
    except SparkUnavailableError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"Spark {flavour}: {error}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def spark_conf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings of a quick and quiet session, with its catalog's tables in a folder of the tests."""
    folder = tmp_path_factory.mktemp("spark")
    return QUIET_CONF | {
        "spark.driver.extraJavaOptions": f"{JAVA_OPTIONS} -Dderby.stream.error.file={folder / 'derby.log'}",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "local"),
    }


@pytest.fixture(scope="session")
def classic_session(spark_conf: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Spark in this process, on two cores, with Delta."""
    if missing := needs("classic"):
        pytest.skip(f"Spark classic: {missing}")
    from odibi_engine_spark.sessions.classic import build_classic

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    options = SparkEngineOptions(master="local[2]", conf=spark_conf)
    with had_or_skipped("classic"):
        session = build_classic(options, project_root=tmp_path_factory.mktemp("classic"))
    yield session
    session.stop()


@dataclass(frozen=True, slots=True)
class ConnectServer:
    """A Spark Connect server in a process of its own."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Fail if it ended by itself: a client says of that, after ten minutes of trying, only that it gave up."""
        if (code := self.process.poll()) is not None:
            end = self.log.read_text(errors="replace")[-4000:]
            pytest.fail(f"the Spark Connect server ended with {code}; the end of its log:\n{end}", pytrace=False)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="session")
def connect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectServer]:
    """A Spark Connect server with Delta."""
    if missing := needs("connect"):
        pytest.skip(f"Spark connect: {missing}")
    from odibi_engine_spark.sessions.classic import classic_conf

    folder = tmp_path_factory.mktemp("connect")
    port = free_port()
    conf = classic_conf(SparkEngineOptions(conf=QUIET_CONF), project_root=folder) | {
        "spark.master": "local[2]",
        "spark.driver.memory": "3g",  # a server holds what it has computed and nobody has fetched yet
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "local"),
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }
    arguments = [part for key, value in conf.items() for part in ("--conf", f"{key}={value}")]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [
                spark_script("spark-submit"),
                "--class",
                "org.apache.spark.sql.connect.service.SparkConnectServer",
                *arguments,
            ],
            cwd=folder,
            env=clean_environment() | {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    server = ConnectServer(f"sc://127.0.0.1:{port}", process, folder / "server.log")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def connect_url(connect_server: ConnectServer) -> str:
    """The address of a Spark Connect server."""
    connect_server.check()
    return connect_server.url


@pytest.fixture(scope="session")
def connect_session(connect_server: ConnectServer) -> Iterator[Any]:
    """A session on the Spark Connect server."""
    from odibi_engine_spark.sessions.connect import build_connect

    with had_or_skipped("connect"):
        session = build_connect(connect_server.url, conf={}, seconds=180)
    yield session
    connect_server.check()
    session.stop()


@pytest.fixture(scope="session")
def sail_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A session on Sail, in this process."""
    if missing := needs("sail"):
        pytest.skip(f"Spark sail: {missing}")
    from odibi_engine_spark.sessions.sail import build_sail

    warehouse = tmp_path_factory.mktemp("sail") / "warehouse"
    conf = {"spark.sql.session.timeZone": "UTC", "spark.sql.warehouse.dir": str(warehouse)}
    session, stop = build_sail(conf=conf, seconds=60)
    yield session
    stop()


@pytest.fixture
def make_engine(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Make engines over a session, which are closed after the test: ``make_engine(session, **options)``."""
    from odibi_engine_spark.engine import SparkEngine

    made: list[SparkEngine] = []

    def make(session: Any, **options: Any) -> SparkEngine:
        made.append(SparkEngine(EngineConfig(project_root=tmp_path, options=options, session=session)))
        return made[-1]

    yield make
    for engine in made:
        engine.close()


@pytest.fixture(params=[flavour_param(flavour) for flavour in FLAVOURS])
def spark_engine(request: pytest.FixtureRequest, make_engine: Callable[..., Any]) -> Any:
    """The engine on each of the three flavours; its project is `tmp_path`."""
    if request.param == "connect":
        request.getfixturevalue("connect_server").check()
    return make_engine(request.getfixturevalue(f"{request.param}_session"))


@pytest.fixture
def classic_engine(classic_session: Any, make_engine: Callable[..., Any]) -> Any:
    """The engine on Spark in this process."""
    return make_engine(classic_session)


@pytest.fixture
def connect_engine(connect_session: Any, make_engine: Callable[..., Any]) -> Any:
    """The engine on a Spark Connect server."""
    return make_engine(connect_session)


@pytest.fixture
def sail_engine(sail_session: Any, make_engine: Callable[..., Any]) -> Any:
    """The engine on Sail."""
    return make_engine(sail_session)


@pytest.fixture
def make_task() -> Callable[..., TransformationTask]:
    """Make attempts at transformations: ``make_task("clean_flights", attempt=2)``."""

    def make(name: str, *, attempt: int = 1) -> TransformationTask:
        return TransformationTask(
            run_id="20261122T000000.000000-1a2b3c4d",
            project="Flights",
            env="qat",
            layer="Silver",
            engine="spark",
            transformation_id=name,
            module="silver.flights",
            function="clean",
            attempt=attempt,
            constants={},
            inputs=(),
            outputs=(),
            _execute=TransformationOutcome,
        )

    return make


def spark_script(name: str) -> str:
    import pyspark

    return str(Path(pyspark.__file__).parent / "bin" / name)


def clean_environment() -> dict[str, str]:
    """The environment without what a session in this process has set for itself."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("PYSPARK_", "SPARK_", "_PYSPARK"))}


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python code in a process of its own, in `tmp_path`."""

    def run(code: str, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            # py4j leaves its sockets to the garbage collector.
            [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-c", code, *arguments],
            cwd=tmp_path,
            env=clean_environment() | (env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@dataclass
class Cluster:
    """A standalone cluster on this machine: a master, and workers with a core each.

    Args:
        url: The master, ``spark://127.0.0.1:port``.
        pages: The address of the master's own page.
        workers: The workers' processes.
    """

    url: str
    pages: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def state(self) -> dict[str, Any]:
        """What the master says of itself: its workers, applications and how they are."""
        with urllib.request.urlopen(f"{self.pages}/json/", timeout=10) as answer:
            return json.load(answer)

    def alive(self) -> int:
        """How many workers the master counts as alive."""
        try:
            return int(self.state()["aliveworkers"])
        except OSError:
            return 0

    def wait_for_workers(self, number: int) -> None:
        """Wait until the master has as many workers."""
        pause, deadline = threading.Event(), time.monotonic() + 90
        while self.alive() != number:
            assert time.monotonic() < deadline, f"{self.alive()} workers instead of {number}"
            pause.wait(0.2)


@pytest.fixture
def spark_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A standalone cluster of one master and two workers, by pyspark's own scripts; it may be damaged by the test."""
    if missing := needs("classic"):
        pytest.skip(f"Spark cluster: {missing}")
    folder = tmp_path_factory.mktemp("cluster")
    port, pages = free_port(), free_port()
    # The workers' executors are processes of their own, which end with their worker's group.
    environment = clean_environment() | {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_JAVA_OPTS": JAVA_OPTIONS,
        "SPARK_DAEMON_MEMORY": "256m",
    }
    deploy = "org.apache.spark.deploy"
    cluster = Cluster(url=f"spark://127.0.0.1:{port}", pages=f"http://127.0.0.1:{pages}")
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [spark_script("spark-class"), *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started.append(process)
        return process

    try:
        start(
            "master", f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(pages)
        )
        for number in (1, 2):
            place = [
                "--host",
                "127.0.0.1",
                "--webui-port",
                str(free_port()),
                "--work-dir",
                str(folder / f"work{number}"),
            ]
            size = ["--cores", "1", "--memory", "1g"]
            cluster.workers.append(start(f"worker{number}", f"{deploy}.worker.Worker", *place, *size, cluster.url))
        cluster.wait_for_workers(2)
        yield cluster
    finally:
        for process in reversed(started):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)
