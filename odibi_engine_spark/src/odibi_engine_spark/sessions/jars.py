"""Where Delta's jars come from: a configured folder, the local Maven repository, or Maven by Spark itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from odibi_core.plugin import ConfigError
from odibi_engine_spark.sessions.versions import delta_version, installed_version

__all__ = ["DeltaJars", "delta_coordinate", "find_delta_jars", "list_jars", "maven_repository"]

_NEEDED = ("delta-spark", "delta-storage")
"""The artifacts that Delta cannot do without; what else its pom names is for catalogs of other makers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaJars:
    """Where Delta's jars come from.

    Args:
        jars: Files, for ``spark.jars``; empty if they are configured already, or to be fetched.
        packages: Maven coordinates, for ``spark.jars.packages``.
        source: Where they were found, in words.
    """

    jars: tuple[Path, ...] = ()
    packages: tuple[str, ...] = ()
    source: str = ""


def list_jars(places: Sequence[str], *, root: Path) -> tuple[Path, ...]:
    """Return the jars of files and folders.

    Args:
        places: Jars and folders of jars, absolute or relative to the project.
        root: The project's folder.

    Raises:
        ConfigError: A place is not there, or a folder has no jar.
    """
    found: list[Path] = []
    for place in places:
        path = root / Path(place).expanduser()
        jars = sorted(path.glob("*.jar")) if path.is_dir() else [path] if path.is_file() else []
        if not jars:
            what = "has no jars" if path.is_dir() else "is not there"
            raise ConfigError(f"engines.spark.jars names {place!r}, and {path} {what}.")
        found += [jar.resolve() for jar in jars]
    return tuple(dict.fromkeys(found))


def delta_coordinate(*, pyspark: str, delta: str) -> str:
    """Return the Maven coordinate of Delta for a pair of versions.

    Args:
        pyspark: The version of pyspark.
        delta: The version of delta-spark.

    Example:
        >>> delta_coordinate(pyspark="4.1.1", delta="4.1.0")
        'io.delta:delta-spark_4.1_2.13:4.1.0'
        >>> delta_coordinate(pyspark="4.0.1", delta="4.0.1")
        'io.delta:delta-spark_2.13:4.0.1'
    """
    # Since 4.1 Delta is built for each minor version of Spark, which is part of the artifact's name.
    minor = tuple(map(int, delta.split(".")[:2]))
    spark = "_" + ".".join(pyspark.split(".")[:2]) if minor >= (4, 1) else ""
    return f"io.delta:delta-spark{spark}_2.13:{delta}"


def find_delta_jars(configured: Sequence[Path]) -> DeltaJars | None:
    """Return where Delta's jars come from, None if delta-spark is not installed.

    Args:
        configured: The jars of the manifest's ``engines.spark.jars``.
    """
    pyspark, delta = installed_version("pyspark"), delta_version()
    if any(jar.name.startswith("delta-spark") for jar in configured):
        return DeltaJars(source="engines.spark.jars")
    if pyspark is None or delta is None:
        return None
    coordinate = delta_coordinate(pyspark=pyspark, delta=delta)
    group, artifact, _ = coordinate.split(":")
    repository = maven_repository()
    jars = (
        _in_repository(repository, group=group, artifact=artifact, version=delta),
        _in_repository(repository, group=group, artifact="delta-storage", version=delta),
    )
    if all(jar.is_file() for jar in jars):
        return DeltaJars(jars=jars, source=f"the local Maven repository, {repository}")
    return DeltaJars(packages=(coordinate,), source="Maven, fetched by Spark when the session starts")


def maven_repository() -> Path:
    """Return the local Maven repository."""
    return Path(os.environ.get("MAVEN_REPO_LOCAL") or Path.home() / ".m2" / "repository")


def _in_repository(repository: Path, *, group: str, artifact: str, version: str) -> Path:
    return repository.joinpath(*group.split("."), artifact, version, f"{artifact}-{version}.jar")
