"""What it costs to be able to go on with a run, and to leave out what is unchanged: 1,000 transformations each.

They read and save nothing, so that all that is measured is the framework's own; each input and output of a fingerprint
adds what it takes to look at a file, which is measured by itself. Run it with ``python benchmarks/reuse.py``; needs the
pandas engine.
"""

from __future__ import annotations

import json
import platform
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from odibi_core import plan_project, run_project
from odibi_core.plugin import Dataset
from odibi_core.running.commits import identify
from odibi_core.running.definitions import definition_digest
from odibi_core.running.result import TransformationStatus

COUNT = 1_000
ROUNDS = 5


def write_project(root: Path) -> None:
    """Write a project of transformations that do nothing; the last one fails."""
    manifest = {"project_name": "reuse", "layer_order": ["Silver"], "default_engine": "pandas"}
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (root / "noop.py").write_text(
        "def nothing(*, fee=0):\n    pass\n\ndef fails(*, fee=0):\n    raise ValueError\n", encoding="utf-8"
    )
    (root / "config").mkdir()
    rows = [
        {
            "transformation_id": f"t{number:04}",
            "layer": "Silver",
            "module": "noop",
            "function": "nothing" if number < COUNT else "fails",
        }
        for number in range(COUNT + 1)
    ]
    (root / "config" / "transformations.json").write_text(json.dumps(rows), encoding="utf-8")


def measure(root: Path, status: TransformationStatus, **arguments: Any) -> float:
    """Return the microseconds of processor time per transformation of a run."""
    started = time.process_time()
    result = run_project(root, max_workers=1, raise_on_failure=False, **arguments)
    seconds = time.process_time() - started
    if result.count(status) != COUNT:
        raise SystemExit(str(result))
    return seconds / COUNT * 1e6


def main() -> None:
    """Print the table."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("odibi-core", "odibi-engine-pandas", "pandas"))
    print(f"Python {platform.python_version()}, {versions}; {COUNT:,} transformations, {ROUNDS} rounds")
    print(f"{'microseconds of processor time per transformation':52}{'median':>9}{'min':>9}")
    kinds: dict[str, dict[str, Any]] = {
        "all run": {"status": "SUCCESS"},
        "all run, fingerprints taken": {"status": "SUCCESS", "unchanged": "skip", "selected": ["t*"]},
        "all unchanged": {"status": "REUSED", "unchanged": "skip"},
        "all reused by a resumed run": {"status": "REUSED", "resume": True},
    }
    figures: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            write_project(Path(folder))
            for name, arguments in kinds.items():
                figures[name].append(measure(Path(folder), **arguments))
    for name, those in figures.items():
        print(f"{name:52}{statistics.median(those):9.1f}{min(those):9.1f}")
    with tempfile.TemporaryDirectory() as folder:
        write_project(Path(folder))
        plan = plan_project(folder)
        started = time.process_time()
        for planned in plan:
            definition_digest(planned)
        seconds = time.process_time() - started
        print(f"{'the digest of a row, in every run':52}{seconds / len(plan) * 1e6:9.1f}")
        place = Dataset(name="m", kind="path", format="json", location=str(Path(folder, "manifest.json")))
        started = time.process_time()
        for _ in range(COUNT):
            identify(place)
        print(f"{'a look at a file':52}{(time.process_time() - started) / COUNT * 1e6:9.1f}")


if __name__ == "__main__":
    main()
