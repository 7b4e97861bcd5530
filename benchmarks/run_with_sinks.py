"""What log sinks add to a run: examples/nycflights without any and with three, in turns, each run a process of its own.

Run it with ``python benchmarks/run_with_sinks.py``. Timed is `run_project` from the call to the result, importing what
it and the sinks need included: a run is usually the first and only thing that a process does. Bytecode is compiled in
the round that is not counted, as it is wherever a program has run before. Pairs follow each other, and the median of
their ratios counts, because a machine is rarely quiet. The processor's time, which others disturb less, is shown too.
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
ROUNDS = 15
MOST = 0.10
"""What three sinks may add to a run without any."""
SINKS = [
    {"type": "file", "path": "logs/runs.csv"},
    {"type": "sql", "url": "sqlite:///logs/runs.db"},
    {"type": "delta", "path": "logs/delta"},
]
RUN = """
import sys, time
begin, worked = time.perf_counter(), time.process_time()
from odibi_core import run_project
result = run_project(sys.argv[1])
assert not result.sink_errors, result.sink_errors
print(time.perf_counter() - begin, time.process_time() - worked)
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


def seconds(root: Path, *, bytecode: Path) -> tuple[float, float]:
    """Return how long a run took, and how much of a processor's time."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", RUN, str(root)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    taken, worked = done.stdout.splitlines()[-1].split()
    return float(taken), float(worked)


def main() -> int:
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs")
    with tempfile.TemporaryDirectory() as name:
        roots = {
            "no sink": project(Path(name) / "none", log_sinks=[]),
            "three sinks": project(Path(name) / "three", log_sinks=SINKS),
        }
        times: dict[str, list[tuple[float, float]]] = {what: [] for what in roots}
        for number in range(ROUNDS + 1):
            for what, root in roots.items() if number % 2 else reversed(roots.items()):
                taken = seconds(root, bytecode=Path(name) / "bytecode")
                if number:  # the first round compiles, makes the tables, and fills the disk's cache
                    times[what].append(taken)
    for what, taken in times.items():
        wall, processor = zip(*taken, strict=True)
        print(
            f"{what:<12} {statistics.median(wall):5.2f} s median of {ROUNDS} ({min(wall):.2f} to {max(wall):.2f}), "
            f"processor {statistics.median(processor):5.2f} s ({min(processor):.2f} to {max(processor):.2f})"
        )
    pairs = list(zip(times["no sink"], times["three sinks"], strict=True))
    wall, processor = (statistics.median(many[kind] / none[kind] for none, many in pairs) - 1 for kind in (0, 1))
    print(
        f"three sinks add {wall:+.1%}, at most {MOST:.0%} wanted{'' if wall < MOST else '   MISSED'}; "
        f"of the processor's time {processor:+.1%}"
    )
    return 0 if wall < MOST else 1


if __name__ == "__main__":
    sys.exit(main())
