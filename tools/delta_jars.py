"""Put Delta's jars into the local Maven repository, where the tests of Spark find them.

Two jars, without what they depend on: Spark has the rest. Without Maven, Spark fetches them itself when a test starts
it; so nothing here is a reason to stop.

    python tools/delta_jars.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from odibi_engine_spark.sessions.jars import find_delta_jars, maven_repository

_SECONDS = 300


def artifacts(coordinate: str) -> list[str]:
    """Return the coordinates of the jars that Delta needs.

    Args:
        coordinate: That of Delta itself.

    Example:
        >>> artifacts("io.delta:delta-spark_4.1_2.13:4.1.0")
        ['io.delta:delta-spark_4.1_2.13:4.1.0', 'io.delta:delta-storage:4.1.0']
    """
    group, _, version = coordinate.split(":")
    return [coordinate, f"{group}:delta-storage:{version}"]


def main() -> int:
    """Fetch what is missing, if Maven is there."""
    found = find_delta_jars(())
    maven = shutil.which("mvn")
    if found is None or not found.packages or maven is None:
        return 0
    for artifact in artifacts(found.packages[0]):
        print(f"Fetching {artifact} (once)")
        get = [maven, "--quiet", "--batch-mode", "dependency:get", f"-Dartifact={artifact}", "-Dtransitive=false"]
        # Where they are looked for: Java's idea of the home folder need not be that of the environment.
        get.append(f"-Dmaven.repo.local={maven_repository()}")
        try:
            done = subprocess.run(get, check=False, timeout=_SECONDS, stdin=subprocess.DEVNULL, capture_output=True)
        except subprocess.TimeoutExpired:
            print(f"Maven took more than {_SECONDS} s; Spark will look for the jars itself.")
            return 0
        if done.returncode != 0:
            print("Maven has not found it; Spark will look for the jars itself.")
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
