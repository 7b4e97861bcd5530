"""Starting costs little, because what handles data is imported only when data is handled."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"numpy", "pandas", "polars", "pyarrow", "pyspark", "sqlalchemy"}


def modules_after(statement: str, *, folder: Path) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after a statement, even one that exits."""
    script = (
        f"import json, sys\ntry:\n    {statement}\nexcept SystemExit as stop:\n    assert not stop.code, stop\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_import_of_the_kernel_loads_no_data_library_and_no_framework(tmp_path: Path) -> None:
    """A-02."""
    loaded = modules_after("import odibi_core", folder=tmp_path)

    assert loaded & (HEAVY | {"click", "pydantic", "rich", "structlog", "yaml"}) == set()


@pytest.mark.parametrize("words", [["--help"], ["plugins", "list"], ["plugins", "list", "--json"]], ids=" ".join)
def test_command_loads_no_data_library(words: list[str], tmp_path: Path) -> None:
    start = f"sys.argv[1:] = {words!r}; from odibi_core.cli import main; main()"

    loaded = modules_after(start, folder=tmp_path)

    assert "odibi_core" in loaded
    assert loaded & HEAVY == set()
