from __future__ import annotations

import decimal
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from odibi_core.plugin import DataFormatError, EngineConfig, ErrorExplainer
from odibi_engine_pandas.engine import PandasEngine


class StreamOnly:
    """What any other library hands over: nothing but a C stream."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.fixture
def engine() -> PandasEngine:
    return PandasEngine(EngineConfig(project_root=Path()))


@pytest.mark.parametrize("value", [pd.Series([1]), {"a": [1]}, None, pd.DataFrame, pa.table({"a": [1]}), "frame"])
def test_only_data_frames_are_frames(engine, value):
    assert not engine.is_frame(value)
    assert engine.is_frame(pd.DataFrame({"a": [1]}))


def test_rows_are_counted(engine):
    assert engine.count_rows(pd.DataFrame({"a": [1, 2]})) == 2
    assert engine.count_rows(pd.DataFrame()) == 0


def test_engine_explains_errors_and_closes(engine):
    assert isinstance(engine, ErrorExplainer)
    assert engine.close() is None


def test_numbers_and_text_go_to_arrow_without_a_copy(engine):
    frame = pd.DataFrame({"i": np.arange(1000), "f": np.linspace(0, 1, 1000), "s": [f"N{i}" for i in range(1000)]})
    before = pa.total_allocated_bytes()

    table = engine.to_arrow(frame)

    assert pa.total_allocated_bytes() == before
    for name in ("i", "f"):
        assert table[name].chunk(0).buffers()[1].address == frame[name].to_numpy().__array_interface__["data"][0]


def test_nan_is_null_in_arrow(engine):
    assert engine.to_arrow(pd.DataFrame({"a": [1.5, np.nan]}))["a"].to_pylist() == [1.5, None]


def test_an_index_with_a_name_becomes_a_column_of_arrow_and_another_is_dropped(engine):
    named = pd.DataFrame({"delay": [1.0]}, index=pd.Index(["F9"], name="carrier"))
    unnamed = pd.DataFrame({"delay": [1.0, 2.0]})[lambda frame: frame.delay > 1]

    assert engine.to_arrow(named).to_pylist() == [{"carrier": "F9", "delay": 1.0}]
    assert engine.to_arrow(unnamed).to_pylist() == [{"delay": 2.0}]


def test_mixed_column_is_named_with_its_types(engine):
    with pytest.raises(DataFormatError, match=r"'mixed'.*int and str.*astype"):
        engine.to_arrow(pd.DataFrame({"fine": [1, 2], "mixed": [1, "x"]}))


def test_frames_from_arrow_can_be_written_to(engine):
    frame = engine.from_arrow(StreamOnly(pa.table({"a": [1.0, 2.0], "b": [1, 2], "s": ["x", "y"]})))

    frame.loc[0, ["a", "b"]] = [9.0, 8]
    frame.loc[1, "s"] = "z"

    assert frame.to_dict("list") == {"a": [9.0, 2.0], "b": [8, 2], "s": ["x", "z"]}


@pytest.mark.parametrize(
    ("values", "kind", "dtype"),
    [
        pytest.param([1, 2], pa.int64(), "int64", id="integers"),
        pytest.param([9007199254740993, None], pa.int64(), "Int64", id="integers-with-null"),
        pytest.param([255, None], pa.uint8(), "UInt8", id="small-integers-with-null"),
        pytest.param([1.5, None], pa.float64(), "float64", id="floats-with-null"),
        pytest.param([True, False], pa.bool_(), "bool", id="truth"),
        pytest.param([True, None], pa.bool_(), "boolean", id="truth-with-null"),
        pytest.param(["x", None], pa.string(), "str", id="text"),
        pytest.param(["x", None], pa.string_view(), "str", id="text-view"),
        pytest.param(["x", None], pa.dictionary(pa.int8(), pa.string()), "category", id="category"),
        pytest.param([0, None], pa.timestamp("us"), "datetime64[us]", id="time"),
        pytest.param([0, None], pa.timestamp("ms", "Europe/Paris"), "datetime64[ms, Europe/Paris]", id="zoned-time"),
        pytest.param([date(2020, 1, 1), None], pa.date32(), "object", id="date"),
        pytest.param([decimal.Decimal("1.50"), None], pa.decimal128(4, 2), "object", id="decimal"),
        pytest.param([None, None], pa.null(), "object", id="null"),
    ],
)
def test_values_from_arrow_keep_value_and_sensible_type(engine, values, kind, dtype):
    frame = engine.from_arrow(StreamOnly(pa.table({"a": pa.array(values, kind)})))

    assert str(frame["a"].dtype) == dtype
    assert [None if pd.isna(value) else value for value in frame["a"]] == [
        None if value is None else pd.Timestamp(value, tz=kind.tz) if pa.types.is_timestamp(kind) else value
        for value in values
    ]


def test_there_and_back_keeps_what_pandas_has(engine):
    frame = pd.DataFrame(
        {
            "nullable": pd.array([1, None], dtype="Int8"),
            "category": pd.Categorical(["b", None], categories=["c", "b"], ordered=True),
            "zone": pd.to_datetime(["2020-07-01", None]).tz_localize("America/New_York"),
            "period": pd.period_range("2020-01", periods=2, freq="M"),
            "objects": pd.Series([True, None], dtype=object),
        }
    )

    pd.testing.assert_frame_equal(engine.from_arrow(engine.to_arrow(frame)), frame)


def test_lists_of_arrow_backed_columns_survive_a_round_trip(engine):
    frame = pd.DataFrame({"tags": pd.array([[1, 2], None], dtype=pd.ArrowDtype(pa.list_(pa.int64())))})

    back = engine.from_arrow(engine.to_arrow(frame))

    assert list(back["tags"][0]) == [1, 2]
    assert back["tags"][1] is None


def test_a_mixed_up_stream_is_refused_by_name(engine):
    with pytest.raises(DataFormatError, match="more than one column named 'a'"):
        engine.from_arrow(pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]))
