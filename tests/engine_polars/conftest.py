"""Reading and saving through the classes that the plugin lists, as the kernel would."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from odibi_core.plugin import Dataset, EngineConfig, SaveReport
from odibi_engine_polars import plugin
from odibi_engine_polars.engine import PolarsEngine

READERS = {spec.format: spec for spec in plugin.odibi_register_readers()}
SAVERS = {spec.format: spec for spec in plugin.odibi_register_savers()}


def load(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def dataset_at(path: object, **changed: Any) -> Dataset:
    """Return a dataset for a path; the format is that of the path's suffix unless it is given."""
    location = str(path)
    suffixes = {suffix: spec.format for spec in READERS.values() for suffix in spec.suffixes}
    name = location.rpartition("/")[2].lower()
    found = next((format_ for suffix, format_ in suffixes.items() if suffix + "." in name + "."), "csv")
    known = Dataset(name="bronze.flights", kind="path", format=found, location=location)
    return replace(known, **changed)


class Files:
    """Readers and savers of every format, with one engine."""

    def __init__(self, **options: Any) -> None:
        self.engine = PolarsEngine(EngineConfig(project_root=Path(), options=options))

    def save(self, frame: Any, path: object, /, mode: str = "overwrite", **changed: Any) -> SaveReport:
        dataset = dataset_at(path, mode=mode, **changed)
        return load(SAVERS[dataset.format].factory)(self.engine).save(frame, dataset)

    def scan(self, path: object, /, **changed: Any) -> Any:
        dataset = dataset_at(path, **changed)
        return load(READERS[dataset.format].factory)(self.engine).read(dataset)

    def read(self, path: object, /, **changed: Any) -> pl.DataFrame:
        return self.scan(path, **changed).lazy().collect()

    def read_text(self, path: Path, text: str | bytes, /, **options: Any) -> pl.DataFrame:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.read(path, options=options)


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def eager_files() -> Files:
    return Files(mode="eager")


@pytest.fixture(scope="session")
def files_for_many_examples() -> Files:
    return Files()


@pytest.fixture
def flights() -> pl.DataFrame:
    return pl.DataFrame(
        {"carrier": ["F9", "AA", None], "flight": [1, 2, 3], "delay": [21.5, None, -3.0], "late": [True, False, False]}
    )


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run Python code in a process of its own, in `tmp_path`."""

    def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", code, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run
