"""What the framework adds to each transformation: 1,000 that do nothing, chained and independent.

The journal and a CSV file sink are on, as in a real project. The functions do nothing, so everything that is measured
is the framework's own. Run it with ``python benchmarks/overhead.py``; needs the pandas engine and the sinks installed.
"""

from __future__ import annotations

import json
import platform
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from odibi_core import plan_project, run_project

COUNT = 1_000
ROUNDS = 7


def write_project(root: Path, *, is_chained: bool) -> None:
    """Write a project of transformations that do nothing."""
    root.mkdir()
    manifest = {
        "project_name": root.name,
        "layer_order": ["Silver"],
        "default_engine": "pandas",
        "log_sinks": [{"type": "file", "path": "logs/run.csv"}],
    }
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (root / "noop.py").write_text("def nothing():\n    pass\n", encoding="utf-8")
    (root / "config").mkdir()
    rows = [
        {
            "transformation_id": f"t{number:04}",
            "layer": "Silver",
            "module": "noop",
            "function": "nothing",
            "depends_on": [f"t{number - 1:04}"] if is_chained and number else [],
        }
        for number in range(COUNT)
    ]
    (root / "config" / "transformations.json").write_text(json.dumps(rows), encoding="utf-8")


def measure(root: Path) -> tuple[float, float, float]:
    """Return microseconds per transformation of running, of run_project as a whole, and of planning."""
    started = time.perf_counter()
    plan_project(root)
    planning = time.perf_counter() - started
    started = time.perf_counter()
    result = run_project(root)
    whole = time.perf_counter() - started
    if result.count("SUCCESS") != COUNT or result.sink_errors:
        raise SystemExit(str(result))
    return tuple(seconds / COUNT * 1e6 for seconds in (result.duration_seconds, whole, planning))


def main() -> None:
    """Print the table."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("odibi-core", "odibi-sinks", "pluggy"))
    print(
        f"Python {platform.python_version()}, {versions}; {COUNT:,} transformations, {ROUNDS} rounds, after a warm-up"
    )
    print(f"{'microseconds per transformation':34}{'median':>9}{'min':>9}{'max':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name, is_chained in (("chained", True), ("independent", False)):
            root = Path(folder, name)
            write_project(root, is_chained=is_chained)
            measure(root)
            columns = zip(*(measure(root) for _ in range(ROUNDS)), strict=True)
            for what, figures in zip(("running", "run_project as a whole", "planning"), columns, strict=True):
                middle, least, most = statistics.median(figures), min(figures), max(figures)
                print(f"{name + ': ' + what:34}{middle:9.1f}{least:9.1f}{most:9.1f}")


if __name__ == "__main__":
    main()
