"""What `odibi doctor` says of Spark."""

from __future__ import annotations

import re
import sys

import pytest

from odibi_engine_spark import checks
from odibi_engine_spark.sessions import jars, sail, versions


@pytest.fixture
def java(tmp_path, monkeypatch):
    """Put a `java` into JAVA_HOME that says a version."""

    def install(script):
        (tmp_path / "bin").mkdir()
        program = tmp_path / "bin" / "java"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    return install


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        ("echo 'openjdk version \"21.0.1\" 2023-10-17' >&2", "ok", "Java 21"),
        ("echo 'openjdk version \"17\" 2021-09-14' >&2", "ok", "Java 17"),
        ("echo 'java version \"1.8.0_392\"' >&2", "error", "Java 8 .* too old"),
        ("exit 1", "error", "does not say its version"),
    ],
    ids=["21", "17", "8", "broken"],
)
def test_the_version_of_java_is_looked_at(java, script, status, words):
    java(script)

    result = checks.check_java()

    assert result.status == status
    assert re.search(words, result.message)
    assert result.suggestion or status == "ok"


def test_no_java_is_no_error_where_sail_is_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    monkeypatch.setattr(sail, "has_sail", lambda: True)
    assert checks.check_java().status == "ok"
    monkeypatch.setattr(sail, "has_sail", lambda: False)
    result = checks.check_java()

    assert result.status == "error"
    assert "odibi-engine-spark[sail]" in result.suggestion


@pytest.mark.parametrize(
    ("pyspark", "delta", "status", "suggestion"),
    [
        ("4.1.1", "4.1.0", "ok", ""),
        ("4.1.1", None, "ok", ""),
        ("4.1.4", "4.1.0", "error", "Install delta-spark>=4.3,<4.4, or pyspark>=4.1,<4.1.2."),
        ("4.2.1", "4.4.1", "error", "Install pyspark>=4.1,<4.2 with delta-spark>=4.3,<4.4."),
    ],
)
def test_versions_are_compared(monkeypatch, pyspark, delta, status, suggestion):
    monkeypatch.setattr(versions, "installed_version", {"pyspark": pyspark}.get)
    monkeypatch.setattr(versions, "delta_version", lambda: delta)

    result = checks.check_versions()

    assert (result.status, result.suggestion) == (status, suggestion)
    assert pyspark in result.message


def test_jars_that_need_a_network_are_a_warning(monkeypatch, tmp_path):
    monkeypatch.setenv("MAVEN_REPO_LOCAL", str(tmp_path))
    monkeypatch.setattr(jars, "installed_version", {"pyspark": "4.1.1"}.get)
    monkeypatch.setattr(jars, "delta_version", lambda: "4.1.0")

    result = checks.check_delta_jars()

    assert result.status == "warning"
    assert "io.delta:delta-spark_4.1_2.13:4.1.0" in result.suggestion


@pytest.mark.parametrize(
    ("named", "status"),
    [(None, "ok"), (sys.executable, "ok"), ("/nowhere/python", "error"), ("/bin/sh", "warning")],
    ids=["not set", "this one", "missing", "another"],
)
def test_the_interpreter_of_the_executors_is_compared(monkeypatch, named, status):
    monkeypatch.delenv("PYSPARK_PYTHON", raising=False)
    if named is not None:
        monkeypatch.setenv("PYSPARK_PYTHON", named)

    result = checks.check_interpreter()

    assert result.status == status
    assert (named or sys.executable) in result.message
