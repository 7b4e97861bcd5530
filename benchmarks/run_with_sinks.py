"""What log sinks add to a run: examples/nycflights without any and with three, in turns, each run a process of its own.

Run it with ``python benchmarks/run_with_sinks.py``. Timed is `run_project` from the call to the result, importing what
it and the sinks need included: a run is usually the first and only thing that a process does.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "nycflights"
ROUNDS = 9
MOST = 0.10
"""What three sinks may add to a run without any."""
SINKS = [
    {"type": "file", "path": "logs/runs.csv"},
    {"type": "sql", "url": "sqlite:///logs/runs.db"},
    {"type": "delta", "path": "logs/delta"},
]
RUN = """
import sys, time
begin = time.perf_counter()
from odibi_core import run_project
result = run_project(sys.argv[1])
assert not result.sink_errors, result.sink_errors
print(time.perf_counter() - begin)
"""


def project(folder: Path, *, log_sinks: list[dict[str, str]]) -> Path:
    """Copy the example, with log sinks."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("data", ".odibi", "logs", "__pycache__"))
    (manifest,) = folder.glob("manifest.*")
    if manifest.suffix == ".json":
        content = json.loads(manifest.read_text(encoding="utf-8"))
        manifest.write_text(json.dumps({**content, "log_sinks": log_sinks}), encoding="utf-8")
    else:
        with manifest.open("a", encoding="utf-8") as file:
            file.write(f"\nlog_sinks: {json.dumps(log_sinks)}\n")
    return folder


def seconds(root: Path) -> float:
    done = subprocess.run([sys.executable, "-c", RUN, root], check=True, capture_output=True, text=True)
    return float(done.stdout.splitlines()[-1])


def main() -> int:
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs")
    with tempfile.TemporaryDirectory() as name:
        roots = {
            "no sink": project(Path(name) / "none", log_sinks=[]),
            "three sinks": project(Path(name) / "three", log_sinks=SINKS),
        }
        times: dict[str, list[float]] = {what: [] for what in roots}
        for number in range(ROUNDS + 1):
            for what, root in roots.items() if number % 2 else reversed(roots.items()):
                taken = seconds(root)
                if number:  # the first round makes the tables, and fills the disk's cache
                    times[what].append(taken)
    added = (
        statistics.median(many / none for none, many in zip(times["no sink"], times["three sinks"], strict=True)) - 1
    )
    for what, taken in times.items():
        print(
            f"{what:<12} {statistics.median(taken):6.2f} s median of {ROUNDS}  ({min(taken):.2f} to {max(taken):.2f})"
        )
    print(f"three sinks add {added:+.1%}, at most {MOST:.0%} wanted{'' if added < MOST else '   MISSED'}")
    return 0 if added < MOST else 1


if __name__ == "__main__":
    sys.exit(main())
