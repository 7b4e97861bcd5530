"""Questions that a session answers by doing a small thing."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["has_delta", "has_job_groups", "reads_our_files", "runs_python"]


def has_delta(session: SparkSession, *, kind: str) -> bool:
    """Return whether a session reads and writes Delta tables.

    Args:
        session: The session.
        kind: The flavour's kind; Sail has Delta built in.
    """
    if kind == "sail":
        return True
    extensions = session.conf.get("spark.sql.extensions", "") or ""
    if "io.delta.sql.DeltaSparkSessionExtension" in extensions:
        return True
    # Databricks has Delta without naming it among the extensions.
    return session.conf.get("spark.databricks.clusterUsageTags.clusterId", "") not in {"", None}


def has_job_groups(session: SparkSession, *, kind: str) -> bool:
    """Return whether jobs can be grouped, named and cancelled.

    Args:
        session: The session.
        kind: The flavour's kind; Sail takes tags and does nothing with them.
    """
    if kind != "classic":
        return kind == "connect"
    from py4j.protocol import Py4JError

    try:
        session.sparkContext.getLocalProperty("spark.jobGroup.id")
    except (Py4JError, PySparkException):
        # A cluster that several users share may forbid it.
        return False
    return True


def runs_python(session: SparkSession) -> bool:
    """Return whether a Python function runs on an executor, by running one on one row.

    Args:
        session: The session.
    """
    try:
        # A lambda goes there by value; a named function would need this package on the executors.
        return bool(session.range(1).mapInArrow(lambda batches: batches, "id long").collect()[0][0] == 0)
    except PySparkException:
        return False


def reads_our_files(session: SparkSession, *, kind: str, project_root: Path) -> bool:
    """Return whether a session sees this process' files, by letting it read one below the project's ``.odibi``.

    Args:
        session: The session.
        kind: The flavour's kind; a Sail server of this process needs no question.
        project_root: The project's folder.
    """
    if kind == "sail":
        return True
    if kind == "classic" and str(session.conf.get("spark.master", "")).startswith("local"):
        return True
    folder = project_root / ".odibi" / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    word = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(dir=folder, prefix="shared-") as inside:
        file = Path(inside) / "word.txt"
        file.write_text(word, encoding="utf-8")
        with contextlib.suppress(PySparkException):
            return [row[0] for row in session.read.text(file.resolve().as_uri()).collect()] == [word]
    return False
