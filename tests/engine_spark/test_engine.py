from __future__ import annotations

import pyarrow as pa


def test_rows_come_back_from_arrow(spark_engine):
    table = pa.table({"carrier": ["F9", None], "delay": [21.5, None]})

    frame = spark_engine.from_arrow(table)

    assert spark_engine.is_frame(frame)
    assert spark_engine.count_rows(frame) is None
    assert pa.table(spark_engine.to_arrow(frame)).to_pylist() == table.to_pylist()
