"""What finding and loading plugins costs, from entry points to registries.

    .venv/bin/python benchmarks/discovery.py

Eight light plugins with 8 engines and 40 readers are installed into a folder, and each round is a fresh process with
a warm disk, as a start of `odibi` is. Shown are the best and the median round, in milliseconds. The modules of the
kernel are imported before the clock starts; what importing them costs is the last line but one.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

PLUGINS = 8
READERS = 5
ROUNDS = 15

REGISTRATION = """
from odibi_core.plugin import EngineSpec, ReaderSpec, hookimpl

@hookimpl
def odibi_register_engines():
    yield EngineSpec(name="bench{number}", factory="bench{number}.engine:Engine")

@hookimpl
def odibi_register_readers():
    for format in range({readers}):
        yield ReaderSpec(engine="bench{number}", format=f"format{{format}}", factory="bench{number}.readers:Reader")
"""

CHILD = """
import json, sys, time

clock = time.perf_counter
began = clock()
import odibi_core.loading
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.loading.distributions import find_plugins
from odibi_core.loading.screening import screen
imported = clock() - began

settings = PluginSettings(disable=frozenset({"odibi-engine-pandas", "odibi-sinks"}))
began = clock()
PluginManager(PluginSettings(discover=False))
empty = clock() - began
began = clock()
found = find_plugins()
names = clock() - began
began = clock()
screen(found, settings=settings)
screened = clock() - began
began = clock()
manager = PluginManager(settings).discover().freeze()
whole = clock() - began
began = clock()
manager.reader_for("bench7", "format4")
looked_up = clock() - began
assert len(manager.engines) == 8 and len(manager.readers) == 40, manager.records
assert "packaging" not in sys.modules
print(json.dumps({
    "entry points, versions, requirements": names,
    "blocking and requirement check": screened,
    "a manager with the kernel's own plugin": empty,
    "whole discovery: 8 plugins, 8 engines, 40 readers": whole,
    "one look-up of a reader": looked_up,
    "import odibi_core.loading": imported,
}))
"""


def install(folder: Path) -> None:
    for number in range(PLUGINS):
        package = folder / f"bench{number}"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "plugin.py").write_text(REGISTRATION.format(number=number, readers=READERS))
        info = folder / f"bench{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: bench{number}\nVersion: 1.0\n"
            "Requires-Dist: odibi-core<1,>=0.1\nRequires-Dist: pydantic>=2\n\nA plugin.\n"
        )
        (info / "entry_points.txt").write_text(f"[odibi.plugins]\nbench{number} = bench{number}.plugin\n")


def measure(folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        install(folder)
        measure(folder)  # compiles the registration modules, as pip and uv do when they install
        rounds = [measure(folder) for _ in range(ROUNDS)]
    print(
        f"Python {platform.python_version()}, pluggy {version('pluggy')}, {os.cpu_count()} CPUs, "
        f"{ROUNDS} processes, milliseconds"
    )
    print(f"{'':52}{'best':>8}{'median':>8}")
    for what in rounds[0]:
        figures = [one[what] * 1e3 for one in rounds]
        print(f"{what:52}{min(figures):8.2f}{statistics.median(figures):8.2f}")


if __name__ == "__main__":
    main()
