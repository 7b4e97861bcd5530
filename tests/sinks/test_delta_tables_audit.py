"""The texts that ids are made of: those of Spark, where it has one."""

from datetime import UTC, datetime
from hashlib import sha256

import pyarrow as pa
import pytest

from odibi_sinks.delta_tables.audit import with_audit_columns


@pytest.mark.parametrize(
    ("value", "arrow", "text"),
    [
        (1.0, pa.float64(), "1.0"),
        (-0.0, pa.float64(), "-0.0"),
        (0.1, pa.float64(), "0.1"),
        (0.001, pa.float64(), "0.001"),
        (0.00099, pa.float64(), "9.9E-4"),
        (9999999.0, pa.float64(), "9999999.0"),
        (1e7, pa.float64(), "1.0E7"),
        (-1.25e300, pa.float64(), "-1.25E300"),
        (float("nan"), pa.float64(), "NaN"),
        (float("-inf"), pa.float64(), "-Infinity"),
        (0.1, pa.float32(), "0.1"),
        (16777216.0, pa.float32(), "1.6777216E7"),
        (3.4028234663852886e38, pa.float32(), "3.4028235E38"),
        (datetime(2026, 3, 1, 12, 30, tzinfo=UTC), pa.timestamp("us", "UTC"), "2026-03-01 12:30:00"),
        (datetime(2026, 3, 1, 12, 30, 0, 120_000, tzinfo=UTC), pa.timestamp("us", "UTC"), "2026-03-01 12:30:00.12"),
        (datetime(2026, 3, 1, 12, 30, 0, 1, tzinfo=UTC), pa.timestamp("us"), "2026-03-01 12:30:00.000001"),
        (b"\x00|", pa.binary(), "007c"),
        (["a|b", None], pa.list_(pa.string()), "[a\\|b, None]"),
        ({"x": [1]}, pa.struct([("x", pa.list_(pa.int64()))]), "{x=[1]}"),
        ([("k", 1)], pa.map_(pa.string(), pa.int64()), "[[k, 1]]"),
        (None, pa.float64(), "\\N"),
    ],
    ids=str,
)
def test_id_is_that_of_the_text(value, arrow, text):
    rows = pa.table({"id": [1], "value": pa.array([value], arrow)})

    audited = with_audit_columns(rows, keys=["id"], changes=["value"])

    assert audited["Change_Id"].to_pylist() == [sha256(text.encode()).hexdigest()]


def test_rows_of_keys_alone_have_one_change_id():
    audited = with_audit_columns(pa.table({"id": [1, 2]}), keys=["id"], changes=[])

    assert audited["Change_Id"].to_pylist() == [sha256(b"").hexdigest()] * 2
