"""Ingestion rows of both shapes become transformations of the Bronze layer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from odibi_core.project import ProjectManifest, TransformationRow
from odibi_core.project.documents import Document
from odibi_core.project.ingestion import parse_ingestion
from odibi_core.project.row_reading import RowScope

SCOPE = RowScope.of(ProjectManifest(project_name="P", layer_order=["Bronze", "Silver", "Gold"]))

SOURCE_OPTIONS = {
    "engine": "databricks",
    "databricks": {
        "batch": {"options": {"sep": ";", "quote": ""}, "format": "csv", "schema": ""},
        "streaming": {"options": {}, "format": "", "schema": ""},
    },
}
TARGET_OPTIONS = {
    "engine": "databricks",
    "databricks": {
        "method": "",
        "batch": {
            "bucketBy": [],
            "format": "delta",
            "insertInto": "",
            "mode": "append",
            "options": {"overwriteSchema": "true", "replaceWhere": ""},
            "partitionBy": ["day"],
            "sortBy": [],
        },
        "streaming": {"foreach": "", "options": {}, "trigger": {}, "partitionBy": []},
    },
}


def parse(*rows: Any, scope: RowScope = SCOPE) -> tuple[list[TransformationRow], list[str]]:
    found, problems = parse_ingestion(Document(file="rows", data=list(rows)), scope=scope)
    return found, [f"{problem.message} {problem.suggestion or ''}".strip() for problem in problems]


def small(**cells: Any) -> dict[str, Any]:
    return {"ingestion_id": "sales", "source_path": "landing/sales.csv", "target_table": "bronze.sales", **cells}


def one(**cells: Any) -> TransformationRow:
    rows, problems = parse(small(**cells))
    assert problems == []
    return rows[0]


def test_a_small_row_reads_a_file_into_a_table() -> None:
    row = one(step=2, tags="a", engine="Spark", environment="prod", depends_on=["x"])

    assert row == TransformationRow(
        transformation_id="sales",
        layer="Bronze",
        module="odibi_core.functions.ingestion",
        function="ingest",
        inputs=({"path": "landing/sales.csv"},),
        outputs=({"table": "bronze.sales", "mode": "overwrite"},),
        constants={"engine": "Spark"},
        environment="prod",
        step=2,
        tags=("a",),
        depends_on=("x",),
        is_ingestion=True,
        file="rows",
    )


def test_the_documents_shape_is_read() -> None:
    """§2.3: IngestionSourceConfig as the predecessor's documents have it."""
    rows, problems = parse(
        {
            "ingestion_id": "i1",
            "project": "P",
            "environment": "qat",
            "source_type": "csv",
            "source_path": "landing/folder",
            "target_table": "bronze.sales",
            "schema_definition": '{"order": "int"}',
            "enabled": 1,
            "created_at": "2024",
            "updated_at": "2024",
        }
    )

    assert problems == []
    assert rows[0].inputs == ({"path": "landing/folder", "format": "csv", "options": {"schema": {"order": "int"}}},)


@pytest.mark.parametrize("encode", [json.dumps, dict], ids=["JSON text", "data"])
def test_the_tables_shape_with_canonical_blocks_is_read(encode: Any) -> None:
    """§2.3, A-79: the joined source and target tables; empty values are dropped."""
    rows, problems = parse(
        {
            "source_id": "s1",
            "source_name": "sales",
            "source_type": "adls",
            "source_path_or_query": "raw/sales",
            "file_format": "",
            "is_autoloader": 0,
            "source_options": encode(SOURCE_OPTIONS),
            "connection_config": encode({"storage_unit": "", "query_params": {}, "port": None}),
            "secret_config_id": None,
            "target_id": "t1",
            "target_name": "sales",
            "target_type": "adls",
            "target_path_or_table": "db.sales",
            "target_options": encode(TARGET_OPTIONS),
            "merge_config": encode({"merge_keys": []}),
            "layer": "bronze",
        }
    )

    assert problems == []
    assert rows[0].transformation_id == "s1"
    assert rows[0].inputs == ({"path": "raw/sales", "format": "csv", "options": {"sep": ";"}},)
    assert rows[0].outputs == (
        {
            "table": "db.sales",
            "mode": "append",
            "format": "delta",
            "options": {"overwriteSchema": "true"},
            "partition_by": ["day"],
        },
    )


@pytest.mark.parametrize(
    ("cells", "source"),
    [
        ({"source_type": "sql", "source_path": "SELECT 1", "connection": "c"},
         {"type": "query", "sql": "SELECT 1", "connection": "c"}),
        ({"source_type": "SQL", "source_path": "with x as (select 1) select * from x"},
         {"type": "query", "sql": "with x as (select 1) select * from x"}),
        ({"source_type": "sql", "source_path": "dbo.sales", "connection": "c"},
         {"table": "dbo.sales", "format": "sql", "connection": "c"}),
        ({"source_type": "sql", "source_path": "selections"}, {"table": "selections", "format": "sql"}),
        ({"source_type": "local"}, {"path": "landing/sales.csv"}),
        ({"source_type": "adls", "format": "CSV"}, {"path": "landing/sales.csv", "format": "csv"}),
        ({"source_type": "api", "source_path": "https://x/y"}, {"path": "https://x/y", "format": "api"}),
        ({"options": {"sep": ";"}}, {"path": "landing/sales.csv", "options": {"sep": ";"}}),
    ],
    ids=str,
)  # fmt: skip
def test_sources(cells: dict[str, Any], source: dict[str, Any]) -> None:
    assert one(**cells).inputs == (source,)


@pytest.mark.parametrize(
    ("cells", "target"),
    [
        ({"target_table": "", "target_path": "out/x.csv"}, {"path": "out/x.csv", "mode": "overwrite"}),
        ({"target_table": None, "target_path_or_table": "db.x"}, {"table": "db.x", "mode": "overwrite"}),
        ({"target_table": None, "target": "out/x"}, {"path": "out/x", "mode": "overwrite"}),
        ({"target_table": None, "target": "x.parquet.gz"}, {"path": "x.parquet.gz", "mode": "overwrite"}),
        ({"write_mode": "Append"}, {"table": "bronze.sales", "mode": "append"}),
        ({"mode": "ignore", "target_format": "delta", "target_connection": "lake"},
         {"table": "bronze.sales", "mode": "ignore", "format": "delta", "connection": "lake"}),
        ({"target_options": {"partitionBy": "day", "x": 1}},
         {"table": "bronze.sales", "mode": "overwrite", "options": {"x": 1}, "partition_by": "day"}),
        ({"mode": "merge", "merge_config": {"merge_keys": ["id"], "change_columns": [], "hash_column": "h"}},
         {"table": "bronze.sales", "mode": "merge", "options": {"merge_keys": ["id"]}}),
    ],
    ids=str,
)  # fmt: skip
def test_targets(cells: dict[str, Any], target: dict[str, Any]) -> None:
    assert one(**cells).outputs == (target,)


STREAM = "this is a streaming ingestion (Autoloader); ingestion rows are read in batches, on every engine alike."


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"is_autoloader": 1}, STREAM),
        ({"is_autoloader": "true"}, STREAM),
        ({"format": "cloudFiles"}, STREAM),
        ({"source_type": "autoloader"}, STREAM),
        ({"options": {"engine": "databricks", "databricks": {"streaming": {"options": {"a": "b"}}}}}, STREAM),
        ({"source_path": None}, "'source_path' is missing."),
        ({"target_table": None}, "a row has one target, but there is none. Write target_table: bronze.<name>"),
        ({"target_path": "x"}, "a row has one target, but 'target_table' and 'target_path' are both given."),
        (
            {"mode": "overwrit"},
            "'mode' is 'overwrit', which is none of overwrite, append, error, ignore, merge. Did you",
        ),
        ({"write_mode": "upsert"}, "'write_mode' is 'upsert', which is none of"),
        ({"mode": "append", "write_mode": "append"}, "'write_mode' and 'mode' mean the same. Keep one of them."),
        ({"options": "{"}, "'options' is not valid JSON"),
        ({"options": {"databricks": 3}}, "'options': 'databricks' must be a mapping."),
        ({"connection_config": {"storage_unit": "raw"}}, "'connection_config' cannot be used"),
        ({"secret_config_id": "7"}, "Write it below 'connections' in the manifest, and its name in 'connection' here."),
        ({"layer": "silver"}, "an ingestion row belongs to the layer Bronze, not to 'silver'."),
        ({"target_type": "sql"}, "'target_type' is sql, but 'target_connection' does not say which database."),
        (
            {"target_options": {"databricks": {"method": "save_custom", "batch": {"bucketBy": ["x"]}}}},
            "'target_options': 'databricks.batch.bucketBy' has no counterpart on every engine.",
        ),
        ({"target_tabel": "x"}, "Unknown column 'target_tabel'. Did you mean 'target_table'?"),
        ({"transformation_id": "x"}, "Unknown column 'transformation_id'. It is called 'ingestion_id' here."),
        ({"step": "x"}, "'step' must be a whole number"),
        ({"environment": "dev"}, "Unknown environment 'dev'; the manifest has qat, prod."),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_wrong_cell_is_told_by_the_name_it_was_written_with(cells: dict[str, Any], expected: str) -> None:
    rows, problems = parse(small(**cells), small(ingestion_id="other"))

    assert [row.transformation_id for row in rows] == ["other"]
    assert problems[0].startswith("ingestion 'sales': ")
    assert expected in problems[0]


def test_a_row_without_an_id_is_told_by_its_place() -> None:
    assert parse(small(ingestion_id=None)) == ([], ["row 1: 'ingestion_id' is missing."])


def test_the_bronze_layer_is_spelled_as_in_the_manifest() -> None:
    scope = RowScope.of(ProjectManifest(project_name="P", layer_order=["BRONZE", "Gold"]))

    assert parse(small(), scope=scope)[0][0].layer == "BRONZE"


def test_ingestion_without_a_bronze_layer_is_a_problem() -> None:
    scope = RowScope.of(ProjectManifest(project_name="P", layer_order=["Raw", "Gold"]))

    rows, problems = parse(small(), small(ingestion_id="b"), scope=scope)

    assert rows == []
    assert problems == [
        (
            "Ingestion rows belong to the layer Bronze, which the manifest's layer_order does not have. "
            "Add Bronze to layer_order."
        )
    ]


def test_rows_of_another_project_are_passed_over() -> None:
    assert parse(small(project="Other"), small(project="p"))[0][0].project == "p"
