"""What one engine saves as a Delta table, another reads: the same rows, of the same types."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

NOON = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)
OLD = datetime(1850, 7, 4, 1, 2, 3, tzinfo=UTC)
EVERY_TYPE = pa.table(
    {
        "id": [1, 2, 3],
        "byte": pa.array([-128, None, 127], pa.int8()),
        "short": pa.array([-32_768, None, 32_767], pa.int16()),
        "integer": pa.array([-(2**31), None, 2**31 - 1], pa.int32()),
        "long": pa.array([-(2**63), None, 2**63 - 1]),
        "float": pa.array([1.5, None, -0.25], pa.float32()),
        "double": pa.array([0.1, None, 1e300]),
        "truth": pa.array([True, None, False]),
        "text": ["größe \U0001f600", None, ""],
        "binary": pa.array([b"\x00\xff", None, b""]),
        "day": pa.array([date(2026, 3, 1), None, date(1850, 7, 4)]),
        "at": pa.array([NOON, None, OLD], pa.timestamp("us", "UTC")),
        "local": pa.array([NOON, None, OLD], pa.timestamp("us")),
        "price": pa.array([Decimal("1.50"), None, Decimal("-99999999.99")], pa.decimal128(10, 2)),
        "large": pa.array(
            [Decimal("1234567890123456789012345678.0000000001"), None, Decimal("-0.5")], pa.decimal128(38, 10)
        ),
        "list": pa.array([[1, None], None, []], pa.list_(pa.int64())),
        "struct": pa.array(
            [{"x": 1, "y": [NOON]}, None, {"x": None, "y": None}],
            pa.struct([("x", pa.int32()), ("y", pa.list_(pa.timestamp("us", "UTC")))]),
        ),
        "map": pa.array([[("a", 1), ("b", None)], None, []], pa.map_(pa.string(), pa.int64())),
    }
)


def by_name(schema: pa.Schema) -> dict[str, str]:
    """Return types as text, without the names that engines give to the items of lists."""
    return {one.name: str(one.type).replace("element:", "item:").replace(" not null", "") for one in schema}


def in_order(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: row["id"])


def test_what_an_engine_saves_delta_rs_reads(spark_delta, delta_rs):
    spark_delta.save(EVERY_TYPE, mode="overwrite")

    read = delta_rs.read()

    assert by_name(read.schema) == by_name(EVERY_TYPE.schema)
    assert in_order(read) == EVERY_TYPE.to_pylist()


def test_what_delta_rs_saves_an_engine_reads(spark_delta, delta_rs):
    delta_rs.save(EVERY_TYPE, mode="overwrite")

    read = spark_delta.read()

    assert set(read.column_names) == set(EVERY_TYPE.column_names)
    assert [{key: row[key] for key in EVERY_TYPE.column_names} for row in in_order(read)] == EVERY_TYPE.to_pylist()


def test_engines_take_turns_with_one_table(spark_delta, delta_rs):
    rows = EVERY_TYPE.drop_columns(["map"])
    spark_delta.save(rows.take([0]), mode="append")
    delta_rs.save(rows.take([1]), mode="append")
    spark_delta.save(rows.take([1, 2]), merge_keys=["id"])
    delta_rs.save(rows, merge_keys=["id"])

    assert in_order(delta_rs.read()) == rows.to_pylist()
    assert [row["id"] for row in in_order(spark_delta.read())] == [1, 2, 3]


def test_earlier_version_of_another_engine_is_read(spark_delta, delta_rs):
    spark_delta.save({"id": [1]}, mode="overwrite")
    delta_rs.save({"id": [1, 2]}, mode="overwrite")
    spark_delta.save({"id": [1, 2, 3]}, mode="overwrite")

    assert [delta_rs.read(version=version).num_rows for version in (0, 1, 2)] == [1, 2, 3]
    assert [spark_delta.read(version=version).num_rows for version in (0, 1, 2)] == [1, 2, 3]


@pytest.mark.spark
@pytest.mark.parametrize("spark_delta", ["classic"], indirect=True)
@pytest.mark.parametrize(
    "properties",
    [{"delta.enableDeletionVectors": "true"}, {"delta.columnMapping.mode": "name"}],
    ids=["deletion vectors", "mapped columns"],
)
def test_delta_rs_goes_on_with_a_table_of_spark(spark_delta, delta_rs, properties):
    """With deletion vectors, rows that were deleted would be back if these were not read; with mapping, all be null."""
    spark_delta.save({"id": list(range(8)), "v": [0] * 8}, mode="overwrite", table_properties=properties)
    spark_delta.engine.session.sql(f"DELETE FROM delta.`{spark_delta.path}` WHERE id IN (3, 4)")

    before = delta_rs.rows()
    delta_rs.save({"id": [3, 5], "v": [1, 1]}, merge_keys=["id"])
    delta_rs.save({"id": [9], "v": [1]}, mode="append")
    delta_rs.save({"id": [7], "v": [2]}, mode="overwrite", replace_where="id = 7")

    assert [row["id"] for row in before] == [0, 1, 2, 5, 6, 7]
    assert {row["id"]: row["v"] for row in spark_delta.read().to_pylist()} == {
        0: 0,
        1: 0,
        2: 0,
        3: 1,
        5: 1,
        6: 0,
        7: 2,
        9: 1,
    }
    assert delta_rs.rows() == in_order(spark_delta.read())
