"""What `odibi doctor` looks at: Java, versions, jars, and the interpreter of the executors."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from odibi_core.plugin import CheckResult

__all__ = ["check_delta_jars", "check_interpreter", "check_java", "check_versions"]

_OLDEST_JAVA = 17
_SECONDS = 20


def check_java() -> CheckResult:
    """Look for Java, and ask for its version."""
    from odibi_engine_spark.sessions.java import find_java
    from odibi_engine_spark.sessions.sail import has_sail

    java = find_java()
    if java is None:
        message = "No Java in JAVA_HOME or on the search path"
        if has_sail():
            return CheckResult(status="ok", message=f"{message}; Sail is installed, and runs Spark's work without it.")
        return CheckResult(
            status="error",
            message=f"{message}.",
            suggestion=f'Install Java {_OLDEST_JAVA} or newer, or: pip install "odibi-engine-spark[sail]"',
        )
    version = _java_version(java)
    if version is None:
        return CheckResult(
            status="error",
            message=f"{java} does not say its version.",
            suggestion="Check JAVA_HOME and the search path.",
        )
    if version < _OLDEST_JAVA:
        return CheckResult(
            status="error",
            message=f"Java {version} ({java}) is too old for Spark 4.",
            suggestion=f"Install Java {_OLDEST_JAVA} or newer, and let JAVA_HOME name it.",
        )
    return CheckResult(status="ok", message=f"Java {version} ({java})")


def _java_version(java: Path) -> int | None:
    try:
        done = subprocess.run(  # noqa: S603 - what Spark itself would start
            [java, "-version"], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(match[1]) if match else None


def check_versions() -> CheckResult:
    """Compare the versions of pyspark and delta-spark."""
    from odibi_engine_spark.sessions.versions import delta_version, installed_version, pair_problem

    pyspark, delta = installed_version("pyspark") or installed_version("pyspark-client"), delta_version()
    if pyspark is None:
        return CheckResult(
            status="error", message="pyspark is not installed.", suggestion="pip install odibi-engine-spark"
        )
    if delta is None:
        return CheckResult(status="ok", message=f"pyspark {pyspark}; delta-spark is not installed.")
    problem = pair_problem(pyspark=pyspark, delta=delta)
    if problem:
        message, _, suggestion = problem.partition(". ")
        return CheckResult(status="error", message=f"{message}.", suggestion=suggestion)
    return CheckResult(status="ok", message=f"pyspark {pyspark} and delta-spark {delta} go together.")


def check_delta_jars() -> CheckResult:
    """Say where Delta's jars come from."""
    from odibi_engine_spark.sessions.jars import find_delta_jars

    found = find_delta_jars(())
    if found is None:
        return CheckResult(
            status="ok",
            message='Delta is not set up for sessions; if you want it: pip install "odibi-engine-spark[delta]"',
        )
    if found.packages:
        return CheckResult(
            status="warning",
            message=f"Delta's jars come from {found.source}, which needs a network.",
            suggestion="To do without: mvn dependency:get -Dartifact=" + found.packages[0] + ", or engines.spark.jars.",
        )
    return CheckResult(status="ok", message=f"Delta's jars come from {found.source}.")


def check_interpreter() -> CheckResult:
    """Compare the interpreter that Spark would start for Python functions with this one."""
    named = os.environ.get("PYSPARK_PYTHON")
    if named is None:
        return CheckResult(status="ok", message=f"Python functions run in {sys.executable}.")
    found = shutil.which(named)
    if found is None:
        return CheckResult(
            status="error",
            message=f"PYSPARK_PYTHON is {named}, which is not there.",
            suggestion=f"Unset it, or let it name {sys.executable}.",
        )
    if Path(found).resolve() != Path(sys.executable).resolve() or Path(found).parent != Path(sys.executable).parent:
        return CheckResult(
            status="warning",
            message=f"PYSPARK_PYTHON is {found}, and this is {sys.executable}: its packages may be others.",
            suggestion="On one machine, unset it; on a cluster, give both the same version of Python and packages.",
        )
    return CheckResult(status="ok", message=f"Python functions run in {found}.")
