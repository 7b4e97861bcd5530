"""Spark's Java process: what it writes goes to a file and not on the screen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["last_words", "log_path", "start_java"]

_LOG = Path(".odibi", "logs", "spark.log")
_MOST_BYTES = 10_000_000
_NOT_ON_A_COMMAND_LINE = re.compile(
    r"^spark\.hadoop\.|password|secret|token|credential|\.key$|account\.key|api.?key", re.IGNORECASE
)


def log_path(project_root: Path) -> Path:
    """Return the file that Spark's Java process writes to.

    Args:
        project_root: The project's folder.
    """
    return project_root / _LOG


def start_java(conf: Mapping[str, str], *, project_root: Path) -> Any:
    """Start Spark's Java process, unless this Python process has one; return its gateway, or None.

    Everybody on the machine can see a command line, so settings that look like secrets are not on it; the Spark
    context gets them afterwards.

    Args:
        conf: The settings of the session.
        project_root: The project's folder.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway

    if SparkContext._gateway is not None:  # noqa: SLF001 - there is no other way to know
        return None
    shown = [(key, value) for key, value in conf.items() if not _NOT_ON_A_COMMAND_LINE.search(key)]
    log = log_path(project_root)
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _MOST_BYTES:
        log.replace(log.with_suffix(".old.log"))
    with log.open("ab") as file:
        java = SparkConf(loadDefaults=False).setAll(shown)
        return launch_gateway(conf=java, popen_kwargs={"stdout": file, "stderr": file})  # type: ignore[no-untyped-call]  # pyspark's own


def last_words(project_root: Path) -> str:
    """Return the last line that tells of an error in the file of Spark's Java process, an empty text if none does.

    Args:
        project_root: The project's folder.
    """
    log = log_path(project_root)
    if not log.is_file():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20_000))
        lines = file.read().decode(errors="replace").splitlines()
    telling = [line.strip() for line in lines if re.search(r"Exception|Error|[Cc]ould not|not found|unresolved", line)]
    return telling[-1] if telling else ""
