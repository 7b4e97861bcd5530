"""What reading and planning a large project costs: seconds, rows per second and peak memory, up to 100,000 rows.

    .venv/bin/python benchmarks/planning.py

Each size is read and planned in several fresh processes, because peak memory is a process's; shown are medians, of
CPU time, because the machine is shared. The rows are as in a real project: four layers, two inputs and one output
each, constants, two steps in a layer, 200 functions in 20 modules, some rows with a retry or an engine of their own.
Planning starts no engine and reads no data, but it imports the modules and the options models of the pandas engine's
readers and savers.
"""

from __future__ import annotations

import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

PROCESSES = 3
SIZES = (1_000, 10_000, 30_000, 100_000)
LAYERS = ("Bronze", "Silver", "Gold_1", "Gold_2")
MODULES, FUNCTIONS = 20, 10

MOST_SECONDS = {10_000: 2.0}
MOST_MEGABYTES = {100_000: 600}
MOST_GROWTH = 1.5
"""How much more a row may cost among 100,000 than among 10,000 to be called linear."""


def write_project(root: Path, count: int) -> None:
    """Write a project of so many transformations."""
    (root / "config").mkdir(parents=True)
    manifest = {"project_name": "Large", "layer_order": list(LAYERS), "default_engine": "pandas"}
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (root / "steps").mkdir()
    body = "\n\n".join(f"def f{number}(left, right, constants=None):\n    return left" for number in range(FUNCTIONS))
    for number in range(MODULES):
        (root / f"steps/m{number}.py").write_text(body + "\n", encoding="utf-8")
    rows = [row(number, count // len(LAYERS)) for number in range(count)]
    (root / "config/transformations.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")


def row(number: int, per_layer: int) -> dict[str, object]:
    """Return one row; it reads two tables of the layer before, or two files."""
    layer, place = divmod(number, per_layer)
    before = "landing/file{}.csv" if layer == 0 else f"{LAYERS[layer - 1].lower()}.table{{}}"
    constants: dict[str, object] = {"threshold": place % 7, "unit": "kWh", "columns": ["a", "b", "c"]}
    if place % 20 == 0:
        constants["retry"] = {"attempts": 5}
    if place % 20 == 10:  # noqa: PLR2004
        constants["engine"] = "pandas"
    return {
        "transformation_id": f"{LAYERS[layer].lower()}-{place:06}",
        "layer": LAYERS[layer],
        "step": 1 + (place % 10 == 9),  # noqa: PLR2004
        "module": f"steps.m{place % MODULES}",
        "function": f"f{place % FUNCTIONS}",
        "inputs": [before.format(place), before.format((place * 7 + 1) % per_layer)],
        "constants": constants,
        "outputs": [{"table": f"{LAYERS[layer].lower()}.table{place}", "mode": "overwrite"}],
        "entity_1": f"plant {place % 10}",
        "tags": ["nightly"],
    }


def child(root: Path) -> None:
    """Read and plan one project, and print what it took."""
    from odibi_core.planning import make_plan
    from odibi_core.project import Project, plugin_manager_for
    from odibi_core.project.manifest import ProjectManifest

    manager = plugin_manager_for(ProjectManifest.from_file(root / "manifest.json"), root=root)
    before = peak_megabytes()
    started = time.process_time()
    project = Project.load(root, manager=manager)
    loaded = time.process_time()
    plan = make_plan(project, manager=manager)
    planned = time.process_time()
    if len(plan) != len(project.rows):
        raise SystemExit(f"planned {len(plan)} of {len(project.rows)} rows")
    print(json.dumps([loaded - started, planned - loaded, peak_megabytes(), before]))


def peak_megabytes() -> float:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def measure(root: Path) -> list[float]:
    """Return medians: seconds of reading and of planning, peak megabytes after it and before it."""
    command = [sys.executable, __file__, "--child", str(root)]
    runs = [json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(PROCESSES)]
    return [statistics.median(figures) for figures in zip(*runs, strict=True)]


def main() -> int:
    """Print the table; return 1 if a target is missed."""
    if len(sys.argv) > 1:
        # This process stays small: what it has had counts as the peak of those that it starts.
        child(Path(sys.argv[2])) if sys.argv[1] == "--child" else write_project(Path(sys.argv[2]), int(sys.argv[3]))
        return 0
    names = ("odibi-core", "odibi-engine-pandas", "pydantic")
    print(f"Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in names)}")
    print(f"medians of {PROCESSES} processes")
    print(f"{'rows':>8}{'read s':>9}{'plan s':>9}{'plan rows/s':>13}{'plan us/row':>13}{'peak MB':>9}{'MB before':>11}")
    missed: list[str] = []
    per_row: dict[int, float] = {}
    for count in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "large")
            subprocess.run([sys.executable, __file__, "--write", str(root), str(count)], check=True)
            reading, planning, megabytes, before = measure(root)
        per_row[count] = planning / count
        print(
            f"{count:8,}{reading:9.2f}{planning:9.2f}{count / planning:13,.0f}{planning / count * 1e6:13.1f}"
            f"{megabytes:9.0f}{before:11.0f}"
        )
        if planning > MOST_SECONDS.get(count, planning):
            missed.append(f"planning {count:,} rows took {planning:.2f} s; target {MOST_SECONDS[count]:.1f} s")
        if megabytes > MOST_MEGABYTES.get(count, megabytes):
            missed.append(f"{count:,} rows took {megabytes:.0f} MB; target {MOST_MEGABYTES[count]} MB")
    growth = per_row[100_000] / per_row[10_000]
    print(f"a row among 100,000 costs {growth:.2f} times what it costs among 10,000")
    if growth > MOST_GROWTH:
        missed.append(f"not linear: {growth:.2f}; target {MOST_GROWTH}")
    print("\n".join(missed) or "every target is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
