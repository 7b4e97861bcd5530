"""Projects whose warehouse is made of Delta tables, on pandas from end to end."""

import importlib.metadata
import json

import pandas as pd
import pytest
from deltalake import DeltaTable

from odibi_core import ValidationFailed, run_project
from odibi_core.loading import PluginManager, PluginSettings
from odibi_core.planning import make_plan
from odibi_core.plugin import PluginError
from odibi_core.project import Project

FUNCTIONS = '''
"""Functions of the project."""


def clean(sales):
    return sales.dropna(subset=["id"]).astype({"id": "int64"})


def total(sales):
    return sales.groupby("region", as_index=False)["amount"].sum()

'''
INGEST = {"transformation_id": "ingest", "layer": "Bronze", "inputs": ["sales.csv"], "outputs": ["bronze.sales"]}
CLEAN = {
    "transformation_id": "clean",
    "layer": "Silver",
    "function": "clean",
    "inputs": ["bronze.sales"],
    "outputs": ["silver.sales"],
}
TOTAL = {
    "transformation_id": "total",
    "layer": "Gold",
    "function": "total",
    "inputs": ["silver.sales"],
    "outputs": ["gold.totals"],
}


@pytest.fixture
def manager():
    return PluginManager(PluginSettings(only=frozenset({"engine-pandas", "sinks"}))).discover().freeze()


@pytest.fixture
def project(tmp_path):
    def project(*transformations, warehouse="delta"):
        manifest = {
            "project_name": "Sales",
            "layer_order": ["Bronze", "Silver", "Gold"],
            "environments": ["dev"],
            "default_env": "dev",
            "default_engine": "pandas",
            "warehouse": {"path": "data", "format": warehouse},
        }
        ingest = {"module": "odibi_core.functions.ingestion", "function": "ingest"}
        rows = [{"module": "work", **(ingest if row is INGEST else {}), **row} for row in transformations]
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        (tmp_path / "config" / "transformations.json").write_text(json.dumps(rows))
        (tmp_path / "work.py").write_text(FUNCTIONS)
        return tmp_path

    return project


def write_sales(root, *lines):
    (root / "sales.csv").write_text("\n".join(["id,region,amount", *lines]) + "\n")


def read(root, table):
    return DeltaTable(root / "data" / table.replace(".", "/")).to_pandas()


def test_every_layer_is_a_delta_table(project, manager):
    root = project(INGEST, CLEAN, TOTAL)
    write_sales(root, "1,north,1.5", "2,south,2", ",north,9", "3,north,3")

    result = run_project("Sales", manifest_path=root / "manifest.json", manager=manager)

    assert result["status"] == "SUCCESS"
    assert {one.transformation_id: one.rows_written for one in result.transformations} == {
        "ingest": 4,
        "clean": 3,
        "total": 2,
    }
    assert read(root, "gold.totals").sort_values("region").to_dict("list") == {
        "region": ["north", "south"],
        "amount": [4.5, 2.0],
    }


def test_figures_are_those_of_a_warehouse_of_parquet_files(project, manager):
    figures = {}
    for warehouse in ("parquet", "delta"):
        root = project(INGEST, CLEAN, TOTAL, warehouse=warehouse)
        write_sales(root, "1,north,1.5", "2,south,2", ",north,9", "3,north,3")
        run_project("Sales", manifest_path=root / "manifest.json", manager=manager)
        figures[warehouse] = (
            read(root, "gold.totals") if warehouse == "delta" else pd.read_parquet(root / "data/gold/totals.parquet")
        )

    pd.testing.assert_frame_equal(figures["parquet"], figures["delta"])


def test_plan_names_the_reader_and_the_saver(project, manager):
    root = project(INGEST, CLEAN, TOTAL)
    write_sales(root)

    plan = make_plan(Project.load(root, manager=manager), env="dev", manager=manager).to_dict()

    clean = next(row for row in plan["transformations"] if row["transformation_id"] == "clean")
    assert clean["inputs"][0]["by"] == "odibi_sinks.delta_tables.reader:DeltaTableReader"
    assert clean["outputs"][0]["by"] == "odibi_sinks.delta_tables.saver:DeltaTableSaver"
    assert clean["outputs"][0]["location"] == str(root / "data" / "silver" / "sales")


def test_merge_updates_by_key_from_run_to_run(project, manager):
    output = {
        "table": "silver.sales",
        "mode": "merge",
        "options": {"merge_keys": ["id"], "audit_columns": True},
    }
    root = project(INGEST, {**CLEAN, "outputs": [output]})
    write_sales(root, "1,north,1.5", "2,south,2")
    run_project("Sales", manifest_path=root / "manifest.json", manager=manager)
    before = read(root, "silver.sales").set_index("id")
    write_sales(root, "2,south,7", "3,west,3")

    result = run_project("Sales", manifest_path=root / "manifest.json", manager=manager)

    after = read(root, "silver.sales").set_index("id").sort_index()
    assert after["amount"].to_dict() == {1: 1.5, 2: 7.0, 3: 3.0}
    assert after.loc[[1, 2], "Created_Timestamp"].tolist() == before.loc[[1, 2], "Created_Timestamp"].tolist()
    assert after.loc[2, "Updated_Timestamp"] > before.loc[2, "Updated_Timestamp"] == after.loc[1, "Updated_Timestamp"]
    assert next(one.rows_written for one in result.transformations if one.transformation_id == "clean") == 2


def test_earlier_version_is_an_input(project, manager):
    old = {"table": "bronze.sales", "options": {"version": 0, "columns": ["region", "amount"]}}
    root = project(INGEST, {**TOTAL, "inputs": [{**old, "name": "sales"}]})
    for amount in (1, 5):
        write_sales(root, f"1,north,{amount}")
        run_project("Sales", manifest_path=root / "manifest.json", manager=manager)

    assert read(root, "gold.totals")["amount"].tolist() == [1]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({"mode": "merge"}, "mode 'merge' needs the option merge_keys"),
        ({"mode": "append", "options": {"overwrite_schema": True}}, "only mode 'overwrite' has a use for it"),
        ({"options": {"replacewhere": "id = 1"}}, "replace"),
    ],
    ids=str,
)
def test_wrong_options_are_found_before_anything_runs(project, manager, output, message):
    root = project(INGEST, {**CLEAN, "outputs": [{"table": "silver.sales", **output}]})
    write_sales(root, "1,north,1.5")

    with pytest.raises(ValidationFailed) as caught:
        run_project("Sales", manifest_path=root / "manifest.json", manager=manager)
    assert message in str(caught.value)
    assert not (root / "data").exists()


def test_table_that_breaks_while_it_is_read_fails_in_words(project, manager):
    root = project(INGEST, CLEAN)
    write_sales(root, "1,north,1.5")
    run_project("Sales", manifest_path=root / "manifest.json", manager=manager)
    for file in (root / "data" / "bronze" / "sales").glob("*.parquet"):
        file.unlink()

    result = run_project(
        "Sales",
        manifest_path=root / "manifest.json",
        manager=manager,
        target_layers=["Silver"],
        raise_on_failure=False,
    )

    error = result.transformations[0].error
    assert error.startswith("'bronze.sales' (delta) cannot be read at")
    assert "\n" not in error


def test_missing_extra_is_named_with_its_pip_line(project, manager, monkeypatch):
    found = importlib.metadata.distribution

    def without_deltalake(name):
        if name == "deltalake":
            raise importlib.metadata.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(importlib.metadata, "distribution", without_deltalake)
    root = project(INGEST, CLEAN)
    write_sales(root, "1,north,1.5")

    with pytest.raises(PluginError) as caught:
        run_project("Sales", manifest_path=root / "manifest.json", manager=manager)
    assert "any/delta" in str(caught.value)
    assert "deltalake" in str(caught.value)
    assert "pip install" in str(caught.value)


def test_without_the_distribution_the_error_says_what_to_install(project):
    manager = PluginManager(PluginSettings(only=frozenset({"engine-pandas"}))).discover().freeze()
    root = project(INGEST, CLEAN)
    write_sales(root, "1,north,1.5")

    with pytest.raises(ValidationFailed) as caught:
        run_project("Sales", manifest_path=root / "manifest.json", manager=manager)
    assert "No saver for format 'delta' on engine 'pandas'. It has: csv, json, jsonl, parquet." in str(caught.value)
    assert "Plugin 'sinks' (odibi-sinks 0.1.0) is blocked" in str(caught.value)
