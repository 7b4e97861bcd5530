"""A row on Spark whose function is written for pandas: handed over within the budget, and refused beyond it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from odibi_core import plan_project, run_project

STEPS = """
from odibi_core.functions import pandas_function

@pandas_function(convert_from="spark")
def marked(numbers, constants=None, context=None):
    assert type(numbers).__module__.startswith("pandas")
    assert context.engine == "pandas"
    return numbers.assign(is_big=numbers["id"] >= constants["from"])

def many(numbers, spark):
    return spark.range(0, 3_000_000, 1, 30)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    rows = [
        {"function": "many", "inputs": [], "outputs": ["silver.many"]},
        {"function": "marked", "inputs": ["landing/few.csv"], "outputs": ["silver.few"], "constants": {"from": 2}},
        {"transformation_id": "all", "function": "marked", "inputs": ["silver.many"], "outputs": ["silver.all"]},
    ]
    manifest = {
        "project_name": "Numbers",
        "layer_order": ["Silver"],
        "default_engine": "spark",
        "hand_over": {"max_bytes": "4 MiB"},
    }
    shared = {"layer": "Silver", "module": "steps", "constants": {"from": 2}}
    full = [{"transformation_id": row["function"], **shared, **row} for row in rows]
    for name, text in {
        "manifest.json": json.dumps(manifest),
        "config/transformations.json": json.dumps(full),
        "landing/few.csv": "id\n1\n2\n3\n",
        "steps.py": STEPS.replace("def many(numbers, spark)", "def many(*, spark, size=0)"),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


@pytest.mark.spark
def test_function_for_pandas_serves_rows_on_spark_within_the_budget(project: Path, classic_session: Any) -> None:
    """A-58."""
    where: dict[str, Any] = {"manifest_path": project / "manifest.json"}

    plan = {one["transformation_id"]: one for one in plan_project("Numbers", **where).to_dict()["transformations"]}
    result = run_project(
        "Numbers", auth_provider=lambda **_: {"spark": classic_session}, raise_on_failure=False, **where
    )

    outcome = {one.transformation_id: one for one in result.transformations}
    assert {name: (one["engine"], one["function_engine"]) for name, one in plan.items()} == {
        "many": ("spark", "spark"),
        "marked": ("spark", "pandas"),
        "all": ("spark", "pandas"),
    }
    assert (outcome["marked"].status, outcome["marked"].error) == ("SUCCESS", None)
    few = ds.dataset(project / "data/silver/few.parquet", format="parquet").to_table().sort_by("id")
    assert few.to_pylist() == [{"id": number, "is_big": number >= 2} for number in (1, 2, 3)]
    assert outcome["all"].status == "FAILED"
    assert "input 'silver.many', handed over from 'spark' to 'pandas', is more than may be handed over" in (
        outcome["all"].error or ""
    )
