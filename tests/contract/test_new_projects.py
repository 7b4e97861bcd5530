"""A new project runs unedited on every engine, and makes the same of its sample data."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from odibi_core import ProjectType, initialize_project, run_project

GOLD = {
    ProjectType.MANUFACTURING: ("gold_2/output_by_plant", [("Gent", 253, 2), ("Lyon", 1213, 2)]),
    ProjectType.ANALYTICS: ("gold/revenue_by_region", [("North", 300.6, 2), ("South", 510.5, 2), ("West", 830.0, 1)]),
}


@pytest.fixture(autouse=True)
def modules_of_the_suite() -> Iterator[None]:
    """A new project has a folder ``tests`` of its own, and its run lets go of what is called so elsewhere."""
    ours = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "tests"}
    yield
    sys.modules.update(ours)


def saved(root: Path, table: str) -> list[tuple[Any, ...]]:
    """The rows of a table of the warehouse, which is a file or, on Spark, a folder."""
    path = root / "data" / f"{table}.parquet"
    found: pa.Table = ds.dataset(path if path.exists() else path.with_suffix(""), format="parquet").to_table()
    return sorted(tuple(round(cell, 6) if isinstance(cell, float) else cell for cell in row) for row in rows(found))


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def check(folder: Path, project_type: ProjectType, engine: str, **more: Any) -> None:
    root = Path(initialize_project("New", project_type, folder)["project_path"])

    result = run_project("New", "qat", manifest_path=root / "manifest.json", engine=engine, **more)

    assert result.status == "SUCCESS"
    assert {one.engine for one in result.transformations} == {engine}
    table, expected = GOLD.get(project_type, GOLD[ProjectType.ANALYTICS])
    assert saved(root, table) == expected


@pytest.mark.parametrize("engine", ["pandas", "polars"])
@pytest.mark.parametrize("project_type", list(ProjectType), ids=str)
def test_a70_new_project_runs_in_this_process(tmp_path: Path, project_type: ProjectType, engine: str) -> None:
    """A-58, A-70."""
    check(tmp_path, project_type, engine)


@pytest.mark.parametrize("engines", [("polars", "pandas", "polars"), ("pandas", "polars", "pandas")], ids=" then ".join)
def test_each_layer_of_a_new_project_may_have_its_engine(tmp_path: Path, engines: tuple[str, ...]) -> None:
    """Each reads what the other wrote."""
    root = Path(initialize_project("New", ProjectType.ANALYTICS, tmp_path)["project_path"])
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    by_layer = dict(zip(manifest["layer_order"], engines, strict=True))
    for layer, engine in by_layer.items():
        manifest["layers"][layer]["default_engine"] = engine
    del manifest["default_engine"]
    (root / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    result = run_project("New", "qat", manifest_path=root / "manifest.json")

    assert result.status == "SUCCESS"
    assert {one.layer: one.engine for one in result.transformations} == by_layer
    table, expected = GOLD[ProjectType.ANALYTICS]
    assert saved(root, table) == expected


@pytest.mark.parametrize("project_type", list(ProjectType), ids=str)
def test_a70_new_project_runs_on_spark(tmp_path: Path, project_type: ProjectType, classic_session: Any) -> None:
    """A-58, A-70."""
    check(tmp_path, project_type, "spark", auth_provider=lambda **_: {"spark": classic_session})
