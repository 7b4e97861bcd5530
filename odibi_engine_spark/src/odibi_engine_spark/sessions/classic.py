"""Spark in this process: a local one, or the driver of a cluster."""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from odibi_engine_spark.errors import SparkUnavailableError
from odibi_engine_spark.explain import one_line
from odibi_engine_spark.interrupts import interrupts_between_calls
from odibi_engine_spark.sessions.jars import find_delta_jars, list_jars
from odibi_engine_spark.sessions.java import find_java
from odibi_engine_spark.sessions.java_process import last_words, log_path, start_java
from odibi_engine_spark.sessions.signals import interrupt_handler_kept
from odibi_engine_spark.sessions.versions import check_pair
from odibi_engine_spark.sessions.warehouse import warehouse_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from odibi_engine_spark.options import SparkEngineOptions

__all__ = ["build_classic", "classic_conf", "stop_classic", "wait_for_master"]

_DELTA_EXTENSION = "io.delta.sql.DeltaSparkSessionExtension"
_DELTA_CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
_POLL_SECONDS = 0.2


def classic_conf(options: SparkEngineOptions, *, project_root: Path) -> dict[str, str]:
    """Return the settings of a session, the user's own on top.

    Args:
        options: The manifest's ``engines.spark``.
        project_root: The project's folder.

    Raises:
        ConfigError: A jar is not there, or versions do not go together.
    """
    conf = {"spark.ui.showConsoleProgress": "false", "spark.scheduler.mode": options.scheduler.upper()}
    jars = list(list_jars(options.jars, root=project_root))
    packages = list(options.packages)
    if options.delta is not False:
        delta = find_delta_jars(jars)
        if delta is None and options.delta:
            raise SparkUnavailableError(
                "engines.spark.delta is true, and delta-spark is not installed. "
                'Install it: pip install "odibi-engine-spark[delta]"'
            )
        if delta is not None:
            check_pair()
            jars += delta.jars
            packages += delta.packages
            conf |= {"spark.sql.extensions": _DELTA_EXTENSION, "spark.sql.catalog.spark_catalog": _DELTA_CATALOG}
    if jars:
        conf["spark.jars"] = ",".join(str(jar) for jar in jars)
    if packages:
        conf["spark.jars.packages"] = ",".join(dict.fromkeys(packages))
    return _merged(conf, options.conf)


def _merged(conf: dict[str, str], own: Mapping[str, str]) -> dict[str, str]:
    merged = conf | dict(own)
    theirs = own.get("spark.sql.extensions")
    if theirs and _DELTA_EXTENSION in conf.get("spark.sql.extensions", "") and _DELTA_EXTENSION not in theirs:
        merged["spark.sql.extensions"] = f"{_DELTA_EXTENSION},{theirs}"
    return merged


def build_classic(options: SparkEngineOptions, *, project_root: Path) -> SparkSession:
    """Start Spark in this process.

    Args:
        options: The manifest's ``engines.spark``; without ``master``, Spark uses this machine's cores, unless
            spark-submit said otherwise.
        project_root: The project's folder.

    Raises:
        SparkUnavailableError: Java or the master cannot be had.
        ConfigError: A jar is not there, or versions do not go together.
    """
    conf = classic_conf(options, project_root=project_root)
    is_submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    if find_java() is None and not is_submitted:
        raise SparkUnavailableError(
            "Spark needs Java 17 or newer, and none was found in JAVA_HOME or on the search path. Install Java, "
            'or run without it: pip install "odibi-engine-spark[sail]" and engines.spark.sail: true'
        )
    master = options.master or (None if is_submitted else "local[*]")
    if master is not None:
        wait_for_master(master, seconds=options.connect_timeout)
        conf["spark.master"] = master
    if master is not None and master.startswith("local"):
        conf.setdefault("spark.driver.host", "127.0.0.1")
        conf.setdefault("spark.driver.bindAddress", "127.0.0.1")
        conf.setdefault(*warehouse_of(project_root))
    conf["spark.app.name"] = options.app_name
    # What Spark starts for Python functions must be this interpreter, with the packages that are imported here.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return _started(conf, project_root=project_root, is_submitted=is_submitted)


def _started(conf: Mapping[str, str], *, project_root: Path, is_submitted: bool) -> SparkSession:
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    try:
        gateway = None if is_submitted else start_java(conf, project_root=project_root)
        # The context first: a builder would start a Java process of its own, which writes on the screen.
        begun: SparkContext | SparkSession | None = None
        try:
            with interrupts_between_calls():
                with interrupt_handler_kept():
                    begun = SparkContext(conf=SparkConf().setAll(list(conf.items())), gateway=gateway)
                begun = session = SparkSession.builder.config(map=dict(conf)).getOrCreate()
        except BaseException:
            # There is one context in a process: with this one left, no run could have another.
            if begun is not None:
                begun.stop()
            raise
    except (PySparkException, Py4JError, OSError, ValueError) as error:
        where = f" ({conf['spark.master']})" if "spark.master" in conf else ""
        words = last_words(project_root) if "JAVA_GATEWAY_EXITED" in str(error) else one_line(error)
        raise SparkUnavailableError(
            f"Spark{where} does not start: {words.rstrip('.')}. More is in {log_path(project_root)}."
        ) from error
    return session


def stop_classic(session: SparkSession) -> None:
    """Stop Spark in this process.

    Args:
        session: A session of it.
    """
    # A context that is half stopped is neither used nor replaced.
    with interrupts_between_calls():
        session.stop()


def wait_for_master(master: str, *, seconds: float) -> None:
    """Wait until one of a standalone cluster's masters takes connections; other masters are not waited for.

    Args:
        master: The master, such as ``spark://one:7077,two:7077``.
        seconds: How long.

    Raises:
        SparkUnavailableError: None did.
    """
    if not master.startswith("spark://"):
        return
    places = [_place(text) for text in master.removeprefix("spark://").split(",")]
    deadline = time.monotonic() + seconds
    while True:
        problems = [problem for host, port in places if (problem := _refusal(host, port, deadline))]
        if len(problems) < len(places):
            return
        if time.monotonic() + _POLL_SECONDS >= deadline:
            raise SparkUnavailableError(
                f"The Spark master {master} cannot be reached within {seconds:g} s: {problems[-1]}. Is it running? "
                "engines.spark.connect_timeout says how long to wait."
            )
        time.sleep(_POLL_SECONDS)


def _place(text: str) -> tuple[str, int]:
    match = re.fullmatch(r"(.+?)(?::(\d+))?", text)
    host, port = (match[1], match[2]) if match else (text, None)
    return host.strip("[]"), int(port or 7077)


def _refusal(host: str, port: int, deadline: float) -> str:
    try:
        with socket.create_connection((host, port), timeout=max(0.1, deadline - time.monotonic())):
            return ""
    except OSError as error:
        return f"{host}:{port}: {error.strerror or error}"
