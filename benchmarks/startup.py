"""What starting costs beyond bare Python: ``import odibi_core`` and ``odibi --help``.

    .venv/bin/python benchmarks/startup.py [--runs 40]

Each run starts bare Python and then the thing that is measured, and counts the difference, so that what else the
machine does weighs on both alike. A first run of each is not counted: it warms the disk cache.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

BARE = (sys.executable, "-c", "pass")
MEASURED: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("import odibi_core", (sys.executable, "-c", "import odibi_core"), 60),
    ("odibi --help", (str(Path(sys.executable).with_name("odibi")), "--help"), 200),
)
LIBRARIES = ("odibi-core", "pluggy", "click", "rich")


def milliseconds(command: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000


def differences(command: Sequence[str], *, runs: int) -> list[float]:
    pairs = [(milliseconds(BARE), milliseconds(command)) for _ in range(runs + 1)]
    return sorted(measured - bare for bare, measured in pairs[1:])


def main() -> int:
    parser = argparse.ArgumentParser(description="What starting costs beyond bare Python.")
    parser.add_argument("--runs", type=int, default=40)
    runs = parser.parse_args().runs

    print(f"Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in LIBRARIES)}")
    print(f"{'':20} {'median':>8} {'best':>8} {'target':>8}   ms beyond bare Python, {runs} pairs")
    over = 0
    for name, command, target in MEASURED:
        found = differences(command, runs=runs)
        median = statistics.median(found)
        over += median > target
        print(f"{name:20} {median:8.1f} {found[0]:8.1f} {target:8.0f}{'   over' if median > target else ''}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
